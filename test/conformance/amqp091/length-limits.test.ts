// Queue length limits and what happens beyond them. [rabbitmq.com "Queue Length Limit"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'

const { test } = await conformance('length-limits')

test('x-max-length: the oldest message goes first', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 2 })
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  await scene.channel.depthBecomes(queue, 2)
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '2')
})

test('x-max-length: what is dropped from the head is dead-lettered with reason maxlen', async (scene) => {
  const dead = await scene.queue()
  const queue = await scene.queue({
    'x-max-length': 1,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': dead,
  })
  scene.channel.publish('', queue, '1')
  scene.channel.publish('', queue, '2')
  const message = await scene.channel.getSoon(dead)
  assert.equal(message.body.toString(), '1')
  assert.equal(message.headers['x-first-death-reason'], 'maxlen')
})

test('x-max-length: unacked messages do not count', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 1 })
  scene.channel.publish('', queue, '1')
  const held = await scene.channel.getSoon(queue, false)
  scene.channel.publish('', queue, '2')
  await scene.channel.depthBecomes(queue, 1)
  scene.channel.ack(held)
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '2')
})

test('x-max-length: a requeue above the limit drops from the head', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 1 })
  scene.channel.publish('', queue, '1')
  const held = await scene.channel.getSoon(queue, false)
  scene.channel.publish('', queue, '2')
  await scene.channel.depthBecomes(queue, 1)
  scene.channel.nack(held, { requeue: true })
  await scene.channel.quiet(queue)
  assert.equal(await scene.channel.depth(queue), 1)
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '2')
})

test('x-max-length 0: every message without a waiting consumer goes', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 0 })
  scene.channel.publish('', queue, '1')
  await scene.channel.depthBecomes(queue, 0)
})

test('x-max-length-bytes: counts bodies only', async (scene) => {
  const queue = await scene.queue({ 'x-max-length-bytes': 10 })
  const properties = { headers: { big: 'x'.repeat(100) } }
  scene.channel.publish('', queue, '12345', properties)
  scene.channel.publish('', queue, '67890', properties)
  await scene.channel.depthBecomes(queue, 2)
  scene.channel.publish('', queue, 'a')
  await scene.channel.depthBecomes(queue, 2)
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '67890')
})

test('x-max-length-bytes: a message larger than the limit empties the queue', async (scene) => {
  const queue = await scene.queue({ 'x-max-length-bytes': 10 })
  scene.channel.publish('', queue, '1')
  scene.channel.publish('', queue, 'x'.repeat(11))
  await scene.channel.depthBecomes(queue, 0)
})

test('both limits: whichever is reached first', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 2, 'x-max-length-bytes': 100 })
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  await scene.channel.depthBecomes(queue, 2)
  scene.channel.publish('', queue, 'x'.repeat(100))
  await scene.channel.depthBecomes(queue, 1)
})

test('reject-publish: the new message is refused, not dead-lettered', async (scene) => {
  const dead = await scene.queue()
  const queue = await scene.queue({
    'x-max-length': 1,
    'x-overflow': 'reject-publish',
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': dead,
  })
  await scene.channel.call('confirm.select')
  await scene.channel.publishConfirmed('', queue, '1')
  scene.channel.publish('', queue, '2')
  await scene.channel.expect('basic.nack')
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '1')
  assert.equal(await scene.channel.depth(dead), 0)
})

test('reject-publish-dlx: the new message is refused and dead-lettered', async (scene) => {
  const dead = await scene.queue()
  const queue = await scene.queue({
    'x-max-length': 1,
    'x-overflow': 'reject-publish-dlx',
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': dead,
  })
  await scene.channel.call('confirm.select')
  await scene.channel.publishConfirmed('', queue, '1')
  scene.channel.publish('', queue, '2')
  await scene.channel.expect('basic.nack')
  const message = await scene.channel.getSoon(dead)
  assert.equal(message.body.toString(), '2')
  assert.equal(message.headers['x-first-death-reason'], 'maxlen')
  assert.equal(await scene.channel.depth(queue), 1)
})

test('reject-publish: without confirms the message is dropped in silence', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 1, 'x-overflow': 'reject-publish' })
  scene.channel.publish('', queue, '1')
  scene.channel.publish('', queue, '2')
  await scene.channel.depthBecomes(queue, 1)
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '1')
})

test('reject-publish: room made by a consumer is used again', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 1, 'x-overflow': 'reject-publish' })
  await scene.channel.call('confirm.select')
  await scene.channel.publishConfirmed('', queue, '1')
  await scene.channel.getSoon(queue)
  await scene.channel.publishConfirmed('', queue, '2')
})

test('policy max-length: applies to a queue that is already longer', async (scene) => {
  const queue = await scene.queue()
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  await scene.channel.depthBecomes(queue, 3)
  await scene.admin.setPolicy(scene.vhost, 'max', {
    pattern: `^${queue.replaceAll('.', '\\.')}$`,
    definition: { 'max-length': 1 },
  })
  await scene.channel.depthBecomes(queue, 1)
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '3')
})
