// The event exchange as a client sees it: what sessions do becomes messages. [RabbitMQ: rabbitmq_event_exchange]
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { WireClient } from '../support/wire-client.ts'
import { ManagedBroker } from './managed-broker.ts'

let broker: ManagedBroker
before(async () => {
  broker = await ManagedBroker.start()
})
after(() => broker.stop())

test('connections, channels and consumers are told as they come and go', async () => {
  await broker.put('queues/%2F/events')
  await broker.put('queues/%2F/work')
  for (const key of ['connection.*', 'channel.*', 'consumer.*']) {
    await broker.post('bindings/%2F/e/amq.rabbitmq.event/q/events', { routing_key: key })
  }
  const client = await WireClient.connect('127.0.0.1', Number(broker.booted.listeners.amqp))
  await client.open()
  const channel = await client.channel()
  await channel.call('basic.consume', { queue: 'work', consumerTag: 'c' })
  await channel.call('basic.cancel', { consumerTag: 'c' })
  await channel.call('channel.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 })
  client.send('connection.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 })
  await client.expect('connection.close-ok')
  const get = { count: 100, ackmode: 'ack_requeue_true', encoding: 'auto' }
  const keys = ['connection.created', 'channel.created', 'consumer.created', 'consumer.deleted', 'channel.closed']
  const wanted = [...keys, 'connection.closed']
  let events = (await broker.post('queues/%2F/events/get', get)).json
  while (events.length < wanted.length) events = (await broker.post('queues/%2F/events/get', get)).json
  assert.deepEqual(
    events.map((event: { routing_key: string }) => event.routing_key),
    wanted,
  )
  const [connected, opened, consuming] = events.map(
    (event: { properties: { headers: object } }) => event.properties.headers,
  )
  assert.deepEqual([connected.user, connected.vhost, connected.protocol], ['guest', '/', 'AMQP 0-9-1'])
  assert.equal(opened.connection, connected.name)
  assert.deepEqual([consuming.queue, consuming.consumer_tag, consuming.ack_required], ['work', 'c', true])
  assert.equal(consuming.channel, opened.name)
  assert.equal(events[0].properties.delivery_mode, 2)
})
