/**
 * Unmodified tools of RabbitMQ's operators against the HTTP API of a broker started as an operator starts it: both
 * generations of rabbitmqadmin, Go's rabbit-hole, Celery's Flower and `celery events`. `test/interop/setup.sh` installs
 * them. With WARREN_TEST_TARGET=amqp://… and WARREN_TEST_MANAGEMENT=http://… they run against that broker instead.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type BrokerProcess, projectRoot, startBrokerProcess } from '../support/broker-process.ts'

const TOOL_MS_MAX = 180_000
const clients = join(projectRoot, 'test/interop/clients')
const installed = join(projectRoot, 'var/interop')

let broker: BrokerProcess | undefined
let amqpUrl = process.env.WARREN_TEST_TARGET ?? ''
let managementUrl = process.env.WARREN_TEST_MANAGEMENT ?? ''

before(async () => {
  if (managementUrl !== '') return
  broker = await startBrokerProcess()
  amqpUrl = broker.amqpUrl
  managementUrl = `http://127.0.0.1:${broker.listeners.http}`
})

after(async () => {
  if (broker !== undefined) assert.equal(await broker.stop(), 0, 'the broker stops cleanly')
})

/** Runs a program; resolves with its "ok" lines, rejects with all it printed. */
function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const environment = {
    ...process.env,
    AMQP_URL: amqpUrl,
    MANAGEMENT_URL: managementUrl,
    MANAGEMENT_PORT: new URL(managementUrl).port,
    ...env,
  }
  const options = { cwd: join(clients, 'python'), env: environment, timeout: TOOL_MS_MAX, maxBuffer: 1 << 24 }
  return new Promise((done, fail) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error !== null) fail(new Error(`${error.message}\n${stdout}\n${stderr}`))
      else done(stdout.split('\n').filter((line) => line.startsWith('ok ')))
    })
  })
}

test("RabbitMQ 3.x's rabbitmqadmin", async () => {
  const env = { RABBITMQADMIN: join(installed, 'rabbitmqadmin/usr/bin/rabbitmqadmin') }
  assert.equal((await run(join(clients, 'rabbitmqadmin.sh'), [], env)).length, 7, 'every check ran')
})

test('rabbitmqadmin v2', async () => {
  const env = { RABBITMQADMIN: join(installed, 'cargo/bin/rabbitmqadmin') }
  assert.equal((await run(join(clients, 'rabbitmqadmin-v2.sh'), [], env)).length, 7, 'every check ran')
})

test("Go's rabbit-hole", async () => {
  assert.equal((await run(join(installed, 'go/rabbit-hole'), [])).length, 11, 'every check ran')
})

test("Celery's Flower and `celery events` beside a worker", async () => {
  assert.equal((await run(join(installed, 'venv/bin/python'), ['flower_run.py'])).length, 6, 'every check ran')
})
