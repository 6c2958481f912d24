import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CliHost } from './command.ts'
import { COMMANDS } from './commands.ts'
import { EXIT_CLEAN, EXIT_FAILURE, EXIT_USAGE, runProgram } from './program.ts'

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  let out = ''
  let err = ''
  const host: CliHost = {
    startBroker: () => Promise.reject(new Error('not in this test')),
    openDataFolder: () => Promise.reject(new Error('not in this test')),
    environment: { HOME: '/nowhere', ...environment },
    stdout: {
      write: (text) => {
        out += text
      },
    },
    stderr: {
      write: (text) => {
        err += text
      },
    },
  }
  const code = await runProgram(args, host)
  return { code, out, err }
}

test('help and version end clean and list every command', async () => {
  const { code, out } = await run(['--help'])
  assert.equal(code, EXIT_CLEAN)
  for (const { name, summary } of COMMANDS) assert.match(out, new RegExp(`${name} +${summary.replace(/[()]/g, '.')}`))
  assert.match((await run(['version'])).out, /^WarrenMQ \d+\.\d+\.\d+ /)
  assert.equal((await run(['-V'])).code, EXIT_CLEAN)
  assert.match((await run(['help', 'config'])).out, /explain/)
})

test('what cannot be understood is a usage error, with advice', async () => {
  assert.deepEqual(await run(['confg']), {
    code: EXIT_USAGE,
    out: '',
    err: "error: unknown command 'confg'\n(Did you mean config?)\n",
  })
  assert.equal((await run(['--bogus'])).code, EXIT_USAGE)
  assert.equal((await run(['server', '--set'])).code, EXIT_USAGE)
})

test('all problems of the settings are printed, and the server is not started', async () => {
  const { code, out, err } = await run(['--set', 'hartbeat=1', '--set', 'frame_max=x'])
  assert.equal(code, EXIT_USAGE)
  assert.equal(out, '')
  assert.match(
    err,
    /^error: --set: unknown key 'hartbeat', did you mean 'heartbeat'\?\nerror: --set: frame_max: 'x' is not/,
  )
})

test('config shows what is in force and where it comes from', async () => {
  const { out } = await run(['config', '--set', 'default_pass=x', '--json'], { WARREN_HEARTBEAT: '9' })
  const { settings, dataDir } = JSON.parse(out)
  assert.equal(dataDir, '/nowhere/.local/share/warrenmq')
  assert.deepEqual(settings, [
    { key: 'heartbeat', value: '9', origin: 'environment WARREN_HEARTBEAT' },
    { key: 'default_pass', value: '********', origin: '--set' },
  ])
})

test('config check warns, and explain explains', async () => {
  const checked = await run(['config', 'check', '--set', 'hipe_compile=true'])
  assert.deepEqual(
    [checked.code, checked.err],
    [EXIT_CLEAN, 'warning: --set: hipe_compile has no effect: it tunes the Erlang runtime\n'],
  )
  assert.match((await run(['config', 'explain', 'frame_max'])).out, /bytes.* from 8192 to 2147483647/)
  assert.equal((await run(['config', 'explain', 'frme_max'])).code, EXIT_USAGE)
})

test('a command that fails says why', async () => {
  const { code, err } = await run(['server', '--in-memory', '--set', 'log.console=false'])
  assert.deepEqual([code, err], [EXIT_FAILURE, 'error: not in this test\n'])
})
