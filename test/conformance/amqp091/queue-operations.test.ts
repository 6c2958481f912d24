// queue.bind, unbind, purge and delete. [AMQP 0-9-1 §1.7.2; rabbitmq.com "Queues", "Exchanges"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'

const { test } = await conformance('queue-operations')

test('queue.bind: a missing queue is 404', async (scene) => {
  const queue = scene.name()
  scene.channel.send('queue.bind', { queue, exchange: 'amq.direct', routingKey: 'k' })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('queue', queue)}`, 50, 20)
})

test('queue.bind: a missing exchange is 404', async (scene) => {
  const queue = await scene.queue()
  const exchange = scene.name('x')
  scene.channel.send('queue.bind', { queue, exchange })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('exchange', exchange)}`, 50, 20)
})

test('queue.bind: the default exchange is 403', async (scene) => {
  const queue = await scene.queue()
  scene.channel.send('queue.bind', { queue, exchange: '', routingKey: 'k' })
  await scene.channel.refused(403, 'ACCESS_REFUSED - operation not permitted on the default exchange', 50, 20)
})

test('queue.unbind: the default exchange is 403', async (scene) => {
  const queue = await scene.queue()
  scene.channel.send('queue.unbind', { queue, exchange: '', routingKey: queue })
  await scene.channel.refused(403, 'ACCESS_REFUSED - operation not permitted on the default exchange', 50, 50)
})

test('queue.bind: the same binding twice is one binding', async (scene) => {
  const queue = await scene.queue()
  const exchange = await scene.exchange('direct')
  await scene.channel.call('queue.bind', { queue, exchange, routingKey: 'k' })
  await scene.channel.call('queue.bind', { queue, exchange, routingKey: 'k' })
  scene.channel.publish(exchange, 'k', 'x')
  await scene.channel.depthBecomes(queue, 1)
  await scene.channel.call('queue.unbind', { queue, exchange, routingKey: 'k' })
  scene.channel.publish(exchange, 'k', 'x', {}, { mandatory: true })
  await scene.channel.expect('basic.return')
})

test('queue.bind: other arguments make another binding', async (scene) => {
  const queue = await scene.queue()
  const exchange = await scene.exchange('direct')
  await scene.channel.call('queue.bind', { queue, exchange, routingKey: 'k', arguments: { a: 1 } })
  await scene.channel.call('queue.bind', { queue, exchange, routingKey: 'k', arguments: { a: 2 } })
  await scene.channel.call('queue.unbind', { queue, exchange, routingKey: 'k', arguments: { a: 1 } })
  scene.channel.publish(exchange, 'k', 'x')
  await scene.channel.depthBecomes(queue, 1)
})

test('queue.bind: empty queue and empty key take the last queue as both', async (scene) => {
  const queue = await scene.queue()
  const exchange = await scene.exchange('direct')
  await scene.channel.call('queue.bind', { queue: '', exchange, routingKey: '' })
  scene.channel.publish(exchange, queue, 'x')
  await scene.channel.depthBecomes(queue, 1)
})

test('queue.bind: an empty queue with a key keeps the key', async (scene) => {
  const queue = await scene.queue()
  const exchange = await scene.exchange('direct')
  await scene.channel.call('queue.bind', { queue: '', exchange, routingKey: 'k' })
  scene.channel.publish(exchange, 'k', 'x')
  await scene.channel.depthBecomes(queue, 1)
})

test('queue.unbind: a missing binding is no error', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('queue.unbind', { queue, exchange: 'amq.direct', routingKey: 'never' })
})

test('queue.purge: returns how many ready messages went; unacked ones stay', async (scene) => {
  const queue = await scene.queue()
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  const held = await scene.channel.getSoon(queue, false)
  assert.deepEqual(await scene.channel.call('queue.purge', { queue }), { messageCount: 2 })
  scene.channel.nack(held, { requeue: true })
  await scene.channel.depthBecomes(queue, 1)
})

test('queue.purge: a missing queue is 404', async (scene) => {
  const queue = scene.name()
  scene.channel.send('queue.purge', { queue })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('queue', queue)}`, 50, 30)
})

test('queue.purge: does not dead-letter', async (scene) => {
  const dead = await scene.queue()
  const queue = await scene.queue({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead })
  scene.channel.publish('', queue, 'x')
  await scene.channel.call('queue.purge', { queue })
  assert.equal(await scene.channel.depth(dead), 0)
})

test('queue.purge: nowait is silent', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x')
  scene.channel.send('queue.purge', { queue, noWait: true })
  await scene.channel.quiet()
  assert.equal(await scene.channel.depth(queue), 0)
})

test('queue.delete: returns the ready messages it took along', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x')
  scene.channel.publish('', queue, 'y')
  assert.deepEqual(await scene.channel.call('queue.delete', { queue }), { messageCount: 2 })
})

test('queue.delete: a missing queue is success with 0', async (scene) => {
  assert.deepEqual(await scene.channel.call('queue.delete', { queue: scene.name() }), { messageCount: 0 })
})

test('queue.delete: if-unused with a consumer is 406', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.consume(queue)
  scene.channel.send('queue.delete', { queue, ifUnused: true })
  await scene.channel.refused(406, `PRECONDITION_FAILED - ${scene.the('queue', queue)} in use`, 50, 40)
})

test('queue.delete: if-empty with a message is 406', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x')
  scene.channel.send('queue.delete', { queue, ifEmpty: true })
  await scene.channel.refused(406, `PRECONDITION_FAILED - ${scene.the('queue', queue)} not empty`, 50, 40)
})

test('queue.delete: if-unused and if-empty succeed when both hold', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('queue.delete', { queue, ifUnused: true, ifEmpty: true })
})

test('queue.delete: bindings go with the queue', async (scene) => {
  const queue = await scene.queue()
  const exchange = await scene.exchange('fanout')
  await scene.channel.call('queue.bind', { queue, exchange })
  await scene.channel.call('queue.delete', { queue })
  await scene.channel.call('queue.declare', { queue, exclusive: true })
  scene.channel.publish(exchange, '', 'x', {}, { mandatory: true })
  await scene.channel.expect('basic.return')
})

test('queue.delete: an ack of a message of the deleted queue is accepted', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x')
  const message = await scene.channel.getSoon(queue, false)
  await scene.channel.call('queue.delete', { queue })
  scene.channel.ack(message)
  await scene.channel.quiet()
})

test('queue.delete: does not dead-letter', async (scene) => {
  const dead = await scene.queue()
  const queue = await scene.queue({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead })
  scene.channel.publish('', queue, 'x')
  await scene.channel.call('queue.delete', { queue })
  assert.equal(await scene.channel.depth(dead), 0)
})
