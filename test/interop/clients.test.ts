/**
 * Unmodified third-party clients against a broker started as an operator starts it. Each client program prints
 * "ok …" per check and exits with 1 at the first failure. `test/interop/setup.sh` installs what they need.
 * With WARREN_TEST_TARGET=amqp://… the same programs run against that broker instead.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type BrokerProcess, projectRoot, startBrokerProcess } from '../support/broker-process.ts'

const CLIENT_MS_MAX = 120_000
const clients = join(projectRoot, 'test/interop/clients')
const installed = join(projectRoot, 'var/interop')
const python = join(installed, 'venv/bin/python')

let broker: BrokerProcess | undefined
let url = process.env.WARREN_TEST_TARGET ?? ''

before(async () => {
  if (url !== '') return
  broker = await startBrokerProcess()
  url = broker.amqpUrl
})

after(async () => {
  if (broker !== undefined) assert.equal(await broker.stop(), 0, 'the broker stops cleanly')
})

/** Runs a client program; resolves with its "ok" lines, rejects with all it printed. */
function run(command: string, args: readonly string[], cwd = projectRoot): Promise<string[]> {
  const env = { ...process.env, AMQP_URL: url }
  return new Promise((done, fail) => {
    execFile(command, args, { cwd, env, timeout: CLIENT_MS_MAX, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error !== null) fail(new Error(`${error.message}\n${stdout}\n${stderr}`))
      else done(stdout.split('\n').filter((line) => line.startsWith('ok ')))
    })
  })
}

const programs: readonly (readonly [name: string, command: string, args: readonly string[], checks: number])[] = [
  ['amqplib: the tutorials', process.execPath, [join(clients, 'node/tutorials.mjs')], 7],
  ['@cloudamqp/amqp-client and rabbitmq-client', process.execPath, [join(clients, 'node/other-clients.mjs')], 3],
  ['pika: the tutorials', python, [join(clients, 'python/tutorials.py')], 15],
  ['kombu', python, [join(clients, 'python/kombu_run.py')], 2],
  ['aio-pika', python, [join(clients, 'python/aio_pika_run.py')], 4],
  ["Java's amqp-client", 'java', ['-cp', `${installed}/java/classes:${installed}/java/lib/*`, 'Interop'], 14],
  ['rabbitmq-c (amqp-tools)', join(clients, 'amqp-tools.sh'), [], 4],
]

for (const [name, command, args, checks] of programs) {
  test(name, async () => {
    assert.equal((await run(command, args)).length, checks, 'every check ran')
  })
}

test('a Celery worker: 1,000 tasks with results, retries and an ETA task', async () => {
  assert.equal((await run(python, ['celery_run.py'], join(clients, 'python'))).length, 4, 'every check ran')
})
