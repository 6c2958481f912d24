import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncPace } from './sync-pace.ts'

/** A client that waits for each confirm, on a disk that takes so long. */
function afterSyncs(tookMs: number, count: number, pace = new SyncPace(true)): SyncPace {
  for (let i = 0; i < count; i++) pace.ended(i, tookMs)
  return pace
}

test('stays on the event loop for one who waits for each confirm, on a fast disk', () => {
  const pace = afterSyncs(0.2, 20)
  assert.ok(pace.isOnLoop(19.1, 200, 1))
})

test('goes to a thread for large batches, for many who wait, and when the loop has other work', () => {
  const pace = afterSyncs(0.2, 20)
  assert.ok(!pace.isOnLoop(19.1, 100_000, 1), 'a large batch')
  assert.ok(!pace.isOnLoop(19.1, 200, 3), 'many wait')
  assert.ok(!pace.isOnLoop(21, 200, 1), 'the last sync was long ago')
})

test('goes to a thread until it knows that the disk is fast, and again when it is not', () => {
  assert.ok(!new SyncPace(true).isOnLoop(0, 200, 1), 'nothing is known')
  assert.ok(!afterSyncs(1, 20).isOnLoop(19.1, 200, 1), 'slow on the average')
  const pace = afterSyncs(0.2, 20)
  pace.ended(20, 15)
  assert.ok(!pace.isOnLoop(20.1, 200, 1), 'one slow sync')
  assert.ok(afterSyncs(0.2, 40, pace).isOnLoop(39.1, 200, 1), 'fast again')
})

test('keeps to threads for half a minute after a stall', () => {
  const pace = afterSyncs(0.2, 20)
  pace.ended(20, 25)
  for (let atMs = 21; atMs < 30_000; atMs += 100) pace.ended(atMs, 0.2)
  assert.ok(!pace.isOnLoop(29_921.1, 200, 1))
  pace.ended(30_021, 0.2)
  assert.ok(pace.isOnLoop(30_021.1, 200, 1))
})

test('keeps to threads when it is told to', () => {
  const pace = afterSyncs(0.2, 20, new SyncPace(false))
  assert.ok(!pace.isOnLoop(19.1, 200, 1))
})
