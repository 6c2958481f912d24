// The judge of the crash tests must see each kind of broken promise.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noFigures, PUBLISHERS_MAX, QueueAccount } from './account.ts'
import { bodyOf, idOf } from './message-body.ts'

const A = PUBLISHERS_MAX
const B = 2 * PUBLISHERS_MAX

/** An account with two confirmed messages of one publisher. */
function account(): QueueAccount {
  const made = new QueueAccount('q', false, noFigures())
  for (const id of [A, B]) {
    made.sent(id, 'kept')
    made.confirmed(id)
  }
  return made
}

const found = (...ids: readonly number[]) => ids.map((id) => ({ id, redelivered: false }))

test('what is confirmed and there, in order, is right', () => {
  account().verify(found(A, B))
})

test('lost, doubled, swapped and invented messages are seen', () => {
  assert.throws(() => account().verify(found(A)), /confirmed message 32 is lost/)
  assert.throws(() => account().verify(found(A, A, B)), /16 is there twice/)
  assert.throws(() => account().verify(found(B, A)), /16 is behind 32/)
  assert.throws(() => account().verify(found(A, B, 48)), /48 was never published/)
})

test('a settled message may come back, a sealed one may not, nor may one that was missing once', () => {
  const settled = account()
  settled.delivered(A)
  settled.settled(A)
  settled.verify(found(B))
  assert.throws(() => settled.verify(found(A, B)), /16 came back/)
  const sealed = account()
  sealed.settled(A)
  sealed.verify(found(A, B))
  sealed.settled(A)
  sealed.settledSealed(A)
  assert.throws(() => sealed.verify(found(A, B)), /16 came back/)
})

test('a delivery that is on disk needs its flag; one after the settlement is wrong', () => {
  const flagged = account()
  flagged.delivered(A)
  flagged.flagSealed(A)
  assert.throws(() => flagged.verify(found(A, B)), /16 lost its redelivered flag/)
  const settled = account()
  settled.settled(A)
  assert.throws(() => settled.delivered(A), /delivered after it was settled/)
})

test('a transient message of a classic queue that is still there after a restart is seen', () => {
  const mixed = account()
  mixed.sent(64, 'lost')
  mixed.verify(found(A, B))
  mixed.sent(80, 'lost')
  assert.throws(() => mixed.verify(found(A, B, 80)), /transient message 80 survived/)
})

test('a body with a changed byte is seen', () => {
  const body = bodyOf(A, 100)
  assert.equal(idOf(Buffer.from(body)), A)
  body[50]! ^= 1
  assert.throws(() => idOf(body), /not what was published/)
  assert.throws(() => idOf(bodyOf(A, 100).subarray(0, 99)), /cut/)
})
