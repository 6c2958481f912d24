/**
 * What a broker's model is made of and works with: handed in by the composition root, shared by all vhosts.
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Randomness } from '../base/random.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Turn } from '../base/turn.ts'
import type { MessageFormats } from './message/message-format.ts'
import type { MessageStore } from './message/message-store.ts'
import type { BrokerCounters } from './observe/counters.ts'
import type { Events } from './observe/events.ts'
import type { Policies } from './policy/policies.ts'
import type { DeadLetterSink } from './queue/dead-letter.ts'
import type { QueueDefaults, QueueKinds } from './queue/queue-host.ts'
import type { Metadata } from './records/metadata.ts'
import type { ExchangeType } from './routing/exchange.ts'
import type { Publisher } from './routing/publisher.ts'
import type { Arguments } from './values/arguments.ts'

/** Encodes the properties of messages that the broker itself makes (trace, events), in one protocol's encoding. */
export interface PropertiesEncoder {
  /** `PROTOCOL_…` of `message.ts`. */
  readonly protocol: number
  /** Properties with these headers. `timestampMs` 0: no timestamp. Owned by the caller. */
  encode(headers: Arguments, persistent: boolean, timestampMs: number): Buffer
}

/** Settings of the model. */
export interface ModelSettings {
  readonly nodeName: string
  /** Queue type where neither declaration nor vhost names one. */
  readonly defaultQueueType: string
  /** Whether queues may be neither durable nor exclusive (`deprecated_features.permit.transient_nonexcl_queues`). */
  readonly permitsTransientQueues: boolean
  /** Limits of the node; `Infinity` is none. */
  readonly queueCountMax: number
  readonly exchangeCountMax: number
  readonly vhostCountMax: number
  readonly connectionCountMax: number
  readonly queueDefaults: QueueDefaults
}

/** What the composition root hands in. */
export interface WorldOptions {
  readonly metadata: Metadata
  readonly store: MessageStore
  readonly turn: Turn
  readonly timers: TimerWheel
  readonly clock: Clock
  readonly randomness: Randomness
  /** Categories are made from it. */
  readonly logger: Logger
  readonly exchangeTypes: ReadonlyMap<string, ExchangeType>
  readonly queueKinds: QueueKinds
  readonly formats: MessageFormats
  readonly encoder: PropertiesEncoder
  readonly settings: ModelSettings
}

/** The options, and what vhosts share beyond them. */
export interface World extends WorldOptions {
  readonly publisher: Publisher
  readonly policies: Policies
  readonly events: Events
  readonly counters: BrokerCounters
  readonly deadLetters: DeadLetterSink
  /** Exchanges and queues of all vhosts together. */
  readonly totals: {
    queueCount: number
    exchangeCount: number
    /** Queues by the user who declared them. */
    readonly queueCountByUser: Map<string, number>
  }
}
