/**
 * A token bucket: so many per second on average, and what a second brings at once after a pause. Time is an argument.
 *
 * It never refuses: who takes more than is there leaves a debt, and is told how long it lasts.
 */

const SECOND_MS = 1_000

/** One limit of one owner. */
export class TokenBucket {
  readonly perSecond: number
  #tokens: number
  #filledMs: number

  /** `perSecond` is above 0. The bucket starts full. */
  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond
    this.#tokens = perSecond
    this.#filledMs = nowMs
  }

  /** Takes so many; returns how long nothing more should be taken, in whole ms: 0 while there are some left. */
  take(count: number, nowMs: number): number {
    this.#fill(nowMs)
    this.#tokens -= count
    return this.waitMs(nowMs)
  }

  /** How long the debt lasts, in whole ms. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs)
    const debtMs = (-this.#tokens / this.perSecond) * SECOND_MS
    // Sums of fractions are not exact: a debt below a microsecond is none.
    return Math.max(0, Math.ceil(debtMs - 1e-3))
  }

  #fill(nowMs: number): void {
    // A clock that was set back brings nothing, and takes nothing away.
    const passedMs = Math.max(0, nowMs - this.#filledMs)
    this.#filledMs = nowMs
    this.#tokens = Math.min(this.perSecond, this.#tokens + (passedMs * this.perSecond) / SECOND_MS)
  }
}
