/**
 * What one session moved, by queue and by exchange. A session takes the tally of a queue when it subscribes, that of an
 * exchange when it looks it up, and then counts plain fields; listings add them up.
 *
 * Invariant: at most `TALLIES_MAX` names of each sort are told apart, the rest is counted together, so that a session that
 * walks over a million queues stays small and its sums stay right.
 */
import type { KindTraffic, ProtocolTraffic } from '../observe/traffic.ts'
import { type DeliveryCounters, MessageCounters, type PublishCounters } from './message-counters.ts'

const TALLIES_MAX = 200

/** Deliveries from one queue to one session. */
export class QueueTally implements DeliveryCounters {
  /** Null: of several queues, or of none. */
  readonly queue: string | null
  /** What counts the same for the whole protocol. */
  readonly ofKind: KindTraffic
  delivered = 0
  deliveredNoAck = 0
  got = 0
  gotNoAck = 0
  getEmpty = 0
  acked = 0
  redelivered = 0

  constructor(queue: string | null, ofKind: KindTraffic) {
    this.queue = queue
    this.ofKind = ofKind
  }
}

/** Publishes of one session to one exchange. */
export class ExchangeTally {
  /** Null: of several exchanges. */
  readonly exchange: string | null
  published = 0
  returnedUnroutable = 0
  droppedUnroutable = 0

  constructor(exchange: string | null) {
    this.exchange = exchange
  }
}

/** Tallies as listings see them. */
export interface MessageBreakdown {
  readonly queues: Iterable<QueueTally>
  readonly exchanges: Iterable<ExchangeTally>
}

/** One per session. */
export class SessionTallies implements MessageBreakdown {
  confirmed = 0
  readonly #traffic: ProtocolTraffic
  readonly #queues = new Map<string, QueueTally>()
  readonly #exchanges = new Map<string, ExchangeTally>()
  /** Of queues without a tally of their own, by kind. */
  readonly #otherQueues = new Map<string, QueueTally>()
  readonly #otherExchanges = new ExchangeTally(null)

  constructor(traffic: ProtocolTraffic) {
    this.#traffic = traffic
  }

  ofQueue(name: string, kind: string): QueueTally {
    const known = this.#queues.get(name)
    if (known !== undefined && known.ofKind === this.#traffic.ofKind(kind)) return known
    if (known !== undefined || this.#queues.size >= TALLIES_MAX) return this.ofNoQueue(kind)
    const made = new QueueTally(name, this.#traffic.ofKind(kind))
    this.#queues.set(name, made)
    return made
  }

  /** For deliveries of a kind that are told apart no further. */
  ofNoQueue(kind: string): QueueTally {
    let tally = this.#otherQueues.get(kind)
    if (tally === undefined) {
      tally = new QueueTally(null, this.#traffic.ofKind(kind))
      this.#otherQueues.set(kind, tally)
    }
    return tally
  }

  ofExchange(name: string): ExchangeTally {
    const known = this.#exchanges.get(name)
    if (known !== undefined) return known
    if (this.#exchanges.size >= TALLIES_MAX) return this.#otherExchanges
    const made = new ExchangeTally(name)
    this.#exchanges.set(name, made)
    return made
  }

  get queues(): Iterable<QueueTally> {
    return this.#queues.values()
  }

  get exchanges(): Iterable<ExchangeTally> {
    return this.#exchanges.values()
  }

  /** The session's counters: all tallies together. */
  sum(): MessageCounters {
    const sum = new MessageCounters()
    for (const tally of this.#queues.values()) sum.addDeliveries(tally)
    for (const tally of this.#otherQueues.values()) sum.addDeliveries(tally)
    for (const tally of this.#exchanges.values()) sum.addPublishes(publishesOf(tally))
    sum.addPublishes(publishesOf(this.#otherExchanges))
    sum.confirmed = this.confirmed
    return sum
  }
}

function publishesOf({ published, returnedUnroutable, droppedUnroutable }: ExchangeTally): PublishCounters {
  return { published, confirmed: 0, returnedUnroutable, droppedUnroutable }
}
