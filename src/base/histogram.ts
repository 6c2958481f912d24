/**
 * Counts of values by size: how many lay in each of a few ranges. Whoever measures calls `observe`; metrics read the fields.
 */

/** Upper bounds for times that people wait, ms: from a tenth of a millisecond to an hour. */
export const WAIT_MS_BOUNDS: readonly number[] = [
  0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 30_000, 60_000, 600_000, 3_600_000,
]

/** Values by ranges. */
export class Histogram {
  /** Upper bounds, ascending; a value that equals one is below it. */
  readonly bounds: readonly number[]
  /** One per bound, and one more for what is above all. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  /** Counts a value, as often as it occurred. O(bounds). */
  observe(value: number, times = 1): void {
    let bucket = 0
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++
    this.counts[bucket]! += times
    this.sum += value * times
  }
}
