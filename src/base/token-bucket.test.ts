import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TokenBucket } from './token-bucket.ts'

test("a second's worth goes at once; after it every one waits its turn", () => {
  const bucket = new TokenBucket(10, 0)
  for (let i = 0; i < 10; i++) assert.equal(bucket.take(1, 0), 0)
  assert.equal(bucket.take(1, 0), 100)
  assert.equal(bucket.waitMs(99), 1)
  assert.equal(bucket.waitMs(100), 0)
  assert.equal(bucket.take(1, 100), 100)
})

test('one that is larger than a second brings passes, and is paid for afterwards', () => {
  const bucket = new TokenBucket(100, 0)
  assert.equal(bucket.take(1_000, 0), 9_000)
  assert.equal(bucket.waitMs(9_000), 0)
})

test('a clock that was set back neither brings nor takes', () => {
  const bucket = new TokenBucket(10, 1_000)
  bucket.take(20, 1_000)
  assert.equal(bucket.waitMs(0), 1_000)
  assert.equal(bucket.waitMs(1_000), 0)
})

test('whoever waits as told takes no more than the rate and one second of burst, whatever the sizes', () => {
  const takes = fc.array(
    fc.record({ count: fc.integer({ min: 1, max: 50 }), pauseMs: fc.integer({ min: 0, max: 300 }) }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), takes, (rate, list) => {
      const bucket = new TokenBucket(rate, 0)
      let nowMs = 0
      let taken = 0
      for (const { count, pauseMs } of list) {
        nowMs += pauseMs
        taken += count
        nowMs += bucket.take(count, nowMs)
        assert.ok(taken <= rate + ((nowMs + 0.01) * rate) / 1_000)
      }
    }),
  )
})
