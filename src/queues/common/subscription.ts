/**
 * One consumer of a queue: what the session holds (`Consumer`) and what the queue knows about it.
 */
import type { Consumer, ConsumerSink, ConsumerSpec, Outcome, Queue } from '../../model/queue/queue.ts'

/** The queue's side of its subscriptions. */
export interface SubscriptionHome extends Queue {
  onCredited(subscription: Subscription): void
  onSettle(subscription: Subscription, sequence: number, outcome: Outcome): void
  onCancel(subscription: Subscription): void
  isActive(subscription: Subscription): boolean
}

/** A consumer. */
export class Subscription implements Consumer {
  readonly #home: SubscriptionHome
  readonly spec: ConsumerSpec
  readonly sink: ConsumerSink
  readonly noAck: boolean
  readonly priority: number
  /** Distinguishes the consumers of a queue; from 1, never used again. */
  readonly id: number
  /** Whether it stands in the line of those that may have credit. Written by the roster alone. */
  isWaiting = false
  isCancelled = false
  /** Entries delivered to it and not settled; counted by kinds that need it. */
  unackedCount = 0
  /** How long a delivery may stay unsettled, ms; 0 is no limit. */
  ackTimeoutMs = 0

  constructor(home: SubscriptionHome, spec: ConsumerSpec, sink: ConsumerSink, id: number) {
    this.#home = home
    this.spec = spec
    this.sink = sink
    this.noAck = spec.noAck
    this.priority = spec.priority
    this.id = id
  }

  get queue(): Queue {
    return this.#home
  }

  get isActive(): boolean {
    return this.#home.isActive(this)
  }

  get heldCount(): number | undefined {
    return this.sink.unackedCount
  }

  credited(): void {
    if (!this.isCancelled) this.#home.onCredited(this)
  }

  settle(sequence: number, outcome: Outcome): void {
    this.#home.onSettle(this, sequence, outcome)
  }

  cancel(): void {
    if (!this.isCancelled) this.#home.onCancel(this)
  }
}
