// The broker as a process of its own, operated by `warren ctl`: stop, reload, and a broker that is not there.
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { projectRoot } from '../support/broker-process.ts'

const WAIT_MS_MAX = 30_000
let folder: string
let child: ChildProcess
let exited: Promise<number | null>
const file = (name: string): string => join(folder, name)

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'warren-process-'))
  const ports = ['listeners.tcp.default', 'management.tcp.port', 'prometheus.tcp.port', 'mqtt.listeners.tcp.default']
  const more = ['web_mqtt.tcp.port', 'stomp.listeners.tcp.default', 'web_stomp.tcp.port']
  writeFileSync(file('warren.conf'), 'heartbeat = 61\nlog.console.level = error\n')
  const set = [...ports, ...more].flatMap((key) => ['--set', `${key}=0`])
  const words = ['server', '--data-dir', file('data'), '--ready-file', file('ready'), '--config', file('warren.conf')]
  child = spawn(process.execPath, ['bin/warren.js', ...words, ...set], { cwd: projectRoot, stdio: 'ignore' })
  exited = new Promise((done) => child.once('exit', done))
  await until(() => Promise.resolve(existsSync(file('ready'))))
})
after(() => {
  child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS_MAX
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'it did not happen in time')
    await new Promise((done) => setTimeout(done, 50))
  }
}

function ctl(...words: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const args = ['bin/warren.js', 'ctl', ...words, '--data-dir', file('data')]
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: projectRoot }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

test('SIGHUP applies what changed in the file, and keeps what makes no sense out', async () => {
  const ready = JSON.parse(readFileSync(file('ready'), 'utf8')) as { listeners: { http: number } }
  const inForce = async (): Promise<unknown> => {
    const headers = { authorization: `Basic ${btoa('guest:guest')}` }
    const reply = await fetch(`http://127.0.0.1:${ready.listeners.http}/api/config/effective`, { headers })
    return ((await reply.json()) as { key: string; value: unknown }[]).find(({ key }) => key === 'heartbeat')?.value
  }
  const before = await inForce()
  writeFileSync(file('warren.conf'), 'heartbeat = 17\nlog.console.level = error\n')
  child.kill('SIGHUP')
  await until(async () => (await inForce()) !== before)
  const changed = await inForce()
  assert.match(String(changed), /17/)
  const status = JSON.parse((await ctl('status', '--formatter', 'json')).out) as Record<string, unknown>
  assert.deepEqual(status.config_files, [file('warren.conf')])
  writeFileSync(file('warren.conf'), 'heartbeat = nonsense\n')
  child.kill('SIGHUP')
  assert.equal((await ctl('ping')).code, 0)
  assert.equal(await inForce(), changed)
})

test('ctl stop ends the process cleanly and takes the ready file away', async () => {
  assert.equal((await ctl('await_startup')).code, 0)
  const stop = await ctl('stop')
  assert.deepEqual([stop.code, stop.err], [0, ''])
  assert.equal(await exited, 0)
  assert.equal(existsSync(file('ready')), false)
})

test('without a broker there is one sentence and the exit code 1', async () => {
  for (const words of [
    ['status'],
    ['stop'],
    ['list_queues', '--formatter', 'json'],
    ['list_unresponsive_queues'],
    ['log_tail_stream'],
  ]) {
    const { code, out, err } = await ctl(...words)
    assert.equal(code, 1)
    assert.match(err, /^error: no broker runs on the data folder of [^\n]+\n$/)
    assert.doesNotMatch(out + err, / at .*\.js:\d+/, 'no stack trace')
  }
})
