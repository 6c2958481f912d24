import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SampleBudget, SampleRing } from './sample-ring.ts'

test('answers as a plain list of samples does, as far back as it reaches', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 }),
      fc.integer({ min: 2, max: 16 }),
      (values, max) => {
        const ring = new SampleRing(1, max, new SampleBudget(1e6))
        const changes: [timeMs: number, value: number][] = []
        values.forEach((value, i) => {
          ring.push(i * 10, Float64Array.of(value))
          if (changes.at(-1)?.[1] !== value) changes.push([i * 10, value])
        })
        const reachable = changes.slice(-max)
        assert.equal(ring.count, reachable.length)
        for (let timeMs = -5; timeMs <= values.length * 10; timeMs += 5) {
          const expected = reachable.findLast(([atMs]) => atMs <= timeMs)?.[1]
          assert.equal(ring.valueAt(0, timeMs), expected)
        }
      },
    ),
  )
})

test('takes no more than the budget allows, and gives it back', () => {
  const budget = new SampleBudget(200)
  const first = new SampleRing(3, 100, budget)
  for (let i = 0; i < 50; i++) first.push(i, Float64Array.of(i, i, i))
  assert.ok(budget.usedBytes <= 200)
  assert.ok(budget.refusals > 0)
  assert.equal(first.valueAt(0, 49), 49, 'the newest stay')
  first.release()
  assert.equal(budget.usedBytes, 0)
})
