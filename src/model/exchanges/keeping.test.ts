import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ListingQueue, TestWorld } from '../../../test/support/model-world.ts'
import { PUBLISH_ROUTED } from '../routing/route.ts'
import { DueHeap } from './due-heap.ts'

const DELAYED = { 'x-delayed-type': 'direct' }

function delayedWorld(): { readonly world: TestWorld; readonly queue: ListingQueue } {
  const world = new TestWorld()
  world.exchange('x', 'x-delayed-message', DELAYED)
  const queue = world.queue('q')
  world.bind('x', 'q', 'k')
  return { world, queue }
}

test('x-delayed-message: a message is routed when its delay is over, not before', () => {
  const { world, queue } = delayedWorld()
  assert.equal(world.publish({ exchange: 'x', key: 'k', body: 'later', headers: { 'x-delay': 1000 } }), PUBLISH_ROUTED)
  world.publish({ exchange: 'x', key: 'k', body: 'now' })
  world.publish({ exchange: 'x', key: 'k', body: 'at once', headers: { 'x-delay': -5 } })
  assert.deepEqual(queue.bodies, ['now', 'at once'])
  world.clock.advance(999)
  assert.deepEqual(queue.bodies, ['now', 'at once'])
  world.clock.advance(1)
  assert.deepEqual(queue.bodies, ['now', 'at once', 'later'])
  assert.deepEqual(queue.received[2], { exchange: 'x', routingKey: 'k', body: 'later' })
})

test('x-delayed-message: messages come in order of their deadlines, and of publishing among equals', () => {
  const { world, queue } = delayedWorld()
  for (const [body, delay] of [
    ['c', 30],
    ['a', 10],
    ['d', 30],
    ['b', 20],
  ] as const) {
    world.publish({ exchange: 'x', key: 'k', body, headers: { 'x-delay': delay } })
  }
  world.clock.advance(30)
  assert.deepEqual(queue.bodies, ['a', 'b', 'c', 'd'])
})

test('x-delayed-message: more than a turn takes are released over several turns', () => {
  const { world, queue } = delayedWorld()
  for (let i = 0; i < 1000; i++) world.publish({ exchange: 'x', key: 'k', headers: { 'x-delay': 10 } })
  world.clock.advance(10)
  assert(queue.received.length < 1000)
  world.settle()
  assert.equal(queue.received.length, 1000)
})

test('x-delayed-message: delays beyond the timers of the platform', () => {
  const { world, queue } = delayedWorld()
  const yearMs = 365 * 86_400_000
  world.publish({ exchange: 'x', key: 'k', body: 'far', headers: { 'x-delay': yearMs } })
  world.clock.advance(yearMs - 1)
  assert.deepEqual(queue.bodies, [])
  world.clock.advance(1)
  assert.deepEqual(queue.bodies, ['far'])
})

test('x-delayed-message: survives a restart, with its deadline', () => {
  const { world } = delayedWorld()
  world.publish({ exchange: 'x', key: 'k', body: 'one', headers: { 'x-delay': 5000 } })
  world.publish({ exchange: 'x', key: 'k', body: 'two', headers: { 'x-delay': 2000 } })
  world.clock.advance(1000)
  world.broker.stop()
  const again = new TestWorld({ metadata: world.metadata, store: world.store, clock: world.clock })
  const queue = again.vhost.queue('q') as ListingQueue
  again.clock.advance(999)
  assert.deepEqual(queue.bodies, [])
  again.clock.advance(1)
  assert.deepEqual(queue.bodies, ['two'])
  again.clock.advance(3000)
  assert.deepEqual(queue.bodies, ['two', 'one'])
})

test('x-delayed-message: waits for bytes that are not in memory', () => {
  const { world, queue } = delayedWorld()
  world.publish({ exchange: 'x', key: 'k', body: 'cold', headers: { 'x-delay': 10 } })
  world.store.evictAll()
  world.clock.advance(10)
  assert.deepEqual(queue.bodies, [])
  world.store.finishLoads()
  assert.deepEqual(queue.bodies, ['cold'])
})

test('x-delayed-message: the inner type routes, by headers and further keys too', () => {
  const world = new TestWorld()
  world.exchange('h', 'x-delayed-message', { 'x-delayed-type': 'headers' })
  world.exchange('x', 'x-delayed-message', DELAYED)
  const queue = world.queue('q')
  world.bind('h', 'q', '', { kind: 'right' })
  world.bind('x', 'q', 'cc')
  world.publish({ exchange: 'h', body: 'no', headers: { 'x-delay': 1, kind: 'wrong' } })
  world.publish({ exchange: 'h', body: 'yes', headers: { 'x-delay': 1, kind: 'right' } })
  world.publish({ exchange: 'x', key: 'other', body: 'copied', headers: { 'x-delay': 1, CC: ['cc'] } })
  world.clock.advance(1)
  assert.deepEqual(queue.bodies.sort(), ['copied', 'yes'])
})

test('x-delayed-message: a chain of delaying exchanges delays once', () => {
  const { world, queue } = delayedWorld()
  world.exchange('outer', 'x-delayed-message', { 'x-delayed-type': 'fanout' })
  world.bindExchange('outer', 'x')
  world.publish({ exchange: 'outer', key: 'k', body: 'once', headers: { 'x-delay': 10 } })
  world.clock.advance(10)
  assert.deepEqual(queue.bodies, ['once'])
})

test('x-delayed-message: deleting the exchange forgets what it keeps', () => {
  const { world, queue } = delayedWorld()
  world.publish({ exchange: 'x', key: 'k', headers: { 'x-delay': 10 } })
  world.vhost.deleteExchange('x', false, () => undefined)
  world.clock.advance(10)
  assert.deepEqual(queue.bodies, [])
  world.exchange('x', 'x-delayed-message', DELAYED)
  assert.equal(world.vhost.exchange('x')!.index.keeper!.keptCount, 0)
})

test('x-delayed-message: the inner type has to exist and not to keep messages itself', () => {
  const world = new TestWorld()
  const message = "refused: Invalid argument, 'x-delayed-type' must be an existing exchange type"
  for (const args of [{}, { 'x-delayed-type': 'nope' }, { 'x-delayed-type': 'x-delayed-message' }]) {
    assert.throws(() => world.exchange('x', 'x-delayed-message', args), { message })
  }
  world.exchange('t', 'x-delayed-message', { 'x-delayed-type': 'topic' })
  world.queue('q')
  assert.throws(() => world.bind('t', 'q', '#.#.#'), /at most 2 are allowed/)
})

test('x-recent-history: a bound queue gets the last messages, oldest first', () => {
  const world = new TestWorld()
  world.exchange('x', 'x-recent-history', { 'x-recent-history-length': 3 })
  for (const body of ['1', '2', '3', '4']) world.publish({ exchange: 'x', key: 'k', body })
  world.publish({ exchange: 'x', body: 'secret', headers: { 'x-recent-history-no-store': true } })
  const queue = world.queue('q')
  world.bind('x', 'q')
  assert.deepEqual(queue.bodies, ['2', '3', '4'])
  assert.deepEqual(queue.received[0], { exchange: 'x', routingKey: 'k', body: '2' })
  world.publish({ exchange: 'x', body: '5' })
  assert.deepEqual(queue.bodies, ['2', '3', '4', '5'])
})

test('x-recent-history: nothing is replayed after a restart, but the history is there', () => {
  const world = new TestWorld()
  world.exchange('x', 'x-recent-history')
  const queue = world.queue('q')
  world.bind('x', 'q')
  world.publish({ exchange: 'x', body: '1', persistent: true })
  assert.deepEqual(queue.bodies, ['1'])
  const again = new TestWorld({ metadata: world.metadata, store: world.store, clock: world.clock })
  assert.deepEqual((again.vhost.queue('q') as ListingQueue).bodies, [])
  const late = again.queue('late')
  again.bind('x', 'late')
  assert.deepEqual(late.bodies, ['1'])
})

test('x-recent-history: waits for bytes that are not in memory', () => {
  const world = new TestWorld()
  world.exchange('x', 'x-recent-history')
  world.publish({ exchange: 'x', body: '1' })
  world.publish({ exchange: 'x', body: '2' })
  world.store.evictAll()
  const queue = world.queue('q')
  world.bind('x', 'q')
  world.publish({ exchange: 'x', body: '3' })
  world.store.finishLoads()
  world.store.finishLoads()
  assert.deepEqual(queue.bodies.sort(), ['1', '2', '3'])
})

test('x-recent-history: the length has to be positive', () => {
  const world = new TestWorld()
  for (const length of [0, -1, 'x']) {
    assert.throws(() => world.exchange('x', 'x-recent-history', { 'x-recent-history-length': length }), {
      message: "refused: Invalid argument, 'x-recent-history-length' must be a positive integer",
    })
  }
})

test('a heap of deadlines gives back what was pushed, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 300 }), (steps) => {
      const heap = new DueHeap()
      let model: (readonly [number, number])[] = []
      steps.forEach(([dueMs, pops], i) => {
        heap.push(dueMs, i + 1)
        model.push([dueMs, i + 1])
        model.sort(([leftMs, left], [rightMs, right]) => leftMs - rightMs || left - right)
        assert.deepEqual([heap.firstDueMs, heap.firstNumber], model[0])
        if (!pops) return
        heap.pop()
        model = model.slice(1)
        assert.equal(heap.count, model.length)
      })
      for (const [dueMs, number] of model) {
        assert.deepEqual([heap.firstDueMs, heap.firstNumber], [dueMs, number])
        heap.pop()
      }
      assert.equal(heap.count, 0)
    }),
  )
})
