/**
 * What every kind of queue does alike when entries expire or are too many.
 */
import assert from 'node:assert/strict'
import type { Check, MakeBed } from './queue-suite.ts'
import { policyOf } from './test-bed.ts'

/** Registers what every kind does about deadlines. */
export function expirySuite(bed: MakeBed, check: Check): void {
  check('entries expire at the deadline of the queue, not before', () => {
    const it = bed({ 'x-message-ttl': 100, 'x-dead-letter-exchange': 'dlx' })
    it.publishAll('a')
    it.advance(60)
    it.publishAll('b')
    it.advance(39)
    assert.equal(it.queue.readyCount, 2)
    it.advance(1)
    assert.equal(it.queue.readyCount, 1)
    assert.deepEqual(it.deadLetters.summary, ['a:expired'])
    it.advance(60)
    assert.deepEqual(it.deadLetters.summary, ['a:expired', 'b:expired'])
    assert.equal(it.queue.counters.expired, 2)
    assert.equal(it.queue.status().readyBytes, 0)
  })

  check('a message with an expiration of its own goes on time, behind others, too', () => {
    const it = bed({ 'x-dead-letter-exchange': 'dlx' })
    it.publish('forever')
    it.publish('late', { expirationMs: 500 })
    it.publish('soon', { expirationMs: 100 })
    it.publish('forever too')
    it.endTurns()
    it.advance(99)
    assert.equal(it.queue.readyCount, 4)
    it.advance(1)
    assert.deepEqual(it.deadLetters.summary, ['soon:expired'])
    it.advance(400)
    assert.deepEqual(it.deadLetters.summary, ['soon:expired', 'late:expired'])
    assert.deepEqual(it.takeAll(), ['forever', 'forever too'])
  })

  check('the smaller of both TTLs counts', () => {
    const it = bed({ 'x-message-ttl': 100 })
    it.publish('short', { expirationMs: 20 })
    it.publish('long', { expirationMs: 1_000 })
    it.endTurns()
    it.advance(20)
    assert.equal(it.queue.readyCount, 1)
    it.advance(79)
    assert.equal(it.queue.readyCount, 1)
    it.advance(1)
    assert.equal(it.queue.readyCount, 0)
  })

  check('an entry does not expire while it is unacked, but at its return', () => {
    const it = bed({ 'x-message-ttl': 100, 'x-dead-letter-exchange': 'dlx' })
    const sink = it.subscribe({ prefetchCount: 2 })
    it.publish('own', { expirationMs: 50 })
    it.publish('queue')
    it.endTurns()
    it.advance(150)
    assert.deepEqual(it.deadLetters.summary, [])
    sink.consumer!.cancel()
    sink.settle('returned')
    sink.settle('returned')
    it.endTurns()
    assert.deepEqual(it.deadLetters.summary.sort(), ['own:expired', 'queue:expired'])
  })

  check('the clock of an entry goes on when it was returned in time', () => {
    const it = bed({ 'x-message-ttl': 100 })
    const sink = it.subscribe()
    it.publishAll('a')
    it.advance(60)
    sink.consumer!.cancel()
    sink.settle('returned')
    it.endTurns()
    it.advance(39)
    assert.equal(it.queue.readyCount, 1)
    it.advance(1)
    assert.equal(it.queue.readyCount, 0)
  })

  check('a TTL of 0 expires what cannot be delivered at once', () => {
    const it = bed({ 'x-message-ttl': 0, 'x-dead-letter-exchange': 'dlx' })
    const sink = it.subscribe({ prefetchCount: 1 })
    it.publishAll('a', 'b')
    assert.deepEqual(sink.bodies, ['a'])
    assert.deepEqual(it.deadLetters.summary, ['b:expired'])
  })

  check('a message with expiration 0 expires when nobody can take it', () => {
    const it = bed()
    it.publish('a', { expirationMs: 0 })
    it.publish('b')
    it.endTurns()
    assert.deepEqual(it.takeAll(), ['b'])
  })

  check('an expired entry is not delivered in the turn of its deadline', () => {
    const it = bed({ 'x-message-ttl': 100 })
    it.publishAll('a')
    it.clock.advance(100)
    const sink = it.subscribe()
    it.endTurns()
    assert.deepEqual(sink.bodies, [])
  })

  check('a policy gives entries that are there a TTL, and takes it away', () => {
    const it = bed()
    it.publishAll('a')
    it.queue.applyPolicy(policyOf({ 'message-ttl': 100 }))
    it.endTurns()
    it.advance(50)
    it.queue.applyPolicy(policyOf({}))
    it.endTurns()
    it.advance(100)
    assert.equal(it.queue.readyCount, 1)
    it.queue.applyPolicy(policyOf({ 'message-ttl': 120 }))
    it.endTurns()
    assert.equal(it.queue.readyCount, 0)
  })

  check('many settled messages with expirations leave nothing behind', () => {
    const it = bed()
    it.subscribe({ noAck: true })
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 1_000; i++) it.publish('m', { expirationMs: 1_000_000 })
      it.endTurns()
    }
    assert.equal(it.queue.status().unackedCount, 0)
    it.advance(1_000_000)
    assert.equal(it.queue.counters.expired, 0)
  })
}

/** Registers what every kind does when it is too long. */
export function limitSuite(bed: MakeBed, check: Check): void {
  check('drop-head drops the oldest', () => {
    const it = bed({ 'x-max-length': 2, 'x-dead-letter-exchange': 'dlx' })
    it.publishAll('a', 'b', 'c', 'd')
    assert.equal(it.queue.readyCount, 2)
    assert.deepEqual(it.deadLetters.summary, ['a:maxlen', 'b:maxlen'])
    assert.deepEqual(it.takeAll(), ['c', 'd'])
    assert.equal(it.queue.counters.droppedMaxLength, 2)
  })

  check('a limit of bytes counts bodies', () => {
    const it = bed({ 'x-max-length-bytes': 5 })
    it.publishAll('aa', 'bb', 'c', 'dd')
    assert.deepEqual(it.takeAll(), ['bb', 'c', 'dd'])
  })

  check('unacked entries do not count against the limit', () => {
    const it = bed({ 'x-max-length': 1 })
    const sink = it.subscribe({ prefetchCount: 2 })
    it.publishAll('a', 'b')
    it.publishAll('c')
    assert.deepEqual(sink.bodies, ['a', 'b'])
    assert.equal(it.queue.readyCount, 1)
  })

  check('what consumers take in the same turn does not count', () => {
    const it = bed({ 'x-max-length': 0 })
    const sink = it.subscribe()
    it.publishAll('a', 'b')
    assert.deepEqual(sink.bodies, ['a', 'b'])
    sink.hasCredit = false
    it.publishAll('c')
    assert.equal(it.queue.readyCount, 0)
  })

  check('a policy limit applies at once', () => {
    const it = bed()
    it.publishAll('a', 'b', 'c')
    it.queue.applyPolicy(policyOf({ 'max-length': 1 }))
    it.endTurns()
    assert.deepEqual(it.takeAll(), ['c'])
    assert.deepEqual(it.queue.status().effective['max-length'], 1)
  })
}
