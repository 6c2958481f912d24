import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TURN_SESSIONS } from '../base/turn.ts'
import { Block, offsetIn } from './block.ts'
import { MemoryDisk } from './disk-memory.ts'
import { Slab } from './slab.ts'
import { StoreHarness } from './store-harness.ts'

describe('message store', () => {
  for (const [name, disk] of [
    ['without a disk', null],
    ['on a disk', new MemoryDisk()],
  ] as const) {
    test(`${name}: entries are found, weighed, tagged and settled`, async () => {
      const harness = await StoreHarness.open(disk)
      const { store } = harness
      const one = store.ledger(store.newLedgerId(), true)
      const two = store.ledger(store.newLedgerId(), false)
      assert.equal(harness.put([one, two], 7, true, 40, 3), 1)
      assert.equal(harness.put([one], 8, false, 100), 2)
      assert.equal(one.liveCount, 2)
      assert.equal(one.liveBytes, 140)
      assert.equal(one.weightOf(2), 100)
      assert.equal(one.tagOf(1), 3)
      assert.equal(one.tagOf(2), 0)
      assert.deepEqual(await harness.contents(one), [
        [1, 7],
        [2, 8],
      ])
      assert.deepEqual(await harness.contents(two), [[1, 7]])
      one.remember(2, 5)
      assert.equal(one.recall(2), 5)
      assert.equal(one.recall(1), 0)
      one.settle(1)
      one.settle(1)
      assert.equal(one.addressOf(1), 0)
      assert.equal(one.nextLive(1), 2)
      assert.equal(one.liveCount, 1)
      assert.deepEqual(await harness.contents(two), [[1, 7]])
      two.delete()
      one.settle(2)
      assert.equal(one.nextLive(1), one.nextSequence)
      await harness.store.close()
    })
  }

  test('what was durable is there after a restart, with sequences, tags, values and the delivered watermark', async () => {
    const disk = new MemoryDisk()
    const before = await StoreHarness.open(disk)
    const ledger = before.store.ledger(before.store.newLedgerId(), true)
    const volatile = before.store.ledger(before.store.newLedgerId(), false)
    for (let i = 1; i <= 300; i++) before.put(i % 3 === 0 ? [ledger, volatile] : [ledger], i, true, 40, i & 7)
    for (let i = 1; i <= 300; i += 2) ledger.settle(i)
    before.put([ledger], 999, false)
    ledger.markDelivered(20)
    ledger.remember(10, 4)
    await before.untilDurable()
    const after = await StoreHarness.open(disk.powerLoss())
    const found = after.store.ledger(ledger.id, true)
    const expected = Array.from({ length: 150 }, (_, i) => [2 * i + 2, 2 * i + 2])
    assert.deepEqual(await after.contents(found), expected)
    assert.equal(found.tagOf(10), 2)
    assert.equal(found.recall(10), 4)
    assert.equal(found.deliveredUpTo, 20)
    assert.equal(found.liveBytes, 150 * 40)
    assert.ok(found.nextSequence > 300)
    assert.equal(after.store.ledger(volatile.id, false).liveCount, 0)
    assert.ok(after.store.newLedgerId() > volatile.id)
    assert.deepEqual(after.reports.damages, [])
  })

  test('a confirm comes after the sync, once, and covers what was appended', async () => {
    const harness = await StoreHarness.open(new MemoryDisk())
    const { store } = harness
    const ledger = store.ledger(store.newLedgerId(), true)
    const told: number[] = []
    harness.put([ledger], 1)
    const mine = store.appended
    assert.ok(store.durable < mine)
    store.awaitDurable({ onDurable: (upTo) => told.push(upTo) })
    harness.endTurn()
    assert.deepEqual(told, [])
    await harness.untilQuiet()
    assert.equal(told.length, 1)
    assert.ok(told[0]! >= mine && store.durable >= mine)
  })

  test('a message larger than a block is stored and found again', async () => {
    const disk = new MemoryDisk()
    const before = await StoreHarness.open(disk)
    const ledger = before.store.ledger(before.store.newLedgerId(), true)
    before.put([ledger], 1)
    before.put([ledger], 2, true, 20_000)
    before.put([ledger], 3)
    await before.untilDurable()
    const after = await StoreHarness.open(disk.powerLoss())
    assert.deepEqual(await after.contents(after.store.ledger(ledger.id, true)), [
      [1, 1],
      [2, 2],
      [3, 3],
    ])
  })

  test('a deleted ledger stays deleted, and an unclaimed one can be dropped', async () => {
    const disk = new MemoryDisk()
    const before = await StoreHarness.open(disk)
    const gone = before.store.ledger(before.store.newLedgerId(), true)
    const kept = before.store.ledger(before.store.newLedgerId(), true)
    const lost = before.store.ledger(before.store.newLedgerId(), true)
    before.put([gone, kept, lost], 1)
    gone.delete()
    await before.untilDurable()
    const after = await StoreHarness.open(disk.processDeath())
    assert.equal(after.store.ledger(kept.id, true).liveCount, 1)
    after.store.dropUnclaimed()
    assert.equal(after.store.ledger(lost.id, true).liveCount, 0)
    assert.equal(after.store.ledger(gone.id, true).liveCount, 0)
  })

  test('a drained backlog gives its blocks and files back', async () => {
    const disk = new MemoryDisk()
    const harness = await StoreHarness.open(disk)
    const { store } = harness
    const ledger = store.ledger(store.newLedgerId(), true)
    for (let i = 1; i <= 2_000; i++) harness.put([ledger], i, i % 4 !== 0)
    await harness.untilDurable()
    assert.ok(store.stats().log.fileCount > 20)
    for (let i = 1; i <= 2_000; i++) {
      assert.equal(await harness.read(ledger, i), i)
      ledger.settle(i)
    }
    await harness.untilDurable()
    await harness.untilQuiet()
    harness.clock.advance(1_000)
    await harness.untilQuiet()
    assert.ok(store.stats().log.fileCount <= 4, `${store.stats().log.fileCount} files are left`)
    assert.ok(store.stats().blockCount <= 5)
    assert.equal(harness.reports.bugs.length, 0)
  })

  test('pinned bytes stay in place after the entry is settled', async () => {
    const harness = await StoreHarness.open(null)
    const { store } = harness
    const ledger = store.ledger(store.newLedgerId(), false)
    harness.put([ledger], 200, false)
    const address = ledger.addressOf(1)
    assert.ok(store.open(address, harness.view))
    store.pin(address)
    ledger.settle(1)
    for (let i = 0; i < 500; i++) {
      ledger.settle(harness.put([ledger], i, false, 400))
      harness.endTurn()
    }
    assert.ok(store.open(address, harness.view))
    assert.equal(harness.view.number, 200)
    const blocks = store.stats().blockCount
    store.unpin(address)
    harness.endTurn()
    assert.equal(store.stats().blockCount, blocks - 1)
  })

  test('whoever waits for a sync on the event loop is told in a turn that follows at once', async () => {
    const harness = await StoreHarness.open(new MemoryDisk(), { isSyncOnLoop: true })
    const { store, turn } = harness
    const ledger = store.ledger(store.newLedgerId(), true)
    // The pace goes by the last sync.
    harness.put([ledger], 1)
    await harness.untilDurable()
    let toldAt = 0
    const session = { onTurnEnd: () => (toldAt = turn.count) }
    harness.put([ledger], 2)
    store.awaitDurable({ onDurable: () => turn.mark(TURN_SESSIONS, session) })
    turn.end()
    const { count } = turn
    await new Promise<void>((resolve) => setImmediate(resolve))
    assert.equal(store.durable, store.appended)
    assert.equal(toldAt, count, 'the next turn came by itself')
    await store.close()
  })

  test('offsets are found behind addresses of any size', () => {
    const base = 2 ** 44
    const block = new Block(2 ** 20, base, 1 << 24, false, new Slab(16))
    assert.equal(offsetIn(block, base), 0)
    assert.equal(offsetIn(block, base + (1 << 24) - 8), (1 << 24) - 8)
  })
})
