// Channel life: open, flow, close, errors and numbers. [AMQP 0-9-1 §1.5; rabbitmq.com "Channels"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'
import { encodeMethod, METHOD } from '../../support/wire-codec.ts'

const { test } = await conformance('channels')

test('channel.open: many channels live beside each other', async (scene) => {
  const channels = await Promise.all([2, 3, 100, 2000].map((id) => scene.client.channel(id)))
  const queue = await scene.queue()
  for (const channel of channels) channel.publish('', queue, String(channel.id))
  await scene.channel.depthBecomes(queue, 4)
})

test('channel.open: a second one on the same channel is 504', async (scene) => {
  scene.channel.send('channel.open')
  await scene.client.refused(504, "CHANNEL_ERROR - second 'channel.open' seen", 20, 10)
})

test('channel.open: any method before it is 504', async (scene) => {
  scene.client.sendFrame(METHOD, 9, encodeMethod('queue.declare', { queue: 'q' }))
  await scene.client.refused(504, "CHANNEL_ERROR - expected 'channel.open'", 50, 10)
})

test('channel.open: a number can be used again after close', async (scene) => {
  await scene.channel.close()
  const again = await scene.client.channel(1)
  await again.quiet()
})

test('channel.open: more channels than negotiated is 530', async (scene) => {
  const client = await scene.connect({ channelMax: 2 })
  await client.channel(1)
  await client.channel(2)
  client.sendFrame(METHOD, 3, encodeMethod('channel.open'))
  await client.refused(
    530,
    'NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)',
    0,
    0,
  )
})

test('channel.flow: active=true is answered', async (scene) => {
  assert.deepEqual(await scene.channel.call('channel.flow', { active: true }), { active: true })
})

test('channel.flow: active=false is 540', async (scene) => {
  scene.channel.send('channel.flow', { active: false })
  await scene.client.refused(540, 'NOT_IMPLEMENTED - active=false', 20, 20)
})

test('channel.close: unacked messages return to their queue', async (scene) => {
  const queue = await scene.queue()
  const other = await scene.client.channel(2)
  other.publish('', queue, 'held')
  assert.ok(await other.getSoon(queue, false))
  await other.close()
  const message = await scene.channel.getSoon(queue)
  assert.equal(message.args.redelivered, true)
})

test('channel.close: consumers end with their channel', async (scene) => {
  const queue = await scene.queue()
  const other = await scene.client.channel(2)
  await other.consume(queue)
  await other.close()
  const ok = await scene.channel.status(queue)
  assert.equal(ok.consumers, 0)
})

test('channel error: everything until close-ok is ignored, then the channel can be opened again', async (scene) => {
  const queue = await scene.queue()
  scene.channel.send('queue.declare', { queue: scene.name(), passive: true })
  scene.channel.publish('', queue, 'lost')
  scene.channel.send('basic.get', { queue })
  await scene.channel.refused(404, /^NOT_FOUND - no queue/)
  const again = await scene.client.channel(1)
  assert.equal(await again.depth(queue), 0)
})

test('channel error: other channels of the connection live on', async (scene) => {
  const other = await scene.client.channel(2)
  scene.channel.send('basic.ack', { deliveryTag: 99 })
  await scene.channel.refused(406, 'PRECONDITION_FAILED - unknown delivery tag 99', 60, 80)
  await other.quiet()
})

test('channel error: a channel.close sent meanwhile is answered with close-ok', async (scene) => {
  scene.channel.send('basic.ack', { deliveryTag: 99 })
  scene.channel.send('channel.close', { replyCode: 200 })
  await scene.channel.expect('channel.close')
  await scene.channel.expect('channel.close-ok')
  scene.channel.send('channel.close-ok')
  await scene.client.channel(2)
})

test('access.request: is granted with ticket 1', async (scene) => {
  assert.deepEqual(await scene.channel.call('access.request', { realm: '/data', read: true }), { ticket: 1 })
})

test('channel 0: a channel method on it closes the connection', async (scene) => {
  scene.client.send('queue.declare', { queue: 'q' })
  await scene.endsConnection(scene.client, [503, 504, 505, 540])
})
