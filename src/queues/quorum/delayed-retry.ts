/**
 * Entries that came back and wait before they are delivered again (`delayed-retry-…`). Owned by a quorum queue.
 *
 *   delay = min(min × max(1, failed deliveries), max)
 *
 * After a restart an entry that had come back waits its delay once more, because the ledger keeps counts and not times.
 * [RabbitMQ 4.3: delayed retry]
 */
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'
import type { Ledger } from '../../model/message/message-store.ts'
import { deliveriesOf, returnsOf } from '../common/delivery-counts.ts'
import { SequenceHeap } from '../common/sequence-heap.ts'

/** Which returns are delayed: none, all, those that count as failed, those that do not. */
export type RetryType = 'disabled' | 'all' | 'failed' | 'returned'

/** The policy of delays in force. */
export interface RetryDelay {
  readonly type: RetryType
  readonly minMs: number
  readonly maxMs: number
}

/** No delays. */
export const NO_DELAY: RetryDelay = { type: 'disabled', minMs: 0, maxMs: 0 }

/** The queue that gets its entries back later. */
export interface RetryOwner {
  readonly ledger: Ledger
  wake(): void
}

/** Parked entries. */
export class DelayedRetry implements TimerOwner {
  readonly #timers: TimerWheel
  readonly #owner: RetryOwner
  readonly #timer = new TimerEntry(this)
  readonly #parked = new SequenceHeap()
  delay: RetryDelay = NO_DELAY
  bytes = 0

  constructor(timers: TimerWheel, owner: RetryOwner) {
    this.#timers = timers
    this.#owner = owner
  }

  get count(): number {
    return this.#parked.count
  }

  /** Whether an entry that comes back now has to wait. */
  delays(isFailed: boolean): boolean {
    const { type } = this.delay
    return type === 'all' || (type === 'failed' && isFailed) || (type === 'returned' && !isFailed)
  }

  /** Whether an entry found after a restart, with these counts, has to wait. */
  delaysRecovered(counts: number): boolean {
    const failed = deliveriesOf(counts)
    return (failed > 0 && this.delays(true)) || (returnsOf(counts) > failed && this.delays(false))
  }

  /** Parks an entry, whose counts are up to date. */
  park(sequence: number, counts: number, nowMs: number): void {
    const { minMs, maxMs } = this.delay
    this.bytes += this.#owner.ledger.weightOf(sequence)
    this.#parked.push(nowMs + Math.min(minMs * Math.max(1, deliveriesOf(counts)), maxMs), sequence)
    this.#arm()
  }

  /** The next entry whose delay is over; 0 when there is none. */
  next(nowMs: number): number {
    if (this.#parked.firstKey > nowMs) {
      this.#arm()
      return 0
    }
    const sequence = this.#parked.pop()
    this.bytes -= this.#owner.ledger.weightOf(sequence)
    return sequence
  }

  stop(): void {
    this.#timers.cancel(this.#timer)
  }

  onTimer(): void {
    this.#owner.wake()
  }

  #arm(): void {
    if (this.#parked.firstKey !== this.#timer.atMs) this.#timers.schedule(this.#timer, this.#parked.firstKey)
  }
}
