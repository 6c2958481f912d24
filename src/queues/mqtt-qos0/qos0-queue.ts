/**
 * The MQTT QoS 0 queue: hands each message to its one consumer within the publish and keeps nothing. A message that comes
 * while nobody takes any is dropped. [RabbitMQ: rabbit_mqtt_qos0_queue]
 */
import type { MessageDraft } from '../../model/message/message.ts'
import { MessageView } from '../../model/message/message.ts'
import type { Address, MessageStore } from '../../model/message/message-store.ts'
import {
  ADMIT_DROPPED,
  ADMIT_PASSING,
  type Admission,
  type Consumer,
  type ConsumerSink,
  type ConsumerSpec,
  type Outcome,
  type Queue,
  type QueueCounters,
  type QueueStatus,
  type Refusal,
  type TakeSink,
} from '../../model/queue/queue.ts'
import type { QueueHost } from '../../model/queue/queue-host.ts'
import type { QueueRecord } from '../../model/records/records.ts'
import { newCounters } from '../common/counters.ts'

/** All queues of this kind look at messages one after the other. */
const views = new WeakMap<MessageStore, MessageView>()

/** A queue without a place to keep anything. It is its own consumer's queue side. */
export class Qos0Queue implements Queue, Consumer {
  readonly kind = 'rabbit_mqtt_qos0_queue'
  readonly record: QueueRecord
  readonly name: string
  readonly vhost: string
  readonly counters: QueueCounters = newCounters()
  readonly contents = null
  readonly #store: MessageStore
  readonly #view: MessageView
  #sink: ConsumerSink | null = null
  #spec: ConsumerSpec | null = null

  constructor(record: QueueRecord, host: QueueHost) {
    this.record = record
    this.name = record.name
    this.vhost = record.vhost
    this.#store = host.store
    let view = views.get(host.store)
    if (view === undefined) {
      view = new MessageView()
      views.set(host.store, view)
    }
    this.#view = view
  }

  // Publishing

  keeps(): boolean {
    return false
  }

  admit(): Admission {
    if (this.#sink?.hasCredit === true) return ADMIT_PASSING
    this.counters.droppedMaxLength++
    return ADMIT_DROPPED
  }

  enter(_draft: MessageDraft, _slot: number, address: Address): void {
    const view = this.#view
    if (this.#sink === null || !this.#store.open(address, view)) return
    this.counters.published++
    this.counters.deliveredNoAck++
    this.#sink.deliver(view, 0, address, false, 0, 0)
  }

  // The one consumer

  get consumers(): readonly Consumer[] {
    return this.#sink === null ? [] : [this]
  }

  refusesConsumer(): Refusal | undefined {
    if (this.#sink === null) return undefined
    return { code: 'access-refused', text: `queue '${this.name}' in vhost '${this.vhost}' has its consumer already` }
  }

  subscribe(spec: ConsumerSpec, sink: ConsumerSink): Consumer {
    this.#spec = spec
    this.#sink = sink
    return this
  }

  get queue(): Queue {
    return this
  }

  get spec(): ConsumerSpec {
    if (this.#spec === null) throw new Error('a queue without consumer was asked for its specification')
    return this.#spec
  }

  get isActive(): boolean {
    return this.#sink !== null
  }

  get heldCount(): number {
    return 0
  }

  get ackTimeoutMs(): number {
    return 0
  }

  credited(): void {}

  settle(): void {}

  cancel(): void {
    this.#sink = null
  }

  // What needs entries

  get readyCount(): number {
    return 0
  }

  refusesTake(): Refusal | undefined {
    return { code: 'not-implemented', text: `queue '${this.name}' in vhost '${this.vhost}' does not support basic.get` }
  }

  take(_noAck: boolean, sink: TakeSink): void {
    sink.onTaken(null)
  }

  settleTaken(_sequence: number, _outcome: Outcome): void {}

  refusesPurge(): Refusal | undefined {
    return undefined
  }

  purge(): number {
    return 0
  }

  // Administration

  refusesDelete(ifUnused: boolean): Refusal | undefined {
    if (!ifUnused || this.#sink === null) return undefined
    return { code: 'precondition-failed', text: `queue '${this.name}' in vhost '${this.vhost}' in use` }
  }

  close(reason: string): void {
    const sink = this.#sink
    this.#sink = null
    sink?.cancelled(reason)
  }

  stop(): void {
    this.#sink = null
  }

  touch(): void {}

  applyPolicy(): void {}

  status(): QueueStatus {
    const consumerCount = this.#sink === null ? 0 : 1
    return {
      state: 'running',
      readyCount: 0,
      readyBytes: 0,
      unackedCount: 0,
      unackedBytes: 0,
      delayedCount: 0,
      persistentCount: 0,
      diskBytes: 0,
      consumerCount,
      consumerCapacity: consumerCount,
      oldestReadyAtMs: 0,
      idleSinceMs: 0,
      singleActiveTag: null,
      effective: {},
    }
  }
}
