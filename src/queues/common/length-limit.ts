/**
 * How much may be ready in a queue, and what happens to what is too much. Counts ready entries and their bodies only.
 */

/** `drop-head`: the oldest go · `reject-publish`: the new one is refused · `reject-publish-dlx`: and dead-lettered. */
export type Overflow = 'drop-head' | 'reject-publish' | 'reject-publish-dlx'

/** The share of a limit below which a queue that refused takes messages again, where a kind has such a mark. */
const LOW_MARK = 0.8

/** The limit of a queue. */
export class LengthLimit {
  /** `Infinity` is no limit. */
  readonly countMax: number
  readonly bytesMax: number
  readonly overflow: Overflow

  constructor(countMax: number, bytesMax: number, overflow: Overflow) {
    this.countMax = countMax
    this.bytesMax = bytesMax
    this.overflow = overflow
  }

  /** Whether new messages are refused rather than old ones dropped. */
  get refuses(): boolean {
    return this.overflow !== 'drop-head'
  }

  isExceededBy(count: number, bytes: number): boolean {
    return count > this.countMax || bytes > this.bytesMax
  }

  /** Whether the queue has come down far enough to take messages again. */
  isRelaxedAt(count: number, bytes: number): boolean {
    return count <= this.countMax * LOW_MARK && bytes <= this.bytesMax * LOW_MARK
  }
}
