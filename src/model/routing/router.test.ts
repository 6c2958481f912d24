import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, draftOf, type MessageSketch, TestWorld, value } from '../../../test/support/model-world.ts'
import { MessageView } from '../message/message.ts'
import type { ConsumerSink } from '../queue/queue.ts'
import { PUBLISH_ROUTED, type Route } from './route.ts'

function routeOf(world: TestWorld, sketch: MessageSketch): Route {
  const draft = draftOf(sketch)
  return world.vhost.routeOf(world.vhost.exchange(draft.exchange)!, draft)
}

test('the default exchange leads to every queue by its name, CC and BCC included, each once', () => {
  const world = new TestWorld()
  for (const name of ['a', 'b', 'c']) world.queue(name)
  assert.deepEqual(world.targets({ key: 'a' }), ['a'])
  assert.deepEqual(world.targets({ key: 'a', headers: { CC: ['b', 'a'], BCC: ['c', 'missing'] } }), ['a', 'b', 'c'])
  assert.deepEqual(world.targets({ key: 'missing' }), [])
})

test('bindings from exchange to exchange are followed, cycles included, and each queue is found once', () => {
  const world = new TestWorld()
  for (const name of ['x', 'y', 'z']) world.exchange(name, 'fanout')
  for (const name of ['a', 'b']) world.queue(name)
  world.bindExchange('x', 'y')
  world.bindExchange('y', 'z')
  world.bindExchange('z', 'x')
  world.bind('x', 'a')
  world.bind('z', 'a')
  world.bind('z', 'b')
  assert.deepEqual(world.targets({ exchange: 'x' }), ['a', 'b'])
  assert.deepEqual(world.targets({ exchange: 'z' }), ['a', 'b'])
})

test('an alternate exchange takes what matched nothing: chains are followed, loops end', () => {
  const world = new TestWorld()
  world.exchange('first', 'direct', { 'alternate-exchange': 'second' })
  world.exchange('second', 'direct', { 'alternate-exchange': 'third' })
  world.exchange('third', 'topic', { 'alternate-exchange': 'first' })
  for (const name of ['a', 'b']) world.queue(name)
  world.bind('first', 'a', 'a')
  world.bind('third', 'b', 'b.#')
  assert.deepEqual(world.targets({ exchange: 'first', key: 'a' }), ['a'])
  assert.deepEqual(world.targets({ exchange: 'first', key: 'b.c' }), ['b'])
  assert.deepEqual(world.targets({ exchange: 'first', key: 'c' }), [])
})

test('an alternate exchange that is missing or the default one', () => {
  const world = new TestWorld()
  world.exchange('x', 'direct', { 'alternate-exchange': 'nowhere' })
  world.exchange('y', 'direct', { 'alternate-exchange': '' })
  world.queue('q')
  assert.deepEqual(world.targets({ exchange: 'x', key: 'q' }), [])
  assert.deepEqual(world.targets({ exchange: 'y', key: 'q' }), ['q'])
})

test('an exchange that matched an empty exchange does not use its alternate', () => {
  const world = new TestWorld()
  world.exchange('x', 'fanout', { 'alternate-exchange': 'amq.fanout' })
  world.exchange('empty', 'fanout')
  world.queue('q')
  world.bind('amq.fanout', 'q')
  assert.deepEqual(world.targets({ exchange: 'x' }), ['q'])
  world.bindExchange('x', 'empty')
  assert.deepEqual(world.targets({ exchange: 'x' }), [])
})

test('routes by key alone are remembered until the topology changes', () => {
  const world = new TestWorld()
  world.queue('a')
  world.bind('amq.direct', 'a', 'k')
  const route = routeOf(world, { exchange: 'amq.direct', key: 'k' })
  assert.equal(route.isReusable, true)
  assert.equal(route.revision, world.vhost.topologyRevision)
  assert.equal(routeOf(world, { exchange: 'amq.direct', key: 'k' }), route)
  world.queue('b')
  world.bind('amq.direct', 'b', 'k')
  assert.notEqual(route.revision, world.vhost.topologyRevision)
  assert.deepEqual(world.targets({ exchange: 'amq.direct', key: 'k' }), ['a', 'b'])
  value<number>((answered) => world.vhost.deleteQueue('a', { ifUnused: false, ifEmpty: false }, ALICE, answered))
  assert.deepEqual(world.targets({ exchange: 'amq.direct', key: 'k' }), ['b'])
})

test('routes that depend on more than the key are not for reuse, also behind other exchanges', () => {
  const world = new TestWorld()
  world.exchange('x', 'fanout')
  world.queue('q')
  world.bind('amq.headers', 'q', '', { a: 1 })
  world.bindExchange('x', 'amq.headers')
  assert.equal(routeOf(world, { exchange: 'x', headers: { a: 1 } }).isReusable, false)
  assert.deepEqual(world.targets({ exchange: 'x', headers: { a: 1 } }), ['q'])
  assert.deepEqual(world.targets({ exchange: 'x', headers: { a: 2 } }), [])
  assert.equal(routeOf(world, { key: 'q', headers: { CC: ['x'] } }).isReusable, false)
})

test('remembered routes are bounded: the earliest are forgotten', () => {
  const world = new TestWorld()
  world.queue('q')
  world.bind('amq.fanout', 'q')
  const first = routeOf(world, { exchange: 'amq.fanout', key: 'first' })
  assert.equal(routeOf(world, { exchange: 'amq.fanout', key: 'first' }), first)
  for (let i = 0; i < 1 << 15; i++) routeOf(world, { exchange: 'amq.fanout', key: `${i}` })
  assert.notEqual(routeOf(world, { exchange: 'amq.fanout', key: 'first' }), first)
})

test('replies go to the requester at once, and are dropped without complaint when it is gone', () => {
  const world = new TestWorld()
  const replies: string[] = []
  const sink: ConsumerSink = {
    hasCredit: true,
    deliver: (view, sequence) => {
      assert(view instanceof MessageView)
      replies.push(`${sequence} ${view.bytes.toString('utf8', view.bodyStart, view.bodyEnd)}`)
    },
    cancelled: () => undefined,
  }
  const queue = world.vhost.replies.open(sink)
  assert.match(queue.name, /^amq\.rabbitmq\.reply-to\.[\w-]{22}$/)
  assert.equal(world.publish({ key: queue.name, body: 'answer', persistent: true }), PUBLISH_ROUTED)
  assert.deepEqual([replies, world.vhost.mustWait], [['0 answer'], false])
  assert.equal(world.vhost.replies.isOpen(queue.name), true)
  queue.close()
  assert.equal(world.vhost.replies.isOpen(queue.name), false)
  assert.equal(world.publish({ key: queue.name, body: 'late' }), PUBLISH_ROUTED)
  assert.deepEqual(replies, ['0 answer'])
  assert.deepEqual([...world.vhost.queues()], [])
})
