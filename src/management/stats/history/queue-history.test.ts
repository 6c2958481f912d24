// The history of queues against a plain list of what was noted: over restarts, crashes, damage and a small disk.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SILENT_LOGGER } from '../../../base/log.ts'
import type { QueueRecord } from '../../../model/records/records.ts'
import type { Disk } from '../../../storage/disk.ts'
import { FaultyDisk } from '../../../storage/disk-faulty.ts'
import { MemoryDisk } from '../../../storage/disk-memory.ts'
import { QUEUE_FIELDS } from '../fields.ts'
import { QueueHistory } from './queue-history.ts'

const STEP_MS = 600_000
const WEEK_MS = 7 * 86_400_000
const START_MS = 1_000 * STEP_MS
const READY = QUEUE_FIELDS.indexOf('messages_ready')
const MESSAGES = QUEUE_FIELDS.indexOf('messages')
const PUBLISH = QUEUE_FIELDS.indexOf('publish')
const BOUNDS = { diskBytesMax: 1e6, journalBytesMax: 600 }

function record(ledgerId: number): QueueRecord {
  return {
    vhost: '/',
    name: `q${ledgerId}`,
    type: 'classic',
    durable: true,
    autoDelete: false,
    exclusive: false,
    arguments: [],
    ledgerId,
    owner: null,
    declaredBy: 'guest',
  } as unknown as QueueRecord
}

function rowWith(published: number, ready: number): Float64Array {
  const row = new Float64Array(QUEUE_FIELDS.length)
  row[PUBLISH] = published
  row[READY] = ready
  row[MESSAGES] = ready
  return row
}

type Rows = ReadonlyMap<number, Float64Array>

function frame(history: QueueHistory, timeMs: number, rows: Rows): boolean {
  if (!history.begin(timeMs)) return false
  for (const [id, row] of rows) history.note(record(id), row)
  history.end(timeMs)
  return true
}

function stop(history: QueueHistory, timeMs: number, rows: Rows): Promise<void> {
  return history.stop(timeMs, () => {
    for (const [id, row] of rows) history.note(record(id), row)
  })
}

async function open(disk: Disk, nowMs: number, bounds = BOUNDS): Promise<QueueHistory> {
  const history = new QueueHistory(disk, SILENT_LOGGER, bounds)
  await history.restore(nowMs)
  return history
}

/** Lets writes to the disk that were begun come to their end. */
async function settle(history: QueueHistory): Promise<void> {
  // It has no other effect: the time of the frame is over.
  await history.stop(0, () => undefined)
}

const value = fc.nat({ max: 5 }).map((nat) => [0, 1, 70, 20_000, 2 ** 40, 2 ** 50][nat]!)
const event = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('frame' as const),
      rows: fc.array(fc.tuple(fc.integer({ min: 1, max: 700 }), value, value), { maxLength: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('stop' as const, 'crash' as const) }) },
)

test('answers as a plain list of frames does, whatever restarts come between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const disk = new MemoryDisk()
      let history = await open(disk, START_MS)
      let nowMs = START_MS
      const current = new Map<number, Float64Array>()
      const frames: { atMs: number; untilMs: number; rows: Map<number, Float64Array> }[] = []
      for (const happening of events) {
        nowMs += STEP_MS
        if (happening.kind === 'frame') {
          for (const [id, published, ready] of happening.rows) current.set(id, rowWith(published, ready))
          assert.ok(frame(history, nowMs, current))
          frames.push({ atMs: nowMs, untilMs: nowMs + STEP_MS, rows: new Map(current) })
        } else {
          if (happening.kind === 'stop') {
            await stop(history, nowMs, current)
            frames.push({ atMs: nowMs, untilMs: nowMs, rows: new Map(current) })
          }
          await settle(history)
          nowMs += 5 * STEP_MS
          history = await open(disk, nowMs)
        }
      }
      const ids = [1, 350, 700, ...current.keys()].slice(0, 8)
      for (const id of ids) {
        const past = await history.of(id, nowMs)
        for (let atMs = START_MS; atMs <= past.newestMs; atMs += STEP_MS / 2) {
          const of = frames.findLast((one) => one.atMs <= atMs)
          const isLast = of === frames.at(-1)
          const isKnown = of !== undefined && (atMs < of.untilMs || atMs === of.atMs || isLast)
          const wanted = isKnown ? (of.rows.get(id)?.[READY] ?? 0) : undefined
          const found = past.valueAt(READY, atMs)
          const shown = found === undefined || Number.isNaN(found) ? undefined : found
          // Before it existed a queue has no numbers: larger ids came later.
          if (found === undefined) assert.ok(wanted === undefined || wanted === 0)
          else assert.equal(shown, wanted, `queue ${id} at step ${(atMs - START_MS) / STEP_MS}`)
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('a queue that did not exist yet is unknown, and a new one of the same name begins anew', async () => {
  const history = await open(new MemoryDisk(), START_MS)
  frame(history, START_MS, new Map([[3, rowWith(5, 5)]]))
  frame(history, START_MS + STEP_MS, new Map([[8, rowWith(1, 1)]]))
  const newer = await history.of(8, START_MS + STEP_MS)
  assert.equal(newer.valueAt(READY, START_MS), undefined)
  assert.equal(newer.valueAt(READY, START_MS + STEP_MS), 1)
})

test('any byte damaged loses what it belongs to, and nothing else is wrong', async () => {
  const disk = new MemoryDisk()
  let history = await open(disk, START_MS)
  const frameCount = 40
  const rowsAt = (i: number): Rows => new Map(Array.from({ length: 5 }, (_, q) => [q + 1, rowWith(i * q, i + q + 1)]))
  for (let i = 0; i < frameCount; i++) frame(history, START_MS + i * STEP_MS, rowsAt(i))
  await settle(history)
  const endMs = START_MS + (frameCount - 1) * STEP_MS
  const files = await disk.list()
  assert.ok(files.length > 2, 'several segments')
  let unknown = 0
  for (const { name, bytes } of files) {
    for (let at = 0; at < bytes; at += 13) {
      const copy = await copyOf(disk)
      const file = await copy.open(name, false)
      const byte = Buffer.alloc(1)
      await file.read(byte, 0, 1, at)
      byte[0]! ^= 0x41
      await file.write(byte, 0, 1, at)
      history = await open(copy, endMs)
      const past = await history.of(3, endMs)
      for (let i = 0; i < frameCount; i++) {
        const found = past.valueAt(READY, START_MS + i * STEP_MS)
        if (found === undefined || Number.isNaN(found) || START_MS + i * STEP_MS > past.newestMs) unknown++
        else assert.equal(found, i + 3, `byte ${at} of ${name}`)
      }
    }
  }
  assert.ok(unknown > 0)
})

async function copyOf(disk: MemoryDisk): Promise<MemoryDisk> {
  const copy = new MemoryDisk()
  for (const { name, bytes } of await disk.list()) {
    const content = Buffer.alloc(bytes)
    await (await disk.open(name, false)).read(content, 0, bytes, 0)
    await (await copy.open(name, true)).write(content, 0, bytes, 0)
  }
  return copy
}

test('a file that was cut at its end counts up to there', async () => {
  const disk = new MemoryDisk()
  const history = await open(disk, START_MS, { ...BOUNDS, journalBytesMax: 1e6 })
  for (let i = 0; i < 5; i++) frame(history, START_MS + i * STEP_MS, new Map([[1, rowWith(0, i + 1)]]))
  await settle(history)
  const [journal] = await disk.list()
  await (await disk.open(journal!.name, false)).truncate(journal!.bytes - 1)
  const again = await open(disk, START_MS + 9 * STEP_MS)
  const past = await again.of(1, START_MS + 9 * STEP_MS)
  assert.equal(past.newestMs, START_MS + 3 * STEP_MS)
  assert.equal(past.valueAt(READY, past.newestMs), 4)
  // What comes next follows the whole part.
  assert.ok(frame(again, START_MS + 10 * STEP_MS, new Map([[1, rowWith(0, 77)]])))
  await settle(again)
  const last = await (await open(disk, START_MS + 11 * STEP_MS)).of(1, START_MS + 11 * STEP_MS)
  assert.equal(last.valueAt(READY, START_MS + 10 * STEP_MS), 77)
  assert.ok(Number.isNaN(last.valueAt(READY, START_MS + 8 * STEP_MS)!))
})

test('keeps to its disk bound: slower first, then shorter', async () => {
  const disk = new MemoryDisk()
  const bounds = { diskBytesMax: 60_000, journalBytesMax: 4_000 }
  const history = await open(disk, START_MS, bounds)
  const taken: number[] = []
  for (let i = 0; i < 700; i++) {
    const nowMs = START_MS + i * STEP_MS
    const rows = new Map(Array.from({ length: 100 }, (_, q) => [q + 1, rowWith(i * 300, i * q)]))
    if (frame(history, nowMs, rows)) taken.push(i)
    if (i % 20 === 0) await settle(history)
  }
  await settle(history)
  assert.ok(taken.length < 200, 'once an hour')
  assert.ok(taken.length > 100)
  assert.ok(history.diskBytes <= bounds.diskBytesMax + 2 * bounds.journalBytesMax)
  const stored = (await disk.list()).reduce((sum, { bytes }) => sum + bytes, 0)
  assert.ok(stored <= bounds.diskBytesMax + 2 * bounds.journalBytesMax, `${stored} bytes on disk`)
  const newest = taken.at(-1)!
  const past = await history.of(50, START_MS + 700 * STEP_MS)
  assert.equal(past.valueAt(READY, START_MS + newest * STEP_MS), newest * 49)
})

test('forgets what is older than a week', async () => {
  const disk = new MemoryDisk()
  const history = await open(disk, START_MS)
  for (let i = 0; i < 1_400; i++) {
    frame(history, START_MS + i * STEP_MS, new Map([[1, rowWith(i, i)]]))
    if (i % 100 === 0) await settle(history)
  }
  await settle(history)
  const endMs = START_MS + 1_399 * STEP_MS
  const past = await history.of(1, endMs)
  assert.equal(past.valueAt(READY, endMs - WEEK_MS), 1_399 - 1_008)
  assert.equal(past.valueAt(READY, endMs - WEEK_MS - 12 * STEP_MS), undefined)
  const oldest = Math.min(...(await disk.list()).map(({ name }) => Number.parseInt(name.slice(7), 10)))
  assert.ok(oldest > endMs - WEEK_MS - 100 * STEP_MS)
})

test('a disk that fails for a while loses nothing that is still in memory', async () => {
  const disk = new FaultyDisk(new MemoryDisk())
  const history = await open(disk, START_MS)
  frame(history, START_MS, new Map([[1, rowWith(1, 1)]]))
  await settle(history)
  disk.plan.failFrom = 1
  disk.plan.failCount = 1_000
  disk.plan.code = 'ENOSPC'
  for (let i = 1; i < 5; i++) frame(history, START_MS + i * STEP_MS, new Map([[1, rowWith(i, i + 1)]]))
  await settle(history)
  disk.plan.failFrom = 0
  frame(history, START_MS + 5 * STEP_MS, new Map([[1, rowWith(5, 6)]]))
  await settle(history)
  const past = await (await open(disk, START_MS + 6 * STEP_MS)).of(1, START_MS + 6 * STEP_MS)
  for (let i = 0; i < 6; i++) assert.equal(past.valueAt(READY, START_MS + i * STEP_MS), i + 1)
})
