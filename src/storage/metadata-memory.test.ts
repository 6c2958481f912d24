import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryMetadata } from './metadata-memory.ts'
import { describeMetadata, put } from './metadata-suite.ts'

describeMetadata({ name: 'memory', create: async () => createMemoryMetadata(), reopen: undefined })

test('a memory commit takes effect before transact returns', () => {
  const metadata = createMemoryMetadata()
  let done = false
  metadata.transact([], [put(['k'], 1)], (result) => {
    done = result.ok
  })
  assert.ok(done)
  assert.equal(metadata.get(['k'])?.value, 1)
})
