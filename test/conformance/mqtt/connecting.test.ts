// Who gets in, and how: logins, virtual hosts, limits, time limits, WebSocket handshakes. [MQTT 5.0 §3.1, §6; RabbitMQ: MQTT, Web MQTT]
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { encodeConnect } from '../../../src/protocols/mqtt/codec.ts'
import { LEVEL_5, LEVEL_311 } from '../../../src/protocols/mqtt/spec.ts'
import { MqttBroker } from '../../support/mqtt-broker.ts'
import { type ConnectSketch, MqttClient } from '../../support/mqtt-client.ts'

const SUCCESS = 0
const CLIENT_ID_NOT_VALID = 0x85
const BAD_USER_NAME_OR_PASSWORD = 0x86
const KEEP_ALIVE_TIMEOUT = 0x8d
const QUOTA_EXCEEDED = 0x97
const ANONYMOUS: ConnectSketch = { userName: null, password: null }
const CLOSED_UNSUPPORTED = 1003

async function codeOf(broker: MqttBroker, sketch: ConnectSketch, level: typeof LEVEL_5 | typeof LEVEL_311 = LEVEL_5) {
  const client = await MqttClient.open(broker.port, level)
  const { code } = await client.connect(sketch)
  if (code === SUCCESS) await client.drop()
  else await client.closed()
  return code
}

/** An HTTP request to the broker's management. */
async function put(broker: MqttBroker, path: string, body: unknown): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${broker.booted.listeners.http}/api/${path}`, {
    method: 'PUT',
    headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    body: JSON.stringify(body),
  })
  assert.ok(response.ok, `${path}: ${response.status}`)
}

test('without a user name: the anonymous user, where there is one', async () => {
  const broker = await MqttBroker.start()
  assert.equal(await codeOf(broker, ANONYMOUS), SUCCESS)
  assert.equal(await codeOf(broker, { ...ANONYMOUS, userName: 'guest' }), BAD_USER_NAME_OR_PASSWORD)
  assert.equal(await codeOf(broker, { ...ANONYMOUS, userName: 'guest' }, LEVEL_311), 4)
  await broker.stop()
  for (const settings of [{ 'mqtt.allow_anonymous': 'false' }, { anonymous_login_user: 'none' }]) {
    const strict = await MqttBroker.start(settings)
    assert.equal(await codeOf(strict, ANONYMOUS), BAD_USER_NAME_OR_PASSWORD)
    assert.equal(await codeOf(strict, {}), SUCCESS)
    await strict.stop()
  }
})

test('client ids: none is given one, unless the session is to last before 5.0', async () => {
  const broker = await MqttBroker.start()
  const client = await MqttClient.open(broker.port)
  const { code, properties } = await client.connect({ clientId: '' })
  assert.equal(code, SUCCESS)
  assert.match(properties.assignedClientIdentifier ?? '', /^auto-./)
  assert.equal(await codeOf(broker, { clientId: '' }, LEVEL_311), SUCCESS)
  assert.equal(await codeOf(broker, { clientId: '', cleanStart: false }, LEVEL_311), 2)
  assert.equal(await codeOf(broker, { clientId: 'x'.repeat(201) }), CLIENT_ID_NOT_VALID)
  await client.drop()
  await broker.stop()
})

test('the virtual host: of the user name, else of the port, else the one in the settings', async () => {
  const broker = await MqttBroker.start()
  for (const vhost of ['factory', 'office']) {
    await put(broker, `vhosts/${vhost}`, {})
    await put(broker, `permissions/${vhost}/guest`, { configure: '.*', write: '.*', read: '.*' })
  }
  const vhostOf = async (userName: string): Promise<string> => {
    const client = await broker.client({ userName })
    const [connection] = [...broker.booted.parts.broker.connections.all()]
    await client.disconnect()
    while (broker.booted.parts.broker.connections.count > 0) await new Promise(setImmediate)
    return connection!.vhost
  }
  assert.equal(await vhostOf('guest'), '/')
  assert.equal(await vhostOf('factory:guest'), 'factory')
  await put(broker, 'global-parameters/mqtt_port_to_vhost_mapping', { value: { [broker.port]: 'office' } })
  assert.equal(await vhostOf('guest'), 'office')
  assert.equal(await vhostOf('factory:guest'), 'factory')
  assert.equal(await codeOf(broker, { userName: 'nowhere:guest' }), BAD_USER_NAME_OR_PASSWORD)
  await broker.stop()
})

test('limits: connections, and time to log in', async () => {
  const broker = await MqttBroker.start({ 'mqtt.max_connections': '1', 'mqtt.login_timeout': '100' })
  const silent = await MqttClient.open(broker.port)
  await silent.closed()
  assert.deepEqual(silent.packets, [])
  const first = await broker.client()
  assert.equal(await codeOf(broker, { clientId: 'second' }), QUOTA_EXCEEDED)
  assert.equal(await codeOf(broker, { clientId: 'second' }, LEVEL_311), 5)
  await first.settle()
  await broker.stop()
})

test('[MQTT-3.1.2-22] a client that is silent for longer than its keep alive is closed', async () => {
  const broker = await MqttBroker.start({ 'warren.mqtt.keep_alive_max': '1' })
  const client = await MqttClient.open(broker.port)
  const { code, properties } = await client.connect({ keepAliveSeconds: 100 })
  assert.deepEqual([code, properties.serverKeepAlive], [SUCCESS, 1])
  assert.equal(await client.refusal(), KEEP_ALIVE_TIMEOUT)
  await broker.stop()
})

test('WebSocket: path, sub-protocols, binary frames', async () => {
  const broker = await MqttBroker.start()
  const base = `ws://127.0.0.1:${broker.booted.listeners['web-mqtt']}`
  const statusOf = async (path: string, protocols: string[]): Promise<number | string> => {
    const socket = new WebSocket(base + path, protocols)
    const refused = once(socket, 'unexpected-response').then(([, response]) => response.statusCode as number)
    socket.on('error', () => undefined)
    const status = await Promise.race([refused, once(socket, 'open').then(() => socket.protocol)])
    socket.terminate()
    return status
  }
  assert.equal(await statusOf('/ws', ['mqtt']), 'mqtt')
  assert.equal(await statusOf('/ws', ['other', 'mqttv3.1']), 'mqttv3.1')
  assert.equal(await statusOf('/ws', ['other']), 400)
  assert.equal(await statusOf('/ws', []), 400)
  assert.equal(await statusOf('/', ['mqtt']), 404)
  const text = new WebSocket(`${base}/ws`, ['mqtt'])
  await once(text, 'open')
  text.send('text')
  assert.equal((await once(text, 'close'))[0], CLOSED_UNSUPPORTED)
  await broker.stop()
})

test('[MQTT-6.0.0-2] packets may be cut over WebSocket frames in any way', async () => {
  const broker = await MqttBroker.start()
  const socket = new WebSocket(`ws://127.0.0.1:${broker.booted.listeners['web-mqtt']}/ws`, ['mqtt'])
  await once(socket, 'open')
  const packet = encodeConnect({
    level: LEVEL_5,
    clientId: 'in pieces',
    cleanStart: true,
    keepAliveSeconds: 0,
    will: null,
    userName: 'guest',
    password: Buffer.from('guest'),
    properties: {},
  })
  const answer = once(socket, 'message')
  for (const byte of packet) socket.send(Buffer.from([byte]))
  const [connack] = (await answer) as [Buffer]
  assert.deepEqual([connack[0], connack[3]], [0x20, SUCCESS])
  const pings = once(socket, 'message')
  socket.send(Buffer.from([0xc0, 0, 0xc0, 0, 0xc0, 0]))
  assert.equal(((await pings) as [Buffer])[0][0], 0xd0)
  socket.terminate()
  await broker.stop()
})
