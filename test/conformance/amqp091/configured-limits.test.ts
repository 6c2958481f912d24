// Limits that the configuration sets. [rabbitmq.com "Configuration", "Consumers"] A running RabbitMQ cannot be
// configured from here, so these check our broker only.
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'

const { testOurs } = await conformance('configured-limits', {
  max_message_size: '1000',
  consumer_max_per_channel: '2',
  channel_max: '7',
  frame_max: '16384',
  heartbeat: '17',
})

testOurs('channel_max, frame_max and heartbeat are what connection.tune proposes', async (scene) => {
  const { args } = await (await scene.socket()).authenticate()
  assert.deepEqual(args, { channelMax: 7, frameMax: 16384, heartbeat: 17 })
})

testOurs('max_message_size: one octet more is 406, the limit itself is accepted', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, Buffer.alloc(1000))
  await scene.channel.depthBecomes(queue, 1)
  scene.channel.publish('', queue, Buffer.alloc(1001))
  await scene.channel.refused(
    406,
    'PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000',
    60,
    40,
  )
})

testOurs('max_message_size: is checked before the exchange', async (scene) => {
  scene.channel.publish(scene.name('x'), '', Buffer.alloc(1001))
  await scene.channel.refused(406, /^PRECONDITION_FAILED - message size 1001/, 60, 40)
})

testOurs('consumer_max_per_channel: one more is 530, other channels have their own count', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.consume(queue)
  await scene.channel.consume(queue)
  await (await scene.client.channel(2)).consume(queue)
  scene.channel.send('basic.consume', { queue })
  await scene.client.refused(530, 'NOT_ALLOWED - reached maximum (2) of consumers per channel', 60, 20)
})
