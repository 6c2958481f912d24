// Sessions: resuming, expiring, taking over, restarts, exactly once. [MQTT 5.0 §3.1.2.4, §4.1, §4.4]
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LEVEL_5, LEVEL_311 } from '../../../src/protocols/mqtt/spec.ts'
import { MqttBroker } from '../../support/mqtt-broker.ts'
import { type ConnectSketch, MqttClient } from '../../support/mqtt-client.ts'

const LASTING: ConnectSketch = { clientId: 'lasting', cleanStart: false, properties: { sessionExpiryInterval: 1000 } }

async function open(broker: MqttBroker, sketch = LASTING, level: typeof LEVEL_5 | typeof LEVEL_311 = LEVEL_5) {
  const client = await MqttClient.open(broker.port, level)
  return { client, ...(await client.connect(sketch)) }
}

test('a session that lasts gets what was published meanwhile, in order', async () => {
  const broker = await MqttBroker.start()
  const first = await open(broker)
  assert.equal(first.present, false)
  await first.client.subscribe(['s/#'])
  await first.client.disconnect()
  const publisher = await broker.client()
  for (let i = 0; i < 3; i++) await publisher.publishSafely({ topic: `s/${i}`, payload: `${i}` })
  const { client, present } = await open(broker)
  assert.equal(present, true)
  for (let i = 0; i < 3; i++) assert.equal((await client.nextMessage()).topic, `s/${i}`)
  await client.disconnect()
  const clean = await open(broker, { ...LASTING, cleanStart: true })
  assert.equal(clean.present, false)
  await clean.client.settle()
  assert.equal(clean.client.packets.length, 0)
  await broker.stop()
})

test('3.1.1: clean session 0 lasts, clean session 1 does not', async () => {
  const broker = await MqttBroker.start()
  const lasting = { ...LASTING, properties: {} }
  const first = await open(broker, lasting, LEVEL_311)
  await first.client.subscribe(['s'])
  await first.client.disconnect()
  const second = await open(broker, lasting, LEVEL_311)
  assert.equal(second.present, true)
  await second.client.disconnect()
  assert.equal((await open(broker, { ...lasting, cleanStart: true }, LEVEL_311)).present, false)
  await broker.stop()
})

test('[MQTT-4.4.0-1] unfinished deliveries come again with the same identifier and DUP', async () => {
  const broker = await MqttBroker.start()
  const { client } = await open(broker)
  await client.subscribe(['s/#'])
  const publisher = await broker.client()
  await publisher.publishSafely({ topic: 's/1' })
  publisher.publish({ topic: 's/2', qos: 2, packetId: 9 })
  const one = await client.nextMessage()
  const two = await client.nextMessage()
  assert.deepEqual([one.qos, one.dup, two.qos, two.dup], [1, false, 2, false])
  await client.drop()
  const again = await open(broker)
  const repeated = [await again.client.nextMessage(), await again.client.nextMessage()]
  assert.deepEqual(
    repeated.map(({ packetId, dup, topic }) => [packetId, dup, topic]),
    [
      [one.packetId, true, 's/1'],
      [two.packetId, true, 's/2'],
    ],
  )
  again.client.ack(5, two.packetId)
  await again.client.next(6)
  await again.client.drop()
  const third = await open(broker)
  const { body } = await third.client.next(6)
  assert.equal(body.readUInt16BE(0), two.packetId, 'released is released')
  assert.equal((await third.client.nextMessage()).topic, 's/1')
  third.client.ack(7, two.packetId)
  await third.client.settle()
  assert.equal(third.client.packets.length, 0)
  await broker.stop()
})

test('a restart keeps subscriptions, messages, and what QoS 2 has got to, both ways', async () => {
  const broker = await MqttBroker.start({}, true)
  const { client } = await open(broker)
  await client.subscribe(['r/#', { filter: 'zero', qos: 0 }])
  const publisher = await broker.client()
  for (let i = 1; i <= 3; i++) await publisher.publishSafely({ topic: `r/${i}` })
  publisher.publish({ topic: 'r/4', qos: 2, packetId: 3 })
  await publisher.next(5)
  const messages = [
    await client.nextMessage(),
    await client.nextMessage(),
    await client.nextMessage(),
    await client.nextMessage(),
  ]
  client.ack(4, messages[0]!.packetId)
  client.ack(5, messages[3]!.packetId)
  await client.next(6)
  // Inbound: received, not released.
  client.publish({ topic: 'in', payload: 'once', qos: 2, packetId: 77 })
  await client.next(5)
  await broker.restart()

  const again = await open(broker)
  assert.equal(again.present, true)
  const released = await again.client.next(6)
  assert.equal(released.body.readUInt16BE(0), messages[3]!.packetId)
  const repeated = [await again.client.nextMessage(), await again.client.nextMessage()]
  assert.deepEqual(
    repeated.map(({ topic, packetId, dup }) => [topic, packetId, dup]),
    [
      ['r/2', messages[1]!.packetId, true],
      ['r/3', messages[2]!.packetId, true],
    ],
  )
  again.client.ack(7, messages[3]!.packetId)
  const listener = await broker.client()
  await listener.subscribe([{ filter: 'in', qos: 0 }])
  again.client.publish({ topic: 'in', payload: 'once', qos: 2, packetId: 77, dup: true })
  await again.client.next(5)
  await listener.settle()
  assert.equal(listener.packets.length, 0, 'the repeated publish is not published again')
  again.client.ack(6, 77)
  assert.equal((await again.client.next(7)).body[2], undefined)
  again.client.publish({ topic: 'zero', payload: 'z' })
  assert.equal((await again.client.nextMessage()).payload, 'z')
  await broker.stop()
})

test('[MQTT-3.1.4-3] a second connection of a client id takes over', async () => {
  const broker = await MqttBroker.start()
  const { client: old } = await open(broker)
  await old.subscribe(['t', { filter: 'zero', qos: 0 }])
  const { client, present } = await open(broker)
  assert.equal(present, true)
  assert.equal(await old.refusal(), 0x8e)
  client.publish({ topic: 'zero', payload: '0' })
  assert.equal((await client.nextMessage()).payload, '0')
  const transient = { clientId: 'short', cleanStart: true, properties: {} }
  const before = await open(broker, transient)
  await before.client.subscribe(['t'])
  const now = await open(broker, transient)
  assert.equal(now.present, false)
  assert.equal(await before.client.refusal(), 0x8e)
  await now.client.subscribe(['t'])
  assert.equal(await client.publishSafely({ topic: 't', payload: 'x' }), 0)
  assert.equal((await now.client.nextMessage()).payload, 'x')
  await broker.stop()
})

test('expiry: 0 ends with the connection, DISCONNECT may change it, but not from 0', async () => {
  const broker = await MqttBroker.start()
  const { client } = await open(broker)
  await client.subscribe(['s'])
  await client.disconnect(0, { sessionExpiryInterval: 0 })
  assert.equal((await open(broker)).present, false)
  const short = await broker.client({ clientId: 'short', cleanStart: true })
  short.send(Buffer.from([0xe0, 7, 0, 5, 0x11, 0, 0, 0, 9]))
  assert.equal(await short.refusal(), 0x82)
  await broker.stop()
})

test('a session with a connection leaves queues as RabbitMQ names them, and none when it is over', async () => {
  const broker = await MqttBroker.start()
  const { client } = await open(broker)
  await client.subscribe(['s', { filter: 'z', qos: 0 }])
  const vhost = broker.booted.parts.broker.vhost('/')!
  const names = (): string[] => [...vhost.queues()].map(({ name, kind }) => `${name} ${kind}`).sort()
  assert.deepEqual(names(), [
    'mqtt-subscription-lastingqos0 rabbit_mqtt_qos0_queue',
    'mqtt-subscription-lastingqos1 classic',
  ])
  await client.disconnect()
  const other = await broker.client()
  await other.settle()
  assert.deepEqual(names(), ['mqtt-subscription-lastingqos1 classic'])
  const clean = await open(broker, { ...LASTING, cleanStart: true })
  await clean.client.settle()
  assert.deepEqual(names(), [])
  await broker.stop()
})

test('a delayed will outlives a restart of the broker, and is forgotten by a goodbye', async () => {
  const broker = await MqttBroker.start({}, true)
  const watcher: ConnectSketch = { ...LASTING, clientId: 'watcher' }
  const { client } = await open(broker, watcher)
  await client.subscribe(['will/#'])
  const leave = async (name: string, willDelayInterval: number): Promise<MqttClient> => {
    const will = { topic: `will/${name}`, payload: Buffer.from(name), qos: 1, retain: false }
    const sketch = { ...LASTING, clientId: name, will: { ...will, properties: { willDelayInterval } } }
    return (await open(broker, sketch)).client
  }
  const polite = await leave('polite', 1)
  const gone = await leave('gone', 1)
  await leave('cut', 2)
  await leave('undelayed', 0)
  await polite.disconnect()
  await gone.drop()
  await broker.restart()
  const again = await open(broker, watcher)
  assert.equal(again.present, true)
  for (const expected of ['gone', 'cut']) {
    const { payload, packetId } = await again.client.nextMessage()
    assert.equal(payload, expected)
    again.client.ack(4, packetId)
  }
  await again.client.settle()
  await broker.restart()
  const third = await open(broker, watcher)
  await third.client.settle()
  assert.deepEqual(
    third.client.packets.filter(({ type }) => type === 3),
    [],
    'published once',
  )
  await broker.stop()
})
