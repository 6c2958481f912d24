/**
 * Reading the log back: file by file, batch by batch, telling a torn tail from damage.
 *
 * Every batch says up to where the log was durable when it was sealed. The newest sound batch therefore says what must
 * be sound: a gap before that point is damage (reported; the batches behind it count), a gap after it is the tail of a
 * write that power or process did not survive: the log ends there, and what lies behind is cut off. After a clean stop the
 * mark that it left says where the log ended, and everything before that must be sound.
 */
import type { Block } from './block.ts'
import type { BlockTable } from './block-table.ts'
import { type DiskEntry, DiskError } from './disk.ts'
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  BLOCK_HEADER_BYTES,
  FORMAT_VERSION,
  logFileName,
  logFileNumber,
  nextSoundBatch,
  readBlockHeader,
  readWide,
  soundBatchBytes,
} from './format.ts'
import type { FollowSink } from './log.ts'
import { FRESH_SUFFIX, type LogFiles, newImage, SPARE_SUFFIX } from './log-files.ts'
import { MISSING, mend, VOID_BYTES_MIN } from './mend.ts'
import type { Damage, StorageReport } from './report.ts'
import { Slab } from './slab.ts'
import { readStopMark, removeStopMark, writeStopMark } from './stop-mark.ts'
import { readAround, UNREADABLE, UnreadableFile, type UnreadableRange } from './unreadable.ts'

/** Where the log ends, and what a continuation must know. */
export interface LogEnd {
  readonly epoch: number
  readonly parentPosition: number
  readonly parentCrc: number
  /** Behind the last batch. */
  readonly end: number
  readonly damageCount: number
}

/** One log file in memory. */
interface FileImage {
  readonly number: number
  readonly bytes: number
  readonly slab: Slab
  readonly unreadable: readonly UnreadableRange[]
}

/**
 * What the reader may do. Start: mend damage, but refuse when the disk does not give a file. Check: change nothing. Repair: mend, and
 * give up what cannot be read.
 */
export type ScanMode = 'start' | 'check' | 'repair'

/** The log was written by a version that this one does not know. */
export class UnknownFormat extends Error {
  constructor(file: string, version: number) {
    super(
      `${file} has format version ${version}; this version of WarrenMQ reads up to ${FORMAT_VERSION}. ` +
        'Start the version that wrote it, or a newer one.',
    )
    this.name = 'UnknownFormat'
  }
}

/** The log files of a folder, in order. */
export async function listLog(files: LogFiles): Promise<DiskEntry[]> {
  const entries = (await files.disk.list()).filter((entry) => logFileNumber(entry.name) >= 0)
  return entries.sort((a, b) => logFileNumber(a.name) - logFileNumber(b.name))
}

/** The first block number that no file of the log occupies. */
export async function numberAfterLog(files: LogFiles, blockBytes: number): Promise<number> {
  const last = (await listLog(files)).at(-1)
  return last === undefined ? 1 : logFileNumber(last.name) + Math.max(1, Math.ceil(last.bytes / blockBytes))
}

/** The block bytes of the log in a folder; 0 when there is none. Throws `UnknownFormat`. */
export async function probeBlockBytes(files: LogFiles, mode: ScanMode): Promise<number> {
  const slab = new Slab(BLOCK_HEADER_BYTES)
  for (const entry of await listLog(files)) {
    const file = await files.disk.open(entry.name, false)
    let count = 0
    try {
      count = await file.read(slab.bytes, 0, BLOCK_HEADER_BYTES, 0)
    } catch (error) {
      if (mode === 'start' && error instanceof DiskError) throw new UnreadableFile(entry.name, error)
    } finally {
      await file.close()
    }
    const header = count === BLOCK_HEADER_BYTES ? readBlockHeader(slab.bytes, slab.words) : null
    if (header === null) continue
    if (header.version > FORMAT_VERSION) throw new UnknownFormat(entry.name, header.version)
    return header.blockBytes
  }
  return 0
}

/** Removes what an earlier run left that is no log: spares, half-made files. */
async function sweep(files: LogFiles): Promise<void> {
  for (const { name } of await files.disk.list()) {
    if (name.endsWith(SPARE_SUFFIX) || name.endsWith(FRESH_SUFFIX)) await files.disk.remove(name)
  }
}

/** Reads all files and gives their sound batches to the sink; cuts the tail; adopts the blocks. */
export async function scanLog(
  files: LogFiles,
  blocks: BlockTable,
  sink: FollowSink,
  report: StorageReport,
  mode: ScanMode,
): Promise<LogEnd> {
  if (mode !== 'check') await sweep(files)
  return new LogScan(files, blocks, sink, report, mode).run()
}

class LogScan {
  readonly #files: LogFiles
  readonly #blocks: BlockTable
  readonly #sink: FollowSink
  readonly #report: StorageReport
  readonly #mode: ScanMode
  /** Two slabs: one is parsed while the other is read into. */
  readonly #slabs: Slab[] = []
  #epoch = 0
  #parentPosition = 0
  #parentCrc = 0
  #damageCount = 0
  readonly #damages = new Map<number, Damage[]>()
  /** Numbers of the blocks that have a file. */
  readonly #present = new Set<number>()
  /** The log was durable up to here, for certain. */
  #durable = 0
  /** It was closed here; 0 when it was not closed cleanly. */
  #closedAt = 0
  /** Behind the last batch that was read. */
  #end = 0
  #isCut = false

  constructor(files: LogFiles, blocks: BlockTable, sink: FollowSink, report: StorageReport, mode: ScanMode) {
    this.#files = files
    this.#blocks = blocks
    this.#sink = sink
    this.#report = report
    this.#mode = mode
  }

  async run(): Promise<LogEnd> {
    const entries = await listLog(this.#files)
    for (const entry of entries) this.#present.add(logFileNumber(entry.name))
    const bytesTotal = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    this.#closedAt = (await readStopMark(this.#files.disk))?.end ?? 0
    this.#durable = this.#closedAt
    await this.#findDurable(entries)
    let bytesRead = 0
    let next = entries.length > 0 ? this.#read(entries[0]!, 0) : null
    for (let i = 0; i < entries.length; i++) {
      const image = await next!
      next = i + 1 < entries.length ? this.#read(entries[i + 1]!, (i + 1) & 1) : null
      await this.#file(entries[i]!, image)
      bytesRead += entries[i]!.bytes
      this.#sink.onProgress(bytesRead, bytesTotal)
    }
    this.#compareEnd(entries)
    if (this.#mode !== 'check') {
      for (const [number, damages] of this.#damages) {
        if (this.#present.has(number)) await mend(this.#files.disk, this.#blocks.blockBytes, number, damages)
      }
      await removeStopMark(this.#files.disk)
      // Nothing follows a repair: what is there now is the log, and nothing of it a torn write.
      if (this.#mode === 'repair') await writeStopMark(this.#files.disk, { end: this.#end, detail: this.#parentCrc })
    }
    return {
      epoch: this.#epoch,
      parentPosition: this.#parentPosition,
      parentCrc: this.#parentCrc,
      end: this.#end,
      damageCount: this.#damageCount,
    }
  }

  /** The newest sound batch knows. It is in the last file, unless that one was never written. */
  async #findDurable(entries: readonly DiskEntry[]): Promise<void> {
    for (let i = entries.length - 1; i >= 0 && this.#durable === 0; i--) {
      const image = await this.#read(entries[i]!, 0)
      for (let at = this.#nextSound(image, 0); at >= 0; at = this.#nextSound(image, at)) {
        this.#durable = Math.max(this.#durable, readWide(image.slab.words, (at >>> 2) + 12))
        at += image.slab.words[(at >>> 2) + 1]!
      }
    }
  }

  async #read(entry: DiskEntry, turn: number): Promise<FileImage> {
    let slab = this.#slabs[turn]
    if (slab === undefined || slab.bytes.length < entry.bytes) {
      slab = new Slab(Math.max(entry.bytes, this.#blocks.blockBytes))
      this.#slabs[turn] = slab
    }
    const file = await this.#files.disk.open(entry.name, false)
    try {
      const bytes = await file.read(slab.bytes, 0, entry.bytes, 0)
      return { number: logFileNumber(entry.name), bytes, slab, unreadable: [] }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (this.#mode === 'start') throw new UnreadableFile(entry.name, error)
      const unreadable = await readAround(file, slab.bytes, entry.bytes)
      return { number: logFileNumber(entry.name), bytes: entry.bytes, slab, unreadable }
    } finally {
      await file.close()
    }
  }

  async #file(entry: DiskEntry, image: FileImage): Promise<void> {
    const header = image.bytes >= BLOCK_HEADER_BYTES ? readBlockHeader(image.slab.bytes, image.slab.words) : null
    if (header !== null && header.version > FORMAT_VERSION) throw new UnknownFormat(entry.name, header.version)
    if (this.#isCut) return this.#drop(entry)
    const base = image.number * this.#blocks.blockBytes
    const block = this.#blocks.adopt(image.number, image.bytes)
    const found = this.#batches(image, block, base)
    block.usedBytes = found
    const log = block.image!
    if (this.#isProven(base + BLOCK_HEADER_BYTES) && (found === 0 || header === null)) {
      this.#damaged(image.number, 0, BLOCK_HEADER_BYTES, found === 0 ? 'empty' : 'header')
    }
    if (found === 0 && !this.#damages.has(image.number)) {
      this.#blocks.drop(block)
      return this.#drop(entry)
    }
    log.isNamed = true
    log.sealedTo = found
    log.writtenTo = found
    log.syncedTo = found
    this.#files.count++
    if (this.#isCut) await this.#cut(entry, found)
  }

  /** Gives a file's batches to the sink; returns where the last one ends, 0 when there is none. */
  #batches(image: FileImage, block: Block, base: number): number {
    const { bytes, words } = image.slab
    const log = newImage(block)
    let end = 0
    let at = BLOCK_HEADER_BYTES
    for (;;) {
      const length = soundBatchBytes(bytes, words, at, image.bytes, base + at)
      if (length > 0) {
        if (!this.#hasParent(words, at)) {
          this.#isCut = true
          return end
        }
        log.noteStart(at)
        this.#sink.onBatch(block, bytes, words, at, at + length)
        this.#epoch = Math.max(this.#epoch, words[(at >>> 2) + 3]!)
        this.#parentPosition = base + at
        this.#parentCrc = words[(at >>> 2) + 2]!
        at += length
        end = at
        this.#end = base + at
        continue
      }
      const next = this.#nextSound(image, at + 8)
      const to = next < 0 ? this.#gapEnd(image, at) : next
      if (image.unreadable.some((range) => range.to > at && range.from < to)) {
        this.#damaged(image.number, at, to, UNREADABLE)
      } else if (this.#isProven(base + at) && (next >= 0 || this.#isExpected(at, image))) {
        this.#damaged(image.number, at, to, 'checksum')
      } else if (next >= 0 || this.#isExpected(at, image)) this.#isCut = true
      if (next < 0 || this.#isCut) return end
      at = next
    }
  }

  /** Where a gap ends that reaches to the end of a file. */
  #gapEnd({ number, bytes }: FileImage, at: number): number {
    return Math.max(bytes, at + VOID_BYTES_MIN, this.#closedWithin(number, bytes))
  }

  /** The offset in a file at which the log was closed; 0 when that was elsewhere. A large record's file is longer than a block. */
  #closedWithin(number: number, bytes: number): number {
    const offset = this.#closedAt - number * this.#blocks.blockBytes
    return offset > 0 && offset <= Math.max(this.#blocks.blockBytes, bytes) ? offset : 0
  }

  /** Whether the log ends where it was closed. */
  #compareEnd(entries: readonly DiskEntry[]): void {
    if (this.#end >= this.#closedAt) return
    const { blockBytes } = this.#blocks
    const last = entries.at(-1)
    const isLast = last !== undefined && this.#closedWithin(logFileNumber(last.name), last.bytes) > 0
    const number = isLast ? logFileNumber(last.name) : Math.floor(this.#closedAt / blockBytes)
    const to = this.#closedAt - number * blockBytes
    if (this.#damages.get(number)?.some((damage) => damage.to >= to)) return
    this.#damaged(number, Math.max(this.#end - number * blockBytes, BLOCK_HEADER_BYTES), to, 'its end is missing')
  }

  #nextSound(image: FileImage, from: number): number {
    const base = image.number * this.#blocks.blockBytes
    return nextSoundBatch(image.slab.bytes, image.slab.words, from, image.bytes, base)
  }

  /** In a file's last gap: something was written there, and not by an earlier use of the file. */
  #isExpected(at: number, image: FileImage): boolean {
    const base = image.number * this.#blocks.blockBytes
    return (
      at + BATCH_HEADER_BYTES <= image.bytes &&
      image.slab.words[at >>> 2] === BATCH_MAGIC &&
      readWide(image.slab.words, (at >>> 2) + 4) === base + at
    )
  }

  /** Whether the batch at this position was durable once. Its first record ends behind the header. */
  #isProven(position: number): boolean {
    return position + BATCH_HEADER_BYTES < this.#durable
  }

  /**
   * Whether the batch may follow what was read. When its parent is missing from a file that is there: if the parent was
   * durable once, that is damage, and the batch counts; if not, both belong to a write that was not completed.
   */
  #hasParent(words: Uint32Array, at: number): boolean {
    const parent = readWide(words, (at >>> 2) + 6)
    const number = Math.floor(parent / this.#blocks.blockBytes)
    // Read, or within the void that took its place.
    if (parent < this.#end || !this.#present.has(number)) return true
    const offset = parent % this.#blocks.blockBytes
    if (!this.#isProven(parent)) return this.#isGivenUp(number, offset)
    const end = offset + VOID_BYTES_MIN
    const isKnown = this.#damages.get(number)?.some(({ from, to }) => from <= offset && offset < to) ?? false
    const from = Math.max(Math.min(this.#blocks.at(number)?.usedBytes ?? 0, offset), BLOCK_HEADER_BYTES)
    if (!isKnown) this.#damaged(number, from, end, MISSING)
    return true
  }

  #isGivenUp(number: number, offset: number): boolean {
    const damages = this.#damages.get(number) ?? []
    return damages.some(({ from, to, reason }) => reason === UNREADABLE && from <= offset && offset < to)
  }

  #damaged(number: number, from: number, to: number, reason: string): void {
    const damage = { file: logFileName(number), from, to, reason }
    const known = this.#damages.get(number)
    if (known === undefined) this.#damages.set(number, [damage])
    else known.push(damage)
    this.#damageCount++
    this.#report.onDamage(damage)
  }

  async #cut(entry: DiskEntry, end: number): Promise<void> {
    this.#report.onNotice(`The log ends in ${entry.name} at ${end}: what follows was not written completely.`)
    if (this.#mode === 'check') return
    const file = await this.#files.disk.open(entry.name, false)
    await file.truncate(end)
    await file.sync()
    await file.close()
  }

  async #drop(entry: DiskEntry): Promise<void> {
    if (this.#mode !== 'check') await this.#files.disk.remove(entry.name)
  }
}
