/**
 * Where a message goes: the targets that routing found, and when that stops being true.
 *
 * The router makes routes; sessions hand them back to publish, and remember the last one per channel as long as
 * `isReusable` holds and `revision` equals the vhost's `topologyRevision`.
 */
import type { MessageTarget } from '../queue/queue.ts'
import type { ExchangeState } from './exchange-state.ts'

/** The targets of a message. One that is not reusable is borrowed: valid until the next message is routed. */
export class Route {
  /** Each once. */
  targets: MessageTarget[]
  /** The vhost's topology revision that it was computed at. */
  revision: number
  /** Whether the same exchange and routing key, without extra keys, lead here as long as the revision stands. */
  isReusable: boolean
  /** Where its messages are published to, for counting; null: they are not told apart. */
  exchange: ExchangeState | null
  /** Messages published by it since `Flows` looked; one more when it is not reusable, because `Flows` knows those few. */
  published: number

  constructor(targets: MessageTarget[], revision: number, isReusable: boolean, exchange: ExchangeState | null = null) {
    this.targets = targets
    this.revision = revision
    this.isReusable = isReusable
    this.exchange = exchange
    this.published = isReusable ? 0 : 1
  }
}

/** Every target took the message, or was content not to. */
export const PUBLISH_ROUTED = 0
/** There was no target. */
export const PUBLISH_UNROUTED = 1
/** At least one target was full and rejects; the others have the message. Publishers are told (nack). */
export const PUBLISH_REFUSED = 2
export type PublishOutcome = 0 | 1 | 2
