// Priority queues. [rabbitmq.com "Classic Queues Support Priorities"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'

const { test } = await conformance('priorities')

/** Publishes bodies that are their own priorities, in this order; `-` has none. */
async function filled(scene: Scene, queue: string, priorities: readonly string[]): Promise<void> {
  for (const priority of priorities) {
    scene.channel.publish('', queue, priority, priority === '-' ? {} : { priority: Number(priority) })
  }
  await scene.channel.depthBecomes(queue, priorities.length)
}

async function drained(scene: Scene, queue: string, count: number): Promise<string[]> {
  const bodies: string[] = []
  for (let n = 0; n < count; n++) bodies.push((await scene.channel.getSoon(queue)).body.toString())
  return bodies
}

test('x-max-priority: higher priorities are delivered first', async (scene) => {
  const queue = await scene.queue({ 'x-max-priority': 10 })
  await filled(scene, queue, ['1', '5', '0', '10', '3'])
  assert.deepEqual(await drained(scene, queue, 5), ['10', '5', '3', '1', '0'])
})

test('x-max-priority: no priority counts as 0, one above the maximum as the maximum', async (scene) => {
  const queue = await scene.queue({ 'x-max-priority': 5 })
  await filled(scene, queue, ['-', '0', '200', '5', '1'])
  assert.deepEqual(await drained(scene, queue, 5), ['200', '5', '1', '-', '0'])
})

test('x-max-priority: messages of one priority keep their order', async (scene) => {
  const queue = await scene.queue({ 'x-max-priority': 2 })
  for (let n = 0; n < 20; n++) scene.channel.publish('', queue, String(n), { priority: n % 2 })
  await scene.channel.depthBecomes(queue, 20)
  const bodies = (await drained(scene, queue, 20)).map(Number)
  const odd = Array.from({ length: 10 }, (_, n) => 2 * n + 1)
  assert.deepEqual(bodies, [...odd, ...odd.map((n) => n - 1)])
})

test('without x-max-priority the property is ignored', async (scene) => {
  const queue = await scene.queue()
  await filled(scene, queue, ['1', '5', '3'])
  assert.deepEqual(await drained(scene, queue, 3), ['1', '5', '3'])
})

test('x-max-length: drops from the head, which is the highest priority', async (scene) => {
  const queue = await scene.queue({ 'x-max-priority': 5, 'x-max-length': 2 })
  for (const priority of [5, 1, 3]) scene.channel.publish('', queue, String(priority), { priority })
  await scene.channel.depthBecomes(queue, 2)
  assert.deepEqual(await drained(scene, queue, 2), ['3', '1'])
})

test('a requeued message returns to its priority', async (scene) => {
  const queue = await scene.queue({ 'x-max-priority': 5 })
  await filled(scene, queue, ['5', '1'])
  const held = await scene.channel.getSoon(queue, false)
  scene.channel.nack(held, { requeue: true })
  await scene.channel.depthBecomes(queue, 2)
  assert.deepEqual(await drained(scene, queue, 2), ['5', '1'])
})

test('a dead letter keeps its priority', async (scene) => {
  const dead = await scene.queue()
  const queue = await scene.queue({
    'x-max-priority': 5,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': dead,
  })
  scene.channel.publish('', queue, 'x', { priority: 4 })
  scene.channel.reject(await scene.channel.getSoon(queue, false))
  assert.equal((await scene.channel.getSoon(dead)).properties.priority, 4)
})
