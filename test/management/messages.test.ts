// Contract of publishing, getting, and of the rates that follow. [RabbitMQ: management HTTP API]
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { WireClient } from '../support/wire-client.ts'
import { ManagedBroker } from './managed-broker.ts'

let broker: ManagedBroker
before(async () => {
  broker = await ManagedBroker.start()
})
after(() => broker.stop())

const GET = { count: 10, ackmode: 'ack_requeue_true', encoding: 'auto' }

test('a message comes back with its properties, text or base64', async () => {
  await broker.put('queues/%2F/m')
  const properties = {
    delivery_mode: 2,
    content_type: 'text/plain',
    priority: 3,
    timestamp: 5,
    headers: { h: 1, list: ['a'] },
  }
  assert.deepEqual((await broker.publish('m', 'hé', properties)).json, { routed: true })
  const binary = { routing_key: 'm', payload: '/w==', payload_encoding: 'base64', properties: {} }
  assert.deepEqual((await broker.post('exchanges/%2F/amq.default/publish', binary)).json, { routed: true })
  const [first, second] = (await broker.post('queues/%2F/m/get', GET)).json
  assert.deepEqual(first, {
    payload_bytes: 3,
    redelivered: false,
    exchange: '',
    routing_key: 'm',
    message_count: 1,
    properties,
    payload: 'hé',
    payload_encoding: 'string',
  })
  assert.deepEqual([second.payload, second.payload_encoding, second.properties], ['/w==', 'base64', []])
  const [again] = (await broker.post('queues/%2F/m/get', { ...GET, count: 1, encoding: 'base64', truncate: 1 })).json
  assert.deepEqual([again.redelivered, again.payload, again.payload_encoding], [true, 'aA==', 'base64'])
  await broker.delete('queues/%2F/m')
})

test('each ackmode does what it says', async () => {
  const depthAfter = async (ackmode: string): Promise<number> => {
    await broker.put('queues/%2F/a')
    await broker.publish('a', 'x')
    assert.equal((await broker.post('queues/%2F/a/get', { ...GET, ackmode })).json.length, 1)
    const { messages } = (await broker.get('queues/%2F/a')).json
    await broker.delete('queues/%2F/a')
    return messages
  }
  assert.equal(await depthAfter('ack_requeue_true'), 1)
  assert.equal(await depthAfter('reject_requeue_true'), 1)
  assert.equal(await depthAfter('ack_requeue_false'), 0)
  assert.equal(await depthAfter('reject_requeue_false'), 0)
})

test('what cannot be published or got is refused', async () => {
  const publish = (body: object, exchange = 'amq.default') => broker.post(`exchanges/%2F/${exchange}/publish`, body)
  const good = { routing_key: 'none', payload: '', payload_encoding: 'string', properties: {} }
  assert.deepEqual((await publish(good)).json, { routed: false })
  assert.deepEqual((await publish({ ...good, payload_encoding: 'foo' })).json.reason, ['unsupported_encoding', 'foo'])
  assert.deepEqual((await publish({ ...good, properties: undefined })).json.reason, '[{key_missing,properties}]')
  assert.deepEqual((await publish({ ...good, payload: '!!', payload_encoding: 'base64' })).json.reason, [
    'not_base64',
    '!!',
  ])
  assert.deepEqual((await publish({ ...good, properties: { delivery_mode: 'x' } })).json.reason, [
    'not_int',
    'delivery_mode',
  ])
  assert.match((await publish(good, 'none')).json.reason, /^404 NOT_FOUND - no exchange 'none' in vhost '\/'$/)
  assert.match((await broker.post('queues/%2F/none/get', GET)).json.reason, /^NOT_FOUND - no queue 'none'/)
  await broker.put('queues/%2F/g')
  assert.equal((await broker.post('queues/%2F/g/get', { ...GET, ackmode: 'foo' })).status, 400)
  assert.equal((await broker.post('queues/%2F/g/get', { ...GET, encoding: 'foo' })).status, 400)
  assert.equal(
    (await broker.post('queues/%2F/g/get', { count: 1, encoding: 'auto' })).json.reason,
    '[{key_missing,ackmode}]',
  )
  await broker.delete('queues/%2F/g')
})

test('a full queue that rejects tells the publisher', async () => {
  await broker.put('queues/%2F/full', { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } })
  assert.equal((await broker.publish('full', 'one')).status, 200)
  const refused = await broker.publish('full', 'two')
  assert.equal(refused.status, 400)
  assert.match(refused.json.reason, /Check queue limits/)
  await broker.delete('queues/%2F/full')
})

test('dead letters show where they came from', async () => {
  await broker.put('queues/%2F/dead')
  await broker.put('queues/%2F/dying', {
    arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' },
  })
  await broker.publish('dying', 'x')
  await broker.post('queues/%2F/dying/get', { ...GET, ackmode: 'reject_requeue_false' })
  const [message] = (await broker.post('queues/%2F/dead/get', GET)).json
  assert.equal(message.properties.headers['x-first-death-queue'], 'dying')
  assert.equal(message.properties.headers['x-death'][0].reason, 'rejected')
  await broker.delete('queues/%2F/dead')
  await broker.delete('queues/%2F/dying')
})

test('rates and samples follow the counters at the pace of the sampler', async () => {
  await broker.put('queues/%2F/rates')
  await broker.pass(10_000)
  for (let i = 0; i < 10; i++) await broker.publish('rates', 'x')
  await broker.pass(5_000)
  const window = 'msg_rates_age=20&msg_rates_incr=5&lengths_age=20&lengths_incr=5'
  const { json } = await broker.get(`queues/%2F/rates?${window}`)
  assert.equal(json.message_stats.publish, 10)
  assert.equal(json.message_stats.publish_details.rate, 2)
  const { samples, avg_rate, avg } = json.messages_details
  assert.deepEqual(
    samples.map(({ sample }: { sample: number }) => sample),
    [10, 0, 0, 0, 0],
  )
  assert.equal(samples[0].timestamp - samples[1].timestamp, 5_000)
  assert.equal(avg_rate, 0.5)
  assert.equal(avg, 2)
  await broker.pass(5_000)
  assert.equal((await broker.get('queues/%2F/rates')).json.message_stats.publish_details.rate, 0)
  const overview = (await broker.get('overview')).json
  assert.equal(overview.queue_totals.messages, 10)
  assert.ok(overview.message_stats.publish >= 10)
  const before = (await broker.get('vhosts/%2F')).json.message_stats.publish
  await broker.delete('queues/%2F/rates')
  await broker.pass(5_000)
  assert.ok((await broker.get('vhosts/%2F')).json.message_stats.publish >= before, 'counters outlive their queues')
})

test('exchanges count what clients publish to them, and what went nowhere', async () => {
  await broker.put('exchanges/%2F/counted', { type: 'direct' })
  await broker.put('queues/%2F/counted')
  await broker.post('bindings/%2F/e/counted/q/counted', { routing_key: 'k' })
  const client = await WireClient.connect('127.0.0.1', Number(broker.booted.listeners.amqp))
  await client.open()
  const channel = await client.channel()
  await channel.call('confirm.select')
  await channel.publishConfirmed('counted', 'k', 'routed')
  await channel.publishConfirmed('counted', 'nowhere', 'dropped')
  channel.publish('counted', 'nowhere', 'returned', {}, { mandatory: true })
  await channel.take('basic.ack')
  const { counters } = broker.booted.parts.broker.vhost('/')!.exchange('counted')!
  assert.equal((await broker.get('exchanges/%2F/counted')).json.message_stats.publish_in, 3)
  assert.equal((await broker.get('exchanges/%2F/counted')).json.message_stats.publish_out, 1)
  assert.deepEqual(counters, { publishedIn: 3, publishedOut: 1, returned: 1, unroutable: 2 })
  client.socket.destroy()
  await broker.delete('queues/%2F/counted')
})

test('metrics tell how long messages waited for their confirm and in their queue', async () => {
  const counts = async (name: string): Promise<{ count: number; sum: number }> => {
    const text = await (await fetch(`${broker.metricsBase}/metrics`)).text()
    const read = (suffix: string): number =>
      Number(new RegExp(`^${name}_${suffix}(?:\\{protocol="amqp091"\\})? (.*)$`, 'm').exec(text)?.[1])
    return { count: read('count'), sum: read('sum') }
  }
  const before = {
    confirm: await counts('warrenmq_confirm_seconds'),
    queue: await counts('warrenmq_time_in_queue_seconds'),
  }
  await broker.put('queues/%2F/waits')
  const client = await WireClient.connect('127.0.0.1', Number(broker.booted.listeners.amqp))
  await client.open()
  const channel = await client.channel()
  await channel.call('confirm.select')
  for (let i = 0; i < 3; i++) await channel.publishConfirmed('', 'waits', 'x')
  broker.clock.advance(40_000)
  await channel.call('basic.consume', { queue: 'waits', noAck: true })
  for (let i = 0; i < 3; i++) await channel.take('basic.deliver')
  client.socket.destroy()
  assert.equal((await counts('warrenmq_confirm_seconds')).count - before.confirm.count, 3)
  const queue = await counts('warrenmq_time_in_queue_seconds')
  assert.equal(queue.count - before.queue.count, 3)
  assert.equal(queue.sum - before.queue.sum, 120)
  await broker.delete('queues/%2F/waits')
})

test('where a message would go is told, and nothing is published', async () => {
  await broker.put('exchanges/%2F/asked', { type: 'topic', durable: true })
  for (const name of ['asked.a', 'asked.b']) await broker.put(`queues/%2F/${name}`, { durable: true })
  await broker.post('bindings/%2F/e/asked/q/asked.a', { routing_key: 'x.#' })
  await broker.put('exchanges/%2F/spare', { type: 'fanout', durable: true })
  await broker.post('bindings/%2F/e/spare/q/asked.b', {})
  const ask = async (key: string, exchange = 'asked') =>
    (await broker.post(`warren/route/%2F/${exchange}`, { routing_key: key })).json
  assert.deepEqual(await ask('x.y'), { queues: ['asked.a'], alternates: {} })
  assert.deepEqual((await ask('y')).queues, [])
  await broker.put('policies/%2F/spare', {
    pattern: '^asked$',
    'apply-to': 'exchanges',
    definition: { 'alternate-exchange': 'spare' },
  })
  assert.deepEqual(await ask('y'), { queues: ['asked.b'], alternates: { asked: 'spare' } })
  assert.deepEqual((await ask('asked.a', 'amq.default')).queues, ['asked.a'])
  assert.equal((await broker.post('warren/route/%2F/none', { routing_key: '' })).status, 404)
  assert.equal((await broker.get('queues/%2F/asked.a?disable_stats=true&enable_queue_totals=true')).json.messages, 0)
  await broker.delete('policies/%2F/spare')
  for (const name of ['asked', 'spare']) await broker.delete(`exchanges/%2F/${name}`)
  for (const name of ['asked.a', 'asked.b']) await broker.delete(`queues/%2F/${name}`)
})
