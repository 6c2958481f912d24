/**
 * Reads the journal of the metadata: both copies side by side, so that what is damaged in one is taken from the other.
 * Changes nothing. Called when the metadata is opened, checked, or exported beside a running broker.
 *
 * A change is acknowledged when both copies are synced, and the next one is written afterwards. So a copy may lack the last
 * frame without being damaged, and no more than that; after a clean stop, not even that.
 */
import type { Disk } from './disk.ts'
import { JournalCopy } from './journal-copy.ts'
import {
  FILE_HEADER_BYTES,
  frameContent,
  frameKind,
  KIND_CHANGES,
  KIND_COMPLETE,
  KIND_ENTRIES,
} from './journal-format.ts'
import type { MetadataKey } from './metadata-port.ts'
import type { LoadedMetadata } from './metadata-sequencer.ts'
import type { Damage } from './report.ts'
import { readStopMark, type StopMark } from './stop-mark.ts'
import { UnreadableFile } from './unreadable.ts'

/** The two copies. */
export const JOURNAL_NAMES: readonly string[] = ['a.journal', 'b.journal']
/** Written before it replaces a copy. */
export const NEW_SUFFIX = '.new'
/** Of an earlier version that kept the metadata in another way. */
const FOREIGN_FILE = 'data.mdb'

/** What the journal holds. */
export interface JournalContent {
  readonly loaded: LoadedMetadata
  /** Of the newest copy; 0 when there is no journal yet. */
  readonly generation: number
  /** Where the snapshot ends, and the last frame. */
  readonly snapshotEnd: number
  readonly end: number
  readonly damages: readonly Damage[]
  /** Places where neither copy is sound, found now or earlier: records may be missing. */
  readonly lossCount: number
  /** Of them, those found now. */
  readonly foundLosses: number
  readonly notices: readonly string[]
  /** Both copies are the same, and nothing is wrong: they can be appended to. */
  readonly isWhole: boolean
}

/** As in the file. */
type StoredEntry = [storeId: number, key: MetadataKey, value: unknown, revision: number]

/** A copy while it is compared with the other one. */
interface Compared {
  readonly copy: JournalCopy
  /** Where frames began to be missing; -1 while none is. */
  gapFrom: number
  gapFrames: number
}

const EMPTY: LoadedMetadata = { revision: 0, lastStoreId: 0, entries: [] }

/**
 * Reads the journal of a folder. Rejects with `UnknownJournalFormat`, or with `UnreadableFile` when the disk does not give
 * something that the other copy does not have either: unless that is to be given up.
 */
export async function readJournal(disk: Disk, givesUp: boolean): Promise<JournalContent> {
  const mark = await readStopMark(disk)
  const copies: JournalCopy[] = []
  try {
    for (const name of JOURNAL_NAMES) {
      const copy = await JournalCopy.open(disk, name)
      if (copy !== null) copies.push(copy)
    }
    if (copies.length === 0) return await nothing(disk, mark)
    const content = await readNewest(disk, copies, mark)
    for (const { name, failure } of copies) {
      if (failure !== null && content.foundLosses > 0 && !givesUp) throw new UnreadableFile(name, failure)
    }
    return content
  } finally {
    for (const copy of copies) await copy.close()
  }
}

async function nothing(disk: Disk, mark: StopMark | null): Promise<JournalContent> {
  await refuseForeign(disk)
  const base = { loaded: EMPTY, generation: 0, snapshotEnd: 0, end: 0, notices: [], isWhole: false }
  if (mark === null) return { ...base, damages: [], lossCount: 0, foundLosses: 0 }
  const damages = JOURNAL_NAMES.map((file) => ({ file, from: 0, to: mark.end, reason: 'missing' }))
  return { ...base, damages, lossCount: 1, foundLosses: 1 }
}

async function readNewest(disk: Disk, copies: readonly JournalCopy[], mark: StopMark | null): Promise<JournalContent> {
  let best: JournalMerge | null = null
  for (const generation of await generationsOf(copies)) {
    const merge = new JournalMerge(generation, mark?.detail === generation ? mark : null)
    await merge.read(copies.filter((copy) => copy.generation === generation || copy.generation === 0))
    // An older one holds the same, when the newer one was just being written.
    if (best === null || (best.foundLosses > 0 && merge.foundLosses === 0)) best = merge
    if (best.foundLosses === 0) break
  }
  const merge = best!
  const names = (await disk.list()).map(({ name }) => name)
  for (const name of JOURNAL_NAMES) {
    if (copies.some((copy) => copy.name === name)) continue
    if (names.includes(name + NEW_SUFFIX)) merge.notices.push(`${name} was being written when the process ended.`)
    else merge.damages.push({ file: name, from: 0, to: merge.end, reason: 'missing' })
  }
  const isSame = copies.length === 2 && copies.every((copy) => copy.generation === merge.generation)
  return merge.content(isSame && copies.every((copy) => copy.bytes === merge.end))
}

async function refuseForeign(disk: Disk): Promise<void> {
  if (!(await disk.list()).some(({ name }) => name === FOREIGN_FILE)) return
  throw new Error(
    `${disk.path} holds metadata of an early version (${FOREIGN_FILE}), which this one does not read. ` +
      'Export the definitions with the version that wrote it, and import them into a new data folder.',
  )
}

/** Newest first. When no header can be read, the first frames know. */
async function generationsOf(copies: readonly JournalCopy[]): Promise<number[]> {
  const found = new Set<number>()
  for (const copy of copies) if (copy.generation > 0) found.add(copy.generation)
  if (found.size === 0) for (const copy of copies) found.add(await copy.firstGeneration())
  return [...found].sort((a, b) => b - a)
}

/** Plays the frames of one generation back, from whichever copy has them. */
class JournalMerge {
  readonly generation: number
  readonly damages: Damage[] = []
  readonly notices: string[] = []
  readonly #mark: StopMark | null
  readonly #entries = new Map<number, StoredEntry>()
  #revision = 0
  #lastStoreId = 0
  #isComplete = false
  #snapshotEnd = 0
  foundLosses = 0
  #oldLosses = 0
  end = FILE_HEADER_BYTES

  constructor(generation: number, mark: StopMark | null) {
    this.generation = generation
    this.#mark = mark
  }

  async read(copies: readonly JournalCopy[]): Promise<void> {
    const compared = copies.map((copy): Compared => ({ copy, gapFrom: -1, gapFrames: 0 }))
    for (const { copy } of compared) if (copy.generation === 0) this.#damaged(copy, 0, FILE_HEADER_BYTES, 'header')
    for (;;) {
      const at = this.end
      let frame: Buffer | null = null
      for (const one of compared) {
        const own = await one.copy.frameAt(at, this.generation)
        if (own === null) this.#miss(one, at)
        else if (one.gapFrom >= 0) this.#closeGap(one, at)
        frame ??= own
      }
      if (frame !== null) {
        this.#apply(frame)
        this.end = at + frame.length
        if (frameKind(frame) === KIND_COMPLETE) this.#snapshotEnd = this.end
        continue
      }
      const next = await this.#nextFrame(copies, at + 8)
      if (next < 0) break
      this.foundLosses++
      this.end = next
    }
    this.#finish(compared)
  }

  content(isSame: boolean): JournalContent {
    const { generation, end, damages, foundLosses, notices } = this
    const lossCount = foundLosses + this.#oldLosses
    const entries = [...this.#entries.values()].map(([storeId, key, value, revision]) => ({
      storeId,
      key,
      value,
      revision,
    }))
    const loaded = { revision: this.#revision, lastStoreId: this.#lastStoreId, entries }
    const isWhole = isSame && damages.length === 0
    const snapshotEnd = this.#snapshotEnd
    return { loaded, generation, snapshotEnd, end, damages, lossCount, foundLosses, notices, isWhole }
  }

  async #nextFrame(copies: readonly JournalCopy[], from: number): Promise<number> {
    let nearest = -1
    for (const copy of copies) {
      const next = await copy.nextFrame(from, this.generation)
      if (next >= 0 && (nearest < 0 || next < nearest)) nearest = next
    }
    return nearest
  }

  #miss(one: Compared, at: number): void {
    if (one.gapFrom < 0) one.gapFrom = at
    one.gapFrames++
  }

  #closeGap(one: Compared, to: number): void {
    this.#damaged(one.copy, one.gapFrom, to, 'checksum')
    one.gapFrom = -1
    one.gapFrames = 0
  }

  /** What is missing at the ends: damage, or a write that was not completed. */
  #finish(compared: readonly Compared[]): void {
    const due = this.#mark?.end ?? 0
    if (!this.#isComplete || due > this.end) this.foundLosses++
    for (const one of compared) {
      // Every copy misses the frame that nobody has.
      const missing = one.gapFrames - 1
      if (missing > 1 || due > one.gapFrom) {
        this.#damaged(one.copy, one.gapFrom, Math.max(this.end, due), 'its end is missing')
      } else if (missing === 1 || one.copy.bytes > this.end) {
        this.notices.push(`The last change in ${one.copy.name} was not written completely.`)
      }
    }
  }

  #damaged(copy: JournalCopy, from: number, to: number, reason: string): void {
    this.damages.push({ file: copy.name, from, to, reason: copy.failure?.message ?? reason })
  }

  #apply(frame: Buffer): void {
    const kind = frameKind(frame)
    // The checksum vouches that we wrote it.
    if (kind === KIND_ENTRIES) this.#put(frameContent(frame) as StoredEntry[])
    else if (kind === KIND_COMPLETE) {
      const { revision, losses } = frameContent(frame) as { readonly revision: number; readonly losses: number }
      this.#revision = Math.max(this.#revision, revision)
      this.#oldLosses = losses
      this.#isComplete = true
    } else if (kind === KIND_CHANGES) {
      const content = frameContent(frame) as { readonly revision: number; readonly changes: (StoredEntry | [number])[] }
      this.#revision = Math.max(this.#revision, content.revision)
      this.#put(content.changes)
    }
  }

  #put(entries: readonly (StoredEntry | [number])[]): void {
    for (const entry of entries) {
      this.#lastStoreId = Math.max(this.#lastStoreId, entry[0])
      if (entry.length === 1) this.#entries.delete(entry[0])
      else this.#entries.set(entry[0], entry)
    }
  }
}
