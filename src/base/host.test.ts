import assert from 'node:assert/strict'
import { test } from 'node:test'
import { availableMemoryBytes, processMemoryBytes } from './host.ts'

test('this process uses some of the memory there is', () => {
  assert.ok(processMemoryBytes() > 10_000_000)
  assert.ok(processMemoryBytes() < availableMemoryBytes())
})
