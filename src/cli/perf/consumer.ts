/** Consumes through one connection, acknowledges in batches, and records how old messages are when they arrive. */
import type { RecordableHistogram } from 'node:perf_hooks'
import { ACK_BYTES, ContentHeaderFields, DeliverFields, writeAck } from '../../protocols/amqp091/codec.ts'
import { BASIC_DELIVER } from '../../protocols/amqp091/spec.ts'
import { nowUs, recordLatency } from './histogram.ts'
import { CHANNEL, type LoadConnection, type LoadRole } from './load-connection.ts'
import type { LoadPlan } from './plan.ts'
import { STAMP_BYTES } from './publish-batch.ts'
import type { LoadCounters } from './worker-protocol.ts'

/** Latency is sampled above this many messages per reading of the clock. */
const SAMPLE = 8

export class Consumer implements LoadRole {
  readonly #connection: LoadConnection
  readonly #plan: LoadPlan
  readonly #counters: LoadCounters
  readonly #deliver = new DeliverFields()
  readonly #header = new ContentHeaderFields()
  #histogram: RecordableHistogram
  #bodyBytesLeft = 0
  #unacked = 0
  #seen = 0
  failed = false

  constructor(connection: LoadConnection, plan: LoadPlan, counters: LoadCounters, histogram: RecordableHistogram) {
    this.#connection = connection
    this.#plan = plan
    this.#counters = counters
    this.#histogram = histogram
  }

  set histogram(histogram: RecordableHistogram) {
    this.#histogram = histogram
  }

  onMethod(id: number, bytes: Buffer, start: number, end: number): void {
    if (id === BASIC_DELIVER) this.#deliver.read(bytes, start, end)
  }

  onHeader(bytes: Buffer, start: number, end: number): void {
    this.#header.read(bytes, start, end)
    this.#bodyBytesLeft = this.#header.bodyBytes
    if (this.#bodyBytesLeft === 0) this.#finish()
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    const isFirst = this.#bodyBytesLeft === this.#header.bodyBytes
    if (isFirst && end - start >= STAMP_BYTES && this.#seen++ % SAMPLE === 0) {
      recordLatency(this.#histogram, nowUs() - bytes.readDoubleLE(start))
    }
    this.#bodyBytesLeft -= end - start
    if (this.#bodyBytesLeft <= 0) this.#finish()
  }

  #finish(): void {
    this.#counters.received++
    if (this.#plan.autoAck || ++this.#unacked < this.#plan.ackEvery) return
    const ack = Buffer.allocUnsafe(ACK_BYTES)
    writeAck(ack, 0, CHANNEL, this.#deliver.deliveryTag, this.#unacked > 1)
    this.#connection.write(ack)
    this.#counters.acked += this.#unacked
    this.#unacked = 0
  }

  onDrain(): void {}
  onBlocked(): void {}

  onFailure(reason: string): void {
    this.failed = true
    this.#counters.errors++
    this.#counters.lastError = reason
  }
}
