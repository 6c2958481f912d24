import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandomness, SystemRandomness, uniqueName } from './random.ts'

for (const [kind, randomness] of [
  ['system', new SystemRandomness()],
  ['seeded', new SeededRandomness(7)],
] as const) {
  test(`${kind}: numbers stay below their bound and reach every value`, () => {
    const seen = new Set<number>()
    for (let i = 0; i < 2_000; i++) seen.add(randomness.below(10))
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test(`${kind}: bytes have the length asked for and do not repeat`, () => {
    for (const count of [0, 1, 16, 4_096, 10_000]) assert.equal(randomness.bytes(count).length, count)
    assert.notDeepEqual(randomness.bytes(16), randomness.bytes(16))
  })
}

test('the same seed gives the same numbers', () => {
  const [a, b] = [new SeededRandomness(42), new SeededRandomness(42)]
  for (let i = 0; i < 100; i++) assert.equal(a.below(1e6), b.below(1e6))
  assert.deepEqual(a.bytes(20), b.bytes(20))
  assert.notDeepEqual(new SeededRandomness(43).bytes(20), new SeededRandomness(42).bytes(20))
})

test('names have 22 URL-safe characters behind their prefix', () => {
  const randomness = new SystemRandomness()
  const names = new Set(Array.from({ length: 1_000 }, () => uniqueName(randomness, 'amq.gen-')))
  assert.equal(names.size, 1_000)
  for (const name of names) assert.match(name, /^amq\.gen-[A-Za-z0-9_-]{22}$/)
})
