import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEAD_LETTER_LOGGED, DEAD_LETTER_REFUSED, DEAD_LETTER_UNROUTED } from '../../model/queue/dead-letter.ts'
import { ADMIT_REFUSED, ADMIT_STORED, CANCELLED_LATE } from '../../model/queue/queue.ts'
import { argumentsOf, type NotingSink, policyOf, QueueBed } from '../common/test-bed.ts'
import { quorumKind } from './quorum-kind.ts'

const DLX = { 'x-dead-letter-exchange': 'dlx' }
const AT_LEAST_ONCE = { ...DLX, 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }

function bed(values: Readonly<Record<string, string | number | boolean>> = {}): QueueBed {
  return new QueueBed(quorumKind, { args: argumentsOf(values) })
}

/** Counts of all deliveries, as `deliveries/returns`. */
function countsOf(sink: NotingSink): string[] {
  return sink.deliveries.map((delivery) => `${delivery.deliveryCount}/${delivery.acquiredCount}`)
}

// Commit

test('an entry is delivered when it is committed, not before', () => {
  const it = bed()
  it.store.isAlwaysDurable = false
  const sink = it.subscribe()
  it.publish('a')
  it.turn.end()
  it.turn.end()
  assert.deepEqual(sink.bodies, [])
  assert.equal(it.queue.readyCount, 0)
  it.store.sync()
  it.publish('b')
  it.turn.end()
  assert.deepEqual(sink.bodies, ['a'])
  it.store.sync()
  it.turn.end()
  assert.deepEqual(sink.bodies, ['a', 'b'])
})

test('what is not committed is neither ready nor unacked', () => {
  const it = bed()
  it.store.isAlwaysDurable = false
  it.publish('abc')
  it.turn.end()
  const { readyCount, readyBytes, unackedCount, unackedBytes } = it.queue.status()
  assert.deepEqual([readyCount, readyBytes, unackedCount, unackedBytes], [0, 0, 0, 0])
  assert.equal(it.take(), null)
  it.store.sync()
  it.turn.end()
  assert.equal(it.queue.status().readyBytes, 3)
})

test('everything is kept, transient messages too', () => {
  const it = bed()
  assert.equal(it.queue.keeps(false), true)
  it.publish('a', { transient: true })
  it.endTurns()
  assert.deepEqual(it.restarted().takeAll(), ['a'])
})

// Order

test('priorities are always on: 0 to 31, 4 when missing', () => {
  const it = bed()
  it.publish('five', { priority: 5 })
  it.publish('none')
  it.publish('three', { priority: 3 })
  it.publish('hundred', { priority: 100 })
  it.publish('four', { priority: 4 })
  it.publish('thirty', { priority: 30 })
  it.endTurns()
  assert.deepEqual(it.takeAll(), ['hundred', 'thirty', 'five', 'none', 'four', 'three'])
})

test('what came back is delivered first, in the order of its return', () => {
  const it = bed()
  const sink = it.subscribe({ prefetchCount: 3 })
  it.publish('a')
  it.publish('b')
  it.publish('c')
  it.publish('urgent', { priority: 31 })
  it.endTurns()
  assert.deepEqual(sink.bodies, ['urgent', 'a', 'b'])
  sink.consumer!.cancel()
  sink.settle('returned', sink.unacked[2])
  sink.settle('returned', sink.unacked[0])
  it.publish('more urgent', { priority: 31 })
  it.endTurns()
  assert.deepEqual(it.takeAll(), ['b', 'urgent', 'more urgent', 'c'])
})

// Counts and the delivery limit

test('failed deliveries and returns are counted apart', () => {
  const it = bed()
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publishAll('a')
  for (const outcome of ['returned-failed', 'returned', 'returned-failed'] as const) {
    sink.settle(outcome)
    it.endTurns()
  }
  assert.deepEqual(countsOf(sink), ['0/0', '1/1', '1/2', '2/3'])
})

test('counts survive a restart', () => {
  const it = bed()
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publishAll('a')
  sink.settle('returned-failed')
  it.endTurns()
  const again = it.restarted()
  const taken = again.take()!
  assert.deepEqual([taken.deliveryCount, taken.acquiredCount, taken.redelivered], [1, 1, true])
})

test('above the delivery limit an entry is dead-lettered, with its counts', () => {
  const it = bed({ ...DLX, 'x-delivery-limit': 2 })
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publishAll('a')
  for (let i = 0; i < 3; i++) {
    sink.settle('returned-failed')
    it.endTurns()
  }
  assert.deepEqual(sink.bodies, ['a', 'a', 'a'])
  assert.deepEqual(it.deadLetters.summary, ['a:delivery_limit'])
  assert.deepEqual([it.deadLetters.letters[0]!.deliveryCount, it.deadLetters.letters[0]!.acquiredCount], [3, 3])
  assert.equal(it.queue.counters.deliveryLimitReached, 1)
})

test('the delivery limit is 20 by default, and negative is none', () => {
  for (const [limit, redeliveries] of [
    [undefined, 20],
    [-1, 40],
  ] as const) {
    const it = bed(limit === undefined ? {} : { 'x-delivery-limit': limit })
    const sink = it.subscribe({ prefetchCount: 1 })
    it.publishAll('a')
    for (let i = 0; i < 40 && sink.unacked.length > 0; i++) {
      sink.settle('returned-failed')
      it.endTurns()
    }
    assert.equal(sink.bodies.length, 1 + redeliveries)
  }
})

test('returns that did not fail are not limited', () => {
  const it = bed({ 'x-delivery-limit': 1 })
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publishAll('a')
  for (let i = 0; i < 10; i++) {
    sink.settle('returned')
    it.endTurns()
  }
  assert.equal(sink.bodies.length, 11)
})

test('a rejection counts as a failed delivery of the dead letter, a discard does not', () => {
  const it = bed(DLX)
  const sink = it.subscribe()
  it.publishAll('a', 'b')
  sink.settle('rejected')
  sink.settle('discarded')
  it.endTurns()
  assert.deepEqual(
    it.deadLetters.letters.map((letter) => `${letter.body} ${letter.reason} ${letter.deliveryCount}`),
    ['a rejected 1', 'b rejected 0'],
  )
})

test('the stricter limit of argument and policy counts, and applies at once', () => {
  const it = bed({ 'x-delivery-limit': 10 })
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publishAll('a')
  it.queue.applyPolicy(policyOf({ 'delivery-limit': 0 }))
  assert.equal(it.queue.status().effective['delivery-limit'], 0)
  sink.settle('returned-failed')
  it.endTurns()
  assert.deepEqual(sink.bodies, ['a'])
  it.queue.applyPolicy(policyOf({ 'delivery-limit': -1 }))
  assert.equal(it.queue.status().effective['delivery-limit'], 10)
})

// Delayed retry

test('a returned entry waits min times its failed deliveries, at most max', () => {
  const it = bed({ 'x-delayed-retry-type': 'all', 'x-delayed-retry-min': 100, 'x-delayed-retry-max': 150 })
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publishAll('a')
  for (const delayMs of [100, 150, 150]) {
    const before = sink.bodies.length
    sink.settle('returned-failed')
    it.endTurns()
    assert.equal(it.queue.status().delayedCount, 1)
    it.advance(delayMs - 1)
    assert.equal(sink.bodies.length, before)
    it.advance(1)
    assert.equal(sink.bodies.length, before + 1)
  }
})

test('which returns wait depends on the type', () => {
  const waits = (type: string, outcome: 'returned' | 'returned-failed'): boolean => {
    const it = bed({ 'x-delayed-retry-type': type, 'x-delayed-retry-min': 100 })
    const sink = it.subscribe({ prefetchCount: 1 })
    it.publishAll('a')
    sink.settle(outcome)
    it.endTurns()
    return it.queue.status().delayedCount === 1
  }
  assert.deepEqual([waits('failed', 'returned'), waits('failed', 'returned-failed')], [false, true])
  assert.deepEqual([waits('returned', 'returned'), waits('returned', 'returned-failed')], [true, false])
  assert.deepEqual([waits('disabled', 'returned'), waits('disabled', 'returned-failed')], [false, false])
})

test('a parked entry waits once more after a restart', () => {
  const it = bed({ 'x-delayed-retry-type': 'failed', 'x-delayed-retry-min': 100 })
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publishAll('a')
  sink.settle('returned-failed')
  it.endTurns()
  const after = it.restarted()
  after.endTurns()
  assert.deepEqual([after.queue.readyCount, after.queue.status().delayedCount], [0, 1])
  after.advance(100)
  assert.deepEqual(after.takeAll(), ['a'])
})

test('a parked entry whose TTL ends is dead-lettered when its delay is over', () => {
  const it = bed({ ...DLX, 'x-message-ttl': 50, 'x-delayed-retry-type': 'all', 'x-delayed-retry-min': 100 })
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publishAll('a')
  sink.settle('returned')
  it.endTurns()
  it.advance(100)
  assert.deepEqual(it.deadLetters.summary, ['a:expired'])
  assert.deepEqual(sink.bodies, ['a'])
})

// Acknowledgement timeout

test('a late consumer loses its entries and its subscription', () => {
  const it = bed({ 'x-consumer-timeout': 1_000 })
  const sink = it.subscribe({ prefetchCount: 2 })
  it.publishAll('a')
  it.advance(500)
  it.publishAll('b')
  it.advance(499)
  assert.equal(sink.cancelledBecause, null)
  it.advance(1)
  assert.equal(sink.cancelledBecause, CANCELLED_LATE)
  assert.equal(sink.consumer!.ackTimeoutMs, 1_000)
  assert.deepEqual([it.queue.readyCount, it.queue.status().unackedCount, it.queue.consumers.length], [1, 1, 0])
  const other = it.subscribe({ prefetchCount: 1 })
  it.endTurns()
  assert.deepEqual(other.bodies, ['a'])
  assert.deepEqual(countsOf(other), ['0/1'])
  // The late settlement is of no effect, the other's is.
  sink.settle('accepted')
  assert.equal(it.queue.status().unackedCount, 2)
  other.settle('accepted')
  assert.equal(it.queue.status().unackedCount, 1)
  it.advance(500)
  assert.deepEqual(other.bodies, ['a', 'b'])
})

test('the timeout of the consumer comes before that of queue and policy', () => {
  const it = bed({ 'x-consumer-timeout': 1_000 })
  it.queue.applyPolicy(policyOf({ 'consumer-timeout': 500 }))
  assert.equal(it.subscribe().consumer!.ackTimeoutMs, 500)
  assert.equal(it.subscribe({ args: argumentsOf({ 'x-consumer-timeout': 9_000 }) }).consumer!.ackTimeoutMs, 9_000)
  assert.equal(bed().subscribe().consumer!.ackTimeoutMs, 1_800_000)
})

test('a consumer in time keeps its subscription', () => {
  const it = bed({ 'x-consumer-timeout': 1_000 })
  const sink = it.subscribe({ prefetchCount: 1 })
  for (let i = 0; i < 5; i++) {
    it.publishAll('m')
    it.advance(900)
    sink.settle('accepted')
  }
  assert.equal(sink.cancelledBecause, null)
})

// Single active consumer

test('a higher priority takes over when the active consumer has settled everything', () => {
  const it = bed({ 'x-single-active-consumer': true })
  const low = it.subscribe({ tag: 'low' })
  it.publishAll('a')
  const high = it.subscribe({ tag: 'high', priority: 5 })
  it.publishAll('b')
  assert.deepEqual([low.bodies, high.bodies], [['a'], []])
  assert.equal(it.queue.status().singleActiveTag, 'low')
  low.settle('accepted')
  it.endTurns()
  assert.deepEqual(high.bodies, ['b'])
  assert.equal(it.queue.status().singleActiveTag, 'high')
})

test('basic.get is refused beside a single active consumer', () => {
  assert.deepEqual(bed({ 'x-single-active-consumer': true }).queue.refusesTake(false), {
    code: 'resource-locked',
    text:
      "cannot obtain access to locked queue 'q' in vhost '/'. " +
      'basic.get operations are not supported by quorum queues with single active consumer',
  })
  assert.equal(bed().queue.refusesTake(false), undefined)
})

test('an exclusive consumer is one like any other', () => {
  const it = bed()
  it.subscribe({ exclusive: true })
  const spec = { tag: '', noAck: false, priority: 0, prefetchCount: 0, args: new Map(), sessionName: '', user: '' }
  assert.equal(it.queue.refusesConsumer({ ...spec, exclusive: true }), undefined)
})

// Limits

test('reject-publish overshoots by one, and relaxes at four fifths', () => {
  const it = bed({ 'x-max-length': 10, 'x-overflow': 'reject-publish' })
  const publish = (): number => {
    const admission = it.publish('m')
    it.endTurns()
    return admission
  }
  for (let i = 0; i < 11; i++) assert.equal(publish(), ADMIT_STORED)
  assert.equal(publish(), ADMIT_REFUSED)
  it.take(true)
  it.take(true)
  assert.equal(publish(), ADMIT_REFUSED)
  it.take(true)
  assert.equal(publish(), ADMIT_STORED)
})

test('reject-publish-dlx behaves as drop-head', () => {
  const it = bed({ 'x-max-length': 1, 'x-overflow': 'reject-publish-dlx' })
  it.publishAll('a', 'b')
  assert.deepEqual(it.takeAll(), ['b'])
})

test('drop-head takes the lowest priority first', () => {
  const it = bed({ ...DLX, 'x-max-length': 2 })
  it.publish('high', { priority: 9 })
  it.publish('low', { priority: 1 })
  it.publish('normal')
  it.endTurns()
  assert.deepEqual(it.deadLetters.summary, ['low:maxlen'])
})

test('the overflow of the policy wins', () => {
  const it = bed({ 'x-overflow': 'drop-head', 'x-max-length': 1 })
  it.queue.applyPolicy(policyOf({ overflow: 'reject-publish' }))
  it.publishAll('a', 'b')
  assert.equal(it.publish('c'), ADMIT_REFUSED)
})

// At-least-once dead-lettering

test('a dead entry is settled when its letter is safe', () => {
  const it = bed(AT_LEAST_ONCE)
  const sink = it.subscribe()
  it.publishAll('a')
  it.deadLetters.outcome = DEAD_LETTER_LOGGED
  it.deadLetters.onLetter = () => it.store.appended++
  it.store.isAlwaysDurable = false
  sink.settle('rejected')
  it.turn.end()
  it.turn.end()
  assert.deepEqual(it.deadLetters.summary, ['a:rejected'])
  assert.equal(it.store.ledger(1).liveCount, 1)
  assert.equal(it.queue.status().unackedCount, 0)
  it.store.sync()
  it.turn.end()
  assert.equal(it.store.ledger(1).liveCount, 0)
  assert.equal(it.deadLetters.letters.length, 1)
})

test('a letter that nobody takes is tried again', () => {
  const it = bed(AT_LEAST_ONCE)
  const sink = it.subscribe()
  it.publishAll('a')
  it.deadLetters.outcome = DEAD_LETTER_UNROUTED
  sink.settle('rejected')
  it.endTurns()
  it.advance(1_000)
  it.deadLetters.outcome = DEAD_LETTER_REFUSED
  it.advance(2_000)
  assert.equal(it.deadLetters.letters.length, 3)
  assert.equal(it.store.ledger(1).liveCount, 1)
  it.deadLetters.outcome = 0
  it.advance(3_999)
  assert.equal(it.store.ledger(1).liveCount, 1)
  it.advance(1)
  assert.equal(it.store.ledger(1).liveCount, 0)
})

test('at most 32 letters are under way', () => {
  const it = bed(AT_LEAST_ONCE)
  const sink = it.subscribe()
  it.publishAll(...Array.from({ length: 40 }, (_, i) => `${i}`))
  it.deadLetters.outcome = DEAD_LETTER_UNROUTED
  for (let i = 0; i < 40; i++) sink.settle('rejected')
  it.endTurns()
  assert.equal(it.deadLetters.letters.length, 32)
  it.deadLetters.outcome = 0
  it.advance(1_000)
  assert.equal(it.store.ledger(1).liveCount, 0)
  assert.equal(it.deadLetters.letters.length, 72)
})

test('dead entries count against the limit and are purged', () => {
  const it = bed({ ...AT_LEAST_ONCE, 'x-max-length': 1 })
  const sink = it.subscribe()
  it.deadLetters.outcome = DEAD_LETTER_UNROUTED
  it.publishAll('a', 'b')
  sink.settle('rejected')
  sink.settle('rejected')
  it.endTurns()
  assert.equal(it.publish('c'), ADMIT_REFUSED)
  assert.equal(it.queue.purge(), 0)
  assert.equal(it.store.ledger(1).liveCount, 0)
  assert.equal(it.publish('c'), ADMIT_STORED)
})

test('a restart resumes with the letters that were not safe', () => {
  const it = bed(AT_LEAST_ONCE)
  const sink = it.subscribe()
  it.publishAll('a', 'b')
  it.deadLetters.outcome = DEAD_LETTER_UNROUTED
  sink.settle('rejected')
  it.endTurns()
  const after = it.restarted()
  assert.equal(after.queue.readyCount, 1)
  after.endTurns()
  assert.deepEqual(after.deadLetters.summary, ['a:rejected'])
  assert.equal(after.deadLetters.letters[0]!.deliveryCount, 1)
  assert.deepEqual(after.takeAll(), ['b'])
})

test('switching to at-most-once gives up what waits', () => {
  const it = bed({ ...DLX, 'x-overflow': 'reject-publish' })
  const sink = it.subscribe()
  it.queue.applyPolicy(policyOf({ 'dead-letter-strategy': 'at-least-once' }))
  it.publishAll('a', 'b')
  it.deadLetters.outcome = DEAD_LETTER_UNROUTED
  sink.settle('rejected')
  it.endTurns()
  it.queue.applyPolicy(policyOf({}))
  assert.equal(it.store.ledger(1).liveCount, 1)
  sink.settle('rejected')
  it.endTurns()
  assert.equal(it.store.ledger(1).liveCount, 0)
})

test('at-least-once without reject-publish is at-most-once', () => {
  const it = bed({ ...DLX, 'x-dead-letter-strategy': 'at-least-once' })
  const sink = it.subscribe()
  it.publishAll('a')
  it.deadLetters.outcome = DEAD_LETTER_UNROUTED
  sink.settle('rejected')
  it.endTurns()
  assert.equal(it.store.ledger(1).liveCount, 0)
})

// Administration

test('deletions with a condition are refused', () => {
  const refused = (flag: string) => ({
    code: 'not-implemented',
    text:
      "cannot delete queue 'q' in vhost '/'. " +
      `queue.delete operations with ${flag} flag set are not supported by quorum queues`,
  })
  assert.deepEqual(bed().queue.refusesDelete(true, false), refused('if-unused'))
  assert.deepEqual(bed().queue.refusesDelete(false, true), refused('if-empty'))
  assert.equal(bed().queue.refusesDelete(false, false), undefined)
})

test('a redeclaration does not renew the lease', () => {
  const it = bed({ 'x-expires': 100 })
  it.advance(99)
  it.queue.touch()
  it.advance(1)
  assert.deepEqual(it.deleteRequests, ['expired'])
})
