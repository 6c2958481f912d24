// Which lines of the log are new: two windows on one log, the later one further on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newLines } from './verbs-follow.ts'

test('what was written between two looks at the log is shown once', () => {
  const sizes = fc.record({ before: fc.nat(40), added: fc.nat(40), window: fc.integer({ min: 1, max: 50 }) })
  fc.assert(
    fc.property(sizes, ({ before, added, window }) => {
      const log = Array.from({ length: before + added }, (_, i) => `line ${i}`)
      const seen = log.slice(0, before).slice(-window)
      const lines = log.slice(-window)
      assert.deepEqual(newLines(seen, lines), log.slice(before).slice(-window))
    }),
  )
})
