import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expirationOfWord, expirationWord, NO_EXPIRATION } from './message.ts'

const EXACT_MS_MAX = 2 ** 31 - 1
const TEN_YEARS_MS = 315_360_000_000

test('expirations up to ten years fit into a word: exact for 24 days, then rounded up to seconds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: TEN_YEARS_MS }), (ms) => {
      const word = expirationWord(ms)
      const read = expirationOfWord(word)
      assert.ok(word >= 0 && word <= 0xffff_ffff && Number.isInteger(word))
      if (ms <= EXACT_MS_MAX) assert.equal(read, ms)
      else assert.ok(read >= ms && read < ms + 1_000)
    }),
  )
  for (const ms of [0, EXACT_MS_MAX, EXACT_MS_MAX + 1, 2 ** 32 - 1, 2 ** 32, TEN_YEARS_MS]) {
    assert.ok(Math.abs(expirationOfWord(expirationWord(ms)) - ms) < 1_000)
  }
})

test('no expiration is none, and one beyond all reason is not none', () => {
  assert.equal(expirationOfWord(expirationWord(NO_EXPIRATION)), NO_EXPIRATION)
  assert.ok(expirationOfWord(expirationWord(NO_EXPIRATION - 1)) < NO_EXPIRATION)
})
