/**
 * Counters of the local log, as plain fields; read by statistics, by the congestion bound and by the lazy sync.
 */
import type { LogStats } from './log.ts'

/** Upper bounds of the latency histogram, ms; one more bucket holds the rest. */
export const SYNC_MS_BOUNDS: readonly number[] = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]
/** Upper bounds of the batch histogram, bytes; one more bucket holds the rest. */
export const BATCH_BYTES_BOUNDS: readonly number[] = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576]

function bucketOf(bounds: readonly number[], value: number): number {
  let bucket = 0
  while (bucket < bounds.length && value > bounds[bucket]!) bucket++
  return bucket
}

/** Counts what a local log does. */
export class LogMeter {
  sealedBytes = 0
  writtenBytes = 0
  syncedBytes = 0
  syncedAtMs = Number.NEGATIVE_INFINITY
  batchCount = 0
  syncCount = 0
  syncMsTotal = 0
  failureCount = 0
  damagedBatchCount = 0
  readonly syncHistogram = new Float64Array(SYNC_MS_BOUNDS.length + 1)
  readonly batchHistogram = new Float64Array(BATCH_BYTES_BOUNDS.length + 1)

  sealed(bytes: number): void {
    this.sealedBytes += bytes
    this.batchCount++
    this.batchHistogram[bucketOf(BATCH_BYTES_BOUNDS, bytes)]!++
  }

  synced(nowMs: number, tookMs: number): void {
    this.syncedAtMs = nowMs
    this.syncCount++
    this.syncMsTotal += tookMs
    this.syncHistogram[bucketOf(SYNC_MS_BOUNDS, tookMs)]!++
  }

  stats(fileCount: number, spareCount: number, fileBytes: number): LogStats {
    return {
      fileBytes,
      fileCount,
      spareCount,
      batchCount: this.batchCount,
      syncCount: this.syncCount,
      syncMsTotal: this.syncMsTotal,
      syncHistogram: [...this.syncHistogram],
      batchHistogram: [...this.batchHistogram],
      writtenBytes: this.writtenBytes,
      unsyncedBytes: this.sealedBytes - this.syncedBytes,
      failureCount: this.failureCount,
      damagedBatchCount: this.damagedBatchCount,
    }
  }
}

/** Figures of a log that writes nothing. */
export const NO_STATS: LogStats = new LogMeter().stats(0, 0, 0)
