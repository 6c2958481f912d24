// Transactions. [AMQP 0-9-1 §1.9; rabbitmq.com "Broker Semantics"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'

const { test } = await conformance('tx')

test('tx.commit: publishes what was held back, in order', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('tx.select')
  scene.channel.publish('', queue, '1')
  scene.channel.publish('', queue, '2')
  assert.equal(await scene.channel.depth(queue), 0)
  await scene.channel.call('tx.commit')
  await scene.channel.depthBecomes(queue, 2)
  assert.equal((await scene.channel.getSoon(queue)).body.toString(), '1')
})

test('tx.rollback: forgets publishes', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('tx.select')
  scene.channel.publish('', queue, '1')
  await scene.channel.call('tx.rollback')
  await scene.channel.call('tx.commit')
  assert.equal(await scene.channel.depth(queue), 0)
})

test('tx.commit: settles acks', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, '1')
  await scene.channel.depthBecomes(queue, 1)
  const other = await scene.client.channel(2)
  await other.call('tx.select')
  other.ack(await other.getSoon(queue, false))
  await other.call('tx.commit')
  await other.close()
  assert.equal(await scene.channel.depth(queue), 0)
})

test('tx: an ack without commit is undone when the channel ends', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, '1')
  await scene.channel.depthBecomes(queue, 1)
  const other = await scene.client.channel(2)
  await other.call('tx.select')
  other.ack(await other.getSoon(queue, false))
  await other.close()
  assert.equal((await scene.channel.getSoon(queue)).args.redelivered, true)
})

test('tx.rollback: acked messages are unacked again and can be acked again, without redelivery', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, '1')
  await scene.channel.depthBecomes(queue, 1)
  await scene.channel.call('tx.select')
  const message = await scene.channel.getSoon(queue, false)
  scene.channel.ack(message)
  await scene.channel.call('tx.rollback')
  assert.equal(await scene.channel.depth(queue), 0)
  scene.channel.ack(message)
  await scene.channel.call('tx.commit')
  await scene.channel.call('basic.recover', { requeue: true })
  assert.equal(await scene.channel.depth(queue), 0)
})

test('tx.commit: requeues what was rejected', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, '1')
  await scene.channel.depthBecomes(queue, 1)
  await scene.channel.call('tx.select')
  scene.channel.reject(await scene.channel.getSoon(queue, false), true)
  assert.equal(await scene.channel.depth(queue), 0)
  await scene.channel.call('tx.commit')
  await scene.channel.depthBecomes(queue, 1)
})

test('tx.commit: mandatory returns come at commit, before commit-ok', async (scene) => {
  await scene.channel.call('tx.select')
  scene.channel.publish('', scene.name(), 'x', {}, { mandatory: true })
  await scene.channel.quiet()
  scene.channel.send('tx.commit')
  await scene.channel.expect('basic.return')
  await scene.channel.expect('tx.commit-ok')
})

test('tx.commit: a missing exchange is noticed at publish', async (scene) => {
  await scene.channel.call('tx.select')
  scene.channel.publish(scene.name('x'), '', 'x')
  await scene.channel.refused(404, /^NOT_FOUND - no exchange/, 60, 40)
})

test('tx.commit: a refusing queue makes it 406 partial tx completion', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 0, 'x-overflow': 'reject-publish' })
  await scene.channel.call('tx.select')
  scene.channel.publish('', queue, 'x')
  scene.channel.send('tx.commit')
  await scene.channel.refused(406, 'PRECONDITION_FAILED - partial tx completion')
})

test('tx.select: is idempotent', async (scene) => {
  const queue = await scene.queue()
  await scene.channel.call('tx.select')
  scene.channel.publish('', queue, '1')
  await scene.channel.call('tx.select')
  await scene.channel.call('tx.commit')
  await scene.channel.depthBecomes(queue, 1)
})

for (const [method, methodId] of [
  ['tx.commit', 20],
  ['tx.rollback', 30],
] as const) {
  test(`${method}: without tx.select is 406`, async (scene) => {
    scene.channel.send(method)
    await scene.channel.refused(406, 'PRECONDITION_FAILED - channel is not transactional', 90, methodId)
  })
}

test('tx.select: on a confirm channel is 406', async (scene) => {
  await scene.channel.call('confirm.select')
  scene.channel.send('tx.select')
  await scene.channel.refused(406, 'PRECONDITION_FAILED - cannot switch from confirm to tx mode', 90, 10)
})

test('tx: an unknown delivery tag is noticed at once', async (scene) => {
  await scene.channel.call('tx.select')
  scene.channel.ack(3)
  await scene.channel.refused(406, 'PRECONDITION_FAILED - unknown delivery tag 3', 60, 80)
})
