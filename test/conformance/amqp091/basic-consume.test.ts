// basic.consume, deliver, cancel and consumer cancel notification. [AMQP 0-9-1 §1.8.3.3; rabbitmq.com "Consumers",
// "Consumer Cancel Notification", "Consumer Priorities", "Single Active Consumer"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'

const { test } = await conformance('basic-consume')

test('basic.consume: an empty tag asks the server for one', async (scene) => {
  const queue = await scene.queue()
  const first = await scene.channel.consume(queue)
  const second = await scene.channel.consume(queue)
  assert.match(first, /^amq\.ctag-[A-Za-z0-9_-]{22}$/)
  assert.notEqual(first, second)
})

test('basic.consume: consume-ok precedes the first delivery', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x')
  await scene.channel.depthBecomes(queue, 1)
  scene.channel.send('basic.consume', { queue, consumerTag: 'mine' })
  await scene.channel.expect('basic.consume-ok')
  const message = await scene.channel.delivery()
  assert.deepEqual(message.args, {
    consumerTag: 'mine',
    deliveryTag: 1,
    redelivered: false,
    exchange: '',
    routingKey: queue,
  })
})

test('basic.consume: nowait is silent, deliveries carry the tag', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x')
  scene.channel.send('basic.consume', { queue, consumerTag: 'quiet', noWait: true })
  assert.equal((await scene.channel.delivery()).args.consumerTag, 'quiet')
})

test('basic.consume: a missing queue is 404', async (scene) => {
  const queue = scene.name()
  scene.channel.send('basic.consume', { queue })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('queue', queue)}`, 60, 20)
})

test('basic.consume: a tag in use on the channel is 530', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.consume(queue, { consumerTag: 'twice' })
  scene.channel.send('basic.consume', { queue, consumerTag: 'twice' })
  await scene.client.refused(530, "NOT_ALLOWED - attempt to reuse consumer tag 'twice'", 60, 20)
})

test('basic.consume: a tag may be used again after cancel, and on another channel', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.consume(queue, { consumerTag: 'again' })
  await (await scene.client.channel(2)).consume(queue, { consumerTag: 'again' })
  await scene.channel.call('basic.cancel', { consumerTag: 'again' })
  await scene.channel.consume(queue, { consumerTag: 'again' })
})

test('no-ack: deliveries count as settled', async (scene) => {
  const queue = await scene.queue()
  const other = await scene.client.channel(2)
  await other.consume(queue, { noAck: true })
  other.publish('', queue, 'x')
  const message = await other.delivery()
  other.ack(message)
  await other.refused(406, 'PRECONDITION_FAILED - unknown delivery tag 1', 60, 80)
  assert.equal(await scene.channel.depth(queue), 0)
})

test('no-local: is ignored', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.consume(queue, { noLocal: true })
  scene.channel.publish('', queue, 'own')
  assert.equal((await scene.channel.delivery()).body.toString(), 'own')
})

test('exclusive consumer: a second consumer is 403', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.consume(queue, { exclusive: true })
  const other = await scene.client.channel(2)
  other.send('basic.consume', { queue })
  await other.refused(403, `ACCESS_REFUSED - ${scene.the('queue', queue)} in exclusive use`, 60, 20)
})

test('exclusive consumer: is refused where others consume', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.consume(queue)
  const other = await scene.client.channel(2)
  other.send('basic.consume', { queue, exclusive: true })
  await other.refused(403, `ACCESS_REFUSED - ${scene.the('queue', queue)} in exclusive use`, 60, 20)
})

test('exclusive consumer: its end frees the queue', async (scene) => {
  const queue = await scene.queue()
  const tag = await scene.channel.consume(queue, { exclusive: true })
  await scene.channel.call('basic.cancel', { consumerTag: tag })
  await (await scene.client.channel(2)).consume(queue)
})

test('round robin: consumers with room take turns', async (scene) => {
  const queue = await scene.queue()
  for (const consumerTag of ['a', 'b', 'c']) await scene.channel.consume(queue, { consumerTag })
  for (let n = 0; n < 9; n++) scene.channel.publish('', queue, String(n))
  const tags: unknown[] = []
  for (let n = 0; n < 9; n++) tags.push((await scene.channel.delivery()).args.consumerTag)
  for (const consumerTag of ['a', 'b', 'c']) assert.equal(tags.filter((tag) => tag === consumerTag).length, 3)
})

test('basic.cancel: cancel-ok follows the last delivery; unacked messages stay with the channel', async (scene) => {
  const queue = await scene.queue()
  const consumerTag = await scene.channel.consume(queue)
  scene.channel.publish('', queue, '1')
  const message = await scene.channel.delivery()
  assert.deepEqual(await scene.channel.call('basic.cancel', { consumerTag }), { consumerTag })
  scene.channel.publish('', queue, '2')
  await scene.channel.quiet(queue)
  scene.channel.ack(message)
  await scene.channel.depthBecomes(queue, 1)
})

test('basic.cancel: an unknown tag is answered with cancel-ok', async (scene) => {
  assert.deepEqual(await scene.channel.call('basic.cancel', { consumerTag: 'unknown' }), { consumerTag: 'unknown' })
})

test('basic.cancel: nowait is silent', async (scene) => {
  const queue = await scene.queue()
  const consumerTag = await scene.channel.consume(queue)
  scene.channel.send('basic.cancel', { consumerTag, noWait: true })
  await scene.channel.quiet()
  assert.equal((await scene.channel.status(queue)).consumers, 0)
})

test('consumer_cancel_notify: deleting the queue cancels its consumers', async (scene) => {
  const queue = await scene.queue()
  const consumerTag = await scene.channel.consume(queue)
  const other = await scene.client.channel(2)
  await other.call('queue.delete', { queue })
  assert.deepEqual((await scene.channel.expect('basic.cancel')).args, { consumerTag, noWait: true })
  await scene.channel.quiet()
})

test('consumer_cancel_notify: without the capability nothing is sent', async (scene) => {
  const channel = await scene.otherChannel({ clientProperties: {} })
  const queue = await scene.queue({}, { durable: true })
  await channel.consume(queue)
  await channel.call('queue.delete', { queue })
  await channel.quiet()
  await channel.quiet()
})

test('x-priority: higher consumers come first, lower ones when those are full', async (scene) => {
  const queue = await scene.queue()
  const low = await scene.client.channel(2)
  const high = await scene.client.channel(3)
  await low.call('basic.qos', { prefetchCount: 10 })
  await high.call('basic.qos', { prefetchCount: 2 })
  await low.consume(queue, { arguments: { 'x-priority': -1 } })
  await high.consume(queue, { arguments: { 'x-priority': 5 } })
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  assert.deepEqual(await high.bodies(2), ['1', '2'])
  assert.deepEqual(await low.bodies(1), ['3'])
  high.ack(2, true)
  scene.channel.publish('', queue, '4')
  assert.deepEqual(await high.bodies(1), ['4'])
})

test('x-priority: equal priorities take turns', async (scene) => {
  const queue = await scene.queue()
  const [first, second] = [await scene.client.channel(2), await scene.client.channel(3)]
  await first.consume(queue, { arguments: { 'x-priority': 3 } })
  await second.consume(queue, { arguments: { 'x-priority': 3 } })
  for (const body of ['1', '2', '3', '4']) scene.channel.publish('', queue, body)
  await first.bodies(2)
  await second.bodies(2)
})

test('x-priority: a value that is no integer is 406', async (scene) => {
  const queue = await scene.queue()
  scene.channel.send('basic.consume', { queue, arguments: { 'x-priority': 'high' } })
  await scene.channel.refused(406, /^PRECONDITION_FAILED - invalid arg 'x-priority' for queue .*/, 60, 20)
})

test('x-single-active-consumer: only the first consumer receives, the next one takes over', async (scene) => {
  const queue = await scene.queue({ 'x-single-active-consumer': true })
  const [first, second, third] = [
    await scene.client.channel(2),
    await scene.client.channel(3),
    await scene.client.channel(4),
  ]
  await first.consume(queue, { consumerTag: 'one' })
  await second.consume(queue)
  await third.consume(queue)
  for (const body of ['1', '2']) scene.channel.publish('', queue, body)
  assert.deepEqual(await first.bodies(2), ['1', '2'])
  await second.quiet(queue)
  first.ack(2, true)
  await first.call('basic.cancel', { consumerTag: 'one' })
  scene.channel.publish('', queue, '3')
  assert.deepEqual(await second.bodies(1), ['3'])
  await second.close()
  assert.deepEqual(await third.bodies(1), ['3'])
})

test('x-single-active-consumer: an exclusive consumer is refused', async (scene) => {
  const queue = await scene.queue({ 'x-single-active-consumer': true })
  scene.channel.send('basic.consume', { queue, exclusive: true })
  await scene.channel.refused(403, `ACCESS_REFUSED - ${scene.the('queue', queue)} in exclusive use`, 60, 20)
})

test('redelivered: is set after the connection of the first consumer dropped', async (scene) => {
  const queue = await scene.queue({}, { durable: true })
  const first = await scene.otherChannel()
  await first.consume(queue)
  scene.channel.publish('', queue, 'x')
  assert.equal((await first.delivery()).args.redelivered, false)
  first.client.destroy()
  const message = await scene.channel.getSoon(queue)
  assert.equal(message.args.redelivered, true)
})
