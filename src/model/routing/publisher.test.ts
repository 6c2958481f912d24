import assert from 'node:assert/strict'
import { test } from 'node:test'
import { draftOf, TestWorld } from '../../../test/support/model-world.ts'
import { OWNERS_MAX } from '../message/message-store.ts'
import { ADMIT_DROPPED, ADMIT_PASSING, ADMIT_REFUSED, ADMIT_STORED, type MessageTarget } from '../queue/queue.ts'
import { PUBLISH_REFUSED, PUBLISH_ROUTED, PUBLISH_UNROUTED, Route } from './route.ts'

test('a fan-out is one record, whatever the number of queues', () => {
  const world = new TestWorld()
  for (let i = 0; i < 5; i++) {
    world.queue(`q${i}`)
    world.bind('amq.fanout', `q${i}`)
  }
  assert.equal(world.publish({ exchange: 'amq.fanout', body: 'x' }), PUBLISH_ROUTED)
  assert.equal(world.store.recordCount, 1)
  for (let i = 0; i < 5; i++) assert.deepEqual(world.queue(`q${i}`).bodies, ['x'])
})

test('the record is durable when a queue keeps the message, and then the publisher waits', () => {
  const world = new TestWorld()
  world.queue('durable')
  world.queue('transient', { durable: false })
  const published = (queue: string, persistent: boolean): boolean => {
    world.publish({ key: queue, persistent })
    return world.vhost.mustWait
  }
  assert.equal(published('transient', true), false)
  assert.equal(published('durable', false), false)
  assert.equal(published('durable', true), true)
  world.bind('amq.fanout', 'durable')
  world.bind('amq.fanout', 'transient')
  world.publish({ exchange: 'amq.fanout', persistent: true })
  assert.equal(world.vhost.mustWait, true)
  assert.equal(world.publish({ key: 'nobody', persistent: true }), PUBLISH_UNROUTED)
  assert.equal(world.vhost.mustWait, false)
})

test('one full queue refuses for the publisher; the others have the message', () => {
  const world = new TestWorld()
  const full = world.queue('full')
  const other = world.queue('other')
  for (const name of ['full', 'other']) world.bind('amq.fanout', name)
  full.admission = ADMIT_REFUSED
  assert.equal(world.publish({ exchange: 'amq.fanout', body: 'x' }), PUBLISH_REFUSED)
  assert.deepEqual([full.bodies, other.bodies], [[], ['x']])
  assert.equal(world.publish({ key: 'full' }), PUBLISH_REFUSED)
})

test('a queue that drops the message counts as routed and costs no record', () => {
  const world = new TestWorld()
  world.queue('q').admission = ADMIT_DROPPED
  assert.equal(world.publish({ key: 'q', persistent: true }), PUBLISH_ROUTED)
  assert.deepEqual([world.store.recordCount, world.vhost.mustWait], [0, false])
})

test('what only passes is not durable and takes no owner slot', () => {
  const world = new TestWorld()
  const queue = world.queue('q')
  queue.admission = ADMIT_PASSING
  assert.equal(world.publish({ key: 'q', body: 'x', persistent: true }), PUBLISH_ROUTED)
  assert.deepEqual([queue.bodies, world.store.lastRecord.ownerCount, world.vhost.mustWait], [['x'], 0, false])
})

test('more targets than a record has owners take several records', () => {
  const world = new TestWorld()
  const slots: number[] = []
  const target = (i: number): MessageTarget => ({
    name: `t${i}`,
    keeps: () => i === OWNERS_MAX,
    admit: () => ADMIT_STORED,
    enter: (_draft, slot) => slots.push(slot),
  })
  const targets = Array.from({ length: OWNERS_MAX + 2 }, (_, i) => target(i))
  assert.equal(world.vhost.publishTo(new Route(targets, 0, false), draftOf({})), PUBLISH_ROUTED)
  assert.deepEqual([world.store.recordCount, world.vhost.mustWait], [2, true])
  assert.deepEqual([slots.length, slots[OWNERS_MAX - 1], slots[OWNERS_MAX]], [OWNERS_MAX + 2, OWNERS_MAX - 1, 0])
})

test('a queue may publish while it admits: both messages arrive, and routes do not mix', () => {
  const world = new TestWorld()
  for (const name of ['a', 'b', 'dead']) world.queue(name)
  for (const name of ['a', 'b']) world.bind('amq.headers', name, '', { kind: 'outer' })
  world.bind('amq.headers', 'dead', '', { kind: 'inner' })
  world.queue('a').whenAdmitting = () => {
    world.publish({ exchange: 'amq.headers', body: 'inner', headers: { kind: 'inner' } })
  }
  const outer = { exchange: 'amq.headers', body: 'outer', persistent: true, headers: { kind: 'outer' } }
  assert.equal(world.publish(outer), PUBLISH_ROUTED)
  assert.equal(world.vhost.mustWait, true)
  for (const [name, body] of [
    ['a', 'outer'],
    ['b', 'outer'],
    ['dead', 'inner'],
  ] as const) {
    assert.deepEqual(world.queue(name).bodies, [body])
  }
})

test('what a nested publish wrote is no reason to wait', () => {
  const world = new TestWorld()
  world.queue('dead')
  world.queue('q').whenAdmitting = () => world.publish({ key: 'dead', persistent: true })
  world.publish({ key: 'q' })
  assert.equal(world.vhost.mustWait, false)
})

test('queues that push each other out without end are refused at some depth', () => {
  const world = new TestWorld()
  const queue = world.queue('q')
  const outcomes: number[] = []
  queue.whenAdmitting = () => outcomes.push(world.publish({ key: 'q', body: 'again' }))
  assert.equal(world.publish({ key: 'q', body: 'first' }), PUBLISH_ROUTED)
  assert.equal(outcomes[0], PUBLISH_REFUSED)
  assert.equal(world.vhost.publisher.depth, 0)
})

test('a target that throws leaves the publisher usable', () => {
  const world = new TestWorld()
  const queue = world.queue('q')
  queue.whenAdmitting = () => {
    throw new Error('a bug')
  }
  assert.throws(() => world.publish({ key: 'q' }), /a bug/)
  assert.equal(world.vhost.publisher.depth, 0)
  queue.whenAdmitting = () => undefined
  assert.equal(world.publish({ key: 'q', body: 'x' }), PUBLISH_ROUTED)
  assert.deepEqual(queue.bodies, ['x'])
})
