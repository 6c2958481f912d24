// Quorum queues on one node. [rabbitmq.com "Quorum Queues"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'
import type { Table, Value } from '../../support/wire-codec.ts'

const { test, testSince } = await conformance('quorum')

/** A durable quorum queue under a fresh name. */
function quorumQueue(scene: Scene, args: Table = {}): Promise<string> {
  return scene.queue({ 'x-queue-type': 'quorum', ...args }, { durable: true })
}

async function refusedDeclare(scene: Scene, args: Table, properties: Table, text: (queue: string) => string) {
  const queue = scene.name()
  scene.channel.send('queue.declare', { queue, arguments: { 'x-queue-type': 'quorum', ...args }, ...properties })
  await scene.channel.refused(406, text(queue), 50, 10)
}

for (const [property, properties] of [
  ['non-durable', {}],
  ['auto-delete', { durable: true, autoDelete: true }],
  ['exclusive-owner', { durable: true, exclusive: true }],
] as const) {
  test(`${property} is 406`, (scene) =>
    refusedDeclare(
      scene,
      {},
      properties,
      (queue) => `PRECONDITION_FAILED - invalid property '${property}' for ${scene.the('queue', queue)}`,
    ))
}

test('a server name is 406', async (scene) => {
  scene.channel.send('queue.declare', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await scene.channel.refused(
    406,
    /^PRECONDITION_FAILED - Cannot declare a server-named queue for type (<<")?(rabbit_)?quorum/,
    50,
    10,
  )
})

const UNSUPPORTED: readonly [string, Value][] = [
  ['x-max-priority', 5],
  ['x-queue-mode', 'lazy'],
]

for (const [key, value] of UNSUPPORTED) {
  test(`${key} belongs to classic queues and is 406`, (scene) =>
    refusedDeclare(
      scene,
      { [key]: value },
      { durable: true },
      (queue) =>
        `PRECONDITION_FAILED - invalid arg '${key}' for ${scene.the('queue', queue)} of queue type rabbit_quorum_queue`,
    ))
}

test('x-delivery-limit on a classic queue is 406', async (scene) => {
  const queue = scene.name()
  scene.channel.send('queue.declare', { queue, exclusive: true, arguments: { 'x-delivery-limit': 5 } })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - invalid arg 'x-delivery-limit' for ${scene.the('queue', queue)} ` +
      'of queue type rabbit_classic_queue',
    50,
    10,
  )
})

test('redeclared as classic is 406', async (scene) => {
  const queue = await quorumQueue(scene)
  scene.channel.send('queue.declare', { queue, durable: true })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for ${scene.the('queue', queue)}: ` +
      scene.since(
        '4.0',
        "received 'classic' but current is 'quorum'",
        "received none but current is the value 'quorum' of type 'longstr'",
      ),
    50,
    10,
  )
})

test('messages are kept in order, transient ones too, and confirmed', async (scene) => {
  const queue = await quorumQueue(scene)
  await scene.channel.call('confirm.select')
  for (const body of ['1', '2', '3']) await scene.channel.publishConfirmed('', queue, body)
  for (const body of ['1', '2', '3']) assert.equal((await scene.channel.getSoon(queue)).body.toString(), body)
})

test('deliveries follow the prefetch and acks make room', async (scene) => {
  const queue = await quorumQueue(scene)
  await scene.channel.call('basic.qos', { prefetchCount: 2 })
  await scene.channel.consume(queue)
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  const bodies = await scene.channel.bodies(2)
  assert.deepEqual(bodies, ['1', '2'])
  scene.channel.ack(1)
  assert.deepEqual(await scene.channel.bodies(1), ['3'])
})

test('x-delivery-limit: a message rejected beyond it is dead-lettered with reason delivery_limit', async (scene) => {
  const dead = await scene.queue()
  const queue = await quorumQueue(scene, {
    'x-delivery-limit': 2,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': dead,
  })
  scene.channel.publish('', queue, 'poison')
  for (let attempt = 0; attempt < 3; attempt++) scene.channel.reject(await scene.channel.getSoon(queue, false), true)
  const message = await scene.channel.getSoon(dead)
  assert.equal(message.headers['x-first-death-reason'], 'delivery_limit')
  assert.equal(message.headers['x-first-death-queue'], queue)
})

test('x-delivery-count: tells on redelivery how often delivery failed', async (scene) => {
  const queue = await quorumQueue(scene)
  scene.channel.publish('', queue, 'x')
  const first = await scene.channel.getSoon(queue, false)
  assert.equal(first.headers['x-delivery-count'], scene.since<Value | undefined>('3.12', undefined, 0))
  assert.equal(first.args.redelivered, false)
  scene.channel.reject(first, true)
  const second = await scene.channel.getSoon(queue, false)
  assert.equal(second.headers['x-delivery-count'], 1)
  assert.equal(second.args.redelivered, true)
  scene.channel.reject(second, true)
  const third = await scene.channel.getSoon(queue, false)
  assert.equal(third.headers['x-delivery-count'], 2)
  scene.channel.ack(third)
})

testSince('4.3', 'basic.nack requeues without counting a failure, x-acquired-count counts it', async (scene) => {
  const queue = await quorumQueue(scene)
  scene.channel.publish('', queue, 'x')
  scene.channel.nack(await scene.channel.getSoon(queue, false), { requeue: true })
  const again = await scene.channel.getSoon(queue, false)
  assert.equal(again.headers['x-delivery-count'], undefined)
  assert.equal(again.headers['x-acquired-count'], 1)
  assert.equal(again.args.redelivered, true)
  scene.channel.ack(again)
})

testSince('4.0', 'the delivery limit is 20 unless another is set', async (scene) => {
  const dead = await scene.queue()
  const queue = await quorumQueue(scene, { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead })
  scene.channel.publish('', queue, 'poison')
  for (let attempt = 0; attempt < 21; attempt++) scene.channel.reject(await scene.channel.getSoon(queue, false), true)
  await scene.channel.getSoon(dead)
})

testSince('4.0', 'a negative delivery limit is none', async (scene) => {
  const queue = await quorumQueue(scene, { 'x-delivery-limit': -1 })
  scene.channel.publish('', queue, 'x')
  for (let attempt = 0; attempt < 30; attempt++) scene.channel.reject(await scene.channel.getSoon(queue, false), true)
  const last = await scene.channel.getSoon(queue)
  assert.equal(last.headers['x-delivery-count'], 30)
})

test('message TTL and dead-lettering', async (scene) => {
  const dead = await scene.queue()
  const queue = await quorumQueue(scene, {
    'x-message-ttl': 30,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': dead,
  })
  scene.channel.publish('', queue, 'x')
  assert.equal((await scene.channel.getSoon(dead)).headers['x-first-death-reason'], 'expired')
})

test('basic.reject without requeue dead-letters', async (scene) => {
  const dead = await scene.queue()
  const queue = await quorumQueue(scene, { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead })
  scene.channel.publish('', queue, 'x')
  scene.channel.reject(await scene.channel.getSoon(queue, false))
  assert.equal((await scene.channel.getSoon(dead)).headers['x-first-death-reason'], 'rejected')
})

test('x-max-length: drops from the head', async (scene) => {
  const queue = await quorumQueue(scene, { 'x-max-length': 2 })
  await scene.channel.call('confirm.select')
  for (const body of ['1', '2', '3']) await scene.channel.publishConfirmed('', queue, body)
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '2')
})

test('purge returns the ready messages', async (scene) => {
  const queue = await quorumQueue(scene)
  await scene.channel.call('confirm.select')
  for (const body of ['1', '2']) await scene.channel.publishConfirmed('', queue, body)
  assert.deepEqual(await scene.channel.call('queue.purge', { queue }), { messageCount: 2 })
})

test('queue.delete with if-unused or if-empty is 540', async (scene) => {
  const queue = await quorumQueue(scene)
  scene.channel.send('queue.delete', { queue, ifUnused: true })
  await scene.client.refused(
    540,
    `NOT_IMPLEMENTED - cannot delete ${scene.the('queue', queue)}. queue.delete operations with if-unused flag set are ` +
      'not supported by quorum queues',
    50,
    40,
  )
})

test('the exclusive flag of a consumer is ignored', async (scene) => {
  const queue = await quorumQueue(scene)
  await scene.channel.consume(queue, { exclusive: true })
  await scene.channel.consume(queue)
})

test('x-single-active-consumer: basic.get is 405', async (scene) => {
  const queue = await quorumQueue(scene, { 'x-single-active-consumer': true })
  scene.channel.send('basic.get', { queue })
  await scene.channel.refused(
    405,
    `RESOURCE_LOCKED - cannot obtain access to locked ${scene.the('queue', queue)}. basic.get operations are not ` +
      'supported by quorum queues with single active consumer',
    60,
    70,
  )
})

test('x-single-active-consumer: the next consumer takes over', async (scene) => {
  const queue = await quorumQueue(scene, { 'x-single-active-consumer': true })
  const [first, second] = [await scene.client.channel(2), await scene.client.channel(3)]
  await first.consume(queue)
  await second.consume(queue)
  scene.channel.publish('', queue, '1')
  assert.deepEqual(await first.bodies(1), ['1'])
  await first.close()
  assert.deepEqual(await second.bodies(1), ['1'])
})

testSince('4.3', 'priorities are strict from 0 to 31, none counts as 4', async (scene) => {
  const queue = await quorumQueue(scene)
  await scene.channel.call('confirm.select')
  const priorities: readonly (number | undefined)[] = [1, 200, undefined, 10, 4, 5]
  for (const priority of priorities) {
    const properties = priority === undefined ? {} : { priority }
    await scene.channel.publishConfirmed('', queue, String(priority), properties)
  }
  const bodies: string[] = []
  for (let n = 0; n < priorities.length; n++) bodies.push((await scene.channel.getSoon(queue)).body.toString())
  assert.deepEqual(bodies, ['200', '10', '5', 'undefined', '4', '1'])
})

testSince('4.3', 'returned messages come before all others, in the order of return', async (scene) => {
  const queue = await quorumQueue(scene)
  await scene.channel.call('confirm.select')
  for (const body of ['1', '2', '3']) await scene.channel.publishConfirmed('', queue, body)
  const [first, second] = [await scene.channel.getSoon(queue, false), await scene.channel.getSoon(queue, false)]
  scene.channel.nack(second, { requeue: true })
  scene.channel.nack(first, { requeue: true })
  const bodies: string[] = []
  for (let n = 0; n < 3; n++) bodies.push((await scene.channel.getSoon(queue)).body.toString())
  assert.deepEqual(bodies, ['2', '1', '3'])
})

test('at-least-once: a dead letter arrives and leaves the source', async (scene) => {
  const dead = await scene.queue()
  const queue = await quorumQueue(scene, {
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': dead,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  })
  scene.channel.publish('', queue, 'x')
  scene.channel.reject(await scene.channel.getSoon(queue, false))
  const message = await scene.channel.getSoon(dead)
  assert.equal(message.headers['x-first-death-reason'], 'rejected')
  assert.equal(message.headers['x-first-death-queue'], queue)
  assert.equal(await scene.channel.depth(queue), 0)
})

test('at-least-once: an unknown strategy is 406', (scene) =>
  refusedDeclare(
    scene,
    { 'x-dead-letter-strategy': 'sometimes', 'x-dead-letter-exchange': '' },
    { durable: true },
    (queue) =>
      `PRECONDITION_FAILED - invalid arg 'x-dead-letter-strategy' for ${scene.the('queue', queue)}: ` +
      'invalid_dlx_strategy',
  ))

test('quorum queues: a consumer that would share the limit of its channel is 540', async (scene) => {
  const queue = await quorumQueue(scene)
  await scene.channel.call('basic.qos', { prefetchCount: 5, global: true })
  scene.channel.send('basic.consume', { queue })
  const text = `NOT_IMPLEMENTED - ${scene.the('queue', queue)} does not support global qos`
  await scene.client.refused(540, text, 60, 20)
})
