// A disk that does not give what was written (EIO): that is not damage, and costs no message that comes back.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkFolder } from './check.ts'
import { FaultyDisk } from './disk-faulty.ts'
import { MemoryDisk } from './disk-memory.ts'
import type { Ledger } from './ledger.ts'
import { StoreHarness } from './store-harness.ts'

const BLOCK_BYTES = 65536
const OPTIONS = { blockBytes: BLOCK_BYTES, residentBytes: 8 * BLOCK_BYTES }
const BODY_BYTES = 900
const MESSAGES = 1_000

async function filled(): Promise<{ harness: StoreHarness; ledger: Ledger; disk: FaultyDisk }> {
  const disk = new FaultyDisk(new MemoryDisk())
  const harness = await StoreHarness.open(disk, OPTIONS)
  const ledger = harness.store.ledger(harness.store.newLedgerId(), true)
  for (let i = 1; i <= MESSAGES; i++) {
    harness.put([ledger], i, true, BODY_BYTES)
    if (i % 5 === 0) await harness.untilDurable()
  }
  return { harness, ledger, disk }
}

/** The log's files, oldest first. */
async function logNames(disk: FaultyDisk): Promise<string[]> {
  const names = (await disk.list()).map(({ name }) => name)
  return names.filter((name) => name.endsWith('.log')).sort()
}

async function numbersIn(harness: StoreHarness, id: number): Promise<number[]> {
  return (await harness.contents(harness.store.ledger(id, true))).map(([, number]) => number)
}

const ALL = Array.from({ length: MESSAGES }, (_, i) => i + 1)

describe('message store and a disk that cannot be read', () => {
  test('while running: the read waits and is tried again; told once; nothing is settled', async () => {
    const { harness, ledger, disk } = await filled()
    const { store } = harness
    assert.equal(store.open(ledger.addressOf(1), harness.view), false, 'the first entry should be out of memory')
    Object.assign(disk.badPlace, { name: (await logNames(disk))[0], from: 0, to: BLOCK_BYTES })
    const answers: boolean[] = []
    store.load(ledger, 1, { onLoaded: (failed) => answers.push(failed) })
    store.mark()
    for (let i = 0; i < 20; i++) {
      await harness.untilQuiet(3)
      harness.clock.advance(5_000)
    }
    assert.deepEqual(answers, [])
    assert.equal(ledger.liveCount, MESSAGES)
    assert.equal(harness.reports.troubles.length, 1)
    assert.deepEqual(harness.reports.damages, [])
    disk.badPlace.name = ''
    harness.clock.advance(5_000)
    await harness.untilQuiet()
    assert.deepEqual(answers, [false])
    assert.deepEqual(await numbersIn(harness, ledger.id), ALL)
    await store.close()
  })

  test('closing does not wait for what cannot be read', async () => {
    const { harness, ledger, disk } = await filled()
    Object.assign(disk.badPlace, { name: (await logNames(disk))[0], from: 0, to: BLOCK_BYTES })
    harness.store.load(ledger, 1, { onLoaded: () => assert.fail('answered') })
    harness.store.mark()
    await harness.untilQuiet()
    await harness.store.close()
  })

  test('at the start: refused in words, and nothing is changed; when the disk gives it again, all is there', async () => {
    const { harness, ledger, disk } = await filled()
    await harness.store.close()
    const first = (await logNames(disk))[0]!
    for (const [from, to] of [
      [0, 512],
      [20_000, 20_001],
    ]) {
      Object.assign(disk.badPlace, { name: first, from, to })
      const before = Buffer.from(disk.memory.content(first))
      await assert.rejects(StoreHarness.open(disk, OPTIONS), /[0-9a-f]+\.log cannot be read .*Nothing was changed/)
      assert.deepEqual(disk.memory.content(first), before)
    }
    disk.badPlace.name = ''
    const again = await StoreHarness.open(disk, OPTIONS)
    assert.deepEqual(again.reports.damages, [])
    assert.deepEqual(await numbersIn(again, ledger.id), ALL)
    await again.store.close()
  })

  for (const end of ['stopped', 'killed']) {
    test(`${end}: a check tells of it, a repair gives up that part and keeps everything else`, async () => {
      const { harness, ledger, disk: whole } = await filled()
      if (end === 'stopped') await harness.store.close()
      const names = await logNames(whole)
      for (const name of [names[0]!, names[1]!, names.at(-1)!]) {
        const bytes = whole.memory.content(name).length
        for (const at of [0, 3_000, Math.floor(bytes / 2), bytes - 1]) {
          const disk = new FaultyDisk(whole.memory.processDeath())
          Object.assign(disk.badPlace, { name, from: at, to: at + 1 })
          const label = `${name} at ${at}`
          const found = await checkFolder(disk, { repair: false })
          assert.ok(found.damages.length > 0, label)
          assert.ok(
            found.damages.every(({ file, reason }) => file === name && reason !== 'checksum'),
            label,
          )
          await checkFolder(disk, { repair: true })
          disk.badPlace.name = ''
          assert.deepEqual((await checkFolder(disk, { repair: false })).damages, [], label)
          const after = await StoreHarness.open(disk, OPTIONS)
          const numbers = await numbersIn(after, ledger.id)
          assert.ok(MESSAGES - numbers.length <= 15, `${label}: ${MESSAGES - numbers.length} messages are missing`)
          assert.deepEqual(
            numbers,
            [...numbers].sort((a, b) => a - b),
            label,
          )
          await after.store.close()
        }
      }
    })
  }
})
