import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SequenceHeap } from './sequence-heap.ts'

const pairs = fc.uniqueArray(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 1_000 })), {
  selector: ([, sequence]) => sequence,
})

function popAll(heap: SequenceHeap): number[] {
  const popped: number[] = []
  while (heap.count > 0) popped.push(heap.pop())
  return popped
}

function ordered(entries: readonly (readonly [number, number])[]): number[] {
  return [...entries].sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, sequence]) => sequence)
}

test('sequences come out by key, then by sequence', () => {
  fc.assert(
    fc.property(pairs, (entries) => {
      const heap = new SequenceHeap()
      for (const [key, sequence] of entries) heap.push(key, sequence)
      assert.deepEqual(popAll(heap), ordered(entries))
    }),
  )
})

test('keepOnly forgets the others and keeps the order', () => {
  fc.assert(
    fc.property(pairs, (entries) => {
      const heap = new SequenceHeap()
      for (const [key, sequence] of entries) heap.push(key, sequence)
      heap.keepOnly((sequence) => sequence % 3 === 0)
      assert.deepEqual(popAll(heap), ordered(entries.filter(([, sequence]) => sequence % 3 === 0)))
    }),
  )
})

test('an empty heap has no first', () => {
  const heap = new SequenceHeap()
  assert.deepEqual([heap.first, heap.firstKey, heap.pop()], [0, Number.POSITIVE_INFINITY, 0])
})
