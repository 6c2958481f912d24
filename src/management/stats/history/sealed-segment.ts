/**
 * A finished segment of the history: the changes of a journal sorted by queue, so that two reads find those of one queue.
 *
 *     magic · u32 header bytes · u32 crc32 · header (JSON) · index pages · changes, queue by queue
 *
 * An index page has 256 queues (id, offset, bytes, crc32 of the changes) and its own crc32; the header has the first id of
 * each page. What is damaged is unknown, and only that: a queue's changes, a page of queues, or the segment. Never changed
 * once written. Owned by the queue history.
 */
import { crc32 } from 'node:zlib'
import { breathe } from '../../../base/breathe.ts'
import type { Disk, DiskFile } from '../../../storage/disk.ts'
import { EntryCursor, type FrameTime } from './frame.ts'
import type { Journal, Mark } from './journal.ts'

const MAGIC = Buffer.from('WMqhseg1')
const PREFIX_BYTES = MAGIC.length + 8
const HEADER_BYTES_MAX = 2 ** 20
const ENTRY_BYTES = 16
const PAGE_ENTRIES = 256
const PAGE_BYTES = PAGE_ENTRIES * ENTRY_BYTES + 4
/** Entries sorted before others run. */
const SLICE = 4_096

interface Header {
  /** Time, cover, largest id of each frame. */
  readonly frames: readonly (readonly [timeMs: number, coverMs: number, idMax: number])[]
  /** First id of each page of the index. */
  readonly fences: readonly number[]
  readonly bytes: number
}

/** Sorts a journal by queue. Its frames must be at most 256. */
export async function sealedBytes(journal: Journal): Promise<Buffer> {
  const sizes = await sizesOf(journal)
  const ids = Uint32Array.from(sizes.keys()).sort()
  const pageCount = Math.ceil(ids.length / PAGE_ENTRIES)
  const fences = Array.from({ length: pageCount }, (_, page) => ids[page * PAGE_ENTRIES]!)
  const frames = journal.frames.map(({ timeMs, coverMs, idMax }) => [timeMs, coverMs, idMax] as const)
  const changesBytes = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
  const header = headerBytes({ frames, fences, bytes: pageCount * PAGE_BYTES + changesBytes })
  const indexAt = PREFIX_BYTES + header.length
  const changesAt = indexAt + pageCount * PAGE_BYTES
  const sealed = Buffer.alloc(changesAt + changesBytes)
  MAGIC.copy(sealed)
  sealed.writeUInt32BE(header.length, MAGIC.length)
  sealed.writeUInt32BE(crc32(header), MAGIC.length + 4)
  header.copy(sealed, PREFIX_BYTES)
  const ends = await scatter(journal, ids, sizes, sealed, changesAt)
  await writeIndex(ids, sizes, ends, sealed, indexAt)
  return sealed
}

function headerBytes(header: Header): Buffer {
  return Buffer.from(JSON.stringify(header))
}

/** Bytes of the changes of each queue. */
async function sizesOf(journal: Journal): Promise<Map<number, number>> {
  const sizes = new Map<number, number>()
  let seen = 0
  for (const frame of journal.frames) {
    const cursor = new EntryCursor(journal.bytes, frame)
    while (cursor.advance()) {
      sizes.set(cursor.id, (sizes.get(cursor.id) ?? 0) + 1 + cursor.next - cursor.start)
      if (++seen % SLICE === 0) await breathe()
    }
  }
  return sizes
}

/** Copies the changes to their places, each after the number of its frame; returns where those of each queue end. */
async function scatter(
  journal: Journal,
  ids: Uint32Array,
  sizes: ReadonlyMap<number, number>,
  into: Buffer,
  changesAt: number,
): Promise<Map<number, number>> {
  const at = new Map<number, number>()
  let start = changesAt
  for (const id of ids) {
    at.set(id, start)
    start += sizes.get(id)!
  }
  let seen = 0
  for (const [number, frame] of journal.frames.entries()) {
    const cursor = new EntryCursor(journal.bytes, frame)
    while (cursor.advance()) {
      const to = at.get(cursor.id)!
      into[to] = number
      journal.bytes.copy(into, to + 1, cursor.start, cursor.next)
      at.set(cursor.id, to + 1 + cursor.next - cursor.start)
      if (++seen % SLICE === 0) await breathe()
    }
  }
  return at
}

async function writeIndex(
  ids: Uint32Array,
  sizes: ReadonlyMap<number, number>,
  ends: ReadonlyMap<number, number>,
  into: Buffer,
  indexAt: number,
): Promise<void> {
  for (let page = 0; page * PAGE_ENTRIES < ids.length; page++) {
    const pageAt = indexAt + page * PAGE_BYTES
    const count = Math.min(PAGE_ENTRIES, ids.length - page * PAGE_ENTRIES)
    for (let i = 0; i < count; i++) {
      const id = ids[page * PAGE_ENTRIES + i]!
      const bytes = sizes.get(id)!
      const end = ends.get(id)!
      const at = pageAt + i * ENTRY_BYTES
      into.writeUInt32BE(id, at)
      into.writeUInt32BE(end - bytes, at + 4)
      into.writeUInt32BE(bytes, at + 8)
      into.writeUInt32BE(crc32(into.subarray(end - bytes, end)), at + 12)
    }
    const crcAt = pageAt + PAGE_BYTES - 4
    into.writeUInt32BE(crc32(into.subarray(pageAt, crcAt)), crcAt)
    if ((page * PAGE_ENTRIES) % SLICE === 0) await breathe()
  }
}

/** A segment on disk. Knows its times and the first id of each page; the rest is read when asked for. */
export class SealedSegment {
  readonly name: string
  readonly frames: readonly FrameTime[]
  readonly byteCount: number
  readonly #fences: readonly number[]
  readonly #indexAt: number

  private constructor(name: string, header: Header, headerLength: number) {
    this.name = name
    this.frames = header.frames.map(([timeMs, coverMs, idMax]) => ({ timeMs, coverMs, idMax }))
    this.#fences = header.fences
    this.#indexAt = PREFIX_BYTES + headerLength
    this.byteCount = this.#indexAt + header.bytes
  }

  /** Reads the header; undefined when it is not sound, or the file is shorter than it says. */
  static async open(disk: Disk, name: string, fileBytes: number): Promise<SealedSegment | undefined> {
    const file = await disk.open(name, false)
    try {
      const prefix = await readExactly(file, 0, PREFIX_BYTES)
      if (prefix === undefined || !prefix.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
      const length = prefix.readUInt32BE(MAGIC.length)
      if (length > HEADER_BYTES_MAX) return undefined
      const bytes = await readExactly(file, PREFIX_BYTES, length)
      if (bytes === undefined || prefix.readUInt32BE(MAGIC.length + 4) !== crc32(bytes)) return undefined
      // Our own text: the checksum says so.
      const segment = new SealedSegment(name, JSON.parse(bytes.toString()) as Header, length)
      return segment.byteCount > fileBytes ? undefined : segment
    } finally {
      await file.close()
    }
  }

  get newestMs(): number {
    return this.frames.at(-1)?.timeMs ?? 0
  }

  /** All frames, with the changes of one queue; undefined when they are damaged. Rejects when the disk fails. */
  async marksOf(id: number, disk: Disk): Promise<Mark[] | undefined> {
    const marks: Mark[] = this.frames.map((frame) => ({ frame, changes: null }))
    const page = this.#fences.findLastIndex((first) => first <= id)
    if (page < 0) return marks
    const file = await disk.open(this.name, false)
    try {
      const index = await readExactly(file, this.#indexAt + page * PAGE_BYTES, PAGE_BYTES)
      if (index === undefined || index.readUInt32BE(PAGE_BYTES - 4) !== crc32(index.subarray(0, -4))) return undefined
      const at = placeIn(index, id)
      if (at < 0) return marks
      const changes = await readExactly(file, index.readUInt32BE(at + 4), index.readUInt32BE(at + 8))
      if (changes === undefined || crc32(changes) !== index.readUInt32BE(at + 12)) return undefined
      return filled(marks, changes)
    } finally {
      await file.close()
    }
  }
}

/** Where the entry of a queue is in a page; -1 when it is not there. Unused entries are zero, as no id is. */
function placeIn(page: Buffer, id: number): number {
  for (let at = 0; at < PAGE_BYTES - 4; at += ENTRY_BYTES) if (page.readUInt32BE(at) === id) return at
  return -1
}

/** Gives each frame its changes: a frame's number, then the changes, which say themselves how long they are. */
function filled(marks: Mark[], changes: Buffer): Mark[] {
  let at = 0
  while (at < changes.length) {
    const end = changesEnd(changes, at + 1)
    const mark = marks[changes[at]!]
    if (mark !== undefined) marks[changes[at]!] = { frame: mark.frame, changes: changes.subarray(at + 1, end) }
    at = end
  }
  return marks
}

/** Where the changes that begin at `at` end: after as many varints as the mask has bits. */
function changesEnd(bytes: Buffer, at: number): number {
  let left = bitCount(bytes.readUInt16BE(at))
  let end = at + 2
  while (left > 0 && end < bytes.length) if (bytes[end++]! < 0x80) left--
  return end
}

function bitCount(mask: number): number {
  let count = 0
  for (let left = mask; left !== 0; left &= left - 1) count++
  return count
}

async function readExactly(file: DiskFile, at: number, count: number): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(count)
  return (await file.read(bytes, 0, count, at)) === count ? bytes : undefined
}
