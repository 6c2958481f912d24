import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { applyDelta } from '../../../ui/src/base/json-delta.ts'
import { jsonDelta } from './json-delta.ts'

test('what the console makes of a delta is what the broker has', () => {
  const json = fc.jsonValue({ maxDepth: 4 })
  fc.assert(
    fc.property(json, json, (before, after) => {
      // As the wire carries it; -0 becomes 0 there.
      const [old, wanted] = [before, after].map((value) => JSON.parse(JSON.stringify(value)) as unknown)
      const delta = JSON.parse(JSON.stringify(jsonDelta(old, wanted)))
      assert.deepEqual(applyDelta(old, delta), wanted)
    }),
  )
})

test('equal values differ in nothing', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.deepEqual(jsonDelta(value, structuredClone(value)), [])))
})

test('a window of samples slides: only what is new travels', () => {
  const sample = (timestamp: number) => ({ sample: timestamp % 7, timestamp })
  const before = { samples: [5, 4, 3, 2, 1].map(sample) }
  const after = { samples: [7, 6, 5, 4, 3].map(sample) }
  const delta = jsonDelta(before, after)
  assert.deepEqual(delta, [[['samples'], 2, [sample(7), sample(6)], 1]])
  assert.deepEqual(applyDelta(before, delta), after)
})

test('lines of a log are appended', () => {
  const before = ['a', 'b', 'c']
  const after = ['b', 'c', 'd']
  assert.deepEqual(jsonDelta(before, after), [[[], 1, ['d'], 0]])
  assert.deepEqual(applyDelta(before, jsonDelta(before, after)), after)
})
