/**
 * Where the metadata lives on a disk: a journal of changes in two copies that are written and synced together, so that
 * damage of one costs nothing. Implements `GroupStore` for the sequencer. `journal-format.ts` draws the bytes.
 *
 *   write → frame → a.journal ┐
 *                   b.journal ┴→ both synced → done          grown to twice the snapshot: written anew, next generation
 *
 * Everything is in the sequencer's memory; the files are only read when the folder is opened. Writing anew goes through
 * `*.journal.new` in slices and ends with renames, so that at every moment a whole journal is on the disk.
 *
 * Invariants: both copies end at `#end` with the same bytes, or the journal is written anew before the next change.
 * A change that failed is cut off again, best effort; after a failed sync nothing that the page cache says is believed.
 */
import type { Logger } from '../base/log.ts'
import { type Disk, DiskError, type DiskFile } from './disk.ts'
import {
  encodeFrame,
  encodeHeader,
  FILE_HEADER_BYTES,
  KIND_CHANGES,
  KIND_COMPLETE,
  KIND_ENTRIES,
} from './journal-format.ts'
import { JOURNAL_NAMES, type JournalContent, NEW_SUFFIX } from './journal-reader.ts'
import { QUARANTINE } from './log-files.ts'
import type { MetadataEntry } from './metadata-port.ts'
import type { GroupStore, StoreChange } from './metadata-sequencer.ts'
import { removeStopMark, writeStopMark } from './stop-mark.ts'

/** An entry that belongs in the store. */
export type StoredMetadata = MetadataEntry & { readonly storeId: number }

/** Larger frames are written by another thread. */
const WRITE_NOW_BYTES_MAX = 64 * 1024
/** Entries in a frame of the snapshot: what one slice of writing anew takes. */
const SLICE_ENTRIES = 256
/** The journal is written anew when it has grown by as much as its snapshot, and by this at least. */
const GROWTH_BYTES_MIN = 1024 * 1024
const COPY_BYTES = 1024 * 1024

/** What the journal is built from. */
export interface JournalParts {
  readonly disk: Disk
  readonly logger: Logger
  readonly content: JournalContent
  /** All entries that are durable. */
  readonly entries: () => readonly StoredMetadata[]
}

/** The two files. */
export class MetadataJournal implements GroupStore {
  readonly #disk: Disk
  readonly #logger: Logger
  readonly #entries: () => readonly StoredMetadata[]
  #files: DiskFile[] = []
  #generation: number
  #revision: number
  #snapshotEnd: number
  #end: number
  #lossCount: number
  /** Damaged copies that are to be set aside before they are replaced. */
  #damaged: readonly string[]
  #isMarked = true
  #mustRewrite: boolean
  /** Grown so far, the journal is written anew. */
  #rewriteAt = 0
  #idle: Promise<void> = Promise.resolve()

  constructor({ disk, logger, content, entries }: JournalParts) {
    this.#disk = disk
    this.#logger = logger
    this.#entries = entries
    this.#generation = content.generation
    this.#revision = content.loaded.revision
    this.#snapshotEnd = content.snapshotEnd
    this.#end = content.end
    this.#lossCount = content.lossCount
    this.#damaged = [...new Set(content.damages.map(({ file }) => file))]
    this.#mustRewrite = !content.isWhole
    this.#planRewrite()
  }

  /** Makes the files ready for changes: as early as possible, and again before a change when the disk refused. */
  async prepare(): Promise<void> {
    if (this.#mustRewrite) await this.#rewrite()
    if (this.#files.length === 0) for (const name of JOURNAL_NAMES) this.#files.push(await this.#disk.open(name, false))
    if (this.#isMarked) await removeStopMark(this.#disk)
    this.#isMarked = false
  }

  write(changes: readonly StoreChange[], revision: number, done: (error: Error | undefined) => void): void {
    this.#idle = this.#idle
      .then(() => this.#append(changes, revision))
      .then(
        () => {
          done(undefined)
          return this.#rewriteWhenDue()
        },
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      )
      .catch((error: unknown) => this.#logger.error('a bug in the metadata', { error }))
  }

  async close(): Promise<void> {
    await this.#idle
    await this.#closeFiles()
    if (this.#mustRewrite || this.#isMarked) return
    try {
      await writeStopMark(this.#disk, { end: this.#end, detail: this.#generation })
    } catch (error) {
      this.#logger.warning('the metadata is complete, but its clean stop could not be noted', { error })
    }
  }

  // Changes

  async #append(changes: readonly StoreChange[], revision: number): Promise<void> {
    await this.prepare()
    const rows = changes.map(({ storeId, entry }) =>
      entry === undefined ? [storeId] : [storeId, entry.key, entry.value, entry.revision],
    )
    const at = this.#end
    const frame = encodeFrame(KIND_CHANGES, { revision, changes: rows }, at, this.#generation)
    try {
      await this.#writeBoth(this.#files, frame, at)
    } catch (error) {
      for (const file of this.#files) await file.truncate(at).catch(() => undefined)
      throw error
    }
    try {
      await this.#syncBoth(this.#files)
    } catch (error) {
      this.#mustRewrite = true
      for (const file of this.#files) await file.truncate(at).catch(() => undefined)
      throw error
    }
    this.#end = at + frame.length
    this.#revision = revision
  }

  async #writeBoth(files: readonly DiskFile[], bytes: Buffer, at: number): Promise<void> {
    for (const file of files) {
      if (bytes.length <= WRITE_NOW_BYTES_MAX) file.writeNow(bytes, 0, bytes.length, at)
      else await file.write(bytes, 0, bytes.length, at)
    }
  }

  async #syncBoth(files: readonly DiskFile[]): Promise<void> {
    const results = await Promise.allSettled(files.map((file) => file.sync()))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  // Writing anew

  async #rewriteWhenDue(): Promise<void> {
    if (this.#end < this.#rewriteAt) return
    try {
      await this.#rewrite()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      // Nothing is lost: the old files go on. Tried again when they have grown some more.
      this.#rewriteAt = 2 * this.#end
      this.#logger.warning('the journal of the metadata could not be written anew', { error })
    }
  }

  /** Writes what is in memory to fresh files, which take the place of the present ones. */
  async #rewrite(): Promise<void> {
    for (const name of this.#damaged) await setAside(this.#disk, name)
    const generation = this.#generation + 1
    const fresh: DiskFile[] = []
    try {
      for (const name of JOURNAL_NAMES) {
        const file = await this.#disk.open(name + NEW_SUFFIX, true)
        fresh.push(file)
        await file.truncate(0)
      }
      const end = await this.#writeSnapshot(fresh, generation)
      await this.#syncBoth(fresh)
      await this.#disk.syncFolder()
      // From here on the present files may be gone from their names.
      this.#mustRewrite = true
      for (const name of JOURNAL_NAMES) await this.#disk.rename(name + NEW_SUFFIX, name)
      await this.#disk.syncFolder()
      this.#snapshotEnd = end
      this.#end = end
    } catch (error) {
      for (const file of fresh) await file.close()
      throw error
    }
    this.#generation = generation
    await this.#closeFiles()
    this.#files = fresh
    this.#damaged = []
    this.#mustRewrite = false
    this.#planRewrite()
  }

  async #writeSnapshot(files: readonly DiskFile[], generation: number): Promise<number> {
    await this.#writeBoth(files, encodeHeader(generation), 0)
    const entries = this.#entries()
    let at = FILE_HEADER_BYTES
    const put = async (kind: number, content: unknown): Promise<void> => {
      const frame = encodeFrame(kind, content, at, generation)
      for (const file of files) await file.write(frame, 0, frame.length, at)
      at += frame.length
    }
    for (let from = 0; from < entries.length; from += SLICE_ENTRIES) {
      const slice = entries.slice(from, from + SLICE_ENTRIES)
      await put(
        KIND_ENTRIES,
        slice.map(({ storeId, key, value, revision }) => [storeId, key, value, revision]),
      )
    }
    await put(KIND_COMPLETE, { entries: entries.length, revision: this.#revision, losses: this.#lossCount })
    return at
  }

  #planRewrite(): void {
    this.#rewriteAt = this.#snapshotEnd + Math.max(GROWTH_BYTES_MIN, this.#snapshotEnd)
  }

  async #closeFiles(): Promise<void> {
    const files = this.#files
    this.#files = []
    for (const file of files) await file.close()
  }
}

/** Copies a damaged file to the quarantine folder, as far as it can be read. */
async function setAside(disk: Disk, name: string): Promise<void> {
  const entry = (await disk.list()).find((each) => each.name === name)
  if (entry === undefined) return
  const from = await disk.open(name, false)
  const to = await disk.open(`${QUARANTINE}/${name}`, true)
  try {
    await to.truncate(0)
    const bytes = Buffer.allocUnsafe(Math.min(COPY_BYTES, entry.bytes))
    for (let at = 0; at < entry.bytes; at += bytes.length) {
      const count = await from.read(bytes, 0, bytes.length, at).catch(() => 0)
      await to.write(bytes, 0, count, at)
    }
    await to.sync()
  } finally {
    await from.close()
    await to.close()
  }
}
