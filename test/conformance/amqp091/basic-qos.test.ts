// Prefetch. [AMQP 0-9-1 §1.8.3.1; rabbitmq.com "Consumer Prefetch"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'

const { test } = await conformance('basic-qos')

test('basic.qos: a prefetch size is 540', async (scene) => {
  scene.channel.send('basic.qos', { prefetchSize: 5 })
  await scene.client.refused(540, 'NOT_IMPLEMENTED - prefetch_size!=0 (5)', 60, 10)
})

test('basic.qos: limits unacked deliveries of a consumer, an ack makes room', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 2 })
  await scene.channel.consume(queue)
  for (const body of ['1', '2', '3', '4']) scene.channel.publish('', queue, body)
  assert.deepEqual(await scene.channel.bodies(2), ['1', '2'])
  await scene.channel.quiet(queue)
  scene.channel.ack(1)
  assert.deepEqual(await scene.channel.bodies(1), ['3'])
  await scene.channel.quiet(queue)
})

test('basic.qos: global=false counts each consumer by itself', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 1 })
  await scene.channel.consume(queue)
  await scene.channel.consume(queue)
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  assert.deepEqual((await scene.channel.bodies(2)).sort(), ['1', '2'])
  await scene.channel.quiet(queue)
})

test('basic.qos: existing consumers keep their limit', async (scene) => {
  const first = await scene.queue()
  const second = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 1 })
  await scene.channel.consume(first)
  await scene.channel.call('basic.qos', { prefetchCount: 2 })
  await scene.channel.consume(second)
  for (const queue of [first, second]) for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  await scene.channel.bodies(3)
  await scene.channel.quiet(first)
  await scene.channel.quiet(second)
  assert.equal(await scene.channel.depth(first), 2)
  assert.equal(await scene.channel.depth(second), 1)
})

test('basic.qos: 0 is no limit', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 0 })
  await scene.channel.consume(queue)
  for (let n = 0; n < 100; n++) scene.channel.publish('', queue, String(n))
  await scene.channel.bodies(100)
})

test('basic.qos: global=true is shared by the consumers of the channel', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 2, global: true })
  await scene.channel.consume(queue)
  await scene.channel.consume(queue)
  for (const body of ['1', '2', '3', '4']) scene.channel.publish('', queue, body)
  await scene.channel.bodies(2)
  await scene.channel.quiet(queue)
  scene.channel.ack(0, true)
  await scene.channel.bodies(2)
})

test('basic.qos: both limits hold together', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 2 })
  await scene.channel.call('basic.qos', { prefetchCount: 3, global: true })
  await scene.channel.consume(queue)
  await scene.channel.consume(queue)
  for (let n = 0; n < 6; n++) scene.channel.publish('', queue, String(n))
  await scene.channel.bodies(3)
  await scene.channel.quiet(queue)
})

test('basic.qos: basic.get is not limited', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 1 })
  for (const body of ['1', '2']) scene.channel.publish('', queue, body)
  assert.ok(await scene.channel.getSoon(queue, false))
  assert.ok(await scene.channel.getSoon(queue, false))
})

test('basic.qos: no-ack consumers are not limited', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 1 })
  await scene.channel.consume(queue, { noAck: true })
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  await scene.channel.bodies(3)
})

test('basic.qos: raising the global limit lets more through at once', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 1, global: true })
  await scene.channel.consume(queue)
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  await scene.channel.bodies(1)
  scene.channel.send('basic.qos', { prefetchCount: 3, global: true })
  await scene.channel.take('basic.qos-ok')
  await scene.channel.bodies(2)
})

test('basic.qos: global=false ends the limit of the channel', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('basic.qos', { prefetchCount: 1, global: true })
  await scene.channel.call('basic.qos', { prefetchCount: 2 })
  await scene.channel.consume(queue)
  await scene.channel.consume(queue)
  for (let n = 0; n < 6; n++) scene.channel.publish('', queue, String(n))
  await scene.channel.bodies(4)
  await scene.channel.quiet(queue)
})
