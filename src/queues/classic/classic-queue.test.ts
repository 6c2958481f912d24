import assert from 'node:assert/strict'
import { test } from 'node:test'
import { argumentsOf, QueueBed, type TestQueue } from '../common/test-bed.ts'
import { classicKind } from './classic-kind.ts'

function bed(options: TestQueue = {}): QueueBed {
  return new QueueBed(classicKind, options)
}

function _bedWith(values: Readonly<Record<string, string | number | boolean>>): QueueBed {
  return bed({ args: argumentsOf(values) })
}

test('a published message is delivered at the end of the turn, not before', () => {
  const { queue, ...rest } = bed()
  void rest
  assert.equal(queue.readyCount, 0)
  const it = bed()
  const sink = it.subscribe()
  it.publish('a')
  assert.deepEqual(sink.bodies, [])
  it.endTurns()
  assert.deepEqual(sink.bodies, ['a'])
  assert.equal(it.queue.status().unackedCount, 1)
  sink.settle('accepted')
  assert.equal(it.queue.status().unackedCount, 0)
  assert.equal(it.store.ledger(1).liveCount, 0)
})
