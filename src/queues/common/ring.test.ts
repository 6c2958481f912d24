import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Ring } from './ring.ts'

test('a ring equals an array under random operations', () => {
  const operations = fc.array(fc.oneof(fc.nat(99), fc.constantFrom('shift', 'rotate', 'remove', 'clear')), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(operations, (steps) => {
      const ring = new Ring<number>()
      let model: number[] = []
      for (const step of steps) {
        if (typeof step === 'number') {
          ring.push(step)
          model.push(step)
        } else if (step === 'shift') assert.equal(ring.shift(), model.shift())
        else if (step === 'rotate') {
          ring.rotate()
          if (model.length > 0) model.push(model.shift()!)
        } else if (step === 'remove') {
          const value = model[model.length >> 1] ?? -1
          ring.remove(value)
          model = model.filter((each) => each !== value)
        } else {
          ring.clear()
          model = []
        }
        assert.equal(ring.count, model.length)
        assert.equal(ring.peek(), model[0])
      }
    }),
    { numRuns: 200 },
  )
})
