import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { InFlight, NOBODY } from './in-flight.ts'

test('it equals a map of holders', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 5 })), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(steps, (entries) => {
      const inFlight = new InFlight()
      const model = new Map<number, number>()
      for (const [sequence, holder] of entries) {
        if (model.delete(sequence)) inFlight.remove(sequence)
        else {
          inFlight.add(sequence, holder, sequence * 2)
          model.set(sequence, holder)
        }
        assert.equal(inFlight.holderOf(sequence), model.get(sequence) ?? NOBODY)
        assert.equal(inFlight.count, model.size)
      }
      const seen = new Map<number, number>()
      inFlight.forEach((sequence, holder, sinceMs) => {
        assert.equal(sinceMs, sequence * 2)
        seen.set(sequence, holder)
      })
      assert.deepEqual([...seen].sort(), [...model].sort())
    }),
    { numRuns: 200 },
  )
})

test('entries may leave while they are visited', () => {
  const inFlight = new InFlight()
  for (let sequence = 1; sequence <= 600; sequence++) inFlight.add(sequence, 1, 0)
  inFlight.forEach((sequence) => void inFlight.remove(sequence))
  assert.equal(inFlight.count, 0)
  assert.equal(inFlight.holderOf(300), NOBODY)
})
