/**
 * Dead-lettering: what a queue does with an entry that was rejected, expired, pushed out or delivered too often.
 *
 * The queue decides that an entry is dead and where it goes; the sink writes the death into the message's annotations,
 * removes the expiration and publishes it through the vhost's router. [docs/dead-lettering.md]
 */
import type { MessageDraft, MessageView } from '../message/message.ts'
import type { MessageTarget } from './queue.ts'

/** Why an entry died, as RabbitMQ names it. */
export type DeathReason = 'rejected' | 'expired' | 'maxlen' | 'delivery_limit'

/** Where the dead letters of a queue go. */
export interface DeadLetterTarget {
  readonly exchange: string
  /** null: the keys that the message came with. */
  readonly routingKey: string | null
}

/** The queue that a dead letter leaves. */
export interface DeadLetterSource {
  readonly name: string
  readonly vhost: string
}

/** Taken by every target; there is nothing to wait for. */
export const DEAD_LETTER_TAKEN = 0
/** Taken, and in the log: it survives a power loss once `store.durable` reaches `store.appended` as of now. */
export const DEAD_LETTER_LOGGED = 1
/** The exchange is missing, no queue is bound, or every one was skipped as a cycle. */
export const DEAD_LETTER_UNROUTED = 2
/** A target was full and rejects; others may have it. */
export const DEAD_LETTER_REFUSED = 3
export type DeadLetterOutcome = 0 | 1 | 2 | 3

/** Takes dead letters of all queues of a broker. */
export interface DeadLetterSink {
  /**
   * Publishes the dead letter before it returns. Not to be called while a record is entered: it publishes.
   * The counts are those of the entry at its death; 0 where the kind does not count. `view` is borrowed. `nowMs` is the
   * time of day: letters of one run may share it.
   */
  deadLetter(
    source: DeadLetterSource,
    view: MessageView,
    reason: DeathReason,
    target: DeadLetterTarget,
    deliveryCount: number,
    acquiredCount: number,
    nowMs: number,
  ): DeadLetterOutcome
}

/** Leaves targets out of a route. */
export interface RouteFilter {
  accepts(target: MessageTarget): boolean
}

/** The way of dead letters into the vhost: implemented by the vhost over its router and publisher. */
export interface DeadLetterRouter {
  /**
   * Publishes the draft to `draft.exchange` of the vhost, to the targets that `filter` accepts (null: to all). Without
   * checks of permissions. `DEAD_LETTER_UNROUTED` also when the exchange or the vhost is missing.
   */
  publishDeadLetter(vhost: string, draft: MessageDraft, filter: RouteFilter | null): DeadLetterOutcome
}
