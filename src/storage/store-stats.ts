/**
 * The figures of a message store, for the management and the metrics. Computed when asked.
 */
import type { LogStats } from './log.ts'

/** Since the store was opened, unless said otherwise. */
export interface StoreStats {
  readonly log: LogStats
  /** Blocks there are, and the memory they take now. */
  readonly blockCount: number
  readonly residentBytes: number
  /** Blocks whose memory was given to another. */
  readonly evictionCount: number
  /** Index pages in use now (2 KiB each). */
  readonly indexPageCount: number
  readonly loadCount: number
  readonly loadedBytes: number
  /** Memory of parts read back, now. */
  readonly windowBytes: number
  readonly compactedBytes: number
  readonly spilledBytes: number
  readonly liveBytes: number
  readonly snapshotCount: number
}
