import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sortInSlices } from './sort-in-slices.ts'

interface Keyed {
  readonly key: number
  readonly at: number
}

test('any list comes out as a stable sort leaves it, and stays as it was', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 20_000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(),
      async (count, kinds, seed) => {
        const elements = Array.from({ length: count }, (_, at): Keyed => ({ key: (at * 7_919 + seed) % kinds, at }))
        const before = [...elements]
        const compare = (a: Keyed, b: Keyed): number => a.key - b.key
        assert.deepEqual(await sortInSlices(elements, compare), [...elements].sort(compare))
        assert.deepEqual(elements, before)
      },
    ),
    { numRuns: 30 },
  )
})

test('others run while a long list is sorted', async () => {
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  await sortInSlices(
    Array.from({ length: 100_000 }, (_, i) => (i * 7_919) % 100_003),
    (a, b) => a - b,
  )
  isDone = true
  assert.ok(turns > 50, `${turns} turns`)
})
