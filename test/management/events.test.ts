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

test('logins, and changes of users and limits, are told apart', async () => {
  await broker.put('queues/%2F/people')
  for (const key of ['user.#', 'vhost.#']) {
    await broker.post('bindings/%2F/e/amq.rabbitmq.event/q/people', { routing_key: key })
  }
  await broker.put('users/eva', { password: 'one', tags: '' })
  await broker.put('users/eva', { password: 'two', tags: 'monitoring' })
  await broker.put('user-limits/eva/max-channels', { value: 7 })
  await broker.delete('user-limits/eva/max-channels')
  await broker.put('users/eva', { password_hash: '', tags: 'monitoring' })
  await broker.put('vhosts/told')
  await broker.put('vhosts/told', { description: 'a change that is no event' })
  await broker.put('vhost-limits/told/max-queues', { value: 0 })
  await broker.delete('vhost-limits/told/max-queues')
  const port = Number(broker.booted.listeners.amqp)
  const client = await (await WireClient.connect('127.0.0.1', port)).open()
  await client.close()
  const stranger = await WireClient.connect('127.0.0.1', port)
  await assert.rejects(stranger.open({ user: 'eva', password: 'wrong' }))
  stranger.socket.destroy()
  await broker.delete('users/eva')
  await broker.delete('vhosts/told')
  const wanted = [
    ['user.created', { name: 'eva', tags: '' }],
    ['user.password.changed', { name: 'eva' }],
    ['user.tags.set', { name: 'eva', tags: 'monitoring' }],
    ['user.limits.set', { name: 'eva', 'max-channels': 7 }],
    ['user.limits.cleared', { name: 'eva' }],
    ['user.password.cleared', { name: 'eva' }],
    ['vhost.created', { name: 'told', description: '', tags: '' }],
    ['vhost.limits.set', { name: 'told', 'max-queues': 0 }],
    ['vhost.limits.cleared', { name: 'told' }],
    [
      'user.authentication.success',
      { name: 'guest', connection_type: 'network', protocol: 'amqp091', peer_host: '127.0.0.1' },
    ],
    [
      'user.authentication.failure',
      { name: 'eva', connection_type: 'network', protocol: 'amqp091', peer_host: '127.0.0.1' },
    ],
    ['user.deleted', { name: 'eva' }],
    ['vhost.deleted', { name: 'told' }],
  ]
  const get = { count: 100, ackmode: 'ack_requeue_true', encoding: 'auto' }
  let events = (await broker.post('queues/%2F/people/get', get)).json
  while (events.length < wanted.length) events = (await broker.post('queues/%2F/people/get', get)).json
  const told = events.map((event: { routing_key: string; properties: { headers: Record<string, unknown> } }) => {
    const { timestamp_in_ms: _, ...fields } = event.properties.headers
    return [event.routing_key, fields]
  })
  assert.deepEqual(told, wanted)
})
