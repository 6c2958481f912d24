import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MemoryDisk } from './disk-memory.ts'
import type { StoreOptions } from './open-store.ts'
import { StoreHarness } from './store-harness.ts'

async function open(options: Partial<StoreOptions> = { confirmAfter: 'settled' }) {
  const harness = await StoreHarness.open(new MemoryDisk(), options)
  const { store } = harness
  return { harness, store, ledger: store.ledger(store.newLedgerId(), true) }
}

describe('what is safe', () => {
  test('a message is safe without a sync once all its ledgers settled it', async () => {
    const { harness, store, ledger } = await open()
    const other = store.ledger(store.newLedgerId(), true)
    const told: number[] = []
    harness.put([ledger, other], 1)
    store.awaitSafe({ onSafe: (upTo) => told.push(upTo) })
    ledger.settle(1)
    harness.endTurn()
    assert.deepEqual(told, [])
    assert.ok(store.safe < store.appended)
    other.settle(1)
    assert.equal(store.safe, store.appended)
    harness.endTurn()
    assert.equal(told.length, 1)
    assert.ok(store.durable < told[0]!, 'told before the sync')
    await harness.untilDurable()
    assert.equal(told.length, 1, 'told once')
    await store.close()
  })

  test('by default only what is durable is safe', async () => {
    const { harness, store, ledger } = await open({})
    let isTold = false
    harness.put([ledger], 1)
    ledger.settle(1)
    store.awaitSafe({
      onSafe: (upTo) => {
        isTold = true
        assert.equal(upTo, store.durable)
      },
    })
    harness.endTurn()
    assert.ok(!isTold && store.safe < store.appended)
    await harness.untilDurable()
    assert.ok(isTold)
    assert.equal(store.safe, store.appended)
    await store.close()
  })

  test('a letter that takes the place of a settled message is waited for', async () => {
    const { harness, store, ledger } = await open()
    const letters = store.ledger(store.newLedgerId(), true)
    harness.put([ledger], 1)
    harness.endTurn()
    ledger.settle(1)
    harness.put([letters], 1)
    assert.ok(store.safe < store.appended)
    await harness.untilDurable()
    assert.equal(store.safe, store.appended)
    await store.close()
  })

  test('nothing that is neither durable nor settled is ever safe', async () => {
    const step = fc.record({
      what: fc.constantFrom('put', 'put', 'settle', 'turn', 'quiet'),
      which: fc.nat(1_000),
      bytes: fc.integer({ min: 16, max: 900 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const { harness, store, ledger } = await open()
        const live = new Map<number, number>()
        for (const { what, which, bytes } of steps) {
          if (what === 'put') {
            const sequence = harness.put([ledger], which, true, bytes)
            live.set(sequence, store.appended)
          } else if (what === 'settle' && live.size > 0) {
            const sequence = [...live.keys()][which % live.size]!
            live.delete(sequence)
            ledger.settle(sequence)
          } else if (what === 'turn') harness.endTurn()
          else if (what === 'quiet') await harness.untilQuiet(3)
          const { safe, durable } = store
          for (const end of live.values()) assert.ok(end <= safe ? end <= durable : true, `${end} is safe`)
        }
        for (const sequence of live.keys()) ledger.settle(sequence)
        await harness.untilDurable()
        assert.equal(store.safe, store.appended)
        await store.close()
      }),
      { numRuns: 60 },
    )
  })
})
