import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '../common/memory-store.ts'
import { CommitLine } from './commit-line.ts'

function bed() {
  const store = new MemoryStore()
  store.isAlwaysDurable = false
  const ledger = store.ledger(1)
  const committed: number[] = []
  let wakes = 0
  const owner = {
    store,
    ledger,
    onCommitted: (sequence: number) => void committed.push(sequence),
    wake: () => {
      wakes++
    },
  }
  const line = new CommitLine(owner)
  const enter = (weight = 1): number => {
    store.reserve(true, 1, 4)
    line.uncommittedBytes += weight
    return ledger.enter(0, weight, 0)
  }
  return { store, ledger, committed, line, enter, wakes: () => wakes }
}

test('entries are committed turn by turn, as the log becomes durable', () => {
  const { store, committed, line, enter, wakes } = bed()
  enter()
  enter(5)
  line.advance()
  assert.deepEqual([line.uncommittedCount, line.uncommittedBytes], [2, 6])
  store.sync()
  assert.equal(wakes(), 1)
  enter(7)
  line.advance()
  assert.deepEqual(committed, [1, 2])
  assert.deepEqual([line.uncommittedCount, line.uncommittedBytes], [1, 7])
  store.sync()
  line.advance()
  assert.deepEqual(committed, [1, 2, 3])
  assert.deepEqual([line.uncommittedCount, line.uncommittedBytes], [0, 0])
})

test('it waits for the log once, whatever the number of turns', () => {
  const { store, line, enter, wakes } = bed()
  for (let i = 0; i < 3; i++) {
    enter()
    line.advance()
    line.advance()
  }
  store.sync()
  assert.equal(wakes(), 1)
})

test('what was there at the start is committed', () => {
  const { store, ledger } = bed()
  store.reserve(true, 1, 4)
  ledger.enter(0, 1, 0)
  const line = new CommitLine({ store, ledger, onCommitted: () => assert.fail(), wake: () => assert.fail() })
  line.advance()
  assert.equal(line.uncommittedCount, 0)
})
