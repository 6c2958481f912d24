/**
 * The log: a port. The store appends records to it and learns when they are durable; at start it gets them back.
 * Implementations: `LocalLog` over a disk, `MemoryLog` without one, `AdversarialLog` for tests; one suite that all pass
 * (`log-suite.ts`). A distributed log can stand here later; how the contract maps onto that is decision record 0002.
 *
 * Records are put straight into the open block (`appender`), a batch at a time. A batch is sealed when the log can write,
 * and carries epoch, position, parent and checksum. Positions grow, are never used again, and are the records' addresses.
 *
 *   L1  `durable` covers everything before it and is the only source of confirms.
 *   L2  What was durable comes back from `follow`, in order, each record once; of the rest, a prefix or nothing.
 *   L3  A batch comes back whole or not at all.
 *   L4  A block goes only when its owner released it, the release itself would be found again (the log was durable up to
 *       it), and a complete snapshot began behind it.
 *   L5  A full or broken disk is a `durable` that does not come: nothing is lost, nothing is thrown, and it goes on later.
 */
import type { Appender } from './appender.ts'
import type { Block } from './block.ts'
import type { Tail } from './tail.ts'

/** Told, once, that the log is durable up to here. */
export interface DurableSink {
  onDurable(upTo: number): void
}

/** Gets the log back at start, batch by batch. */
export interface FollowSink {
  /** Records lie in `[from, to)` of the words' bytes; `at` of the block corresponds to `from`. Borrowed until return. */
  onBatch(block: Block, bytes: Buffer, words: Uint32Array, from: number, to: number): void
  /** Bytes read so far, of so many. */
  onProgress(bytes: number, bytesTotal: number): void
}

/** Something the log's owner should do or know. */
export interface LogOwner {
  /** The log can write again, or has become durable: there may be something to seal. */
  onLogReady(): void
  /** The event loop stood still until the log was durable: who waits should hear of it before anybody else gets work done. */
  onHeldUp(): void
  /** The log went on to another block; this one is closed. */
  onBlockClosed(block: Block): void
}

/** Whether the log can write, and if not, why. */
export interface LogHealth {
  readonly state: 'running' | 'failed'
  /** The system's code and text, '' while running. */
  readonly reason: string
  readonly sinceMs: number
}

/** Figures of a log, since it was opened. */
export interface LogStats {
  readonly fileBytes: number
  readonly fileCount: number
  readonly spareCount: number
  readonly batchCount: number
  readonly syncCount: number
  readonly syncMsTotal: number
  /** Counts per bucket of `SYNC_MS_BOUNDS` and `BATCH_BYTES_BOUNDS`. */
  readonly syncHistogram: readonly number[]
  readonly batchHistogram: readonly number[]
  readonly writtenBytes: number
  readonly unsyncedBytes: number
  readonly failureCount: number
  readonly damagedBatchCount: number
}

/** A log. */
export interface Log {
  readonly appender: Appender
  readonly tail: Tail
  /** False when nothing comes back after a restart: settlements and snapshots need not be appended. */
  readonly isLasting: boolean
  readonly durable: number
  readonly appended: number
  /** A flush now would seal what is open. */
  readonly canSeal: boolean
  /** The open batch has records. */
  readonly hasOpen: boolean
  /** Bytes sealed since the log was opened. */
  readonly sealedBytes: number
  /** Released blocks that are kept until the next complete snapshot. */
  readonly heldCount: number
  /** More is unsynced than the bound allows: whoever can should stop appending. */
  readonly isCongested: boolean
  readonly health: LogHealth
  setOwner(owner: LogOwner): void
  /** At start, once: gives the sink what is there, then opens the log for appending. */
  follow(sink: FollowSink): Promise<void>
  /** Seals and writes what was appended, when it can. */
  flush(): void
  awaitDurable(sink: DurableSink): void
  /** The snapshot that ends here, at the log's end, describes everything before `keepFrom` that is worth keeping. */
  completeSnapshot(keepFrom: number): void
  /** The owner needs nothing of this closed block any more. */
  release(block: Block): void
  /** The last appended bytes are durable when it resolves; then files are closed. Rejects when they cannot be. */
  close(): Promise<void>
  stats(): LogStats
}
