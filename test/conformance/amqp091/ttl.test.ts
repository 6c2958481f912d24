// Message TTL of queues and of messages. [rabbitmq.com "Time-To-Live and Expiration"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'
import type { Table } from '../../support/wire-codec.ts'

const { test, testOurs } = await conformance('ttl')

/** A queue whose dead letters go to the second queue. */
async function withDeadLetters(scene: Scene, args: Table): Promise<{ queue: string; dead: string }> {
  const dead = await scene.queue()
  const queue = await scene.queue({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead, ...args })
  return { queue, dead }
}

test('x-message-ttl: a message expires and is dead-lettered', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, { 'x-message-ttl': 30 })
  scene.channel.publish('', queue, 'x')
  assert.equal((await scene.channel.getSoon(dead)).body.toString(), 'x')
  assert.equal(await scene.channel.depth(queue), 0)
})

test('x-message-ttl: without a dead-letter exchange the message is dropped', async (scene) => {
  const queue = await scene.queue({ 'x-message-ttl': 30 })
  scene.channel.publish('', queue, 'x')
  await scene.channel.depthBecomes(queue, 0)
})

test('x-message-ttl 0: a message without a waiting consumer expires at once', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, { 'x-message-ttl': 0 })
  scene.channel.publish('', queue, 'x')
  assert.equal((await scene.channel.getSoon(dead)).body.toString(), 'x')
})

test('x-message-ttl 0: a waiting consumer receives the message', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, { 'x-message-ttl': 0 })
  await scene.channel.consume(queue, { noAck: true })
  scene.channel.publish('', queue, 'x')
  await scene.channel.delivery()
  assert.equal(await scene.channel.depth(dead), 0)
})

test('expiration: a message expires by itself', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, {})
  scene.channel.publish('', queue, 'x', { expiration: '30' })
  const message = await scene.channel.getSoon(dead)
  assert.equal(message.properties.expiration, undefined)
})

test('expiration: 0 expires at once unless a consumer waits', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, {})
  scene.channel.publish('', queue, 'x', { expiration: '0' })
  await scene.channel.getSoon(dead)
})

test('expiration: the shorter of queue and message wins', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, { 'x-message-ttl': 30 })
  scene.channel.publish('', queue, 'queue', { expiration: '60000' })
  assert.equal((await scene.channel.getSoon(dead)).body.toString(), 'queue')
  const other = await withDeadLetters(scene, { 'x-message-ttl': 60000 })
  scene.channel.publish('', other.queue, 'message', { expiration: '30' })
  assert.equal((await scene.channel.getSoon(other.dead)).body.toString(), 'message')
})

test('expiration: a delivered message does not expire', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, {})
  scene.channel.publish('', queue, 'held', { expiration: '40' })
  const held = await scene.channel.getSoon(queue, false)
  scene.channel.publish('', queue, 'marker', { expiration: '80' })
  assert.equal((await scene.channel.getSoon(dead)).body.toString(), 'marker')
  scene.channel.ack(held)
  assert.equal(await scene.channel.depth(dead), 0)
})

test('expiration: the clock runs on while a message is out, a late requeue expires', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, {})
  scene.channel.publish('', queue, 'held', { expiration: '40' })
  const held = await scene.channel.getSoon(queue, false)
  scene.channel.publish('', queue, 'marker', { expiration: '60' })
  assert.equal((await scene.channel.getSoon(dead)).body.toString(), 'marker')
  scene.channel.nack(held, { requeue: true })
  assert.equal((await scene.channel.getSoon(dead)).body.toString(), 'held')
})

test('x-message-ttl: messages expire in order', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, { 'x-message-ttl': 30 })
  for (let n = 0; n < 50; n++) scene.channel.publish('', queue, String(n))
  await scene.channel.consume(dead, { noAck: true })
  assert.deepEqual(
    await scene.channel.bodies(50),
    Array.from({ length: 50 }, (_, n) => String(n)),
  )
})

test('x-message-ttl: the end of the consumer does not reset the clock', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, { 'x-message-ttl': 60 })
  scene.channel.publish('', queue, 'x')
  const other = await scene.client.channel(2)
  await other.getSoon(queue, false)
  await other.close()
  await scene.channel.getSoon(dead)
})

testOurs('expiration: a message behind one that does not expire is dead-lettered on time', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, {})
  scene.channel.publish('', queue, 'stays')
  scene.channel.publish('', queue, 'goes', { expiration: '30' })
  assert.equal((await scene.channel.getSoon(dead)).body.toString(), 'goes')
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), 'stays')
})

testOurs('expiration: messages are dead-lettered by deadline, not by position', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, {})
  for (const expiration of ['150', '100', '50']) scene.channel.publish('', queue, expiration, { expiration })
  await scene.channel.consume(dead, { noAck: true })
  assert.deepEqual(await scene.channel.bodies(3), ['50', '100', '150'])
})

test('policy message-ttl: applies to messages published after it is set', async (scene) => {
  const { queue, dead } = await withDeadLetters(scene, {})
  await scene.admin.setPolicy(scene.vhost, 'ttl', {
    pattern: `^${queue.replaceAll('.', '\\.')}$`,
    definition: { 'message-ttl': 30 },
  })
  scene.channel.publish('', queue, 'x')
  assert.equal((await scene.channel.getSoon(dead)).body.toString(), 'x')
})
