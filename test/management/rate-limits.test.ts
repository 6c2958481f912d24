// Rates of users and virtual hosts: what is beyond them waits, over AMQP, MQTT and STOMP. Time is the test's own.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import amqp from 'amqplib'
import mqtt from 'mqtt'
import { settingsWith } from '../../src/config/build-settings.ts'
import { StompClient } from '../support/stomp-client.ts'
import { ManagedBroker } from './managed-broker.ts'

const PATIENCE_MS = 5_000
let broker: ManagedBroker
let url: string

before(async () => {
  broker = await ManagedBroker.start({ 'stomp.listeners.tcp.default': '0', 'web_stomp.tcp.port': '0', heartbeat: '0' })
  url = `amqp://guest:guest@127.0.0.1:${broker.booted.listeners.amqp}`
})

after(() => broker.stop())

afterEach(async () => {
  for (const path of ['user-limits/guest', 'vhost-limits/%2F']) {
    const [entry] = (await broker.get(path)).json as { value: object }[]
    for (const name of Object.keys(entry?.value ?? {})) await broker.delete(`${path}/${name}`)
  }
})

async function limit(path: string, value: number): Promise<void> {
  assert.equal((await broker.put(path, { value })).status, 204)
}

function ready(queue: string): number {
  return broker.booted.parts.broker.vhost('/')!.topology.queues.get(queue)!.status().readyCount
}

/** Waits until the figure is there, and stays there for a while of turns: what comes too much comes soon. */
async function settlesAt(figure: () => number, expected: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (figure() < expected && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(figure(), expected)
}

test('AMQP: a publisher beyond the rate of its user waits, and everything arrives in the end', async () => {
  await limit('user-limits/guest/max-publish-rate', 10)
  const connection = await amqp.connect(url)
  const channel = await connection.createChannel()
  await channel.assertQueue('rate-in', { durable: false })
  for (let i = 0; i < 35; i++) channel.sendToQueue('rate-in', Buffer.from(`m${i}`))
  // A second's worth, and the one that overdraws.
  await settlesAt(() => ready('rate-in'), 11)
  const [listed] = (await broker.get('connections')).json as { state: string }[]
  assert.equal(listed?.state, 'flow')
  assert.match(await (await fetch(`${broker.metricsBase}/metrics`)).text(), /^warrenmq_rate_limited_publishers 1$/m)
  broker.clock.advance(100)
  await settlesAt(() => ready('rate-in'), 12)
  await broker.pass(3_000, 100)
  await settlesAt(() => ready('rate-in'), 35)
  const first = await channel.get('rate-in', { noAck: true })
  assert.equal(first !== false && first.content.toString(), 'm0')
  await channel.deleteQueue('rate-in')
  await connection.close()
})

test('AMQP: bytes of bodies count, over all connections of a virtual host; a limit that is lifted lets go at once', async () => {
  await limit('vhost-limits/%2F/max-publish-bytes-rate', 1_000)
  const connections = [await amqp.connect(url), await amqp.connect(url)]
  const [one, two] = await Promise.all(connections.map((each) => each.createChannel()))
  await one!.assertQueue('rate-bytes', { durable: false })
  one!.sendToQueue('rate-bytes', Buffer.alloc(3_000))
  await settlesAt(() => ready('rate-bytes'), 1)
  two!.sendToQueue('rate-bytes', Buffer.alloc(1))
  await settlesAt(() => ready('rate-bytes'), 2)
  for (const channel of [one!, two!]) for (let i = 0; i < 5; i++) channel.sendToQueue('rate-bytes', Buffer.alloc(1))
  await settlesAt(() => ready('rate-bytes'), 2)
  await broker.delete('vhost-limits/%2F/max-publish-bytes-rate')
  await settlesAt(() => ready('rate-bytes'), 12)
  await one!.deleteQueue('rate-bytes')
  for (const connection of connections) await connection.close()
})

test('AMQP: deliveries beyond the rate wait in the queue; acknowledgements and declarations go on', async () => {
  const connection = await amqp.connect(url)
  const channel = await connection.createChannel()
  await channel.assertQueue('rate-out', { durable: false })
  for (let i = 0; i < 30; i++) channel.sendToQueue('rate-out', Buffer.from('x'))
  await settlesAt(() => ready('rate-out'), 30)
  await limit('user-limits/guest/max-delivery-rate', 10)
  let count = 0
  await channel.consume('rate-out', (message) => {
    count++
    if (message !== null) channel.ack(message)
  })
  await settlesAt(() => count, 11)
  await channel.checkQueue('rate-out')
  await broker.pass(1_000, 100)
  await settlesAt(() => count, 21)
  await broker.pass(1_000, 100)
  await settlesAt(() => count, 30)
  await channel.deleteQueue('rate-out')
  await connection.close()
})

test('AMQP: fetching one by one is no way around the rate of deliveries', async () => {
  const connection = await amqp.connect(url)
  const channel = await connection.createChannel()
  await channel.assertQueue('rate-get', { durable: false })
  for (let i = 0; i < 10; i++) channel.sendToQueue('rate-get', Buffer.from('x'))
  await settlesAt(() => ready('rate-get'), 10)
  await limit('user-limits/guest/max-delivery-rate', 3)
  let count = 0
  const gets = Array.from({ length: 6 }, async () => {
    if ((await channel.get('rate-get', { noAck: true })) !== false) count++
  })
  await settlesAt(() => count, 4)
  await broker.pass(2_000, 100)
  await Promise.all(gets)
  await channel.deleteQueue('rate-get')
  await connection.close()
})

test('MQTT: publishes and deliveries have the same rates', async () => {
  const port = broker.booted.listeners.mqtt
  const admin = await amqp.connect(url)
  const channel = await admin.createChannel()
  await channel.assertQueue('rate-mqtt', { durable: false })
  await channel.bindQueue('rate-mqtt', 'amq.topic', 'rate.#')
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: 'guest',
    password: 'guest',
    keepalive: 0,
  })
  await limit('user-limits/guest/max-publish-rate', 5)
  for (let i = 0; i < 20; i++) client.publish('rate/x', `${i}`)
  await settlesAt(() => ready('rate-mqtt'), 6)
  await broker.pass(3_000, 100)
  await settlesAt(() => ready('rate-mqtt'), 20)
  await broker.delete('user-limits/guest/max-publish-rate')
  await client.subscribeAsync('out/#', { qos: 1 })
  await limit('user-limits/guest/max-delivery-rate', 3)
  let count = 0
  client.on('message', () => {
    count++
  })
  for (let i = 0; i < 8; i++) client.publish('out/x', `${i}`, { qos: 1 })
  await settlesAt(() => count, 4)
  await broker.pass(2_000, 100)
  await settlesAt(() => count, 8)
  await channel.deleteQueue('rate-mqtt')
  await admin.close()
  await client.endAsync()
})

test('STOMP: publishes and deliveries have the same rates', async () => {
  const client = await StompClient.connect(broker.booted.listeners.stomp!)
  await client.login()
  await limit('user-limits/guest/max-publish-rate', 5)
  for (let i = 0; i < 12; i++) client.send('SEND', { destination: '/queue/rate-stomp' }, `${i}`)
  await settlesAt(
    () => (broker.booted.parts.broker.vhost('/')!.queue('rate-stomp') === undefined ? 0 : ready('rate-stomp')),
    6,
  )
  await broker.pass(2_000, 100)
  await settlesAt(() => ready('rate-stomp'), 12)
  await broker.delete('user-limits/guest/max-publish-rate')
  await limit('user-limits/guest/max-delivery-rate', 3)
  client.send('SUBSCRIBE', { id: '1', destination: '/queue/rate-stomp', ack: 'auto' })
  await settlesAt(() => 12 - ready('rate-stomp'), 4)
  await broker.pass(4_000, 100)
  await settlesAt(() => 12 - ready('rate-stomp'), 12)
  client.destroy()
  await broker.delete('queues/%2F/rate-stomp')
})

test('rates are limits like the others: set, listed, exported, imported, refused when they are no numbers', async () => {
  await limit('user-limits/guest/max-publish-bytes-rate', 1_000_000)
  await limit('vhost-limits/%2F/max-delivery-rate', 500)
  assert.deepEqual((await broker.get('user-limits/guest')).json, [
    { user: 'guest', value: { 'max-publish-bytes-rate': 1_000_000 } },
  ])
  assert.deepEqual((await broker.get('vhost-limits/%2F')).json, [{ vhost: '/', value: { 'max-delivery-rate': 500 } }])
  assert.equal((await broker.put('user-limits/guest/max-publish-rate', { value: 'many' })).status, 400)
  assert.equal((await broker.put('user-limits/guest/max-speed', { value: 1 })).status, 400)
  const definitions = (await broker.get('definitions')).json
  await broker.delete('user-limits/guest/max-publish-bytes-rate')
  await broker.delete('vhost-limits/%2F/max-delivery-rate')
  assert.deepEqual((await broker.get('user-limits/guest')).json, [])
  assert.equal((await broker.post('definitions', definitions)).status, 204)
  assert.deepEqual((await broker.get('user-limits/guest')).json[0].value, { 'max-publish-bytes-rate': 1_000_000 })
  assert.deepEqual((await broker.get('vhost-limits/%2F')).json[0].value, { 'max-delivery-rate': 500 })
  // Changing a password keeps them.
  await broker.put('users/guest', { password: 'guest', tags: 'administrator' })
  assert.deepEqual((await broker.get('user-limits/guest')).json[0].value, { 'max-publish-bytes-rate': 1_000_000 })
})

test('refusals are counted by the name of the limit', async () => {
  await limit('user-limits/guest/max-channels', 0)
  const connection = await amqp.connect(url)
  connection.on('error', () => undefined)
  await assert.rejects(connection.createChannel())
  await broker.delete('user-limits/guest/max-channels')
  await limit('vhost-limits/%2F/max-connections', 0)
  await assert.rejects(amqp.connect(url))
  await broker.delete('vhost-limits/%2F/max-connections')
  const text = await (await fetch(`${broker.metricsBase}/metrics`)).text()
  assert.match(text, /^warrenmq_limit_refusals_total\{limit="user_channels"\} 1$/m)
  assert.match(text, /^warrenmq_limit_refusals_total\{limit="vhost_connections"\} 1$/m)
  assert.match(text, /^warrenmq_limit_refusals_total\{limit="node_connections"\} 0$/m)
})

test('a user may declare so many queues, in all virtual hosts together; deleting one makes room', async () => {
  await limit('user-limits/guest/max-queues', 2)
  const declare = (name: string) => broker.put(`queues/%2F/${name}`, { durable: false })
  assert.deepEqual([(await declare('mine-1')).status, (await declare('mine-2')).status], [201, 201])
  const refused = await declare('mine-3')
  assert.equal(refused.status, 400)
  assert.match(String(refused.json.reason), /queue limit of user 'guest' \(2\) is reached/)
  assert.equal((await declare('mine-1')).status, 204, 'one that is there')
  await broker.delete('queues/%2F/mine-1')
  assert.equal((await declare('mine-3')).status, 201)
  await broker.delete('user-limits/guest/max-queues')
  assert.equal((await declare('mine-4')).status, 201)
  for (const name of ['mine-2', 'mine-3', 'mine-4']) await broker.delete(`queues/%2F/${name}`)
})

test('limits of the settings count as soon as they are read again', async () => {
  const { booted } = broker
  const changed = (settings: Readonly<Record<string, string>>): void => {
    booted.reload?.(settingsWith({ ...settings }))
  }
  const connection = await amqp.connect(url)
  connection.on('error', () => undefined)
  changed({ max_connections: '1', channel_max_per_node: '1', max_message_size: '10', cluster_queue_limit: '1' })
  await assert.rejects(amqp.connect(url))
  const channel = await connection.createChannel()
  const closed = new Promise<Error>((done) => channel.once('error', done))
  await channel.assertQueue('reload-1', { exclusive: true })
  await assert.rejects(channel.assertQueue('reload-2', { exclusive: true }), /queue limit in cluster \(1\) is reached/)
  await closed
  const other = await connection.createChannel()
  const refused = new Promise<Error>((done) => other.once('error', done))
  other.sendToQueue('reload-1', Buffer.alloc(11))
  assert.match((await refused).message, /larger than configured max size 10/)
  changed({})
  const free = await amqp.connect(url)
  await free.close()
  await connection.close()
})

test('HTTP: publishes and gets beyond the rate are refused with 429, and say when to come again', async () => {
  const connection = await amqp.connect(url)
  const channel = await connection.createChannel()
  await channel.assertQueue('rate-http', { durable: false })
  await limit('user-limits/guest/max-publish-rate', 2)
  const publish = () =>
    broker.post('exchanges/%2F/amq.default/publish', {
      routing_key: 'rate-http',
      properties: {},
      payload: 'x',
      payload_encoding: 'string',
    })
  for (let i = 0; i < 3; i++) assert.equal((await publish()).status, 200)
  const refused = await publish()
  assert.equal(refused.status, 429)
  assert.deepEqual(refused.json, { error: 'rate_limited', reason: 'the rate of publishes is used up' })
  assert.equal(refused.headers.get('retry-after'), '1')
  broker.clock.advance(1_000)
  assert.equal((await publish()).status, 200)
  const metrics = await (await fetch(`${broker.metricsBase}/metrics`)).text()
  assert.match(metrics, /^warrenmq_limit_refusals_total\{limit="http_publish_rate"\} 1$/m)
  await limit('vhost-limits/%2F/max-delivery-rate', 2)
  const get = () =>
    broker.post('queues/%2F/rate-http/get', { count: 10, ackmode: 'ack_requeue_false', encoding: 'auto' })
  assert.equal(((await get()).json as unknown[]).length, 3)
  assert.equal((await get()).status, 429)
  broker.clock.advance(1_000)
  assert.equal(((await get()).json as unknown[]).length, 1)
  await channel.deleteQueue('rate-http')
  await connection.close()
})
