/**
 * The metadata port on LMDB: crash-safe, in a folder of its own. The one file that knows the library.
 *
 * Everything is read into memory when the store is opened; afterwards LMDB is only written. One group of transactions is
 * one LMDB transaction, committed on a thread of the library's: pages, fdatasync, then the new root. `overlappingSync` is
 * off, so a commit that answered is on the disk.
 *
 *   key: u32 store id        0: the header, JSON {"format":1,"revision":n}        1…: entries
 *   value: crc32 of the rest (u32, big-endian) · JSON [key, value, revision]   (the header likewise)
 *
 * Keys of entries are not LMDB keys, because those have a length limit. Ids are never used twice.
 * Invariant: an entry whose checksum is wrong is reported, kept where it is, and not used.
 */
import { createRequire } from 'node:module'
import { crc32 } from 'node:zlib'
import type { Database, RootDatabase } from 'lmdb'
import type { Logger } from '../base/log.ts'
import { readU32, writeU32 } from '../base/u64.ts'
import type { Metadata, MetadataEntry } from './metadata-port.ts'
import {
  type CommitScheduler,
  type GroupStore,
  type LoadedMetadata,
  MetadataSequencer,
  type StoreChange,
} from './metadata-sequencer.ts'

const FORMAT = 1
const HEADER_ID = 0
const CHECKSUM_BYTES = 4
/**
 * Revisions of ephemeral changes are not stored; starting this much higher keeps revisions of different lives of the
 * process apart. 2⁵³ has room for two million restarts.
 */
const REVISION_LEAP = 2 ** 32

/** Where the store is, and what it tells. */
export interface LmdbMetadataOptions {
  /** Folder; created with its parents when it is not there. */
  readonly dir: string
  readonly logger: Logger
  /** When a turn's transactions start to be committed; `setImmediate` unless a test wants otherwise. */
  readonly schedule?: CommitScheduler
}

/** The opened store with what was found wrong in it. */
export interface OpenedMetadata {
  readonly metadata: Metadata
  /** Store ids of entries whose checksum is wrong: they are left out. */
  readonly damagedIds: readonly number[]
}

interface Header {
  readonly format: number
  readonly revision: number
}

/** Opens or creates the store. Rejects when it is of a newer format, when its header is damaged, or when LMDB refuses. */
export async function openLmdbMetadata(options: LmdbMetadataOptions): Promise<OpenedMetadata> {
  const { open } = loadLibrary()
  const db = open<Buffer, number>({
    path: options.dir,
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'uint32',
    overlappingSync: false,
    eventTurnBatching: false,
    cache: false,
    maxDbs: 1,
  })
  try {
    const { loaded, damagedIds } = load(db, options)
    const metadata = new MetadataSequencer(new LmdbStore(db), loaded, options.schedule ?? setImmediate)
    return { metadata, damagedIds }
  } catch (error) {
    await db.close()
    throw error
  }
}

/**
 * Loading takes long, so only brokers with a data folder pay, and the library's bundled form is taken: 23 ms instead of
 * 38 ms for its modules one by one.
 */
function loadLibrary(): typeof import('lmdb') {
  return createRequire(import.meta.url)('lmdb') as typeof import('lmdb') // Both forms export the same.
}

function load(
  db: Database<Buffer, number>,
  { dir, logger }: LmdbMetadataOptions,
): { readonly loaded: LoadedMetadata; readonly damagedIds: readonly number[] } {
  const entries: (MetadataEntry & { readonly storeId: number })[] = []
  const damagedIds: number[] = []
  let header: Header | undefined
  let lastStoreId = HEADER_ID
  for (const { key: storeId, value: bytes } of db.getRange()) {
    const content = decode(bytes)
    lastStoreId = storeId
    if (storeId === HEADER_ID) header = headerOf(content, dir)
    else if (content === undefined) damagedIds.push(storeId)
    else {
      // The checksum vouches that we wrote it: a triple.
      const [key, value, revision] = content as [readonly string[], unknown, number]
      entries.push({ key, value, revision, storeId })
    }
  }
  if (header === undefined && lastStoreId !== HEADER_ID) throw new Error(`the metadata in ${dir} has no header`)
  for (const storeId of damagedIds) logger.error(`metadata entry ${storeId} in ${dir} is damaged and left out`)
  const revision = header === undefined ? 0 : header.revision + REVISION_LEAP
  return { loaded: { revision, lastStoreId, entries }, damagedIds }
}

function headerOf(content: unknown, dir: string): Header {
  if (content === undefined) throw new Error(`the header of the metadata in ${dir} is damaged`)
  const header = content as Header // Written by us, or by a newer version that keeps `format`.
  if (header.format > FORMAT) {
    throw new Error(`the metadata in ${dir} is of format ${header.format}; this version reads up to ${FORMAT}`)
  }
  return header
}

class LmdbStore implements GroupStore {
  readonly #db: RootDatabase<Buffer, number>

  constructor(db: RootDatabase<Buffer, number>) {
    this.#db = db
  }

  write(changes: readonly StoreChange[], revision: number, done: (error: Error | undefined) => void): void {
    this.#commit(changes, revision).then(
      () => done(undefined),
      async (error: unknown) => done(await causeOf(error)),
    )
  }

  async close(): Promise<void> {
    await this.#db.close()
  }

  #commit(changes: readonly StoreChange[], revision: number): Promise<boolean> {
    return this.#db.batch(() => {
      this.#db.put(HEADER_ID, encode({ format: FORMAT, revision } satisfies Header))
      for (const { storeId, entry } of changes) {
        if (entry === undefined) this.#db.remove(storeId)
        else this.#db.put(storeId, encode([entry.key, entry.value, entry.revision]))
      }
    })
  }
}

/** The library rejects with a general error that carries a promise of the particular one. */
async function causeOf(error: unknown): Promise<Error> {
  const failure = error instanceof Error ? error : new Error(String(error))
  if (!('commitError' in failure)) return failure
  try {
    await failure.commitError
  } catch (cause) {
    return cause instanceof Error ? cause : failure
  }
  return failure
}

function encode(content: unknown): Buffer {
  const json = JSON.stringify(content)
  const bytes = Buffer.allocUnsafe(CHECKSUM_BYTES + Buffer.byteLength(json))
  bytes.write(json, CHECKSUM_BYTES)
  writeU32(bytes, crc32(bytes.subarray(CHECKSUM_BYTES)), 0)
  return bytes
}

/** The content of a value, undefined when it is damaged. */
function decode(bytes: Buffer): unknown {
  if (bytes.length <= CHECKSUM_BYTES) return undefined
  const json = bytes.subarray(CHECKSUM_BYTES)
  return readU32(bytes, 0) === crc32(json) ? JSON.parse(json.toString()) : undefined
}
