/**
 * The contract that every kind of queue fulfils. Sessions, the router and the management know only this.
 *
 * A queue is asked `admit` before a message is written, then `enter` with the written record. It hands entries to
 * consumers at the end of the turn. What a kind cannot do it says in words (`refuses…`): nobody asks which kind it is.
 */

import type { MessageDraft, MessageView } from '../message/message.ts'
import type { Address } from '../message/message-store.ts'
import type { EffectivePolicy } from '../policy/policy.ts'
import type { QueueRecord } from '../records/records.ts'
import type { Arguments } from '../values/arguments.ts'

/** The message takes an owner slot in the shared record and is entered with it. */
export const ADMIT_STORED = 0
/** The message is handed over during `enter` and not kept by this queue. */
export const ADMIT_PASSING = 1
/** The queue is full and rejects: the publisher is told so (nack). */
export const ADMIT_REFUSED = 2
/** The message is not taken (a limit of zero, nobody to take it now), which is nobody's fault: as if delivered. */
export const ADMIT_DROPPED = 3
export type Admission = 0 | 1 | 2 | 3

/** What becomes of a delivered entry. */
export type Outcome =
  /** Consumed. */
  | 'accepted'
  /** Dead-lettered, or dropped; counts as a failed delivery (basic.reject requeue=false, AMQP 1.0 rejected). */
  | 'rejected'
  /** Dead-lettered, or dropped; not counted as failed (basic.nack requeue=false). */
  | 'discarded'
  /** Back to its place; counts as a failed delivery (basic.reject requeue=true, a lost channel). */
  | 'returned-failed'
  /** Back to its place; not counted as failed (basic.nack requeue=true, recover, AMQP 1.0 released). */
  | 'returned'

/** What a session asks for when it subscribes. */
export interface ConsumerSpec {
  readonly tag: string
  readonly noAck: boolean
  readonly exclusive: boolean
  /** Higher is served first; 0 by default. */
  readonly priority: number
  /** Entries in flight at most; 0 is no limit. For display and for kinds that need it: credit itself is the sink's. */
  readonly prefetchCount: number
  /** It shares its prefetch limit with other consumers of its session, which not every kind supports. */
  readonly sharesPrefetch?: boolean
  readonly args: Arguments
  /** For listings: the name of the session, `<connection> (<channel>)`. */
  readonly sessionName: string
  readonly user: string
}

/**
 * The session's side of a consumer. `hasCredit` is a plain field that the session keeps current: the queue reads it
 * before every entry. When it turns true the session calls `Consumer.credited`.
 */
export interface ConsumerSink {
  hasCredit: boolean
  /** For listings: entries delivered and not settled. Undefined when the session does not count them by consumer. */
  readonly unackedCount?: number
  /**
   * Encodes one entry towards the client. `view` is borrowed until return. `deliveryCount` is that of failed deliveries
   * so far, `acquiredCount` of all returns: kinds that do not count give 0 for both.
   */
  deliver(
    view: MessageView,
    sequence: number,
    address: Address,
    redelivered: boolean,
    deliveryCount: number,
    acquiredCount: number,
  ): void
  /** The queue ended the subscription (deleted, timed out, node gone). Entries still unacked stay with the session. */
  cancelled(reason: string): void
}

/** Reason of `cancelled`: a delivery stayed unsettled for longer than `Consumer.ackTimeoutMs`, and went back. */
export const CANCELLED_LATE = 'acknowledgement timeout'

/** The queue's side of a consumer: what the session holds. */
export interface Consumer {
  readonly queue: Queue
  readonly spec: ConsumerSpec
  /** For listings: whether it is the one that receives (single active consumer), or any receives. */
  readonly isActive: boolean
  /** For listings: entries that the session holds; undefined when it does not count them by consumer. */
  readonly heldCount: number | undefined
  /** How long a delivery may stay unsettled, ms; 0 is no limit. */
  readonly ackTimeoutMs: number
  /** The sink has credit again. */
  credited(): void
  /** Settles one delivered entry. Unknown sequences are ignored (the queue was purged of it or is gone). */
  settle(sequence: number, outcome: Outcome): void
  /** Ends the subscription. Unacked entries stay with the session, which settles or returns them later. */
  cancel(): void
}

/** A message taken by `take`. The view is borrowed until the turn ends. */
export interface Taken {
  readonly view: MessageView
  readonly sequence: number
  readonly address: Address
  readonly redelivered: boolean
  readonly deliveryCount: number
  readonly acquiredCount: number
  /** Entries still ready after this one. */
  readonly readyCount: number
}

/** Answers `take`, at once or when the bytes have been read: `null` when the queue is empty. */
export interface TakeSink {
  onTaken(taken: Taken | null): void
}

/** Plain counters, read by the management; all since the queue was created or the broker started. */
export interface QueueCounters {
  published: number
  delivered: number
  deliveredNoAck: number
  got: number
  gotNoAck: number
  getEmpty: number
  acked: number
  redelivered: number
  expired: number
  rejected: number
  droppedMaxLength: number
  deliveryLimitReached: number
}

/** Depth and state at this moment. */
export interface QueueStatus {
  readonly state: 'running' | 'stopped' | 'crashed'
  readonly readyCount: number
  readonly readyBytes: number
  readonly unackedCount: number
  readonly unackedBytes: number
  /** Parked for a delayed retry; counted neither ready nor unacked. */
  readonly delayedCount: number
  readonly persistentCount: number
  /** What its messages take on disk. */
  readonly diskBytes: number
  readonly consumerCount: number
  readonly consumerCapacity: number
  /** Time of publishing of the oldest ready message, ms; 0 when there is none, or its bytes were not in memory yet: `load` them. */
  readonly oldestReadyAtMs: number
  readonly idleSinceMs: number
  readonly singleActiveTag: string | null
  /** Arguments and policy keys in force, merged. */
  readonly effective: Readonly<Record<string, string | number | boolean>>
}

/** What a queue knows of an entry beyond its message. */
export interface EntryFacts {
  readonly redelivered: boolean
  readonly deliveryCount: number
  readonly acquiredCount: number
}

/**
 * The ready entries of a queue, for operators: looked at without consuming, taken out one by one, in any order. Entries go
 * by their sequences. Nothing here is on the path of messages.
 */
export interface QueueContents {
  /** The sequence that the next entry gets: entries from here on came later. */
  readonly end: number
  /** The ready entry that goes out next; 0 when there is none. */
  readonly head: number
  /** Whether consumers get nothing until `resume`. Publishing, `take` and expiry go on. */
  readonly isPaused: boolean
  /** The smallest sequence of a ready entry at or above `from`; 0 when there is none. */
  nextReady(from: number): number
  /** Points the view at a ready entry; false when its bytes are not in memory (then `load`), or it is not there. */
  open(sequence: number, view: MessageView): boolean
  /** Brings a ready entry into memory, and calls `done`. A damaged one is gone then. */
  load(sequence: number, done: () => void): void
  factsOf(sequence: number): EntryFacts
  /** Takes a ready entry out, so that nobody else gets it; false when it is not ready any more. Then `release` it. */
  hold(sequence: number): boolean
  /** Settles an entry that was held, or makes it ready again. Harmless when the queue was deleted meanwhile. */
  release(sequence: number, outcome: 'accepted' | 'returned'): void
  /** Consumers get nothing from now on, until `resume` or the broker's end. */
  pause(): void
  resume(): void
}

/** What a message is published to: a queue, or an exchange that keeps messages (delayed, recent history). */
export interface MessageTarget {
  /** The queue's name; empty for an exchange that keeps messages. */
  readonly name: string
  /** Whether a message takes part in the durable log when this target receives it. */
  keeps(persistent: boolean): boolean
  /** Asked before the record is written. May drop older entries to make room. */
  admit(draft: MessageDraft): Admission
  /**
   * The record is written. `slot` is this target's owner number in it, -1 when it was admitted as passing.
   * Must not publish: the store remembers one record at a time.
   */
  enter(draft: MessageDraft, slot: number, address: Address): void
}

/** A queue of any kind. */
export interface Queue extends MessageTarget {
  readonly record: QueueRecord
  readonly vhost: string
  /** `classic`, `quorum`, …: for listings and replies only. */
  readonly kind: string
  readonly counters: QueueCounters
  readonly consumers: readonly Consumer[]
  /** For operators; null for a kind that keeps nothing. */
  readonly contents: QueueContents | null
  /** Ready entries: what queue.declare-ok reports. */
  readonly readyCount: number

  /** Why this subscription is impossible, as RabbitMQ words it, or undefined. */
  refusesConsumer(spec: ConsumerSpec): Refusal | undefined
  /** Subscribes; `refusesConsumer` was asked before. Delivery starts at the end of the turn. */
  subscribe(spec: ConsumerSpec, sink: ConsumerSink): Consumer
  refusesTake(noAck: boolean): Refusal | undefined
  /** Takes one entry for basic.get. Settlement by `settleTaken`, unless `noAck`. */
  take(noAck: boolean, sink: TakeSink): void
  settleTaken(sequence: number, outcome: Outcome): void

  refusesPurge(): Refusal | undefined
  /** Settles all ready entries; returns how many. */
  purge(): number
  refusesDelete(ifUnused: boolean, ifEmpty: boolean): Refusal | undefined
  /** Ends consumers (they are told), settles everything. Called by the vhost when the queue's record is gone. */
  close(reason: string): void
  /** The broker stops: no settlement, no notice. */
  stop(): void

  /** A declaration renewed the lease of `x-expires`, or someone polled it. */
  touch(): void
  applyPolicy(policy: EffectivePolicy): void
  status(): QueueStatus
}

/** A refusal that a protocol turns into its own error. The text is RabbitMQ's, without the leading name of the code. */
export interface Refusal {
  readonly code:
    | 'precondition-failed'
    | 'access-refused'
    | 'resource-locked'
    | 'not-implemented'
    | 'not-allowed'
    | 'not-found'
    /** The broker cannot do it now: not stored, no majority. */
    | 'unavailable'
    | 'internal-error'
  readonly text: string
}
