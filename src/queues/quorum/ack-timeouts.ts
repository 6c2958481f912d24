/**
 * Finds deliveries that stayed unsettled for too long (`consumer-timeout`). Owned by a quorum queue.
 *
 * The timer is set for the oldest delivery that could be overdue; when it fires all unacked entries are looked at, which
 * happens about once per timeout. [RabbitMQ: delivery acknowledgement timeout]
 */
import { NEVER } from '../../base/clock.ts'
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'
import type { Subscription } from '../common/subscription.ts'
import type { InFlight } from './in-flight.ts'

/** The queue whose consumers may be late. */
export interface TimeoutOwner {
  /** By id, those that hold entries or may get some. */
  readonly holders: ReadonlyMap<number, Subscription>
  /** The subscription is late with these entries. */
  onTimedOut(subscription: Subscription, sequences: readonly number[]): void
}

/** The acknowledgements that a queue waits for. */
export class AckTimeouts implements TimerOwner {
  readonly #timers: TimerWheel
  readonly #inFlight: InFlight
  readonly #owner: TimeoutOwner
  readonly #timer = new TimerEntry(this)

  constructor(timers: TimerWheel, inFlight: InFlight, owner: TimeoutOwner) {
    this.#timers = timers
    this.#inFlight = inFlight
    this.#owner = owner
  }

  /** Something was delivered now to a subscription with a timeout. */
  delivered(nowMs: number, timeoutMs: number): void {
    if (nowMs + timeoutMs < this.#timer.atMs) this.#timers.schedule(this.#timer, nowMs + timeoutMs)
  }

  stop(): void {
    this.#timers.cancel(this.#timer)
  }

  onTimer(nowMs: number): void {
    const late = new Map<Subscription, number[]>()
    let nextMs = NEVER
    this.#inFlight.forEach((sequence, holder, sinceMs) => {
      const subscription = this.#owner.holders.get(holder)
      if (subscription === undefined || subscription.ackTimeoutMs === 0) return
      const dueMs = sinceMs + subscription.ackTimeoutMs
      if (dueMs > nowMs) {
        if (dueMs < nextMs) nextMs = dueMs
        return
      }
      const sequences = late.get(subscription)
      if (sequences === undefined) late.set(subscription, [sequence])
      else sequences.push(sequence)
    })
    this.#timers.schedule(this.#timer, nextMs)
    for (const [subscription, sequences] of late) this.#owner.onTimedOut(subscription, sequences)
  }
}
