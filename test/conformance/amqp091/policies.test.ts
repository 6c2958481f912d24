// Policies and operator policies: matching, merging, live effect. [rabbitmq.com "Parameters and Policies"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'
import { eventually } from '../../support/wire-inbox.ts'

const { test } = await conformance('policies')

/** A pattern that matches this name only. */
function only(name: string): string {
  return `^${name.replaceAll('.', '\\.')}$`
}

/** How many of `count` messages the queue keeps. */
async function kept(scene: Scene, queue: string, count: number): Promise<number> {
  await scene.channel.call('queue.purge', { queue })
  for (let n = 0; n < count; n++) scene.channel.publish('', queue, String(n))
  // A passive declaration is answered after everything published before it on the channel.
  return scene.channel.depth(queue)
}

async function keeps(scene: Scene, queue: string, expected: number): Promise<void> {
  await eventually(async () => assert.equal(await kept(scene, queue, 8), expected))
}

test('a policy applies to existing queues at once, and ends when it is deleted', async (scene) => {
  const queue = await scene.queue()
  await scene.admin.setPolicy(scene.vhost, 'live', { pattern: only(queue), definition: { 'max-length': 3 } })
  await keeps(scene, queue, 3)
  await scene.admin.deletePolicy(scene.vhost, 'live')
  await keeps(scene, queue, 8)
})

test('a policy applies to queues declared later', async (scene) => {
  const queue = scene.name()
  await scene.admin.setPolicy(scene.vhost, 'later', { pattern: only(queue), definition: { 'max-length': 2 } })
  await scene.channel.call('queue.declare', { queue, exclusive: true })
  await keeps(scene, queue, 2)
})

test('the highest priority wins, alone', async (scene) => {
  const queue = await scene.queue()
  const pattern = only(queue)
  await scene.admin.setPolicy(scene.vhost, 'low', { pattern, definition: { 'max-length': 2 }, priority: 1 })
  await scene.admin.setPolicy(scene.vhost, 'high', { pattern, definition: { 'max-length': 4 }, priority: 9 })
  await keeps(scene, queue, 4)
  await scene.admin.deletePolicy(scene.vhost, 'high')
  await keeps(scene, queue, 2)
})

test('the pattern is not anchored', async (scene) => {
  const queue = await scene.queue()
  await scene.admin.setPolicy(scene.vhost, 'part', { pattern: queue.slice(1), definition: { 'max-length': 1 } })
  await keeps(scene, queue, 1)
  await scene.admin.deletePolicy(scene.vhost, 'part')
})

test('apply-to exchanges does not touch queues', async (scene) => {
  const queue = await scene.queue()
  await scene.admin.setPolicy(scene.vhost, 'exchanges', {
    pattern: only(queue),
    definition: { 'alternate-exchange': 'amq.fanout' },
    applyTo: 'exchanges',
    priority: 5,
  })
  await scene.admin.setPolicy(scene.vhost, 'queues', {
    pattern: only(queue),
    definition: { 'max-length': 2 },
    applyTo: 'queues',
  })
  await keeps(scene, queue, 2)
})

test('argument and policy: the smaller limit is in force', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 3 })
  await scene.admin.setPolicy(scene.vhost, 'min', { pattern: only(queue), definition: { 'max-length': 5 } })
  await keeps(scene, queue, 3)
  await scene.admin.setPolicy(scene.vhost, 'min', { pattern: only(queue), definition: { 'max-length': 2 } })
  await keeps(scene, queue, 2)
})

test('argument and policy: the argument’s dead-letter exchange wins', async (scene) => {
  const [byArgument, byPolicy] = [await scene.queue(), await scene.queue()]
  const queue = await scene.queue({
    'x-max-length': 0,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': byArgument,
  })
  await scene.admin.setPolicy(scene.vhost, 'dlx', {
    pattern: only(queue),
    definition: { 'dead-letter-exchange': '', 'dead-letter-routing-key': byPolicy },
  })
  scene.channel.publish('', queue, 'x')
  await scene.channel.getSoon(byArgument)
  assert.equal(await scene.channel.depth(byPolicy), 0)
})

test('operator policy: limits merge to the smaller one', async (scene) => {
  const queue = await scene.queue()
  const pattern = only(queue)
  await scene.admin.setPolicy(scene.vhost, 'user', { pattern, definition: { 'max-length': 5 } })
  await scene.admin.setOperatorPolicy(scene.vhost, 'operator', {
    pattern,
    definition: { 'max-length': 3 },
    applyTo: 'queues',
  })
  await keeps(scene, queue, 3)
  await scene.admin.setPolicy(scene.vhost, 'user', { pattern, definition: { 'max-length': 1 } })
  await keeps(scene, queue, 1)
  await scene.admin.deleteOperatorPolicy(scene.vhost, 'operator')
  await scene.admin.deletePolicy(scene.vhost, 'user')
  await keeps(scene, queue, 8)
})

test('operator policy: applies without a user policy', async (scene) => {
  const queue = await scene.queue()
  await scene.admin.setOperatorPolicy(scene.vhost, 'alone', {
    pattern: only(queue),
    definition: { 'max-length': 4 },
    applyTo: 'queues',
  })
  await keeps(scene, queue, 4)
  await scene.admin.deleteOperatorPolicy(scene.vhost, 'alone')
})

test('overflow by policy: reject-publish nacks', async (scene) => {
  const queue = await scene.queue()
  await scene.admin.setPolicy(scene.vhost, 'overflow', {
    pattern: only(queue),
    definition: { 'max-length': 1, overflow: 'reject-publish' },
  })
  await scene.channel.call('confirm.select')
  scene.channel.publish('', queue, '1')
  await scene.channel.expect('basic.ack')
  scene.channel.publish('', queue, '2')
  await scene.channel.expect('basic.nack')
})

test('expires by policy: an unused queue goes', async (scene) => {
  const queue = await scene.queue({}, { durable: true })
  await scene.admin.setPolicy(scene.vhost, 'expires', { pattern: only(queue), definition: { expires: 50 } })
  await scene.gone(queue)
})

test('a queue argument that a policy does not know stays equivalent on redeclaration', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': 9 })
  await scene.admin.setPolicy(scene.vhost, 'equal', { pattern: only(queue), definition: { 'max-length': 2 } })
  await scene.channel.call('queue.declare', { queue, exclusive: true, arguments: { 'x-max-length': 9 } })
})

const REFUSED: readonly [name: string, definition: Record<string, string | number>][] = [
  ['an unknown key', { 'no-such-key': 1 }],
  ['an empty definition', {}],
  ['a negative TTL', { 'message-ttl': -1 }],
  ['an expiry of zero', { expires: 0 }],
  ['a length that is no number', { 'max-length': 'many' }],
  ['an unknown overflow', { overflow: 'explode' }],
]

for (const [name, definition] of REFUSED) {
  test(`${name} is refused`, async (scene) => {
    await assert.rejects(scene.admin.setPolicy(scene.vhost, 'refused', { pattern: '^never$', definition }))
  })
}

test('an unknown apply-to is refused', async (scene) => {
  await assert.rejects(
    scene.admin.setPolicy(scene.vhost, 'refused', {
      pattern: '^never$',
      definition: { 'max-length': 1 },
      applyTo: 'people',
    }),
  )
})

test('an invalid pattern is refused', async (scene) => {
  await assert.rejects(scene.admin.setPolicy(scene.vhost, 'refused', { pattern: '(', definition: { 'max-length': 1 } }))
})
