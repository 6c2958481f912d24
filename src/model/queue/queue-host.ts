/**
 * What a queue gets from its vhost, and what a kind of queue tells about itself.
 *
 * The composition root fills a map of kinds; the vhost asks a kind about declarations and lets it create queues. Nobody
 * else knows which kinds there are.
 */
import type { Clock } from '../../base/clock.ts'
import type { Histogram } from '../../base/histogram.ts'
import type { Logger } from '../../base/log.ts'
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Turn } from '../../base/turn.ts'
import type { MessageStore } from '../message/message-store.ts'
import type { DeathCounters } from '../observe/deaths.ts'
import type { Events } from '../observe/events.ts'
import type { EffectivePolicy } from '../policy/policy.ts'
import type { QueueRecord } from '../records/records.ts'
import type { Arguments } from '../values/arguments.ts'
import type { DeadLetterSink } from './dead-letter.ts'
import type { Queue, Refusal } from './queue.ts'

/** Why a queue asks to be deleted: its last consumer went (auto-delete), or its lease ended (x-expires). */
export type DeleteReason = 'unused' | 'expired'

/** Settings that queues go by where neither argument nor policy says otherwise. */
export interface QueueDefaults {
  /** How long a delivery of a quorum queue may stay unsettled, ms; 0 is no limit. */
  readonly consumerTimeoutMs: number
  /** Failed deliveries after which a quorum queue gives an entry up; negative is no limit. */
  readonly deliveryLimit: number
}

/** RabbitMQ's defaults. */
export const QUEUE_DEFAULTS: QueueDefaults = { consumerTimeoutMs: 1_800_000, deliveryLimit: 20 }

/** The world of a queue. */
export interface QueueHost {
  readonly turn: Turn
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly store: MessageStore
  readonly deadLetters: DeadLetterSink
  readonly defaults: QueueDefaults
  /** Consumers that come and go are announced here. */
  readonly events: Events
  /** How long messages were in a queue when they were delivered. */
  readonly waitMs: Histogram
  /** Entries that died. */
  readonly deaths: DeathCounters
  /** Category `queue`. */
  readonly log: Logger
  /** The queue wants to go. The vhost deletes its record, and calls `close` when that is done. Called once. */
  requestDelete(queue: Queue, reason: DeleteReason): void
}

/** The properties of a declaration, as a kind judges them. The exclusive owner has made `durable` false already. */
export interface QueueProperties {
  readonly vhost: string
  readonly name: string
  readonly durable: boolean
  readonly exclusive: boolean
  readonly autoDelete: boolean
}

/** A kind of queue. */
export interface QueueKind {
  /** The value of `x-queue-type`. */
  readonly name: string
  /** Whether the broker may make up the name. */
  readonly isServerNamed: boolean
  /** Arguments that a redeclaration must repeat; others are stored and not compared. */
  readonly comparedArguments: readonly string[]
  /** Policies that set one of these keys do not apply to queues of this kind; undefined when it can live with any. */
  readonly unsupportedPolicyKeys?: ReadonlySet<string>
  /** Why a queue of these properties and arguments cannot be (406, 540, 541), or undefined. */
  refusesDeclaration(properties: QueueProperties, args: Arguments): Refusal | undefined
  /**
   * A queue over its ledger, with the entries that the ledger holds.
   * The store is recovered by then; delivery starts when consumers come.
   */
  create(record: QueueRecord, policy: EffectivePolicy, host: QueueHost): Queue
}

/** Kinds by the value of `x-queue-type`. */
export type QueueKinds = ReadonlyMap<string, QueueKind>
