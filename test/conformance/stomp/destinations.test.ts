// RabbitMQ: STOMP destinations.
import assert from 'node:assert/strict'
import { stompConformance } from '../../support/stomp-broker.ts'

const test = await stompConformance()

test('/queue: declared durable, shared, and kept', async (scene) => {
  const [one, two] = [await scene.connect(), await scene.connect()]
  const name = scene.name()
  await one.call('SEND', { destination: `/queue/${name}` }, 'first')
  const record = scene.booted.parts.broker.vhost('/')?.queue(name)?.record
  assert.deepEqual([record?.durable, record?.autoDelete, record?.exclusive], [true, false, false])
  await two.call('SUBSCRIBE', { id: 1, destination: name })
  await two.bodies('first')
})

test('/queue: arguments of every kind', async (scene) => {
  const client = await scene.connect()
  const name = scene.name()
  await client.call('SUBSCRIBE', {
    id: 1,
    destination: `/queue/${name}`,
    durable: 'false',
    'auto-delete': 'true',
    exclusive: 'true',
    'x-message-ttl': 100_000,
    'x-max-length': 10,
    'x-overflow': 'reject-publish',
    'x-max-priority': 5,
    'x-dead-letter-exchange': 'amq.direct',
    'x-single-active-consumer': 'true',
    'x-priority': 3,
  })
  const queue = scene.booted.parts.broker.vhost('/')?.queue(name)
  assert.equal(queue?.record.exclusive, true)
  assert.equal(queue?.record.autoDelete, true)
  assert.deepEqual(Object.fromEntries(queue!.record.arguments.map(([key, , value]) => [key, value])), {
    'x-queue-type': 'classic',
    'x-message-ttl': 100_000,
    'x-max-length': 10,
    'x-overflow': 'reject-publish',
    'x-max-priority': 5,
    'x-dead-letter-exchange': 'amq.direct',
    'x-single-active-consumer': true,
  })
  assert.equal(queue?.consumers[0]?.spec.priority, 3)
})

test('/queue: a declaration that differs is refused', async (scene) => {
  const client = await scene.connect()
  const name = scene.name()
  await client.call('SEND', { destination: `/queue/${name}` }, 'x')
  const other = await scene.connect()
  other.send('SUBSCRIBE', { id: 1, destination: `/queue/${name}`, 'x-max-length': 5, receipt: 'r' })
  const text =
    `PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue '${name}' in vhost '/': ` +
    "received the value '5' of type 'long' but current is none"
  const error = await other.refused('precondition_failed', text)
  assert.equal(error.headers['receipt-id'], 'r')
})

test('/amq/queue: must exist to be subscribed to, and need not to be sent to', async (scene) => {
  const client = await scene.connect()
  await client.call('SEND', { destination: '/amq/queue/nope' }, 'x')
  client.send('SUBSCRIBE', { id: 1, destination: '/amq/queue/nope' })
  await client.refused('not_found', "NOT_FOUND - no queue 'nope' in vhost '/'")
})

test('/exchange: routed by key, shown with it', async (scene) => {
  const client = await scene.connect()
  await client.call('SUBSCRIBE', { id: 'd', destination: '/exchange/amq.direct/a.b' })
  await client.call('SUBSCRIBE', { id: 'f', destination: '/exchange/amq.fanout' })
  client.send('SEND', { destination: '/exchange/amq.direct/a.b' }, 'direct')
  const [direct] = await client.bodies('direct')
  assert.deepEqual([direct?.headers.subscription, direct?.headers.destination], ['d', '/exchange/amq.direct/a.b'])
  client.send('SEND', { destination: '/exchange/amq.fanout/kk' }, 'fanout')
  assert.equal((await client.bodies('fanout'))[0]?.headers.destination, '/exchange/amq.fanout/kk')
})

test('/exchange: one that is not there', async (scene) => {
  const text = "NOT_FOUND - no exchange 'nope' in vhost '/'"
  const sender = await scene.connect()
  sender.send('SEND', { destination: '/exchange/nope/key' }, 'x')
  await sender.refused('not_found', text)
  const reader = await scene.connect()
  reader.send('SUBSCRIBE', { id: 1, destination: '/exchange/nope/key' })
  await reader.refused('not_found', text)
})

test('/topic: patterns, and queues that go with their subscription', async (scene) => {
  const client = await scene.connect()
  const before = scene.booted.parts.broker.vhost('/')!.queueCount
  await client.call('SUBSCRIBE', { id: 1, destination: '/topic/news.*' })
  assert.equal(scene.booted.parts.broker.vhost('/')!.queueCount, before + 1)
  client.send('SEND', { destination: '/topic/news.a' }, 'a')
  client.send('SEND', { destination: '/topic/other.a' }, 'b')
  assert.equal((await client.bodies('a'))[0]?.headers.destination, '/topic/news.a')
  await client.call('UNSUBSCRIBE', { id: 1 })
  assert.equal(scene.booted.parts.broker.vhost('/')!.queueCount, before)
})

test('names: %2F is a slash; what is shown can be sent to again', async (scene) => {
  const client = await scene.connect()
  const name = scene.name('a/')
  const destination = `/queue/${name.replaceAll('/', '%2F')}`
  await client.call('SUBSCRIBE', { id: 1, destination })
  assert.ok(scene.booted.parts.broker.vhost('/')?.queue(name))
  client.send('SEND', { destination }, 'x')
  assert.equal((await client.bodies('x'))[0]?.headers.destination, destination)
})

test('durable subscriptions outlive their connection, and end with a durable UNSUBSCRIBE', async (scene) => {
  const headers = {
    id: scene.name('d'),
    destination: `/topic/${scene.name('t')}`,
    durable: 'true',
    'auto-delete': 'false',
  }
  const one = await scene.connect()
  await one.call('SUBSCRIBE', headers)
  await one.call('DISCONNECT')
  const sender = await scene.connect()
  await sender.call('SEND', { destination: headers.destination }, 'kept')
  const two = await scene.connect()
  two.send('SUBSCRIBE', headers)
  await two.bodies('kept')
  const { vhost } = { vhost: scene.booted.parts.broker.vhost('/')! }
  const before = vhost.queueCount
  await two.call('UNSUBSCRIBE', { id: headers.id })
  assert.equal(vhost.queueCount, before, 'without durable it only ends')
  await two.call('SUBSCRIBE', headers)
  await two.call('UNSUBSCRIBE', { id: headers.id, durable: 'true' })
  assert.equal(vhost.queueCount, before - 1)
})

test('durable subscriptions need an id', async (scene) => {
  const client = await scene.connect('1.0')
  client.send('SUBSCRIBE', { destination: '/topic/t', durable: 'true', 'auto-delete': 'false' })
  await client.refused('Missing Header', "Header 'id' is required for durable subscriptions")
})

test('x-queue-name names the queue of a subscription', async (scene) => {
  const client = await scene.connect()
  const name = scene.name('mine')
  await client.call('SUBSCRIBE', { id: 1, destination: '/topic/x', 'x-queue-name': name })
  assert.ok(scene.booted.parts.broker.vhost('/')?.queue(name))
})

test('/temp-queue: a request and its reply', async (scene) => {
  const [requester, replier] = [await scene.connect(), await scene.connect()]
  const destination = `/queue/${scene.name()}`
  await replier.call('SUBSCRIBE', { id: 1, destination })
  await requester.call('SEND', { destination, 'reply-to': '/temp-queue/foo' }, 'ping')
  const [request] = await replier.bodies('ping')
  assert.match(request?.headers['reply-to'] ?? '', /^\/reply-queue\/amq\.gen-/)
  replier.send('SEND', { destination: request!.headers['reply-to']! }, 'pong')
  assert.equal((await requester.bodies('pong'))[0]?.headers.subscription, '/temp-queue/foo')
})

test('direct reply-to over /amq/queue', async (scene) => {
  const [requester, replier] = [await scene.connect(), await scene.connect()]
  const destination = `/queue/${scene.name()}`
  await replier.call('SUBSCRIBE', { id: 1, destination })
  await requester.call('SUBSCRIBE', { id: 'r', destination: '/amq/queue/amq.rabbitmq.reply-to' })
  await requester.call('SEND', { destination, 'reply-to': 'amq.rabbitmq.reply-to' }, 'ping')
  const [request] = await replier.bodies('ping')
  replier.send('SEND', { destination: request!.headers['reply-to']! }, 'pong')
  assert.equal((await requester.bodies('pong'))[0]?.headers.subscription, 'r')
})

test('destinations that do not fit the command', async (scene) => {
  const refused = async (command: string, destination: string, message: string, body: string): Promise<void> => {
    const client = await scene.connect()
    client.send(command, { id: 1, ...(destination !== '' && { destination }) })
    await client.refused(message, body)
  }
  const temporary = (command: string): string => `'/temp-queue/x' is not a valid destination for '${command}'\n`
  await refused('SUBSCRIBE', '/temp-queue/x', 'Invalid destination', temporary('SUBSCRIBE'))
  await refused('SEND', '/temp-queue/x', 'Invalid destination', temporary('SEND'))
  await refused('SEND', '', 'Missing destination', `"SEND" must include a 'destination' header\n`)
  await refused('SUBSCRIBE', '', 'Missing destination', `"SUBSCRIBE" must include a 'destination' header\n`)
})
