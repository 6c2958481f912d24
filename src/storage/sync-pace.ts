/**
 * Decides on which thread the local log syncs. The trip to another thread and back takes as long as a fast disk's sync, and a
 * client that waits for each confirm before it publishes again pays it every time. So a sync stays on the thread of the
 * event loop while all of this holds:
 *
 *  - it follows the last one closely: the loop has next to nothing else to do, or its turns would be longer;
 *  - few wait for it, and the batch is small: nobody gains from a batch that grows meanwhile;
 *  - the disk has been fast on the average of late, and has not stalled for a while.
 */

/** From the end of one sync to the begin of the next. */
const GAP_MS_MAX = 0.5
const WAITING_MAX = 2
const BATCH_BYTES_MAX = 4 * 1024
/** On the average; a slower disk makes the trip to a thread cheap. */
const FAST_MS_MAX = 0.5
/** Of the last sync in the average. */
const WEIGHT = 1 / 16
/** Everybody would wait for a sync as long as that. */
const STALL_MS = 20
/** Threads sync for so long after a stall. */
const CAUTION_MS = 30_000

/** Of one log. Told and asked by it alone. Times in monotonic milliseconds. */
export class SyncPace {
  readonly #isAllowed: boolean
  #meanMs = FAST_MS_MAX
  #endedAtMs = Number.NEGATIVE_INFINITY
  #stalledAtMs = Number.NEGATIVE_INFINITY

  /** Not `isAllowed`: always on a thread. */
  constructor(isAllowed: boolean) {
    this.#isAllowed = isAllowed
  }

  /** Whether the sync of `bytes` for which so many wait may hold the event loop up. */
  isOnLoop(nowMs: number, bytes: number, waitingCount: number): boolean {
    if (!this.#isAllowed || waitingCount > WAITING_MAX || bytes > BATCH_BYTES_MAX) return false
    return this.#meanMs < FAST_MS_MAX && nowMs - this.#endedAtMs <= GAP_MS_MAX && nowMs - this.#stalledAtMs > CAUTION_MS
  }

  /** A sync ended, `tookMs` after it had been asked for. */
  ended(nowMs: number, tookMs: number): void {
    this.#endedAtMs = nowMs
    this.#meanMs += (tookMs - this.#meanMs) * WEIGHT
    if (tookMs >= STALL_MS) this.#stalledAtMs = nowMs
  }
}
