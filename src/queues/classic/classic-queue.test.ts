import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIT_REFUSED, ADMIT_STORED } from '../../model/queue/queue.ts'
import { argumentsOf, policyOf, QueueBed, type TestQueue } from '../common/test-bed.ts'
import { classicKind } from './classic-kind.ts'

function bed(values: Readonly<Record<string, string | number | boolean>> = {}, options: TestQueue = {}): QueueBed {
  return new QueueBed(classicKind, { args: argumentsOf(values), ...options })
}

test('only persistent messages of a durable queue take part in the log', () => {
  assert.deepEqual([bed().queue.keeps(true), bed().queue.keeps(false)], [true, false])
  assert.equal(bed({}, { durable: false }).queue.keeps(true), false)
})

test('transient messages do not survive a restart and are counted apart', () => {
  const it = bed()
  it.publish('kept')
  it.publish('lost', { transient: true })
  it.endTurns()
  assert.equal(it.queue.status().persistentCount, 1)
  const after = it.restarted()
  assert.deepEqual(after.takeAll(), ['kept'])
  assert.deepEqual(it.takeAll(), ['kept', 'lost'])
})

test('delivery does not wait for the disk', () => {
  const it = bed()
  it.store.isAlwaysDurable = false
  const sink = it.subscribe()
  it.publishAll('a')
  assert.deepEqual(sink.bodies, ['a'])
})

test('a returned entry goes back to its place', () => {
  const it = bed()
  const sink = it.subscribe({ prefetchCount: 2 })
  it.publishAll('a', 'b', 'c')
  sink.consumer!.cancel()
  sink.settle('returned', sink.unacked[1])
  sink.settle('returned')
  it.endTurns()
  assert.deepEqual(it.takeAll(), ['a', 'b', 'c'])
})

test('priorities: higher first, missing is 0, above the maximum is the maximum', () => {
  const it = bed({ 'x-max-priority': 5 })
  it.publish('none')
  it.publish('three', { priority: 3 })
  it.publish('nine', { priority: 9 })
  it.publish('five', { priority: 5 })
  it.publish('zero', { priority: 0 })
  it.endTurns()
  assert.deepEqual(it.takeAll(), ['nine', 'five', 'three', 'none', 'zero'])
})

test('priorities: a returned entry goes back to its level', () => {
  const it = bed({ 'x-max-priority': 5 })
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publish('low', { priority: 1 })
  it.endTurns()
  it.publish('high', { priority: 5 })
  sink.consumer!.cancel()
  sink.settle('returned')
  it.publish('low too', { priority: 1 })
  it.endTurns()
  assert.deepEqual(it.takeAll(), ['high', 'low', 'low too'])
})

test('priorities: a full queue drops from its head, which is the highest', () => {
  const it = bed({ 'x-max-priority': 5, 'x-max-length': 2 })
  for (const [body, priority] of [
    ['high', 5],
    ['low', 1],
    ['middle', 3],
  ] as const)
    it.publish(body, { priority })
  it.endTurns()
  assert.deepEqual(it.takeAll(), ['middle', 'low'])
})

test('priorities survive a restart', () => {
  const it = bed({ 'x-max-priority': 5 })
  it.publish('low', { priority: 1 })
  it.publish('high', { priority: 5 })
  it.endTurns()
  assert.deepEqual(it.restarted().takeAll(), ['high', 'low'])
})

test('without x-max-priority priorities are ignored', () => {
  const it = bed()
  it.publish('low', { priority: 1 })
  it.publish('high', { priority: 5 })
  it.endTurns()
  assert.deepEqual(it.takeAll(), ['low', 'high'])
})

test('reject-publish refuses what is too much, and takes messages again when there is room', () => {
  const it = bed({ 'x-max-length': 2, 'x-overflow': 'reject-publish', 'x-dead-letter-exchange': 'dlx' })
  assert.deepEqual([it.publish('a'), it.publish('b'), it.publish('c')], [ADMIT_STORED, ADMIT_STORED, ADMIT_REFUSED])
  it.endTurns()
  assert.equal(it.queue.readyCount, 2)
  assert.deepEqual(it.deadLetters.summary, [])
  it.take(true)
  assert.equal(it.publish('d'), ADMIT_STORED)
})

test('reject-publish counts what consumers take in the same turn as gone', () => {
  const it = bed({ 'x-max-length': 1, 'x-overflow': 'reject-publish' })
  const sink = it.subscribe({ prefetchCount: 2 })
  const admissions = ['a', 'b', 'c', 'd'].map((body) => it.publish(body))
  assert.deepEqual(admissions, [ADMIT_STORED, ADMIT_STORED, ADMIT_STORED, ADMIT_REFUSED])
  assert.deepEqual(sink.bodies, ['a', 'b'])
})

test('reject-publish-dlx dead-letters what it refuses', () => {
  const it = bed({ 'x-max-length': 1, 'x-overflow': 'reject-publish-dlx', 'x-dead-letter-exchange': 'dlx' })
  assert.deepEqual([it.publish('a'), it.publish('b')], [ADMIT_STORED, ADMIT_REFUSED])
  it.endTurns()
  assert.deepEqual(it.deadLetters.summary, ['b:maxlen'])
  assert.deepEqual(it.takeAll(), ['a'])
})

test('an exclusive consumer is alone', () => {
  const it = bed()
  const text = "queue 'q' in vhost '/' in exclusive use"
  const spec = { tag: '', noAck: false, priority: 0, prefetchCount: 0, args: new Map(), sessionName: '', user: '' }
  const refusal = (exclusive: boolean): unknown => it.queue.refusesConsumer({ ...spec, exclusive })
  const sink = it.subscribe()
  assert.deepEqual(refusal(true), { code: 'access-refused', text })
  assert.equal(refusal(false), undefined)
  sink.consumer!.cancel()
  const exclusive = it.subscribe({ exclusive: true })
  assert.deepEqual(refusal(false), { code: 'access-refused', text })
  exclusive.consumer!.cancel()
  assert.equal(refusal(true), undefined)
})

test('an exclusive consumer has no place beside a single active one', () => {
  const it = bed({ 'x-single-active-consumer': true })
  const spec = { tag: '', noAck: false, priority: 0, prefetchCount: 0, args: new Map(), sessionName: '', user: '' }
  assert.equal(it.queue.refusesConsumer({ ...spec, exclusive: true })?.code, 'access-refused')
})

test('the single active consumer is the first registered, whatever the priorities', () => {
  const it = bed({ 'x-single-active-consumer': true })
  const [low, high] = [it.subscribe(), it.subscribe({ priority: 10 })]
  it.publishAll('a')
  assert.deepEqual([low.bodies, high.bodies], [['a'], []])
})

test('an auto-delete queue goes with its last consumer, if it ever had one', () => {
  const it = bed({}, { autoDelete: true })
  it.take()
  assert.deepEqual(it.deleteRequests, [])
  const [one, two] = [it.subscribe(), it.subscribe()]
  one.consumer!.cancel()
  assert.deepEqual(it.deleteRequests, [])
  two.consumer!.cancel()
  two.consumer!.cancel()
  assert.deepEqual(it.deleteRequests, ['unused'])
})

test('a redeclaration renews the lease', () => {
  const it = bed({ 'x-expires': 100 })
  it.advance(99)
  it.queue.touch()
  it.advance(99)
  assert.deepEqual(it.deleteRequests, [])
  it.advance(1)
  assert.deepEqual(it.deleteRequests, ['expired'])
})

test('conditions of a deletion', () => {
  const it = bed()
  assert.equal(it.queue.refusesDelete(true, true), undefined)
  it.publishAll('a')
  const refused = (text: string) => ({ code: 'precondition-failed', text: `queue 'q' in vhost '/' ${text}` })
  assert.deepEqual(it.queue.refusesDelete(false, true), refused('not empty'))
  it.subscribe()
  assert.deepEqual(it.queue.refusesDelete(true, false), refused('in use'))
})

test('arguments and policy: the smaller number, the text of the argument', () => {
  const it = bed({ 'x-max-length': 10, 'x-message-ttl': 500, 'x-dead-letter-exchange': 'mine' })
  it.queue.applyPolicy(
    policyOf({ 'max-length': 5, 'message-ttl': 900, 'dead-letter-exchange': 'theirs', 'dead-letter-routing-key': 'k' }),
  )
  assert.deepEqual(it.queue.status().effective, {
    'message-ttl': 500,
    'max-length': 5,
    'dead-letter-exchange': 'mine',
    'dead-letter-routing-key': 'k',
  })
})

test('a policy that takes the target away drops what is dead', () => {
  const it = bed()
  it.queue.applyPolicy(policyOf({ 'dead-letter-exchange': 'dlx' }))
  const sink = it.subscribe()
  it.publishAll('a')
  sink.settle('rejected')
  it.queue.applyPolicy(policyOf({}))
  it.endTurns()
  assert.deepEqual(it.deadLetters.summary, [])
  assert.equal(it.store.ledger(1).liveCount, 0)
})

test('a letter that comes back to its own queue is a new entry', () => {
  const it = bed({ 'x-dead-letter-exchange': '' })
  it.deadLetters.onLetter = () => {
    if (it.deadLetters.letters.length < 3) it.publish(`again ${it.deadLetters.letters.length}`)
  }
  const sink = it.subscribe({ prefetchCount: 1 })
  it.publishAll('a')
  for (let i = 0; i < 3; i++) {
    sink.settle('rejected')
    it.endTurns()
  }
  assert.deepEqual(sink.bodies, ['a', 'again 1', 'again 2'])
  assert.equal(it.queue.status().unackedCount, 0)
})
