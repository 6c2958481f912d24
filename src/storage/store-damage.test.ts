/**
 * Flipped bits and cut files under a store that was stopped or killed: what is damaged is noticed and set aside, the rest
 * comes up, and nothing appears that was not put.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { checkFolder } from './check.ts'
import { MemoryDisk } from './disk-memory.ts'
import { writeBlockHeader } from './format.ts'
import { QUARANTINE } from './log-files.ts'
import { StoreHarness } from './store-harness.ts'

const MESSAGES = 400
const SMALL = { blockBytes: 4096, residentBytes: 8 * 4096 }

/** A folder with many small batches in several files: even numbers settled, odd ones live. */
async function folder(): Promise<{ disk: MemoryDisk; id: number; live: number[] }> {
  const disk = new MemoryDisk()
  const harness = await StoreHarness.open(disk, SMALL)
  const ledger = harness.store.ledger(harness.store.newLedgerId(), true)
  for (let i = 1; i <= MESSAGES; i++) {
    harness.put([ledger], i, true, 20 + (i % 90))
    if (i % 2 === 0) ledger.settle(i)
    if (i % 5 === 0) await harness.untilDurable()
  }
  await harness.store.close()
  const live = Array.from({ length: MESSAGES / 2 }, (_, i) => 2 * i + 1)
  return { disk, id: ledger.id, live }
}

const made = folder()

async function liveNumbers(disk: MemoryDisk, id: number): Promise<{ numbers: number[]; damages: number }> {
  const harness = await StoreHarness.open(disk, SMALL)
  const contents = await harness.contents(harness.store.ledger(id, true))
  for (const [sequence, number] of contents) assert.equal(sequence, number)
  const damages = harness.reports.damages.length
  await harness.store.close()
  return { numbers: contents.map(([, number]) => number), damages }
}

/** Where the content of a file ends: it has the size of its block from the first. */
function writtenBytes(disk: MemoryDisk, name: string): number {
  const content = disk.content(name)
  let end = content.length
  while (end > 0 && content[end - 1] === 0) end--
  // The last word may end in zeros.
  return Math.min((end + 7) & ~7, content.length)
}

describe('message store and damage', () => {
  test('a sound folder checks as sound', async () => {
    const { disk } = await made
    const result = await checkFolder(disk.processDeath(), { repair: false })
    assert.equal(result.isSound, true)
    assert.deepEqual(result.notices, [])
    assert.equal(result.liveCount, MESSAGES / 2)
    assert.equal(result.ledgerCount, 1)
  })

  test('a flipped bit anywhere costs at most its batch, is noticed when it costs anything, and is mended', async () => {
    const { disk, id, live } = await made
    const files = (await disk.list()).filter(({ name }) => name.endsWith('.log'))
    assert.ok(files.length > 3)
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (fileChoice, bitChoice) => {
        const broken = disk.processDeath()
        const file = files[fileChoice % files.length]!
        broken.flip(file.name, bitChoice % (file.bytes * 8))
        const result = await checkFolder(broken, { repair: false })
        const first = await liveNumbers(broken, id)
        const missing = live.filter((number) => !first.numbers.includes(number))
        assert.ok(missing.length <= 5, `${missing.length} messages are missing`)
        assert.equal(result.isSound, first.damages === 0)
        if (missing.length > 0) assert.ok(first.damages > 0, 'messages are missing and nobody says so')
        if (first.damages > 0) assert.equal((await broken.list(QUARANTINE)).length, 1)
        const second = await liveNumbers(broken, id)
        assert.equal(second.damages, 0)
        assert.deepEqual(second.numbers, first.numbers)
      }),
      { numRuns: 150 },
    )
  })

  test('a file that is cut anywhere costs what was cut off, and is mended', async () => {
    const { disk, id, live } = await made
    const files = (await disk.list()).filter(({ name }) => name.endsWith('.log'))
    await fc.assert(
      fc.asyncProperty(fc.nat(files.length - 1), fc.nat(), async (fileChoice, length) => {
        const broken = disk.processDeath()
        const file = files[fileChoice]!
        await (await broken.open(file.name, false)).truncate(length % writtenBytes(disk, file.name))
        const first = await liveNumbers(broken, id)
        const missing = live.filter((number) => !first.numbers.includes(number))
        assert.ok(missing.length < 80)
        assert.ok(first.damages > 0, 'the folder was stopped cleanly, so a cut is damage')
        assert.equal((await broken.list(QUARANTINE)).length, 1)
        const result = await checkFolder(broken, { repair: false })
        assert.equal(result.isSound, true)
        assert.deepEqual((await liveNumbers(broken, id)).numbers, first.numbers)
      }),
      { numRuns: 100, examples: [[11, 1_163_047_880]] },
    )
  })

  test('a range of a file overwritten, over several batches: noticed, mended, and the rest comes up', async () => {
    const { disk, id, live } = await made
    const files = (await disk.list()).filter(({ name }) => name.endsWith('.log'))
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 1500 }),
        fc.nat(255),
        async (which, at, length, fill) => {
          const broken = disk.processDeath()
          const file = files[which % files.length]!
          const from = at % file.bytes
          broken.content(file.name).fill(fill, from, Math.min(from + length, file.bytes))
          const first = await liveNumbers(broken, id)
          const missing = live.filter((number) => !first.numbers.includes(number))
          assert.ok(missing.length <= 10 + length / 20, `${missing.length} messages are missing`)
          if (missing.length > 0) assert.ok(first.damages > 0, 'messages are missing and nobody says so')
          const second = await liveNumbers(broken, id)
          assert.equal(second.damages, 0)
          assert.deepEqual(second.numbers, first.numbers)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('the newest file removed or emptied after a clean stop is noticed; after a crash a cut end is no damage', async () => {
    const { disk, id, live } = await made
    const newest = (await disk.list())
      .filter(({ name }) => name.endsWith('.log'))
      .sort((a, b) => (a.name < b.name ? 1 : -1))[0]!
    const written = writtenBytes(disk, newest.name)
    for (const bytes of [-1, 0, 64, written - 8]) {
      const broken = disk.processDeath()
      if (bytes < 0) await broken.remove(newest.name)
      else await (await broken.open(newest.name, false)).truncate(bytes)
      assert.equal((await checkFolder(broken, { repair: false })).isSound, false)
      const first = await liveNumbers(broken, id)
      assert.equal(first.damages > 0, true, `cut to ${bytes}`)
      assert.equal((await liveNumbers(broken, id)).damages, 0)
      const killed = disk.processDeath()
      await killed.remove('stopped')
      await (await killed.open(newest.name, false)).truncate(written - 8)
      const found = await liveNumbers(killed, id)
      assert.deepEqual([found.damages, live.length - found.numbers.length < 6], [0, true])
    }
  })

  test('a damaged mark of the clean stop costs nothing', async () => {
    const { disk, id, live } = await made
    for (let bit = 0; bit < 256; bit += 5) {
      const broken = disk.processDeath()
      broken.flip('stopped', bit)
      assert.deepEqual(await liveNumbers(broken, id), { numbers: live, damages: 0 })
    }
  })

  test('repair sets a damaged file aside, and the next check is sound', async () => {
    const { disk } = await made
    const broken = disk.processDeath()
    const file = (await broken.list()).find(({ name }) => name.endsWith('.log'))!
    broken.flip(file.name, 1_000 * 8)
    assert.equal((await checkFolder(broken, { repair: false })).isSound, false)
    assert.equal((await checkFolder(broken, { repair: false })).isSound, false)
    const repaired = await checkFolder(broken, { repair: true })
    assert.equal(repaired.isSound, false)
    assert.equal(repaired.quarantinedCount, 1)
    const after = await checkFolder(broken, { repair: false })
    assert.equal(after.isSound, true)
    assert.equal(after.quarantinedCount, 1)
  })

  test('damage found while running is settled and reported, and the rest is delivered', async () => {
    const { disk, id } = await made
    const broken = disk.processDeath()
    const harness = await StoreHarness.open(broken, SMALL)
    const ledger = harness.store.ledger(id, true)
    const before = ledger.liveCount
    const file = (await broken.list()).find(({ name }) => name.endsWith('.log'))!
    broken.flip(file.name, 1_000 * 8)
    const contents = await harness.contents(ledger)
    assert.ok(contents.length < before && contents.length >= before - 5)
    assert.equal(ledger.liveCount, contents.length)
    assert.ok(harness.reports.damages.length > 0)
    await harness.store.close()
  })

  test('a newer format is refused in words', async () => {
    const disk = new MemoryDisk()
    const bytes = Buffer.alloc(64)
    writeBlockHeader(bytes, new Uint32Array(bytes.buffer, bytes.byteOffset, 16), 1, 4096, 0, 99)
    const file = await disk.open('00000001.log', true)
    file.writeNow(bytes, 0, 64, 0)
    await assert.rejects(StoreHarness.open(disk), /format version 99; this version of WarrenMQ reads up to 1/)
    await assert.rejects(checkFolder(disk, { repair: true }), /format version 99/)
  })

  test('a second store on the folder is refused', async () => {
    const disk = new MemoryDisk()
    const harness = await StoreHarness.open(disk)
    await assert.rejects(StoreHarness.open(disk), /in use by another broker/)
    await harness.store.close()
    await (await StoreHarness.open(disk)).store.close()
  })
})
