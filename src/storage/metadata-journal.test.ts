// The journal of the metadata: the port's suite on a real disk, damage of one copy and of both, and a disk that fails or
// stops at every write point.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { SILENT_LOGGER } from '../base/log.ts'
import { SeededRandomness } from '../base/random.ts'
import type { Disk } from './disk.ts'
import { FaultyDisk } from './disk-faulty.ts'
import { MemoryDisk } from './disk-memory.ts'
import { NodeDisk } from './disk-node.ts'
import { encodeHeader } from './journal-format.ts'
import type { Metadata, MetadataOp } from './metadata-port.ts'
import { contents, describeMetadata, put, transact } from './metadata-suite.ts'
import { type OpenedMetadata, openMetadata, readMetadata } from './open-metadata.ts'

const A = 'a.journal'
const B = 'b.journal'

const root = await mkdtemp(path.join(tmpdir(), 'warren-metadata-'))
after(() => rm(root, { recursive: true, force: true }))

function open(disk: Disk): Promise<OpenedMetadata> {
  return openMetadata({ disk, logger: SILENT_LOGGER })
}

let count = 0
const disks = new WeakMap<Metadata, Disk>()

async function openOn(disk: Disk): Promise<Metadata> {
  const { metadata } = await open(disk)
  disks.set(metadata, disk)
  return metadata
}

describeMetadata({
  name: 'journal',
  create: () => openOn(new NodeDisk(path.join(root, `store-${++count}`))),
  reopen: async (metadata) => {
    await metadata.close()
    return openOn(disks.get(metadata)!)
  },
})

/** A disk with three entries, one transaction each; the store is closed. */
async function threeEntries(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const { metadata } = await open(disk)
  for (const name of ['a', 'b', 'c']) await transact(metadata, [], [put(['k', name], `value-of-${name}`)])
  await metadata.close()
  return disk
}

const THREE = [
  ['k/a', 'value-of-a'],
  ['k/b', 'value-of-b'],
  ['k/c', 'value-of-c'],
]

/** Opens, compares, closes. */
async function expectEntries(disk: Disk, entries: readonly unknown[]): Promise<OpenedMetadata> {
  const opened = await open(disk)
  assert.deepEqual(contents(opened.metadata), entries)
  await opened.metadata.close()
  return opened
}

async function expectSound(disk: Disk, entries: readonly unknown[]): Promise<void> {
  const opened = await expectEntries(disk, entries)
  assert.deepEqual([opened.damages, opened.lossCount, opened.notices], [[], 0, []])
}

async function cut(disk: Disk, name: string, bytes: number): Promise<void> {
  const file = await disk.open(name, false)
  await file.truncate(bytes)
  await file.close()
}

test('any flipped bit of one copy is found, costs nothing, and is gone after the start', async () => {
  const template = await threeEntries()
  for (const name of [A, B]) {
    for (let bit = 0; bit < template.content(name).length * 8; bit += 61) {
      const disk = template.processDeath()
      disk.flip(name, bit)
      assert.equal((await readMetadata(disk)).damages[0]?.file, name, `bit ${bit} of ${name} is not found`)
      const opened = await expectEntries(disk, THREE)
      assert.equal(opened.damages[0]?.file, name)
      assert.equal(opened.lossCount, 0)
      assert.equal((await disk.list('quarantine')).length, 1)
      await expectSound(disk, THREE)
    }
  }
})

test('one copy cut, emptied or removed: found, and nothing is missing', async () => {
  const template = await threeEntries()
  for (const name of [A, B]) {
    const { length } = template.content(name)
    for (const bytes of [0, 8, 63, 64, 100, length - 100, length - 8, length - 1]) {
      const disk = template.processDeath()
      await cut(disk, name, bytes)
      const opened = await expectEntries(disk, THREE)
      assert.equal(opened.damages[0]?.file, name, `cut to ${bytes}`)
      assert.equal(opened.lossCount, 0)
      await expectSound(disk, THREE)
    }
    const disk = template.processDeath()
    await disk.remove(name)
    const opened = await expectEntries(disk, THREE)
    assert.deepEqual(
      opened.damages.map(({ file, reason }) => [file, reason]),
      [[name, 'missing']],
    )
    await expectSound(disk, THREE)
  }
})

test('the same place damaged in both copies: the other entries come up, and the loss is remembered', async () => {
  const disk = await threeEntries()
  const at = disk.content(A).indexOf('value-of-b')
  for (const name of [A, B]) disk.flip(name, at * 8)
  const left = [THREE[0], THREE[2]]
  const opened = await expectEntries(disk, left)
  assert.equal(opened.lossCount, 1)
  assert.deepEqual(opened.damages.map(({ file }) => file).sort(), [A, B])
  const again = await expectEntries(disk, left)
  assert.deepEqual([again.lossCount, again.damages], [1, []])
})

test('both copies cut after a clean stop: the loss is seen', async () => {
  const disk = await threeEntries()
  const { length } = disk.content(A)
  for (const name of [A, B]) await cut(disk, name, length - 8)
  const opened = await expectEntries(disk, THREE.slice(0, 2))
  assert.equal(opened.lossCount, 1)
  assert.equal(opened.damages.length, 2)
})

test('both copies removed after a clean stop: the loss is seen', async () => {
  const disk = await threeEntries()
  for (const name of [A, B]) await disk.remove(name)
  const opened = await expectEntries(disk, [])
  assert.deepEqual([opened.isNew, opened.lossCount], [true, 1])
})

test('metadata that is not there, though there are messages, is a loss; losses are remembered until somebody accepts them', async () => {
  const disk = new MemoryDisk()
  const options = { disk, logger: SILENT_LOGGER }
  const opened = await openMetadata({ ...options, isExpected: true })
  assert.deepEqual([opened.isNew, opened.lossCount], [true, 1])
  await transact(opened.metadata, [], [put(['k'], 1)])
  await opened.metadata.close()
  assert.equal((await expectEntries(disk, [['k', 1]])).lossCount, 1)
  await (await openMetadata({ ...options, forgetsLosses: true })).metadata.close()
  await expectSound(disk, [['k', 1]])
})

test('a torn last write after a crash is no damage', async () => {
  const disk = (await threeEntries()).processDeath()
  await disk.remove('stopped')
  await cut(disk, A, disk.content(A).length - 8)
  const opened = await expectEntries(disk, THREE)
  assert.deepEqual([opened.damages, opened.lossCount, opened.notices.length], [[], 0, 1])
  await expectSound(disk, THREE)
})

test('a copy that cannot be read is taken from the other one; when neither can, the start is refused until somebody gives it up', async () => {
  const template = await threeEntries()
  const disk = new FaultyDisk(template.processDeath())
  Object.assign(disk.badPlace, { name: A, from: 100, to: 101 })
  const opened = await expectEntries(disk, THREE)
  assert.ok(opened.damages.length > 0 && opened.damages.every(({ file }) => file === A))
  assert.equal(opened.lossCount, 0)

  const both = new FaultyDisk(template.processDeath())
  both.memory.flip(B, both.memory.content(B).indexOf('value-of-c') * 8)
  Object.assign(both.badPlace, { name: A, from: 0, to: 1_000_000 })
  const refusal = /a\.journal cannot be read \(.*\)\. Nothing was changed/
  await assert.rejects(open(both), refusal)
  await assert.rejects(readMetadata(both), refusal)
  assert.equal((await readMetadata(both, true)).lossCount, 1)
  const options = { disk: both, logger: SILENT_LOGGER, givesUp: true }
  await (await openMetadata(options)).metadata.close()
  assert.equal((await expectEntries(both, THREE.slice(0, 2))).lossCount, 1)
})

test('the mark of the clean stop may be unreadable', async () => {
  const disk = new FaultyDisk(await threeEntries())
  disk.readFailures = 1
  await expectSound(disk, THREE)
})

test('a newer format, and the folder of an early version, are refused in words', async () => {
  const newer = new MemoryDisk()
  const file = await newer.open(A, true)
  await file.write(encodeHeader(1, 7), 0, 64, 0)
  await assert.rejects(open(newer), /a\.journal has format version 7; this version of WarrenMQ reads up to 1/)
  const early = new MemoryDisk()
  await early.open('data.mdb', true)
  await assert.rejects(open(early), /holds metadata of an early version/)
})

test('transactions of one turn share a commit', async () => {
  let groups = 0
  const schedule = (run: () => void): void => {
    setImmediate(() => {
      groups++
      run()
    })
  }
  const { metadata } = await openMetadata({ disk: new MemoryDisk(), logger: SILENT_LOGGER, schedule })
  for (let i = 0; i < 100; i++) metadata.transact([], [put(['k', String(i)], i)], () => undefined)
  await metadata.barrier()
  assert.equal(groups, 1)
  await metadata.close()
})

test('the journal does not grow with the changes, and reading beside a writer disturbs neither', async () => {
  const disk = new MemoryDisk()
  const { metadata } = await open(disk)
  const text = 'x'.repeat(20_000)
  for (let i = 0; i < 300; i++) {
    await transact(metadata, [], [put(['k', String(i % 3)], text + i)])
    if (i % 50 === 0) assert.equal((await readMetadata(disk)).metadata.get(['k', String(i % 3)])?.value, text + i)
  }
  assert.ok(disk.content(A).length < 1.2 * 1024 * 1024, `${disk.content(A).length} bytes`)
  await metadata.close()
  await expectSound(
    disk,
    [297, 298, 299].map((i) => [`k/${i % 3}`, text + i]),
  )
})

/** What a transaction of the script does: a counter, a copy of it, and a moving record with some weight. */
function script(step: number): MetadataOp[] {
  return [
    { op: 'drop-prefix', key: ['moving'] },
    put(['copy'], step),
    put(['counter'], step),
    put(['moving', String(step)], 'x'.repeat(step % 4 === 0 ? 360_000 : 100)),
  ]
}

const STEPS = 14

/** Runs the script as far as the disk lets it; resolves with the last acknowledged step. */
async function runScript(disk: Disk): Promise<number> {
  let acknowledged = 0
  const { metadata } = await open(disk)
  for (let step = 1; step <= STEPS; step++) {
    const result = await transact(metadata, [], script(step))
    if (result.ok) acknowledged = step
    else assert.equal(result.reason, 'unavailable')
    assert.equal(metadata.get(['counter'])?.value ?? 0, acknowledged)
  }
  await metadata.close()
  return acknowledged
}

async function expectStep(disk: Disk, acknowledged: number, atMost: number, label: string): Promise<void> {
  const opened = await open(disk)
  const step = Number(opened.metadata.get(['counter'])?.value ?? 0)
  assert.ok(step >= acknowledged && step <= atMost, `${label}: acknowledged ${acknowledged}, found ${step}`)
  assert.equal(opened.metadata.get(['copy'])?.value ?? 0, step, label)
  assert.deepEqual(
    contents(opened.metadata, ['moving']).map((entry) => (entry as unknown[])[0]),
    step === 0 ? [] : [`moving/${step}`],
  )
  assert.deepEqual([opened.damages, opened.lossCount], [[], 0], label)
  await opened.metadata.close()
}

test('stopped at any write point, torn, with unsynced bytes and names lost: every acknowledged change is there', async () => {
  const whole = new FaultyDisk(new MemoryDisk())
  await runScript(whole)
  const randomness = new SeededRandomness(7)
  assert.ok(whole.points > 75, `${whole.points} write points`)
  for (let stopAt = 1; stopAt <= whole.points; stopAt++) {
    const disk = new FaultyDisk(new MemoryDisk())
    disk.plan.stopAt = stopAt
    disk.plan.tornBytes = randomness.below(400)
    const acknowledged = await runScript(disk)
    const label = `stopped at ${stopAt}`
    await expectStep(disk.memory.processDeath(), acknowledged, STEPS, `${label}, process death`)
    await expectStep(disk.memory.powerLoss(), acknowledged, STEPS, `${label}, power loss`)
    const keep = (bytes: number): number => randomness.below(bytes + 1)
    await expectStep(disk.memory.powerLoss(keep, true), acknowledged, STEPS, `${label}, power loss with torn writes`)
  }
})

test('failing at any write point refuses changes, loses nothing, and goes on by itself', async () => {
  const whole = new FaultyDisk(new MemoryDisk())
  await runScript(whole)
  for (const failCount of [1, 4]) {
    for (let failFrom = failCount; failFrom <= whole.points; failFrom += 2 * failCount) {
      const disk = new FaultyDisk(new MemoryDisk())
      Object.assign(disk.plan, { failFrom, failCount, code: 'ENOSPC' })
      const acknowledged = await runScript(disk)
      const label = `${failCount} failures from ${failFrom}`
      if (failFrom + 60 < whole.points) assert.equal(acknowledged, STEPS, label)
      // A refused change may be there when the disk failed too often for it to be taken back.
      await expectStep(disk.memory.processDeath(), acknowledged, failCount === 1 ? acknowledged : STEPS, label)
    }
  }
})
