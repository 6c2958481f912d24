/**
 * What the store does with memory and disk: backlogs, stragglers, spilling, fan-outs, confirms after a write.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FaultyDisk } from './disk-faulty.ts'
import { MemoryDisk } from './disk-memory.ts'
import { StoreHarness } from './store-harness.ts'

const SMALL = { blockBytes: 4096, residentBytes: 12 * 4096 }

async function rest(harness: StoreHarness): Promise<void> {
  for (let i = 0; i < 6; i++) {
    await harness.untilDurable()
    harness.clock.advance(1_000)
    await harness.untilQuiet(20)
  }
}

describe('message store and space', () => {
  test('a backlog of any depth costs a bounded amount of memory, and is read back in order', async () => {
    const harness = await StoreHarness.open(new MemoryDisk(), SMALL)
    const { store } = harness
    const ledger = store.ledger(store.newLedgerId(), true)
    for (let i = 1; i <= 3_000; i++) {
      harness.put([ledger], i, i % 3 !== 0, 100)
      if (i % 20 === 0) await harness.untilDurable()
    }
    await harness.untilQuiet(20)
    assert.ok(store.stats().log.fileBytes > 200_000)
    assert.ok(store.stats().residentBytes <= 12 * 4096, `${store.stats().residentBytes} bytes of blocks`)
    for (let i = 1; i <= 3_000; i++) assert.equal(await harness.read(ledger, i), i)
    assert.ok(store.stats().windowBytes <= 4 * 64 * 1024)
    assert.ok(store.stats().spilledBytes > 0)
    assert.deepEqual(harness.reports.bugs, [])
    await store.close()
  })

  test('scratch files go with their blocks, with the store, and at the next start', async () => {
    const disk = new MemoryDisk()
    const harness = await StoreHarness.open(disk, SMALL)
    const ledger = harness.store.ledger(harness.store.newLedgerId(), false)
    for (let i = 1; i <= 2_000; i++) {
      harness.put([ledger], i, false, 100)
      if (i % 20 === 0) await harness.untilQuiet(2)
    }
    const scratch = async (of: MemoryDisk): Promise<number> =>
      (await of.list()).filter(({ name }) => name.endsWith('.scratch')).length
    assert.ok((await scratch(disk)) > 10)
    const crashed = disk.processDeath()
    await (await StoreHarness.open(crashed, SMALL)).store.close()
    assert.equal(await scratch(crashed), 0)
    for (let i = 1; i <= 1_990; i++) ledger.settle(i)
    await harness.untilQuiet(40)
    assert.ok((await scratch(disk)) <= 1)
    await harness.store.close()
    assert.equal(await scratch(disk), 0)
  })

  test('a block that is being written out is not written out again, and its file is closed', async () => {
    const disk = new MemoryDisk()
    const open = new Map<string, number>()
    const opens = disk.open.bind(disk)
    disk.open = async (name, create) => {
      const file = await opens(name, create)
      if (!name.endsWith('.scratch')) return file
      open.set(name, (open.get(name) ?? 0) + 1)
      const close = file.close.bind(file)
      file.close = async () => {
        open.set(name, open.get(name)! - 1)
        await close()
      }
      return file
    }
    const harness = await StoreHarness.open(disk, SMALL)
    const ledger = harness.store.ledger(harness.store.newLedgerId(), false)
    for (let i = 1; i <= 2_000; i++) {
      harness.put([ledger], i, false, 100)
      // Turns end faster than the disk writes.
      if (i % 20 === 0) harness.turn.end()
    }
    await harness.untilQuiet(40)
    assert.ok(open.size > 10)
    assert.deepEqual(
      [...open].filter(([, count]) => count > 1),
      [],
    )
    await harness.store.close()
    assert.deepEqual(
      [...open].filter(([, count]) => count > 0),
      [],
    )
  })

  test('one old unacked message pins one block while others flow', async () => {
    const disk = new MemoryDisk()
    const harness = await StoreHarness.open(disk, SMALL)
    const { store } = harness
    const slow = store.ledger(store.newLedgerId(), true)
    const fast = store.ledger(store.newLedgerId(), true)
    harness.put([slow], 77)
    for (let i = 1; i <= 5_000; i++) {
      fast.settle(harness.put([fast], i, true, 100))
      if (i % 50 === 0) await harness.untilDurable()
    }
    await rest(harness)
    assert.ok(store.stats().log.fileCount <= 5, `${store.stats().log.fileCount} files`)
    assert.equal(await harness.read(slow, 1), 77)
    const after = await StoreHarness.open(disk.powerLoss(), SMALL)
    assert.deepEqual(await after.contents(after.store.ledger(slow.id, true)), [[1, 77]])
    assert.equal(after.store.ledger(fast.id, true).liveCount, 0)
  })

  test('a log of stragglers is compacted, and survives that', async () => {
    const disk = new MemoryDisk()
    const harness = await StoreHarness.open(disk, SMALL)
    const { store } = harness
    const ledger = store.ledger(store.newLedgerId(), true)
    for (let i = 1; i <= 4_000; i++) {
      harness.put([ledger], i, true, 100, i & 0xff)
      if (i % 50 === 0) await harness.untilDurable()
    }
    for (let i = 1; i <= 4_000; i++) if (i % 100 !== 0) ledger.settle(i)
    for (let i = 0; i < 200; i++) {
      harness.clock.advance(1_000)
      await harness.untilQuiet(4)
    }
    await harness.untilDurable()
    assert.ok(store.stats().compactedBytes > 0)
    assert.ok(store.stats().log.fileCount <= 8, `${store.stats().log.fileCount} files`)
    const expected = Array.from({ length: 40 }, (_, i) => [100 * (i + 1), 100 * (i + 1)])
    assert.deepEqual(await harness.contents(ledger), expected)
    const after = await StoreHarness.open(disk.powerLoss(), SMALL)
    const found = after.store.ledger(ledger.id, true)
    assert.deepEqual(await after.contents(found), expected)
    assert.equal(found.tagOf(300), 300 & 0xff)
    assert.equal(found.liveBytes, 40 * 100)
  })

  test('a compacted block goes only when what was moved is durable: power may fail at any moment', async () => {
    const disk = new FaultyDisk(new MemoryDisk())
    const harness = await StoreHarness.open(disk, SMALL)
    const { store } = harness
    const ledger = store.ledger(store.newLedgerId(), true)
    for (let i = 1; i <= 1_500; i++) {
      harness.put([ledger], i, true, 100)
      if (i % 50 === 0) await harness.untilDurable()
    }
    for (let i = 1; i <= 1_500; i++) if (i % 100 !== 0) ledger.settle(i)
    await harness.untilQuiet(4)
    await harness.untilDurable()
    const expected = Array.from({ length: 15 }, (_, i) => [100 * (i + 1), 100 * (i + 1)])
    let seen = 0
    for (let i = 0; i < 300; i++) {
      if (i % 4 === 0) harness.clock.advance(1_000)
      await harness.untilQuiet(1)
      if (store.stats().compactedBytes === seen && i % 4 !== 1) continue
      seen = store.stats().compactedBytes
      const after = await StoreHarness.open(
        disk.memory.powerLoss(() => 0, true),
        SMALL,
      )
      assert.deepEqual(await after.contents(after.store.ledger(ledger.id, true)), expected)
    }
    assert.ok(seen > 0)
  })

  test('a deleted ledger stays deleted when the record that says so is gone and its messages are not', async () => {
    const disk = new MemoryDisk()
    const harness = await StoreHarness.open(disk, SMALL)
    const { store } = harness
    const kept = store.ledger(store.newLedgerId(), true)
    const gone = store.ledger(store.newLedgerId(), true)
    const flow = store.ledger(store.newLedgerId(), true)
    for (let i = 1; i <= 60; i++) harness.put([kept, gone], i, true, 100)
    await harness.untilDurable()
    for (let i = 1; i <= 2_000; i++) {
      // Well behind the blocks with the messages.
      if (i === 200) gone.delete()
      flow.settle(harness.put([flow], i, true, 100))
      if (i % 50 === 0) await harness.untilDurable()
    }
    await rest(harness)
    const after = await StoreHarness.open(disk.powerLoss(), SMALL)
    assert.equal(after.store.ledger(kept.id, true).liveCount, 60)
    assert.equal(after.store.ledger(gone.id, true).liveCount, 0)
  })

  test('transient stragglers are packed together when memory is short', async () => {
    const harness = await StoreHarness.open(null, SMALL)
    const { store } = harness
    const ledger = store.ledger(store.newLedgerId(), false)
    for (let i = 1; i <= 4_000; i++) {
      harness.put([ledger], i, false, 100)
      if (i > 30 && (i - 30) % 100 !== 0) ledger.settle(i - 30)
      if (i % 10 === 0) harness.endTurn()
    }
    assert.ok(store.stats().residentBytes <= 12 * 4096)
    const expected = [...Array(39).keys()].map((i) => 100 * (i + 1))
    const stragglers = (await harness.contents(ledger)).map(([, number]) => number).filter((number) => number <= 3_970)
    assert.deepEqual(stragglers, expected)
  })

  test('a fan-out to 100 ledgers writes the body once', async () => {
    const harness = await StoreHarness.open(new MemoryDisk(), { blockBytes: 65_536 })
    const { store } = harness
    const ledgers = Array.from({ length: 100 }, () => store.ledger(store.newLedgerId(), true))
    const before = store.stats().log.writtenBytes
    harness.put(ledgers, 1, true, 10_000)
    await harness.untilDurable()
    assert.ok(store.stats().log.writtenBytes - before < 10_000 + 100 * 12 + 500)
    for (const ledger of ledgers) assert.equal(await harness.read(ledger, 1), 1)
    for (const ledger of ledgers.slice(1)) ledger.settle(1)
    assert.equal(await harness.read(ledgers[0]!, 1), 1)
  })

  test('ten thousand idle ledgers and a long-lived straggler cost pages, not tables', async () => {
    const harness = await StoreHarness.open(null)
    const { store } = harness
    for (let i = 0; i < 10_000; i++) store.ledger(store.newLedgerId(), true)
    assert.equal(store.stats().indexPageCount, 0)
    const ledger = store.ledger(store.newLedgerId(), false)
    harness.put([ledger], 1, false)
    for (let i = 0; i < 100_000; i++) {
      ledger.settle(harness.put([ledger], i, false, 16))
      if (i % 100 === 0) harness.endTurn()
    }
    assert.equal(store.stats().indexPageCount, 2)
    assert.equal(ledger.nextLive(1), 1)
    assert.equal(ledger.nextLive(2), ledger.nextSequence)
  })

  test('confirm after write: durable comes before the sync, and the sync follows', async () => {
    const disk = new MemoryDisk()
    const harness = await StoreHarness.open(disk, { confirmAfter: 'write' })
    const { store } = harness
    const ledger = store.ledger(store.newLedgerId(), true)
    harness.put([ledger], 1)
    await harness.untilDurable()
    harness.put([ledger], 2)
    await harness.untilDurable()
    const id = ledger.id
    const process = await StoreHarness.open(disk.processDeath())
    assert.equal(process.store.ledger(id, true).liveCount, 2)
    harness.clock.advance(1_000)
    await harness.untilQuiet()
    const power = await StoreHarness.open(disk.powerLoss())
    assert.equal(power.store.ledger(id, true).liveCount, 2)
  })

  test('nobody waits: what was appended is synced soon all the same', async () => {
    const disk = new MemoryDisk()
    const harness = await StoreHarness.open(disk)
    const ledger = harness.store.ledger(harness.store.newLedgerId(), true)
    harness.put([ledger], 1)
    await harness.untilQuiet(2)
    harness.put([ledger], 2)
    await harness.untilQuiet(2)
    harness.clock.advance(100)
    await harness.untilQuiet()
    const after = await StoreHarness.open(disk.powerLoss())
    assert.equal(after.store.ledger(ledger.id, true).liveCount, 2)
  })

  test('the log is congested while the disk is away, and recovers by itself', async () => {
    const disk = new FaultyDisk(new MemoryDisk())
    const harness = await StoreHarness.open(disk, { unsyncedBytesMax: 20_000 })
    const { store } = harness
    const ledger = store.ledger(store.newLedgerId(), true)
    Object.assign(disk.plan, { failFrom: 1, failCount: 1e9, code: 'ENOSPC', operation: 'write' })
    for (let i = 1; i <= 300; i++) {
      harness.put([ledger], i, true, 100)
      await harness.untilQuiet(1)
    }
    assert.equal(store.isCongested, true)
    assert.deepEqual(harness.reports.health, ['failed'])
    const upTo = store.durable
    harness.clock.advance(60_000)
    await harness.untilQuiet()
    assert.equal(store.durable, upTo)
    disk.plan.failCount = 0
    await harness.untilDurable()
    assert.equal(store.isCongested, false)
    assert.deepEqual(harness.reports.health, ['failed', 'running'])
    assert.equal((await harness.contents(ledger)).length, 300)
  })
})
