import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from './disk-memory.ts'
import { StoreHarness } from './store-harness.ts'

for (const when of ['while', 'after'] as const) {
  test(`who writes ${when} the store closes costs nothing that was durable`, async () => {
    const disk = new MemoryDisk()
    const harness = await StoreHarness.open(disk)
    const { store } = harness
    const id = store.newLedgerId()
    const ledger = store.ledger(id, true)
    // Blocks that come and go leave files that wait to be used again.
    for (let round = 0; store.stats().log.spareCount === 0; round++) {
      assert.ok(round < 200, 'no file waits')
      const sequences = Array.from({ length: 60 }, (_, i) => harness.put([ledger], i, true, 200))
      await harness.untilDurable()
      for (const sequence of sequences) ledger.settle(sequence)
      await harness.untilDurable()
      await harness.untilQuiet(20)
    }
    const kept = Array.from({ length: 20 }, (_, number) => harness.put([ledger], 1_000 + number, true, 100))
    await harness.untilDurable()
    let isClosed = false
    const told: number[] = []
    const closing = store.close().then(() => {
      isClosed = true
    })
    if (when === 'after') await closing
    const late = store.ledger(store.newLedgerId(), true)
    for (let i = 0; i < 200; i++) {
      for (let n = 0; n < 3; n++) harness.put([late], i, true, 200)
      store.awaitSafe({ onSafe: () => void (isClosed && told.push(i)) })
      harness.endTurn()
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    await closing
    const again = await StoreHarness.open(disk.powerLoss())
    assert.deepEqual(again.reports.damages, [])
    const found = again.store.ledger(id, true)
    assert.deepEqual(
      await Promise.all(kept.map((sequence) => again.read(found, sequence))),
      kept.map((_, number) => 1_000 + number),
    )
    assert.deepEqual(told, [], 'nothing is called safe after the end')
  })
}
