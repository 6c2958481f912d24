/**
 * Publishes through one connection: as fast as the socket takes it, or at a pace. Latency counts from the moment at
 * which a message was due, so that a broker that stalls cannot hide it (coordinated omission).
 */
import type { RecordableHistogram } from 'node:perf_hooks'
import { AckFields } from '../../protocols/amqp091/codec.ts'
import { BASIC_ACK, BASIC_NACK, BASIC_RETURN } from '../../protocols/amqp091/spec.ts'
import { nowUs, recordLatency } from './histogram.ts'
import { CHANNEL, type LoadConnection, type LoadRole } from './load-connection.ts'
import type { LoadPlan } from './plan.ts'
import { PublishBatch } from './publish-batch.ts'
import type { LoadCounters } from './worker-protocol.ts'

const BATCH_COUNT_MAX = 256
const BATCH_BYTES = 128 * 1024
/** Batches in rotation for each size of body. */
const BATCHES = 4
/** Confirm latency is sampled: one in this many messages. */
const SAMPLE = 16

export class Producer implements LoadRole {
  readonly #connection: LoadConnection
  readonly #plan: LoadPlan
  readonly #counters: LoadCounters
  readonly #batches: PublishBatch[][]
  readonly #ack = new AckFields()
  readonly #dueUs: Float64Array
  #histogram: RecordableHistogram
  #round = 0
  #published = 0
  #confirmed = 0
  #blocked = false
  #full = false
  /** Messages that may be published until now when there is a pace; endless without. */
  #allowed = Number.POSITIVE_INFINITY
  failed = false

  constructor(
    connection: LoadConnection,
    plan: LoadPlan,
    routingKey: string,
    counters: LoadCounters,
    histogram: RecordableHistogram,
  ) {
    this.#connection = connection
    this.#plan = plan
    this.#counters = counters
    this.#histogram = histogram
    this.#batches = plan.sizes.map((bodyBytes) => {
      const shape = {
        channel: CHANNEL,
        exchange: plan.exchange,
        routingKey,
        persistent: plan.persistent,
        mandatory: plan.mandatory,
        bodyBytes,
        frameBytesMax: connection.frameBytesMax,
      }
      const count = Math.max(1, Math.min(BATCH_COUNT_MAX, Math.floor(BATCH_BYTES / (bodyBytes + 64))))
      return Array.from({ length: BATCHES }, () => new PublishBatch(shape, count))
    })
    let slots = 1
    while (slots < plan.confirmWindow + 1) slots *= 2
    this.#dueUs = new Float64Array(slots)
    connection.serve(this)
  }

  get unconfirmed(): number {
    return this.#plan.confirmWindow === 0 ? 0 : this.#published - this.#confirmed
  }

  get published(): number {
    return this.#published
  }

  /** Latencies go there from now on. */
  set histogram(histogram: RecordableHistogram) {
    this.#histogram = histogram
  }

  /** With a pace: how many messages are due so far, in total. */
  allow(total: number): void {
    this.#allowed = total
  }

  /** Publishes what may be published now. `dueUs`: when message number n was due, or undefined for now. */
  pump(dueUs?: (index: number) => number): void {
    while (!this.#blocked && !this.#full && !this.failed) {
      const window = this.#plan.confirmWindow === 0 ? BATCH_COUNT_MAX : this.#plan.confirmWindow - this.unconfirmed
      const sizes = this.#batches[this.#round % this.#batches.length]!
      const batch = sizes[Math.floor(this.#round / this.#batches.length) % BATCHES]!
      const count = Math.min(batch.count, window, Math.floor(this.#allowed - this.#published))
      if (count <= 0 || batch.busy) return
      this.#round++
      this.#send(batch, count, dueUs)
      if (dueUs === undefined && count < batch.count) return
    }
  }

  #send(batch: PublishBatch, count: number, dueUs?: (index: number) => number): void {
    const now = nowUs()
    const mask = this.#dueUs.length - 1
    for (let i = 0; i < count; i++) {
      const index = this.#published + i
      const due = dueUs === undefined ? now : Math.min(now, dueUs(index))
      batch.stamp(i, due)
      if (this.#plan.confirmWindow > 0) this.#dueUs[(index + 1) & mask] = due
    }
    this.#published += count
    this.#counters.published += count
    batch.busy = true
    this.#full = !this.#connection.write(batch.first(count), () => {
      batch.busy = false
      if (!this.#full && this.#plan.pattern.length === 0) this.pump()
    })
  }

  onMethod(id: number, bytes: Buffer, start: number, end: number): void {
    switch (id) {
      case BASIC_ACK:
      case BASIC_NACK:
        this.#ack.read(bytes, start, end)
        return this.#settled(this.#ack.deliveryTag, this.#ack.multiple, id === BASIC_NACK)
      case BASIC_RETURN:
        this.#counters.returned++
        return
      default:
    }
  }

  #settled(tag: number, multiple: boolean, refused: boolean): void {
    const count = multiple ? tag - this.#confirmed : 1
    if (refused) this.#counters.nacked += count
    else this.#counters.confirmed += count
    if (multiple || tag % SAMPLE === 0) {
      recordLatency(this.#histogram, nowUs() - this.#dueUs[tag & (this.#dueUs.length - 1)]!)
    }
    this.#confirmed += count
    if (this.#plan.pattern.length === 0) this.pump()
  }

  onHeader(): void {}
  onBody(): void {}

  onDrain(): void {
    this.#full = false
    if (this.#plan.pattern.length === 0) this.pump()
  }

  onBlocked(blocked: boolean): void {
    this.#blocked = blocked
    if (!blocked) this.pump()
  }

  onFailure(reason: string): void {
    this.failed = true
    this.#counters.errors++
    this.#counters.lastError = reason
  }
}
