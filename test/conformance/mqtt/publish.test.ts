// Publishing, subscribing and delivering with QoS 0, 1 and 2. [MQTT 5.0 §3.3, §3.8, §4.3, §4.6, §4.7]
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { LEVEL_5, LEVEL_31, LEVEL_311 } from '../../../src/protocols/mqtt/spec.ts'
import { MqttBroker } from '../../support/mqtt-broker.ts'

let broker: MqttBroker

before(async () => {
  broker = await MqttBroker.start()
})
after(() => broker.stop())

for (const level of [LEVEL_31, LEVEL_311, LEVEL_5] as const) {
  test(`level ${level}: every QoS is delivered with the lower one of both`, async () => {
    const client = await broker.client({}, level)
    for (const [filter, granted] of [
      ['q0', 0],
      ['q1', 1],
      ['q2', 2],
    ] as const) {
      assert.deepEqual(await client.subscribe([{ filter: `${filter}/${level}`, qos: granted }]), [granted])
      for (const qos of [0, 1, 2]) {
        client.publish({ topic: `${filter}/${level}`, payload: `${qos}`, qos, packetId: 10 + qos })
        const message = await client.nextMessage()
        assert.equal(message.payload, `${qos}`)
        assert.equal(message.qos, Math.min(qos, granted))
        assert.equal(message.retain, false)
        if (message.qos === 1) client.ack(4, message.packetId)
        if (message.qos === 2) {
          client.ack(5, message.packetId)
          await client.next(6)
          client.ack(7, message.packetId)
        }
        if (qos === 1) await client.next(4)
        if (qos === 2) {
          await client.next(5)
          client.ack(6, 12)
          await client.next(7)
        }
      }
    }
    await client.disconnect()
  })
}

test('[MQTT-4.3.3-2] a repeated QoS 2 publish is answered and not delivered again, until PUBREL', async () => {
  const client = await broker.client()
  await client.subscribe([{ filter: 'once', qos: 0 }])
  client.publish({ topic: 'once', payload: 'a', qos: 2, packetId: 5 })
  client.publish({ topic: 'once', payload: 'a', qos: 2, packetId: 5, dup: true })
  await client.next(5)
  await client.next(5)
  client.ack(6, 5)
  assert.equal((await client.next(7)).body[2], undefined)
  client.publish({ topic: 'once', payload: 'b', qos: 2, packetId: 5 })
  await client.next(5)
  await client.settle()
  assert.equal((await client.nextMessage()).payload, 'a')
  assert.equal((await client.nextMessage()).payload, 'b')
  assert.equal(client.packets.length, 0)
  client.ack(6, 99)
  assert.equal((await client.next(7)).body[2], 0x92, 'packet identifier not found')
})

test('the window is kept: no more unfinished deliveries than the client takes', async () => {
  const client = await broker.client({ properties: { receiveMaximum: 2 } })
  await client.subscribe([{ filter: 'window', qos: 1 }])
  const publisher = await broker.client()
  for (let i = 1; i <= 5; i++) assert.equal(await publisher.publishSafely({ topic: 'window', payload: `${i}` }), 0)
  const first = await client.nextMessage()
  const second = await client.nextMessage()
  await client.settle()
  assert.equal(client.packets.length, 0, 'two are unfinished')
  client.ack(4, second.packetId)
  assert.equal((await client.nextMessage()).payload, '3')
  client.ack(4, first.packetId)
  assert.equal((await client.nextMessage()).payload, '4')
})

test('the broker refuses more unfinished publishes than it takes', async () => {
  const other = await MqttBroker.start({ 'warren.mqtt.receive_maximum': '3' })
  const client = await other.client()
  for (let packetId = 1; packetId <= 4; packetId++) client.publish({ topic: 'x', qos: 2, packetId })
  assert.equal(await client.refusal(), 0x93)
  await other.stop()
})

test('overlapping filters deliver once per queue, with the highest QoS and every identifier', async () => {
  const client = await broker.client()
  await client.subscribe([{ filter: 'over/#', qos: 1 }], 7)
  await client.subscribe([{ filter: 'over/+', qos: 2 }], 300)
  client.publish({ topic: 'over/x', qos: 2, packetId: 1 })
  const message = await client.nextMessage()
  assert.equal(message.qos, 2)
  assert.deepEqual(message.identifiers, [7, 300])
  await client.settle()
  assert.deepEqual(
    client.packets.map(({ type }) => type),
    [5],
  )
})

test('[MQTT-4.7.2-1] wildcards in first place match no topic that begins with $', async () => {
  const client = await broker.client()
  await client.subscribe(['#', { filter: '+/x', qos: 0 }])
  client.publish({ topic: '$sys/x', qos: 1 })
  assert.equal((await client.next(4)).body[2] ?? 0, 0)
  await client.settle()
  assert.equal(client.packets.length, 0)
  await client.subscribe([{ filter: '$sys/#', qos: 0 }])
  client.publish({ topic: '$sys/x' })
  assert.equal((await client.nextMessage()).topic, '$sys/x')
  await client.disconnect()
})

test('a star in a filter stands for itself', async () => {
  const client = await broker.client()
  await client.subscribe([{ filter: 'star/*', qos: 0 }])
  client.publish({ topic: 'star/x', payload: 'no' })
  client.publish({ topic: 'star/*', payload: 'yes' })
  assert.equal((await client.nextMessage()).payload, 'yes')
})

test('a subscription may change its QoS, and with it its queue', async () => {
  const client = await broker.client()
  await client.subscribe([{ filter: 'change', qos: 0 }])
  await client.subscribe([{ filter: 'change', qos: 1 }])
  assert.equal(await client.publishSafely({ topic: 'change' }), 0)
  assert.equal((await client.nextMessage()).qos, 1)
  await client.settle()
  assert.equal(client.packets.length, 0)
  assert.deepEqual(await client.unsubscribe('change', 'never'), [0, 0x11])
  assert.equal(await client.publishSafely({ topic: 'change' }), 0x10, 'nobody is subscribed')
})

test('large payloads arrive whole, from every QoS', async () => {
  const client = await broker.client()
  await client.subscribe(['large'])
  const payload = 'x'.repeat(500_000)
  client.publish({ topic: 'large', payload })
  client.publish({ topic: 'large', payload, qos: 1 })
  for (const qos of [0, 1]) {
    const message = await client.nextMessage()
    assert.equal(message.qos, qos)
    assert.equal(message.payload, payload)
  }
})

test('a topic without permission closes, or is answered where the setting says so', async () => {
  const strict = await MqttBroker.start()
  await strict.restrictTopics('^ok', '^ok')
  const publisher = await strict.client()
  publisher.publish({ topic: 'secret', qos: 1 })
  assert.equal(await publisher.refusal(), 0x87)
  const subscriber = await strict.client()
  assert.deepEqual(await subscriber.subscribe(['ok/1', 'secret', 'ok/2']), [2, 0x87, 0x87])
  assert.equal(await subscriber.refusal(), 0x87)
  await strict.stop()

  const lenient = await MqttBroker.start({ 'mqtt.disconnect_on_unauthorized': 'false' })
  await lenient.restrictTopics('^ok', '^ok')
  const client = await lenient.client()
  assert.deepEqual(await client.subscribe(['secret']), [0x87])
  assert.equal(await client.publishSafely({ topic: 'secret' }), 0x87)
  client.publish({ topic: 'secret' })
  await client.settle()
  await lenient.stop()
})

test('the exchange counts what is published to it, and what nobody subscribed to', async () => {
  const { counters } = broker.booted.parts.broker.vhost('/')!.exchange('amq.topic')!
  const before = { ...counters }
  const client = await broker.client()
  await client.subscribe([{ filter: 'counted', qos: 0 }])
  client.publish({ topic: 'counted', payload: 'a', qos: 1, packetId: 1 })
  await client.next(4)
  client.publish({ topic: 'uncounted', payload: 'b', qos: 1, packetId: 2 })
  await client.next(4)
  assert.deepEqual([counters.publishedIn - before.publishedIn, counters.unroutable - before.unroutable], [2, 1])
  await client.disconnect()
})
