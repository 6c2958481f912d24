/**
 * Reads parts of blocks back whose memory was given to others: for consumers that reach a backlog.
 *
 * A read takes the batches around the entry, verifies their checksums, and becomes a window. Reads of a ledger that goes
 * forward grow from 256 KiB to 4 MiB. Requests are collected during the turn and started at its end, because a read may
 * take memory that a view still looks at. What is damaged is settled: the consumer goes on behind it. What the disk does not
 * give (EIO) may be sound, so nothing is settled: the consumer waits, and the read is tried again.
 */
import { TimerEntry, type TimerOwner, type TimerWheel } from '../base/timer-wheel.ts'
import type { Turn } from '../base/turn.ts'
import { type Block, offsetIn } from './block.ts'
import type { BlockTable } from './block-table.ts'
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  logFileName,
  nextSoundBatch,
  OWNER_BYTES,
  RECORD_HEAD_BYTES,
  readWide,
  soundBatchBytes,
} from './format.ts'
import type { Ledger } from './ledger.ts'
import type { LogFiles } from './log-files.ts'
import type { StorageReport } from './report.ts'
import type { Slab } from './slab.ts'
import { findWindow, Window, WindowTable } from './window.ts'

/** Told, once, that the bytes it asked for are in memory, or that the entry was lost to damage and settled. */
export interface LoadSink {
  onLoaded(failed: boolean): void
}

/** What reads a payload in place. */
interface PayloadView {
  at(bytes: Buffer, words: Uint32Array, payloadAt: number): void
}

/** What the reader needs of its store. */
export interface ColdOwner {
  mark(): void
  unpinBlock(block: Block): void
}

/** What the reader is built from. */
export interface ColdParts {
  readonly blocks: BlockTable
  readonly turn: Turn
  readonly wheel: TimerWheel
  readonly files: LogFiles | null
  readonly report: StorageReport
  readonly windowBytesMax: number
}

interface Ask {
  readonly ledger: Ledger
  readonly sequence: number
  readonly sink: LoadSink
}

interface Job {
  readonly block: Block
  from: number
  bytes: number
  readonly asks: Ask[]
}

const READ_BYTES_MIN = 256 * 1024
const READ_BYTES_MAX = 4 * 1024 * 1024
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 5_000

/** Where a read got: `[start, end)` is sound; or the batch there is not; or it takes more bytes to tell. */
type Finding =
  | { readonly kind: 'sound'; readonly start: number; readonly end: number }
  | { readonly kind: 'damaged'; readonly start: number; readonly end: number }
  | { readonly kind: 'short'; readonly start: number; readonly bytes: number }

/** Brings cold entries into memory. */
export class ColdReader implements TimerOwner {
  readonly #owner: ColdOwner
  readonly #blocks: BlockTable
  readonly #turn: Turn
  readonly #files: LogFiles | null
  readonly #report: StorageReport
  readonly #windows: WindowTable
  readonly #jobs = new Set<Job>()
  #asks: Ask[] = []
  /** Those whose read failed: asked again when the timer rings. */
  #failed: Ask[] = []
  #retryMs = RETRY_MS_MIN
  readonly #wheel: TimerWheel
  readonly #timer = new TimerEntry(this)
  #running: Promise<void>[] = []
  #isClosed = false
  #loadCount = 0
  #loadedBytes = 0

  constructor(owner: ColdOwner, parts: ColdParts) {
    this.#owner = owner
    this.#blocks = parts.blocks
    this.#turn = parts.turn
    this.#wheel = parts.wheel
    this.#files = parts.files
    this.#report = parts.report
    this.#windows = new WindowTable(parts.windowBytesMax)
  }

  /** Points the view into a window; false when the record lies in none. */
  open(block: Block, at: number, view: PayloadView): boolean {
    const window = findWindow(block, at)
    if (window === null) return false
    window.usedTurn = this.#turn.count
    const local = at - window.base
    const words = window.slab.words
    const ownerCount = words[(local >>> 2) + 1]! >>> 16
    view.at(window.slab.bytes, words, local + RECORD_HEAD_BYTES + OWNER_BYTES * ownerCount)
    return true
  }

  load(ledger: Ledger, sequence: number, sink: LoadSink): void {
    this.#asks.push({ ledger, sequence, sink })
  }

  turnEnd(): void {
    if (this.#asks.length === 0) return
    const asks = this.#asks
    this.#asks = []
    for (const ask of asks) this.#serve(ask)
  }

  forget(block: Block): void {
    this.#windows.forget(block)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#wheel.cancel(this.#timer)
    await Promise.all(this.#running)
  }

  stats(): { loadCount: number; loadedBytes: number; windowBytes: number } {
    return { loadCount: this.#loadCount, loadedBytes: this.#loadedBytes, windowBytes: this.#windows.bytes }
  }

  #serve(ask: Ask): void {
    const address = ask.ledger.addressOf(ask.sequence)
    const block = address === 0 ? undefined : this.#blocks.of(address)
    if (block === undefined) return ask.sink.onLoaded(false)
    const at = offsetIn(block, address)
    if (block.slab !== null || findWindow(block, at) !== null) return ask.sink.onLoaded(false)
    for (const job of this.#jobs) {
      if (job.block === block && at >= job.from && at < job.from + job.bytes) {
        job.asks.push(ask)
        return
      }
    }
    this.#start(ask, block, at)
  }

  #start(ask: Ask, block: Block, at: number): void {
    const { ledger } = ask
    const address = block.base + at
    const isForward = address >= ledger.coldNext && address - ledger.coldNext < 2 * this.#blocks.blockBytes
    ledger.coldBytes = isForward ? Math.min(ledger.coldBytes * 2, READ_BYTES_MAX) : READ_BYTES_MIN
    const from = block.image === null ? at : block.image.startBefore(at)
    const bytes = Math.min(Math.max(ledger.coldBytes, READ_BYTES_MIN) + at - from, block.usedBytes - from)
    const job: Job = { block, from, bytes, asks: [ask] }
    this.#jobs.add(job)
    block.pins++
    const running = this.#run(job, at).finally(() => {
      this.#running = this.#running.filter((other) => other !== running)
    })
    this.#running.push(running)
  }

  async #run(job: Job, at: number): Promise<void> {
    const { block } = job
    let finding: Finding | null = null
    let reason = ''
    try {
      finding = await this.#read(job, at)
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
    }
    this.#jobs.delete(job)
    this.#owner.unpinBlock(block)
    if (this.#isClosed) return
    if (finding === null) return this.#retryLater(job, reason)
    if (this.#failed.length === 0) this.#retryMs = RETRY_MS_MIN
    for (const ask of job.asks) this.#answer(ask, block, finding)
    this.#owner.mark()
  }

  #retryLater(job: Job, reason: string): void {
    // Told once until a read works again.
    if (this.#retryMs === RETRY_MS_MIN) {
      this.#report.onTrouble(`Messages cannot be read back, and wait: ${reason}. The read is tried again.`)
    }
    // Small again: what lies around the bad place can be had.
    for (const { ledger } of job.asks) ledger.coldNext = 0
    this.#failed.push(...job.asks)
    if (!this.#timer.isScheduled) this.#wheel.schedule(this.#timer, this.#wheel.clock.nowMs() + this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX)
  }

  onTimer(): void {
    this.#asks.push(...this.#failed)
    this.#failed = []
    this.#owner.mark()
  }

  /** Reads until the batch around `at` is known to be sound or damaged; a sound one becomes a window. */
  async #read(job: Job, at: number): Promise<Finding> {
    const { block } = job
    for (;;) {
      const slab = this.#windows.take(job.bytes, this.#turn.count)
      let isKept = false
      try {
        const file = block.image === null ? block.scratch!.file : await this.#files!.forReading(block)
        const count = await file.read(slab.bytes, 0, job.bytes, job.from)
        this.#loadCount++
        this.#loadedBytes += count
        const finding = block.image === null ? this.#plain(job, slab, count, at) : this.#verify(job, slab, count, at)
        if (finding.kind === 'sound') {
          this.#windows.add(new Window(block, job.from, finding.start, finding.end, slab, this.#turn.count))
          isKept = true
        } else if (finding.kind === 'damaged') this.#lost(block, finding.start, finding.end, 'checksum')
        if (finding.kind !== 'short') return finding
        job.from = finding.start
        job.bytes = Math.min(finding.bytes, block.usedBytes - finding.start)
      } finally {
        if (!isKept) this.#windows.give(slab)
      }
    }
  }

  /** A scratch file has no batches and no checksums. */
  #plain(job: Job, slab: Slab, count: number, at: number): Finding {
    const end = job.from + count
    const recordBytes = at + 8 <= end ? slab.words[(at - job.from) >>> 2]! : Number.POSITIVE_INFINITY
    if (at + recordBytes <= end) return { kind: 'sound', start: job.from, end }
    if (count < job.bytes || at + recordBytes > job.block.usedBytes) {
      return { kind: 'damaged', start: at, end: Math.max(end, at + 1) }
    }
    return { kind: 'short', start: at, bytes: recordBytes }
  }

  #verify(job: Job, slab: Slab, count: number, at: number): Finding {
    const { bytes, words } = slab
    const { from, block } = job
    const isAll = from + count >= block.usedBytes || count < job.bytes
    let good = -1
    let local = 0
    while (local < count) {
      const position = block.base + from + local
      const length = soundBatchBytes(bytes, words, local, count, position)
      if (length > 0) {
        if (good < 0) good = local
        local += length
        continue
      }
      if (good >= 0 && from + local > at) break
      const needed = this.#neededBytes(slab, local, count, position)
      if (needed > 0 && !isAll) return { kind: 'short', start: from + local, bytes: needed }
      const next = nextSoundBatch(bytes, words, local + 8, count, block.base + from)
      const end = next < 0 ? from + count : from + next
      if (at < end) return { kind: 'damaged', start: from + local, end }
      good = -1
      local = next
    }
    if (good >= 0 && from + local > at) return { kind: 'sound', start: from + good, end: from + local }
    return { kind: 'damaged', start: at, end: Math.max(from + count, at + 1) }
  }

  /** Bytes of the batch that begins here and does not fit into what was read; 0 when it fits, or is none. */
  #neededBytes(slab: Slab, local: number, count: number, position: number): number {
    if (local + BATCH_HEADER_BYTES > count) return BATCH_HEADER_BYTES * 2 + READ_BYTES_MIN
    const word = local >>> 2
    if (slab.words[word] !== BATCH_MAGIC || readWide(slab.words, word + 4) !== position) return 0
    const length = slab.words[word + 1]!
    return local + length > count ? length : 0
  }

  #answer(ask: Ask, block: Block, finding: Finding): void {
    const { ledger, sequence, sink } = ask
    const address = ledger.addressOf(sequence)
    const at = offsetIn(block, address)
    if (finding.kind === 'damaged' && at >= finding.start && at < finding.end) {
      ledger.settle(sequence)
      sink.onLoaded(true)
    } else if (finding.kind === 'sound' && at >= finding.start && at < finding.end) {
      ledger.coldNext = block.base + finding.end
      sink.onLoaded(false)
    } else this.#asks.push(ask)
  }

  #lost(block: Block, from: number, to: number, reason: string): void {
    if (block.image !== null) block.image.isDamaged = true
    this.#report.onDamage({ file: block.scratch?.name ?? logFileName(block.number), from, to, reason })
  }
}
