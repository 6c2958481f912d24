/**
 * The numbers of every queue for seven days, on disk: survives restarts, crashes and damage.
 *
 * A frame every ten minutes has what changed since the one before. Frames fill a journal; a full journal is sealed: sorted
 * by queue, so that a chart costs two reads per segment. When a week at this pace would take more than the bound, the pace
 * becomes slower; when that does not help, the oldest segments go. The sampler brings the numbers (`statistics.ts`), the
 * HTTP API asks for them. [docs/decisions/0007-history-of-queues.md]
 */
import type { Logger } from '../../../base/log.ts'
import type { QueueRecord } from '../../../model/records/records.ts'
import type { Disk } from '../../../storage/disk.ts'
import { writeWholeFile } from '../../../storage/whole-file.ts'
import type { Row } from '../fields.ts'
import { SLOW } from '../series.ts'
import { Journal } from './journal.ts'
import { LastRows } from './last-rows.ts'
import { Past } from './past.ts'
import { SealedSegment, sealedBytes } from './sealed-segment.ts'

/** Paces, from the finest; all divide an hour. */
const PACES_MS = [SLOW.everyMs, 15 * 60_000, 20 * 60_000, 30 * 60_000, 60 * 60_000]
const FRAMES_MAX = 64
/** What one frame may add to a journal that is nearly full: all numbers of as many queues as have a history. */
const FRAME_BYTES_MAX = 32 * 2 ** 20
/** Journals that could not be sealed yet, the disk being full for instance. */
const WAITING_MAX = 2
const PASTS_MAX = 32
const PREFIX = 'queues-'
const JOURNAL_SUFFIX = '.journal'
const SEALED_SUFFIX = '.week'
const UNFINISHED_SUFFIX = '.new'

/** What the history may take. */
export interface HistoryBounds {
  /** All files together. */
  readonly diskBytesMax: number
  /** The journal, which is also in memory. */
  readonly journalBytesMax: number
}

/** The bounds of a broker. */
export const HISTORY_BOUNDS: HistoryBounds = { diskBytesMax: 384 * 2 ** 20, journalBytesMax: 8 * 2 ** 20 }

/** History of the queues that outlive a restart. */
export class QueueHistory {
  readonly #disk: Disk
  readonly #logger: Logger
  readonly #bounds: HistoryBounds
  readonly #last = new LastRows()
  #sealed: SealedSegment[] = []
  #waiting: Journal[] = []
  #journal = new Journal('')
  #nextMs = 0
  #working: Promise<void> = Promise.resolve()
  #fails = false
  /** Answers given lately, by queue, the oldest first. They end with the next frame. */
  readonly #pasts = new Map<number, Promise<Past>>()

  constructor(disk: Disk, logger: Logger, bounds: HistoryBounds = HISTORY_BOUNDS) {
    this.#disk = disk
    this.#logger = logger
    this.#bounds = bounds
  }

  /** Bytes of all files. */
  get diskBytes(): number {
    const journals = [...this.#waiting, this.#journal].reduce((sum, { byteCount }) => sum + byteCount, 0)
    return journals + this.#sealed.reduce((sum, { byteCount }) => sum + byteCount, 0)
  }

  /** Bytes held in memory, apart from answers. */
  get memoryBytes(): number {
    return this.#last.byteCount + [...this.#waiting, this.#journal].reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  get segmentCount(): number {
    return this.#sealed.length + this.#waiting.length + 1
  }

  /** Finds what earlier runs left. What cannot be read begins anew. Never rejects. */
  async restore(nowMs: number): Promise<void> {
    try {
      await this.#find(nowMs)
    } catch (error) {
      this.#logger.warning('the history of queues cannot be read and begins anew', { error })
    }
  }

  /** Whether the sweep of this tick is to bring the numbers of all queues; then `note` them, and `end`. */
  begin(tickMs: number): boolean {
    if (tickMs < this.#nextMs || tickMs <= this.#journal.newestMs) return false
    this.#beginFrame(tickMs)
    return true
  }

  /** Notes a queue. Those that end with the broker have no history. */
  note({ ledgerId, durable, exclusive }: QueueRecord, row: Row): void {
    if (durable && !exclusive && ledgerId > 0) this.#journal.note(ledgerId, row, this.#last)
  }

  /** All queues have been noted. */
  end(tickMs: number): void {
    const pace = this.#pace()
    this.#nextMs = tickMs - (tickMs % pace) + pace
    this.#endFrame(tickMs, this.#nextMs - tickMs)
  }

  /** A last frame, from which on nothing is known. */
  async stop(nowMs: number, noteAll: () => void): Promise<void> {
    if (nowMs > this.#journal.newestMs) {
      this.#beginFrame(nowMs)
      noteAll()
      this.#endFrame(nowMs, 0)
    }
    await this.#working
  }

  /** What is known of a queue. Never rejects: what cannot be read is a gap. */
  of(ledgerId: number, nowMs: number): Promise<Past> {
    let past = this.#pasts.get(ledgerId)
    if (past === undefined) {
      past = this.#gather(ledgerId, nowMs - SLOW.forMs - PACES_MS.at(-1)!)
      this.#pasts.set(ledgerId, past)
      if (this.#pasts.size > PASTS_MAX) this.#pasts.delete(this.#pasts.keys().next().value!)
    }
    return past
  }

  #beginFrame(timeMs: number): void {
    const journal = this.#journal
    const isFull = journal.byteCount > this.#bounds.journalBytesMax || journal.frames.length >= FRAMES_MAX
    if (journal.name === '' || isFull || journal.isTorn) this.#beginJournal(timeMs)
    this.#last.beginRound()
    this.#journal.begin()
  }

  #endFrame(timeMs: number, coverMs: number): void {
    this.#journal.end(timeMs, coverMs)
    this.#last.endRound()
    this.#pasts.clear()
    this.#working = this.#working.then(() => this.#work(timeMs))
  }

  /** The finest pace at which a week takes no more than the bound, as the frames of late go. */
  #pace(): number {
    const frameCount = Math.max(this.#journal.frames.length, 1)
    const newestSealed = this.#sealed.at(-1)
    const perFrame =
      this.#journal.frames.length < 4 && newestSealed !== undefined
        ? newestSealed.byteCount / newestSealed.frames.length
        : this.#journal.byteCount / frameCount
    const fits = (paceMs: number) => (perFrame * SLOW.forMs) / paceMs <= this.#bounds.diskBytesMax
    return PACES_MS.find(fits) ?? PACES_MS.at(-1)!
  }

  #beginJournal(timeMs: number): void {
    if (this.#journal.frames.length > 0) this.#waiting.push(this.#journal)
    this.#journal = new Journal(`${PREFIX}${timeMs}${JOURNAL_SUFFIX}`)
    this.#last.zero()
  }

  async #work(nowMs: number): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#seal(this.#waiting[0]!)
      await this.#journal.write(this.#disk)
      await this.#dropOld(nowMs)
      this.#fails = false
    } catch (error) {
      if (!this.#fails) this.#logger.warning('the history of queues cannot be written', { error })
      this.#fails = true
      this.#waiting = this.#waiting.slice(-WAITING_MAX)
    }
  }

  async #seal(journal: Journal): Promise<void> {
    const bytes = await sealedBytes(journal)
    const name = journal.name.replace(JOURNAL_SUFFIX, SEALED_SUFFIX)
    const unfinished = name + UNFINISHED_SUFFIX
    await writeWholeFile(this.#disk, unfinished, bytes)
    await this.#disk.rename(unfinished, name)
    await this.#disk.syncFolder()
    const sealed = await SealedSegment.open(this.#disk, name, bytes.length)
    this.#waiting.shift()
    if (sealed !== undefined) this.#sealed.push(sealed)
    this.#pasts.clear()
    await this.#disk.remove(journal.name)
  }

  async #dropOld(nowMs: number): Promise<void> {
    for (;;) {
      const oldest = this.#sealed[0]
      if (oldest === undefined) return
      const isOld = oldest.newestMs < nowMs - SLOW.forMs - PACES_MS.at(-1)!
      if (!isOld && this.diskBytes <= this.#bounds.diskBytesMax) return
      this.#sealed.shift()
      this.#pasts.clear()
      await this.#disk.remove(oldest.name)
    }
  }

  async #gather(id: number, sinceMs: number): Promise<Past> {
    // As of now: what is sealed meanwhile stays readable in memory.
    const sealed = [...this.#sealed]
    const journals = [...this.#waiting, this.#journal]
    const segments = journals.map((journal) => journal.marksOf(id))
    const found = []
    for (const segment of sealed) found.push(await this.#read(segment, id))
    return new Past(id, [...found, ...segments], sinceMs)
  }

  async #read(segment: SealedSegment, id: number): ReturnType<SealedSegment['marksOf']> {
    try {
      const marks = await segment.marksOf(id, this.#disk)
      if (marks === undefined) this.#logger.warning(`the history of a queue is damaged in ${segment.name}`)
      return marks
    } catch {
      // Too old by now, or the disk fails: a gap.
      return undefined
    }
  }

  async #find(nowMs: number): Promise<void> {
    const names = new Map((await this.#disk.list()).map(({ name, bytes }) => [name, bytes]))
    const journals: Journal[] = []
    for (const [name, bytes] of [...names].sort(([a], [b]) => timeIn(a) - timeIn(b))) {
      if (!name.startsWith(PREFIX)) continue
      if (name.endsWith(SEALED_SUFFIX) && (await this.#findSealed(name, bytes, nowMs))) continue
      if (name.endsWith(JOURNAL_SUFFIX) && !names.has(name.replace(JOURNAL_SUFFIX, SEALED_SUFFIX))) {
        const journal = await this.#findJournal(name, bytes)
        if (journal !== undefined && journal.newestMs <= nowMs) {
          journals.push(journal)
          continue
        }
      }
      await this.#disk.remove(name)
    }
    this.#waiting = journals.slice(0, -1)
    const newest = journals.at(-1)
    if (newest === undefined) return
    this.#journal = newest
    await newest.replay(this.#last)
  }

  /** False for what is damaged, or of a time that has not come yet. */
  async #findSealed(name: string, bytes: number, nowMs: number): Promise<boolean> {
    const segment = await SealedSegment.open(this.#disk, name, bytes)
    if (segment === undefined) this.#logger.warning(`the history of queues in ${name} is damaged and goes`)
    if (segment === undefined || segment.newestMs > nowMs) return false
    this.#sealed.push(segment)
    return true
  }

  async #findJournal(name: string, bytes: number): Promise<Journal | undefined> {
    if (bytes > this.#bounds.journalBytesMax + FRAME_BYTES_MAX) return undefined
    const content = Buffer.alloc(bytes)
    const file = await this.#disk.open(name, false)
    const readBytes = await file.read(content, 0, bytes, 0)
    await file.close()
    const journal = Journal.read(name, content.subarray(0, readBytes))
    return journal?.frames.length === 0 ? undefined : journal
  }
}

/** The time in the name of a file. */
function timeIn(name: string): number {
  return Number.parseInt(name.slice(PREFIX.length), 10) || 0
}
