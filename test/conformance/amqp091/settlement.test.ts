// basic.get, ack, reject, nack and recover. [AMQP 0-9-1 §1.8.3.10–16; rabbitmq.com "Consumer Acknowledgements",
// "Negative Acknowledgements"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'

const { test } = await conformance('settlement')

/** A queue with these messages, and their deliveries as unacked on channel 1. */
async function delivered(scene: Scene, bodies: readonly string[]): Promise<string> {
  const queue = await scene.queue()
  for (const body of bodies) scene.channel.publish('', queue, body)
  for (const body of bodies) assert.equal((await scene.channel.getSoon(queue, false)).body.toString(), body)
  return queue
}

test('basic.get: get-ok carries the ready messages that remain', async (scene) => {
  const queue = await scene.queue()
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  await scene.channel.depthBecomes(queue, 3)
  const message = await scene.channel.getSoon(queue, false)
  assert.deepEqual(message.args, {
    deliveryTag: 1,
    redelivered: false,
    exchange: '',
    routingKey: queue,
    messageCount: 2,
  })
})

test('basic.get: an empty queue is get-empty', async (scene) => {
  const queue = await scene.queue()
  scene.channel.send('basic.get', { queue })
  assert.equal((await scene.channel.expect('basic.get-empty')).args.clusterId, '')
})

test('basic.get: a missing queue is 404', async (scene) => {
  const queue = scene.name()
  scene.channel.send('basic.get', { queue })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('queue', queue)}`, 60, 70)
})

test('basic.get: delivery tags are shared with deliveries of the channel', async (scene) => {
  const queue = await delivered(scene, ['1'])
  scene.channel.publish('', queue, '2')
  await scene.channel.consume(queue)
  assert.equal((await scene.channel.delivery()).args.deliveryTag, 2)
})

test('basic.ack: removes the message', async (scene) => {
  const queue = await delivered(scene, ['1', '2'])
  scene.channel.ack(1)
  await scene.channel.call('basic.recover', { requeue: true })
  await scene.channel.depthBecomes(queue, 1)
})

test('basic.ack: multiple settles all up to the tag', async (scene) => {
  const queue = await delivered(scene, ['1', '2', '3'])
  scene.channel.ack(2, true)
  await scene.channel.call('basic.recover', { requeue: true })
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '3')
  assert.equal(await scene.channel.depth(queue), 0)
})

test('basic.ack: multiple with tag 0 settles everything', async (scene) => {
  const queue = await delivered(scene, ['1', '2', '3'])
  scene.channel.ack(0, true)
  await scene.channel.call('basic.recover', { requeue: true })
  assert.equal(await scene.channel.depth(queue), 0)
})

test('basic.ack: multiple with tag 0 and nothing unacked is accepted', async (scene) => {
  scene.channel.ack(0, true)
  await scene.channel.quiet()
})

test('basic.ack: acks may come in any order', async (scene) => {
  await delivered(scene, ['1', '2', '3'])
  scene.channel.ack(3)
  scene.channel.ack(1)
  scene.channel.ack(2)
  await scene.channel.quiet()
})

const UNKNOWN: readonly [string, number, string, (scene: Scene) => void][] = [
  ['basic.ack of a tag never given', 80, '7', ({ channel }) => channel.ack(7)],
  ['basic.ack of tag 0', 80, '0', ({ channel }) => channel.ack(0)],
  ['basic.ack multiple of a tag never given', 80, '7', ({ channel }) => channel.ack(7, true)],
  ['basic.reject of a tag never given', 90, '7', ({ channel }) => channel.reject(7)],
  ['basic.nack of a tag never given', 120, '7', ({ channel }) => channel.nack(7)],
]

for (const [what, methodId, tag, send] of UNKNOWN) {
  test(`${what} is 406`, async (scene) => {
    await delivered(scene, ['1'])
    send(scene)
    await scene.channel.refused(406, `PRECONDITION_FAILED - unknown delivery tag ${tag}`, 60, methodId)
  })
}

test('basic.ack: the same tag twice is 406', async (scene) => {
  await delivered(scene, ['1'])
  scene.channel.ack(1)
  scene.channel.ack(1)
  await scene.channel.refused(406, 'PRECONDITION_FAILED - unknown delivery tag 1', 60, 80)
})

test('basic.ack: a tag of another channel is 406', async (scene) => {
  await delivered(scene, ['1'])
  const other = await scene.client.channel(2)
  other.ack(1)
  await other.refused(406, 'PRECONDITION_FAILED - unknown delivery tag 1', 60, 80)
})

test('an error after unknown tags returns the unacked messages', async (scene) => {
  const queue = await delivered(scene, ['1', '2'])
  scene.channel.ack(9)
  await scene.channel.refused(406, /unknown delivery tag 9/)
  await (await scene.client.channel(2)).depthBecomes(queue, 2)
})

test('basic.reject: requeue=true puts the message back in its place, redelivered', async (scene) => {
  const queue = await scene.queue()
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  const first = await scene.channel.getSoon(queue, false)
  scene.channel.reject(first, true)
  await scene.channel.depthBecomes(queue, 3)
  const again = await scene.channel.getSoon(queue)
  assert.equal(again.body.toString(), '1')
  assert.equal(again.args.redelivered, true)
  assert.equal((await scene.channel.getSoon(queue)).args.redelivered, false)
})

test('basic.reject: requeue=false drops the message of a queue without dead-letter exchange', async (scene) => {
  const queue = await delivered(scene, ['1'])
  scene.channel.reject(1)
  await scene.channel.call('basic.recover', { requeue: true })
  assert.equal(await scene.channel.depth(queue), 0)
})

test('basic.nack: multiple requeue keeps the order', async (scene) => {
  const queue = await delivered(scene, ['1', '2', '3'])
  scene.channel.nack(3, { multiple: true, requeue: true })
  await scene.channel.depthBecomes(queue, 3)
  for (const body of ['1', '2', '3']) assert.equal((await scene.channel.getSoon(queue)).body.toString(), body)
})

test('basic.nack: tag 0 with multiple settles everything', async (scene) => {
  const queue = await delivered(scene, ['1', '2', '3'])
  scene.channel.nack(0, { multiple: true, requeue: true })
  await scene.channel.depthBecomes(queue, 3)
})

test('basic.nack: requeued out of order they still return to their places', async (scene) => {
  const queue = await delivered(scene, ['1', '2', '3'])
  scene.channel.nack(2, { requeue: true })
  scene.channel.nack(3, { requeue: true })
  scene.channel.nack(1, { requeue: true })
  await scene.channel.depthBecomes(queue, 3)
  for (const body of ['1', '2', '3']) assert.equal((await scene.channel.getSoon(queue)).body.toString(), body)
})

test('basic.recover: requeue=true returns everything unacked, answered with recover-ok', async (scene) => {
  const queue = await delivered(scene, ['1', '2'])
  await scene.channel.call('basic.recover', { requeue: true })
  await scene.channel.depthBecomes(queue, 2)
  const message = await scene.channel.getSoon(queue)
  assert.equal(message.args.redelivered, true)
  assert.equal(message.args.deliveryTag, 3)
})

test('basic.recover: a consumer of the channel receives its messages again', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.consume(queue)
  scene.channel.publish('', queue, 'x')
  await scene.channel.delivery()
  scene.channel.send('basic.recover', { requeue: true })
  await scene.channel.take('basic.recover-ok')
  const again = await scene.channel.delivery()
  assert.equal(again.args.redelivered, true)
  assert.equal(again.args.deliveryTag, 2)
})

test('basic.recover: requeue=false is 540', async (scene) => {
  scene.channel.send('basic.recover', { requeue: false })
  await scene.client.refused(540, 'NOT_IMPLEMENTED - requeue=false', 60, 110)
})

test('basic.recover-async: does the same and has no answer', async (scene) => {
  const queue = await delivered(scene, ['1', '2'])
  scene.channel.send('basic.recover-async', { requeue: true })
  await scene.channel.quiet()
  await scene.channel.depthBecomes(queue, 2)
})
