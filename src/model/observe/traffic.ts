/**
 * Messages that all sessions of one protocol moved since the broker started. Sessions count; the management reads.
 *
 * What goes out is counted by the kind of the queue it came from: a session asks for the counters of a kind once, when
 * it subscribes, and then counts plain fields. [RabbitMQ: rabbitmq_global_… metrics]
 */
import { Histogram, WAIT_MS_BOUNDS } from '../../base/histogram.ts'
import type { DeliveryCounters, MessageCounters, PublishCounters } from '../message/message-counters.ts'

/** Protocols by the names that metrics have for them. */
export type ProtocolLabel = 'amqp091' | 'mqtt310' | 'mqtt311' | 'mqtt50' | 'stomp' | 'http'

/** The kind of what has no queue: direct replies, retained messages. */
export const NO_QUEUE_KIND = 'volatile'

/** Upper bounds for sizes of messages, as RabbitMQ has them; the largest message has 512 MiB. */
const MESSAGE_BYTES_BOUNDS: readonly number[] = [
  100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000, 100_000_000,
]

/** Deliveries of one protocol from queues of one kind. */
export class KindTraffic implements DeliveryCounters {
  delivered = 0
  deliveredNoAck = 0
  got = 0
  gotNoAck = 0
  getEmpty = 0
  acked = 0
  redelivered = 0
}

/** One protocol. */
export class ProtocolTraffic implements PublishCounters {
  published = 0
  /** Of those, how many asked for a confirm, an acknowledgement or a receipt. */
  publishedForConfirm = 0
  confirmed = 0
  returnedUnroutable = 0
  droppedUnroutable = 0
  /** Bodies of published messages. */
  readonly messageBytes = new Histogram(MESSAGE_BYTES_BOUNDS)
  /** From a publish to its confirm, ms, for every confirmed message. */
  readonly confirmWaitMs = new Histogram(WAIT_MS_BOUNDS)
  readonly #kinds = new Map<string, KindTraffic>()

  /** The counters of deliveries from queues of a kind. */
  ofKind(kind: string): KindTraffic {
    let traffic = this.#kinds.get(kind)
    if (traffic === undefined) {
      traffic = new KindTraffic()
      this.#kinds.set(kind, traffic)
    }
    return traffic
  }

  /** Counts one message that came in. */
  countPublished(bodyBytes: number): void {
    this.published++
    this.messageBytes.observe(bodyBytes)
  }

  get kinds(): ReadonlyMap<string, KindTraffic> {
    return this.#kinds
  }

  addTo(sum: MessageCounters): void {
    sum.addPublishes(this)
    for (const kind of this.#kinds.values()) sum.addDeliveries(kind)
  }
}
