import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JSON_DEPTH_MAX, nestsTooDeep } from './json-depth.ts'

function depthOf(json: unknown): number {
  if (typeof json !== 'object' || json === null) return 0
  return 1 + Math.max(0, ...Object.values(json).map(depthOf))
}

test('the depth is that of the JSON, whatever its texts hold', () => {
  const text = fc.string({ unit: fc.constantFrom('"', '\\', '[', '{', ']', 'a') })
  const json = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' })
  fc.assert(
    fc.property(json, text, fc.nat(70), (inner, name, levels) => {
      let value: unknown = { [name]: [name, inner] }
      for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { [name]: value }
      assert.equal(nestsTooDeep(JSON.stringify(value)), depthOf(value) > JSON_DEPTH_MAX)
    }),
  )
})

test('what is no JSON ends, and soon', () => {
  for (const text of ['"', '"\\', '"\\"', ']]]]', '\\"[', `"${'\\"'.repeat(500_000)}`]) assert.ok(!nestsTooDeep(text))
  assert.ok(nestsTooDeep('['.repeat(5_000_000)))
})
