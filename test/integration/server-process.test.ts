/** `warren server` as a process: ready file, signals, exit codes. The broker within is a stub. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const stub = fileURLToPath(new URL('../support/stub-server.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'warren-process-'))
after(() => rmSync(folder, { recursive: true }))

interface Running {
  readonly child: ChildProcess
  readonly port: number
  readonly readyFile: string
  output(): string
  /** Resolves once the output matches. */
  says(pattern: RegExp): Promise<void>
}

interface Exit {
  readonly code: number | null
  readonly output: string
}

function launch(args: readonly string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [stub, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  return { child, output: () => output }
}

let runs = 0

async function start(...args: readonly string[]): Promise<Running> {
  const readyFile = join(folder, `ready-${runs++}.json`)
  const { child, output } = launch([
    ...args,
    '--in-memory',
    '--set=listeners.tcp.default=0',
    '--set=mqtt.listeners.tcp=none',
    '--set=stomp.listeners.tcp=none',
    '--ready-file',
    readyFile,
  ])
  const watcher = watch(folder)
  child.once('exit', () => watcher.close())
  while (!existsSync(readyFile)) {
    if (child.exitCode !== null) assert.fail(output())
    await Promise.race([once(watcher, 'change'), once(child, 'exit')])
  }
  watcher.close()
  const { pid, listeners } = JSON.parse(readFileSync(readyFile, 'utf8'))
  assert.equal(pid, child.pid)
  const says = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(output())) await once(child.stdout!, 'data')
  }
  return { child, port: listeners.amqp, readyFile, output, says }
}

async function exitOf({ child, output }: { child: ChildProcess; output: () => string }): Promise<Exit> {
  if (child.exitCode === null) await once(child, 'close')
  return { code: child.exitCode, output: output() }
}

test('it says where it listens, and SIGTERM ends it cleanly', async () => {
  const server = await start()
  await server.says(new RegExp(`amqp://localhost:${server.port}\n[\\s\\S]*Data`))
  assert.equal(server.output().includes('\u001b'), false)
  server.child.kill('SIGTERM')
  const { code, output } = await exitOf(server)
  assert.equal(code, 0)
  assert.match(output, /\[notice\] <default> stopped\n$/)
  assert.equal(existsSync(server.readyFile), false)
})

test('an error that nobody caught is logged with its stack and ends the broker with 1; a signal ends the wait', async () => {
  const server = await start()
  const client = connect(server.port, '127.0.0.1')
  client.on('error', () => undefined)
  await server.says(/this is a bug\n +Error: a bug\n +at /)
  // The open connection keeps the stub from stopping, so that only this ends it.
  server.child.kill('SIGTERM')
  const { code, output } = await exitOf(server)
  assert.equal(code, 1)
  assert.match(output, /stopped at once by a second SIGTERM/)
  client.destroy()
})

test('SIGHUP reads the settings again', async () => {
  const config = join(folder, 'reload.conf')
  writeFileSync(config, 'heartbeat = 1')
  const server = await start('--config', config)
  writeFileSync(config, 'heartbeat = 2\nlog.console.level = debug')
  server.child.kill('SIGHUP')
  await server.says(/changed: heartbeat, log.console.level/)
  server.child.kill('SIGINT')
  assert.equal((await exitOf(server)).code, 0)
})

test('settings that cannot be used: exit code 2, nothing started', async () => {
  const { code, output } = await exitOf(launch(['server', '--set', 'listners.tcp.default=0']))
  assert.equal(code, 2)
  assert.equal(output, "error: --set: unknown key 'listners.tcp.default', did you mean 'listeners.tcp.default'?\n")
})

test('a port that is taken: exit code 1, with advice', async () => {
  const server = await start()
  const { code, output } = await exitOf(launch(['--in-memory', `--set=listeners.tcp.default=${server.port}`]))
  assert.equal(code, 1)
  assert.match(output, /EADDRINUSE.*choose another port: --set listeners/)
  server.child.kill('SIGTERM')
  await exitOf(server)
})

test('a reader of the output that goes away does not end the broker', async () => {
  const server = await start()
  server.child.stdout!.destroy()
  server.child.kill('SIGHUP')
  server.child.kill('SIGTERM')
  assert.equal((await exitOf(server)).code, 0)
})
