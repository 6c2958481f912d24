/**
 * What becomes of delivered entries of a quorum queue: who holds them, how often they came back, when they are given up,
 * and when they are delivered again. Owned by the queue.
 *
 * A settlement counts only when it comes from the holder: a consumer whose delivery timed out holds it no more.
 *
 * Invariant: every delivered entry that is not settled is in flight, parked, ready again, or dead. [RabbitMQ 4.3: poison
 * messages, delayed retry, delivery acknowledgement timeout]
 */
import type { Ledger } from '../../model/message/message-store.ts'
import type { Outcome, QueueCounters } from '../../model/queue/queue.ts'
import type { QueueHost } from '../../model/queue/queue-host.ts'
import { deliveriesOf, reasonOf, withFailure, withReturn } from '../common/delivery-counts.ts'
import type { Entries } from '../common/entries.ts'
import type { Subscription } from '../common/subscription.ts'
import { AckTimeouts, type TimeoutOwner } from './ack-timeouts.ts'
import { DelayedRetry, type RetryDelay, type RetryOwner } from './delayed-retry.ts'
import { InFlight, TAKER } from './in-flight.ts'
import { UNLIMITED_DELIVERIES } from './quorum-settings.ts'

/** The queue whose entries were delivered. */
export interface HoldingsOwner extends RetryOwner {
  readonly host: QueueHost
  readonly ledger: Ledger
  readonly counters: QueueCounters
  /** The subscription holds nothing any more. */
  onFree(subscription: Subscription): void
  /** The subscription was late, and has lost its entries. */
  onLate(subscription: Subscription): void
}

/** Delivered entries. */
export class Holdings implements TimeoutOwner {
  readonly #owner: HoldingsOwner
  readonly #entries: Entries
  readonly #inFlight = new InFlight()
  readonly #timeouts: AckTimeouts
  readonly #retries: DelayedRetry
  /** By id, those that are subscribed or hold something. */
  readonly holders = new Map<number, Subscription>()
  /** Failed deliveries allowed, or `UNLIMITED_DELIVERIES`. */
  deliveryLimit = UNLIMITED_DELIVERIES

  constructor(owner: HoldingsOwner, entries: Entries) {
    this.#owner = owner
    this.#entries = entries
    this.#timeouts = new AckTimeouts(owner.host.timers, this.#inFlight, this)
    this.#retries = new DelayedRetry(owner.host.timers, owner)
  }

  get unackedCount(): number {
    return this.#inFlight.count
  }

  get parkedCount(): number {
    return this.#retries.count
  }

  get parkedBytes(): number {
    return this.#retries.bytes
  }

  set delay(delay: RetryDelay) {
    this.#retries.delay = delay
  }

  // Subscriptions

  add(subscription: Subscription): void {
    this.holders.set(subscription.id, subscription)
  }

  /** The subscription has ended; what it holds it may still settle. */
  end(subscription: Subscription): void {
    if (subscription.unackedCount === 0) this.holders.delete(subscription.id)
  }

  // Delivering

  hold(consumer: Subscription, sequence: number, nowMs: number): void {
    this.#inFlight.add(sequence, consumer.id, nowMs)
    consumer.unackedCount++
    if (consumer.ackTimeoutMs > 0) this.#timeouts.delivered(nowMs, consumer.ackTimeoutMs)
  }

  holdTaken(sequence: number): void {
    this.#inFlight.add(sequence, TAKER, 0)
  }

  // Settling

  settle(subscription: Subscription, sequence: number, outcome: Outcome): void {
    if (this.#inFlight.holderOf(sequence) !== subscription.id) return
    this.#release(subscription, sequence)
    this.#conclude(sequence, outcome)
  }

  settleTaken(sequence: number, outcome: Outcome): void {
    if (this.#inFlight.holderOf(sequence) !== TAKER) return
    this.#inFlight.remove(sequence)
    this.#conclude(sequence, outcome)
  }

  onTimedOut(subscription: Subscription, sequences: readonly number[]): void {
    for (const sequence of sequences) this.settle(subscription, sequence, 'returned')
    if (!subscription.isCancelled) this.#owner.onLate(subscription)
  }

  /** Gives back what was parked until now. */
  returnParked(nowMs: number): void {
    if (this.#retries.count === 0) return
    for (let sequence = this.#retries.next(nowMs); sequence !== 0; sequence = this.#retries.next(nowMs)) {
      if (this.#owner.ledger.addressOf(sequence) !== 0) this.#entries.giveBack(sequence)
    }
  }

  // Starting and stopping

  /** Puts those of the recovered entries aside that are dead or have to wait. */
  recover(upTo: number): void {
    const ledger = this.#owner.ledger
    const nowMs = this.#owner.host.clock.nowMs()
    for (let at = ledger.nextLive(1); at <= upTo && at < ledger.nextSequence; at = ledger.nextLive(at + 1)) {
      const counts = ledger.recall(at)
      const reason = reasonOf(counts)
      if (reason === null && (counts === 0 || !this.#retries.delaysRecovered(counts))) continue
      this.#entries.holdBack(at)
      if (reason !== null) this.#entries.die(at, reason)
      else this.#retries.park(at, counts, nowMs)
    }
  }

  stop(): void {
    this.#timeouts.stop()
    this.#retries.stop()
  }

  // Helpers

  #release(subscription: Subscription, sequence: number): void {
    this.#inFlight.remove(sequence)
    if (--subscription.unackedCount > 0) return
    if (subscription.isCancelled) this.holders.delete(subscription.id)
    else this.#owner.onFree(subscription)
  }

  /** Decides about an entry that nobody holds any more. */
  #conclude(sequence: number, outcome: Outcome): void {
    const { ledger, counters } = this.#owner
    // The queue is gone, or the entry was damaged.
    if (ledger.addressOf(sequence) === 0) return
    switch (outcome) {
      case 'accepted':
        counters.acked++
        return this.#entries.settle(sequence)
      case 'rejected':
      case 'discarded':
        counters.rejected++
        if (outcome === 'rejected') ledger.remember(sequence, withFailure(ledger.recall(sequence)))
        return this.#entries.die(sequence, 'rejected')
      case 'returned':
      case 'returned-failed':
        return this.#comeBack(sequence, outcome === 'returned-failed')
    }
  }

  #comeBack(sequence: number, isFailed: boolean): void {
    const { ledger, counters, host } = this.#owner
    const counts = withReturn(ledger.recall(sequence), isFailed)
    ledger.remember(sequence, counts)
    if (isFailed && this.deliveryLimit !== UNLIMITED_DELIVERIES && deliveriesOf(counts) > this.deliveryLimit) {
      counters.deliveryLimitReached++
      return this.#entries.die(sequence, 'delivery_limit')
    }
    if (this.#retries.delays(isFailed)) this.#retries.park(sequence, counts, host.clock.nowMs())
    else this.#entries.giveBack(sequence)
    this.#owner.wake()
  }
}
