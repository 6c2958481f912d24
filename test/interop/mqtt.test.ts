/**
 * Unmodified MQTT clients against a broker started as an operator starts it: MQTT.js, in Node.js and in a browser, paho
 * (Python), mosquitto's tools. `test/interop/setup.sh` installs what they need.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type BrokerProcess, projectRoot, startBrokerProcess } from '../support/broker-process.ts'
import { inBrowser } from './local-page.ts'

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

function webSocketUrl(): string {
  return `ws://127.0.0.1:${broker.listeners['web-mqtt']}/ws`
}

/** Runs a client program; resolves with its "ok" lines, rejects with all it printed. */
function run(command: string, args: readonly string[]): Promise<string[]> {
  const env = {
    ...process.env,
    MQTT_URL: `mqtt://127.0.0.1:${broker.listeners.mqtt}`,
    MQTT_WS_URL: webSocketUrl(),
    AMQP_URL: broker.amqpUrl,
    STOMP_WS_URL: `ws://127.0.0.1:${broker.listeners['web-stomp']}/ws`,
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
  ['MQTT.js: MQTT 5.0, AMQP, STOMP', process.execPath, [join(clients, 'node/mqtt5.mjs')], 7],
  ['paho-mqtt', python, [join(clients, 'python/paho_run.py')], 6],
  ['mosquitto_pub and mosquitto_sub', join(clients, 'mosquitto.sh'), [], 5],
]

for (const [name, command, args, checks] of programs) {
  test(name, async () => {
    assert.equal((await run(command, args)).length, checks, 'every check ran')
  })
}

/** In the page: connects, publishes to itself with every QoS, and resolves with what came. */
const PAGE_SCRIPT = `(url) => new Promise((resolve, reject) => {
  const client = mqtt.connect(url, { protocolVersion: 5, username: 'guest', password: 'guest', reconnectPeriod: 0 })
  const seen = []
  client.on('error', reject)
  client.on('message', (topic, payload, { qos, properties }) => {
    seen.push([topic, payload.toString(), qos, properties.contentType])
    if (seen.length === 3) client.end(false, {}, () => resolve(seen))
  })
  client.on('connect', async () => {
    await client.subscribeAsync('browser/#', { qos: 2 })
    for (const qos of [0, 1, 2]) {
      await client.publishAsync('browser/' + qos, 'größer 🐇', { qos, properties: { contentType: 'text/plain' } })
    }
  })
})`

test('MQTT.js in a browser', async () => {
  const library = createRequire(import.meta.url).resolve('mqtt/dist/mqtt.min')
  assert.deepEqual(
    await inBrowser(library, `(${PAGE_SCRIPT})(${JSON.stringify(webSocketUrl())})`),
    [0, 1, 2].map((qos) => [`browser/${qos}`, 'größer 🐇', qos, 'text/plain']),
  )
})
