// Publisher confirms. [rabbitmq.com "Consumer Acknowledgements and Publisher Confirms"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'
import type { WireChannel } from '../../support/wire-channel.ts'

const { test } = await conformance('confirms')

/** Reads confirms until `count` tags are settled; true: acked. */
async function settled(channel: WireChannel, count: number): Promise<boolean[]> {
  const outcome: boolean[] = []
  const isSettled = (tag: number) => outcome[tag] !== undefined
  for (let done = 0; done < count; ) {
    const confirm = await channel.client
      .inbox(channel.id)
      .next('a confirm', (arrival) => ['basic.ack', 'basic.nack'].includes(arrival.name))
    const tag = Number(confirm.args.deliveryTag)
    const from = confirm.args.multiple === true ? 1 : tag
    for (let each = from; each <= tag; each++) {
      if (isSettled(each)) {
        assert.notEqual(each, tag, `tag ${tag} was confirmed twice`)
        continue
      }
      outcome[each] = confirm.name === 'basic.ack'
      done++
    }
  }
  return outcome.slice(1)
}

test('confirm.select: tags count from 1 per channel', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('confirm.select')
  scene.channel.publish('', queue, '1')
  assert.deepEqual((await scene.channel.expect('basic.ack')).args, { deliveryTag: 1, multiple: false })
  scene.channel.publish('', queue, '2')
  assert.deepEqual((await scene.channel.expect('basic.ack')).args, { deliveryTag: 2, multiple: false })
})

test('confirm.select: messages published before it are not counted', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'before')
  await scene.channel.call('confirm.select')
  scene.channel.publish('', queue, 'after')
  assert.equal((await scene.channel.expect('basic.ack')).args.deliveryTag, 1)
})

test('confirm.select: is idempotent, the count goes on', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('confirm.select')
  scene.channel.publish('', queue, '1')
  await scene.channel.expect('basic.ack')
  await scene.channel.call('confirm.select')
  scene.channel.publish('', queue, '2')
  assert.equal((await scene.channel.expect('basic.ack')).args.deliveryTag, 2)
})

test('confirm.select: nowait is silent', async (scene) => {
  scene.channel.send('confirm.select', { noWait: true })
  await scene.channel.quiet()
})

test('confirms: a persistent message to a durable queue is acked', async (scene) => {
  const queue = await scene.queue({}, { durable: true })
  await scene.channel.call('confirm.select')
  scene.channel.publish('', queue, 'x', { deliveryMode: 2 })
  await scene.channel.expect('basic.ack')
})

test('confirms: a thousand messages are each confirmed once', async (scene) => {
  const queue = await scene.queue({}, { durable: true })
  await scene.channel.call('confirm.select')
  for (let n = 0; n < 1000; n++) scene.channel.publish('', queue, String(n), { deliveryMode: n % 2 === 0 ? 2 : 1 })
  assert.deepEqual(await settled(scene.channel, 1000), Array(1000).fill(true))
})

test('confirms: an unroutable message is acked', async (scene) => {
  await scene.channel.call('confirm.select')
  scene.channel.publish('', scene.name(), 'x')
  await scene.channel.expect('basic.ack')
})

test('confirms: basic.return comes before the ack', async (scene) => {
  await scene.channel.call('confirm.select')
  scene.channel.publish('', scene.name(), 'x', {}, { mandatory: true })
  await scene.channel.expect('basic.return')
  await scene.channel.expect('basic.ack')
})

test('confirms: a message to several queues is confirmed once', async (scene) => {
  const exchange = await scene.exchange('fanout')
  for (let n = 0; n < 5; n++) {
    await scene.channel.call('queue.bind', { queue: await scene.queue({}, { durable: true }), exchange })
  }
  await scene.channel.call('confirm.select')
  scene.channel.publish(exchange, '', 'x', { deliveryMode: 2 })
  assert.deepEqual(await settled(scene.channel, 1), [true])
  await scene.channel.quiet()
})

test('confirms: reject-publish nacks what a full queue refuses', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 2, 'x-overflow': 'reject-publish' })
  await scene.channel.call('confirm.select')
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  assert.deepEqual(await settled(scene.channel, 3), [true, true, false])
})

test('confirms: one refusing queue of several makes it a nack', async (scene) => {
  const exchange = await scene.exchange('fanout')
  const full = await scene.queue({ 'x-max-length': 0, 'x-overflow': 'reject-publish' })
  const free = await scene.queue()
  for (const queue of [full, free]) await scene.channel.call('queue.bind', { queue, exchange })
  await scene.channel.call('confirm.select')
  scene.channel.publish(exchange, '', 'x')
  assert.deepEqual(await settled(scene.channel, 1), [false])
  await scene.channel.depthBecomes(free, 1)
})

test('confirms: drop-head acks the new message', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 1 })
  await scene.channel.call('confirm.select')
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  assert.deepEqual(await settled(scene.channel, 3), [true, true, true])
})

test('confirms: a message that expires at once is acked', async (scene) => {
  const queue = await scene.queue({ 'x-message-ttl': 0 })
  await scene.channel.call('confirm.select')
  scene.channel.publish('', queue, 'x', { deliveryMode: 2 })
  assert.deepEqual(await settled(scene.channel, 1), [true])
})

test('confirms: tags of two channels are their own', async (scene) => {
  const queue = await scene.queue()
  const other = await scene.client.channel(2)
  await scene.channel.call('confirm.select')
  await other.call('confirm.select')
  scene.channel.publish('', queue, '1')
  await scene.channel.expect('basic.ack')
  other.publish('', queue, '1')
  assert.equal((await other.expect('basic.ack')).args.deliveryTag, 1)
})

test('confirm.select: on a tx channel is 406', async (scene) => {
  await scene.channel.call('tx.select')
  scene.channel.send('confirm.select')
  await scene.channel.refused(406, 'PRECONDITION_FAILED - cannot switch from tx to confirm mode', 85, 10)
})
