/**
 * Unmodified MQTT clients against a broker started as an operator starts it: MQTT.js, paho (Python), mosquitto's tools.
 * `test/interop/setup.sh` installs what they need.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type BrokerProcess, projectRoot, startBrokerProcess } from '../support/broker-process.ts'

const CLIENT_MS_MAX = 120_000
const clients = join(projectRoot, 'test/interop/clients')
const python = join(projectRoot, 'var/interop/venv/bin/python')

let broker: BrokerProcess

before(async () => {
  broker = await startBrokerProcess()
})

after(async () => {
  assert.equal(await broker.stop(), 0, 'the broker stops cleanly')
})

/** Runs a client program; resolves with its "ok" lines, rejects with all it printed. */
function run(command: string, args: readonly string[]): Promise<string[]> {
  const env = {
    ...process.env,
    MQTT_URL: `mqtt://127.0.0.1:${broker.listeners.mqtt}`,
    MQTT_WS_URL: `ws://127.0.0.1:${broker.listeners['web-mqtt']}/ws`,
  }
  return new Promise((done, fail) => {
    execFile(command, args, { cwd: projectRoot, env, timeout: CLIENT_MS_MAX }, (error, stdout, stderr) => {
      if (error !== null) fail(new Error(`${error.message}\n${stdout}\n${stderr}`))
      else done(stdout.split('\n').filter((line) => line.startsWith('ok ')))
    })
  })
}

const programs: readonly (readonly [name: string, command: string, args: readonly string[], checks: number])[] = [
  ['MQTT.js', process.execPath, [join(clients, 'node/mqtt.mjs')], 7],
  ['paho-mqtt', python, [join(clients, 'python/paho_run.py')], 4],
  ['mosquitto_pub and mosquitto_sub', join(clients, 'mosquitto.sh'), [], 3],
]

for (const [name, command, args, checks] of programs) {
  test(name, async () => {
    assert.equal((await run(command, args)).length, checks, 'every check ran')
  })
}
