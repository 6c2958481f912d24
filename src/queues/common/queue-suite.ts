/**
 * What every kind of queue does alike: one suite, run over each kind.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIT_DROPPED, ADMIT_STORED } from '../../model/queue/queue.ts'
import type { QueueKind } from '../../model/queue/queue-host.ts'
import { DELIVERIES_PER_TURN } from './budget.ts'
import { argumentsOf, bodyOf, QueueBed, type TestQueue } from './test-bed.ts'

type Values = Readonly<Record<string, string | number | boolean>>

/** Registers the suite for a kind; `more` are further parts of it. */
export function queueSuite(kind: QueueKind, ...more: ((bed: MakeBed, check: Check) => void)[]): void {
  const bed = (values: Values = {}, options: TestQueue = {}): QueueBed =>
    new QueueBed(kind, { args: argumentsOf(values), ...options })
  const check = (name: string, run: () => void): void => void test(`${kind.name}: ${name}`, run)
  const parts = [deliverySuite, settlementSuite, consumerSuite, takeSuite, lifeSuite, restartSuite, ...more]
  for (const part of parts) part(bed, check)
}

/** Makes a bed with a queue of the kind under test. */
export type MakeBed = (values?: Values, options?: TestQueue) => QueueBed
/** Registers one test of the suite. */
export type Check = (name: string, run: () => void) => void

function deliverySuite(bed: MakeBed, check: Check): void {
  check('messages are delivered in the order of publishing', () => {
    const it = bed()
    const sink = it.subscribe()
    it.publish('a')
    it.publish('b')
    assert.deepEqual(sink.bodies, [])
    it.endTurns()
    assert.deepEqual(sink.bodies, ['a', 'b'])
  })

  check('a consumer that comes later gets what is there', () => {
    const it = bed()
    it.publishAll('a', 'b')
    assert.equal(it.queue.readyCount, 2)
    const sink = it.subscribe()
    it.endTurns()
    assert.deepEqual(sink.bodies, ['a', 'b'])
    assert.equal(it.queue.readyCount, 0)
  })

  check('a consumer without credit gets nothing until it has some', () => {
    const it = bed()
    const sink = it.subscribe({ prefetchCount: 2 })
    it.publishAll('a', 'b', 'c')
    assert.deepEqual(sink.bodies, ['a', 'b'])
    sink.settle('accepted')
    it.endTurns()
    assert.deepEqual(sink.bodies, ['a', 'b', 'c'])
  })

  check('without acknowledgement an entry is settled by its delivery', () => {
    const it = bed()
    const sink = it.subscribe({ noAck: true })
    it.publishAll('a')
    assert.deepEqual(sink.bodies, ['a'])
    assert.equal(it.store.ledger(1).liveCount, 0)
    assert.equal(it.queue.counters.deliveredNoAck, 1)
  })

  check('counts and bytes are exact through a life', () => {
    const it = bed()
    it.publishAll('four', 'sixsix')
    const depth = (): number[] => {
      const { readyCount, readyBytes, unackedCount, unackedBytes } = it.queue.status()
      return [readyCount, readyBytes, unackedCount, unackedBytes]
    }
    assert.deepEqual(depth(), [2, 10, 0, 0])
    const sink = it.subscribe({ prefetchCount: 1 })
    it.endTurns()
    assert.deepEqual(depth(), [1, 6, 1, 4])
    sink.settle('returned')
    assert.deepEqual(depth(), [2, 10, 0, 0])
    it.endTurns()
    sink.settle('accepted')
    it.endTurns()
    assert.deepEqual(depth(), [0, 0, 1, 6])
    sink.settle('accepted')
    assert.deepEqual(depth(), [0, 0, 0, 0])
  })

  check('a busy queue stops after its budget and goes on in the next turn', () => {
    const it = bed()
    const count = DELIVERIES_PER_TURN + 1_000
    for (let i = 0; i < count; i++) it.publish('m')
    it.turn.end()
    const sink = it.subscribe()
    it.turn.end()
    assert.equal(sink.bodies.length, DELIVERIES_PER_TURN)
    it.turn.end()
    assert.equal(sink.bodies.length, count)
  })

  check('entries that are not in memory are delivered when they have been read', () => {
    const it = bed()
    it.publishAll('a', 'b')
    it.store.unload()
    const sink = it.subscribe()
    it.turn.end()
    assert.deepEqual(sink.bodies, [])
    it.endTurns()
    assert.deepEqual(sink.bodies, ['a', 'b'])
  })

  check('the age of the oldest entry is known while its bytes are elsewhere, and after they were read', () => {
    const it = bed()
    it.publishAll('a')
    const publishedAtMs = it.queue.status().oldestReadyAtMs
    assert.ok(publishedAtMs > 0)
    it.clock.advance(5_000)
    it.publishAll('b')
    it.store.unload()
    assert.equal(it.queue.status().oldestReadyAtMs, publishedAtMs)
    assert.deepEqual(it.takeAll(), ['a', 'b'])
    it.publishAll('c')
    it.store.unload()
    assert.equal(it.queue.status().oldestReadyAtMs, 0)
    const contents = it.queue.contents!
    contents.load(contents.head, () => assert.equal(it.queue.status().oldestReadyAtMs, publishedAtMs + 5_000))
    it.endTurns()
    it.store.unload()
    assert.equal(it.queue.status().oldestReadyAtMs, publishedAtMs + 5_000)
  })

  check('a damaged entry is gone, the others are delivered', () => {
    const it = bed()
    it.publishAll('a', 'b', 'c')
    it.store.unload()
    const sink = it.subscribe()
    it.turn.end()
    it.store.finishLoads(() => true)
    assert.equal(it.queue.readyCount, 2)
    it.endTurns()
    assert.deepEqual(sink.bodies, ['b', 'c'])
    assert.equal(it.queue.status().readyBytes, 0)
  })
}

function settlementSuite(bed: MakeBed, check: Check): void {
  check('a returned entry is redelivered', () => {
    const it = bed()
    const sink = it.subscribe({ prefetchCount: 1 })
    it.publishAll('a', 'b')
    sink.settle('returned')
    it.endTurns()
    assert.deepEqual(sink.bodies, ['a', 'a'])
    assert.deepEqual(
      sink.deliveries.map((delivery) => delivery.redelivered),
      [false, true],
    )
    assert.equal(it.queue.counters.redelivered, 1)
  })

  check('a rejected entry is dead-lettered once, then gone', () => {
    const it = bed({ 'x-dead-letter-exchange': 'dlx', 'x-dead-letter-routing-key': 'k' })
    const sink = it.subscribe()
    it.publishAll('a')
    sink.settle('rejected')
    it.endTurns()
    assert.deepEqual(it.deadLetters.summary, ['a:rejected'])
    assert.deepEqual(it.deadLetters.letters[0]!.target, { exchange: 'dlx', routingKey: 'k' })
    assert.equal(it.store.ledger(1).liveCount, 0)
  })

  check('without a target a rejected entry is dropped', () => {
    const it = bed()
    const sink = it.subscribe()
    it.publishAll('a')
    sink.settle('discarded')
    assert.equal(it.store.ledger(1).liveCount, 0)
    assert.equal(it.queue.counters.rejected, 1)
  })

  check('a dead letter waits for its bytes', () => {
    const it = bed({ 'x-dead-letter-exchange': 'dlx' })
    const sink = it.subscribe()
    it.publishAll('a', 'b')
    it.store.unload()
    sink.settle('rejected')
    sink.settle('rejected')
    it.turn.end()
    assert.deepEqual(it.deadLetters.summary, [])
    assert.equal(it.queue.status().unackedCount, 0)
    it.endTurns()
    assert.deepEqual(it.deadLetters.summary, ['a:rejected', 'b:rejected'])
  })

  check('settlements after the queue is gone are ignored', () => {
    const it = bed()
    const sink = it.subscribe()
    it.publishAll('a', 'b')
    it.queue.close('deleted')
    assert.equal(sink.cancelledBecause, 'deleted')
    for (const outcome of ['accepted', 'returned'] as const) sink.consumer!.settle(sink.unacked.shift()!, outcome)
    assert.equal(it.queue.readyCount, 0)
    assert.equal(it.publish('c'), ADMIT_DROPPED)
  })

  check('an unacked entry of a cancelled consumer can still be settled or returned', () => {
    const it = bed()
    const sink = it.subscribe()
    it.publishAll('a', 'b')
    sink.consumer!.cancel()
    sink.settle('accepted')
    sink.settle('returned-failed')
    const next = it.subscribe()
    it.endTurns()
    assert.deepEqual(next.bodies, ['b'])
    assert.equal(it.queue.consumers.length, 1)
  })
}

function consumerSuite(bed: MakeBed, check: Check): void {
  check('consumers take turns', () => {
    const it = bed()
    const [one, two] = [it.subscribe(), it.subscribe()]
    it.publishAll('a', 'b', 'c', 'd')
    assert.deepEqual(
      [one.bodies, two.bodies],
      [
        ['a', 'c'],
        ['b', 'd'],
      ],
    )
  })

  check('a higher priority comes first, the others when it has no credit', () => {
    const it = bed()
    const low = it.subscribe({ priority: -1 })
    const high = it.subscribe({ priority: 10, prefetchCount: 2 })
    it.publishAll('a', 'b', 'c')
    assert.deepEqual([high.bodies, low.bodies], [['a', 'b'], ['c']])
    high.settle('accepted')
    it.publishAll('d')
    assert.deepEqual(high.bodies, ['a', 'b', 'd'])
  })

  check('a single active consumer gets everything until it goes', () => {
    const it = bed({ 'x-single-active-consumer': true })
    const [one, two] = [it.subscribe({ tag: 'one' }), it.subscribe({ tag: 'two' })]
    it.publishAll('a', 'b')
    assert.deepEqual([one.bodies, two.bodies], [['a', 'b'], []])
    assert.deepEqual([one.consumer!.isActive, two.consumer!.isActive], [true, false])
    assert.equal(it.queue.status().singleActiveTag, 'one')
    one.consumer!.cancel()
    it.publishAll('c')
    assert.deepEqual(two.bodies, ['c'])
    assert.equal(it.queue.status().singleActiveTag, 'two')
  })

  check('the arguments of a subscription are checked', () => {
    const { queue } = bed()
    const spec = { tag: 'c', noAck: false, exclusive: false, priority: 0, prefetchCount: 0, sessionName: '', user: '' }
    const refusal = (values: Values): string | undefined =>
      queue.refusesConsumer({ ...spec, args: argumentsOf(values) })?.text
    assert.equal(refusal({ 'x-priority': 3, 'x-unknown': true }), undefined)
    assert.equal(
      refusal({ 'x-priority': 'high' }),
      `invalid arg 'x-priority' for queue 'q' in vhost '/': "expected integer, got longstr"`,
    )
    assert.equal(
      refusal({ 'x-stream-offset': 1 }),
      `invalid arg 'x-stream-offset' for queue 'q' in vhost '/' of queue type rabbit_${queue.kind}_queue`,
    )
  })
}

function takeSuite(bed: MakeBed, check: Check): void {
  check('take answers with the head and what is left', () => {
    const it = bed()
    it.publishAll('a', 'b')
    const taken = it.take()!
    assert.deepEqual([bodyOf(taken.view), taken.redelivered, taken.readyCount], ['a', false, 1])
    assert.equal(it.queue.status().unackedCount, 1)
    it.queue.settleTaken(taken.sequence, 'returned')
    it.endTurns()
    const again = it.take()!
    assert.deepEqual([bodyOf(again.view), again.redelivered], ['a', true])
    it.queue.settleTaken(again.sequence, 'accepted')
    assert.equal(it.queue.status().unackedCount, 0)
  })

  check('take from an empty queue answers null', () => {
    const it = bed()
    assert.equal(it.take(), null)
    assert.equal(it.queue.counters.getEmpty, 1)
  })

  check('take without acknowledgement settles', () => {
    const it = bed()
    it.publishAll('a')
    assert.deepEqual(it.takeAll(), ['a'])
    assert.equal(it.store.ledger(1).liveCount, 0)
  })

  check('takers are answered in order when the bytes have been read', () => {
    const it = bed()
    it.publishAll('a', 'b')
    it.store.unload()
    const bodies: (string | null)[] = []
    for (let i = 0; i < 3; i++) {
      it.queue.take(false, { onTaken: (taken) => bodies.push(taken === null ? null : bodyOf(taken.view)) })
    }
    assert.deepEqual(bodies, [])
    it.endTurns()
    assert.deepEqual(bodies, ['a', 'b', null])
  })
}

function lifeSuite(bed: MakeBed, check: Check): void {
  check('purge settles what is ready and leaves unacked entries', () => {
    const it = bed()
    const sink = it.subscribe({ prefetchCount: 1 })
    it.publishAll('a', 'b', 'c')
    assert.equal(it.queue.purge(), 2)
    assert.deepEqual([it.queue.readyCount, it.queue.status().unackedCount], [0, 1])
    sink.settle('returned')
    it.endTurns()
    assert.deepEqual(sink.bodies, ['a', 'a'])
  })

  check('an unused queue with a lease asks to be deleted', () => {
    const it = bed({ 'x-expires': 1_000 })
    it.advance(999)
    assert.deepEqual(it.deleteRequests, [])
    it.take()
    it.advance(999)
    assert.deepEqual(it.deleteRequests, [])
    it.advance(1)
    assert.deepEqual(it.deleteRequests, ['expired'])
  })

  check('a queue with consumers never expires', () => {
    const it = bed({ 'x-expires': 1_000 })
    const sink = it.subscribe()
    it.advance(10_000)
    sink.consumer!.cancel()
    it.advance(999)
    assert.deepEqual(it.deleteRequests, [])
    it.advance(1)
    assert.deepEqual(it.deleteRequests, ['expired'])
  })

  check('a stopped queue is silent', () => {
    const it = bed({ 'x-expires': 1_000, 'x-message-ttl': 100 })
    const sink = it.subscribe()
    it.queue.stop()
    it.advance(5_000)
    assert.deepEqual(it.deleteRequests, [])
    assert.equal(sink.cancelledBecause, null)
    assert.equal(it.timers.count, 0)
  })

  check('close answers waiting takers and settles everything', () => {
    const it = bed()
    it.publishAll('a')
    it.store.unload()
    const answers: unknown[] = []
    it.queue.take(false, { onTaken: (taken) => answers.push(taken) })
    it.queue.close('deleted')
    assert.deepEqual(answers, [null])
    assert.equal(it.store.ledger(1).liveCount, 0)
  })

  check('what was rejected before the queue is deleted is dead-lettered', () => {
    const it = bed({ 'x-dead-letter-exchange': 'dlx' })
    const sink = it.subscribe()
    it.publishAll('a')
    sink.settle('rejected')
    it.queue.close('deleted')
    assert.deepEqual(it.deadLetters.summary, ['a:rejected'])
  })
}

function restartSuite(bed: MakeBed, check: Check): void {
  check('entries are there again after a restart, those delivered before as redelivered', () => {
    const it = bed()
    it.subscribe({ prefetchCount: 2 })
    it.publishAll('a', 'b', 'c')
    const after = it.restarted()
    assert.equal(after.queue.readyCount, 3)
    assert.equal(after.queue.status().readyBytes, 3)
    const sink = after.subscribe()
    after.endTurns()
    assert.deepEqual(sink.bodies, ['a', 'b', 'c'])
    assert.deepEqual(
      sink.deliveries.map((delivery) => delivery.redelivered),
      [true, true, false],
    )
    assert.equal(it.publish('x'), ADMIT_DROPPED)
    assert.equal(after.publish('d'), ADMIT_STORED)
  })

  check('deadlines survive a restart', () => {
    const it = bed({ 'x-message-ttl': 200 })
    it.publish('own', { expirationMs: 100 })
    it.publish('queue')
    it.endTurns()
    it.clock.advance(50)
    const after = it.restarted()
    after.endTurns()
    after.advance(49)
    assert.equal(after.queue.readyCount, 2)
    after.advance(1)
    assert.equal(after.queue.readyCount, 1)
    after.advance(100)
    assert.equal(after.queue.readyCount, 0)
  })
}
