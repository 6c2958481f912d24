// Direct reply-to. [rabbitmq.com "Direct Reply-to"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'

const { test, testSince } = await conformance('direct-reply-to')

const REPLY_TO = 'amq.rabbitmq.reply-to'

test('a reply reaches the channel that asked', async (scene) => {
  const service = await scene.queue()
  const consumerTag = await scene.channel.consume(REPLY_TO, { noAck: true })
  scene.channel.publish('', service, 'question', { replyTo: REPLY_TO, correlationId: '1' })
  const server = await scene.otherChannel()
  const request = await scene.channel.getSoon(service)
  const address = String(request.properties.replyTo)
  assert.ok(address.startsWith(`${REPLY_TO}.`), address)
  server.publish('', address, 'answer', { correlationId: '1' })
  const reply = await scene.channel.delivery()
  assert.equal(reply.body.toString(), 'answer')
  assert.equal(reply.properties.correlationId, '1')
  assert.equal(reply.args.consumerTag, consumerTag)
  assert.equal(reply.args.exchange, '')
  assert.equal(reply.args.routingKey, address)
})

test('consuming with acknowledgements is 406', async (scene) => {
  scene.channel.send('basic.consume', { queue: REPLY_TO })
  await scene.channel.refused(406, 'PRECONDITION_FAILED - reply consumer cannot acknowledge', 60, 20)
})

test('a second reply consumer on the channel is 406', async (scene) => {
  await scene.channel.consume(REPLY_TO, { noAck: true })
  scene.channel.send('basic.consume', { queue: REPLY_TO, noAck: true })
  await scene.channel.refused(406, 'PRECONDITION_FAILED - reply consumer already set', 60, 20)
})

test('publishing with it but without a consumer is 406', async (scene) => {
  scene.channel.publish('', scene.name(), 'x', { replyTo: REPLY_TO })
  await scene.channel.refused(406, 'PRECONDITION_FAILED - fast reply consumer does not exist', 60, 40)
})

test('queue.declare: probes whether the requester is still there', async (scene) => {
  const service = await scene.queue()
  const asking = await scene.client.channel(2)
  await asking.consume(REPLY_TO, { noAck: true })
  asking.publish('', service, 'x', { replyTo: REPLY_TO })
  const address = String((await scene.channel.getSoon(service)).properties.replyTo)
  assert.deepEqual(await scene.channel.call('queue.declare', { queue: address, passive: true }), {
    queue: address,
    messageCount: 0,
    consumerCount: 1,
  })
  await asking.close()
  scene.channel.send('queue.declare', { queue: address, passive: true })
  await scene.channel.refused(404, /^NOT_FOUND - no queue/, 50, 10)
})

test('after cancel another consumer may be set', async (scene) => {
  const consumerTag = await scene.channel.consume(REPLY_TO, { noAck: true })
  await scene.channel.call('basic.cancel', { consumerTag })
  await scene.channel.consume(REPLY_TO, { noAck: true })
})

test('a reply to a requester that is gone is dropped', async (scene) => {
  const service = await scene.queue()
  const asking = await scene.otherChannel()
  await asking.consume(REPLY_TO, { noAck: true })
  asking.publish('', service, 'x', { replyTo: REPLY_TO })
  const address = String((await scene.channel.getSoon(service)).properties.replyTo)
  await asking.client.close()
  scene.channel.publish('', address, 'late')
  await scene.channel.quiet()
})

testSince('4.2', 'a mandatory reply counts as routed also when the requester is gone', async (scene) => {
  const service = await scene.queue()
  const asking = await scene.otherChannel()
  await asking.consume(REPLY_TO, { noAck: true })
  asking.publish('', service, 'x', { replyTo: REPLY_TO })
  const address = String((await scene.channel.getSoon(service)).properties.replyTo)
  await asking.client.close()
  scene.channel.publish('', address, 'late', {}, { mandatory: true })
  await scene.channel.quiet()
})

testSince('4.3', 'binding to a reply address is 403', async (scene) => {
  const service = await scene.queue()
  await scene.channel.consume(REPLY_TO, { noAck: true })
  scene.channel.publish('', service, 'x', { replyTo: REPLY_TO })
  const address = String((await scene.channel.getSoon(service)).properties.replyTo)
  scene.channel.send('queue.bind', { queue: address, exchange: 'amq.direct', routingKey: 'k' })
  await scene.channel.refused(
    403,
    'ACCESS_REFUSED - cannot bind or unbind to a volatile (direct reply-to) queue',
    50,
    20,
  )
})

test('any other reply-to is left alone', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x', { replyTo: 'my-queue' })
  assert.equal((await scene.channel.getSoon(queue)).properties.replyTo, 'my-queue')
})
