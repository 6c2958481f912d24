/**
 * What one session delivers: from the entries of its queues to PUBLISH packets, and the handshakes that finish them.
 * It outlives connections; while there is none (`peer` is null) nothing is delivered. [MQTT 5.0 §4.3, §4.4, §4.9]
 *
 * The packet identifier of an entry of the session's own queue follows from the entry's sequence, so that a redelivery
 * has the same identifier after a reconnect or a restart without anything being written. Entries of shared queues count
 * through the other half of the identifiers.
 *
 * Invariant: a sink has credit only while there is a peer, room in its window and in its outbox.
 */

import type { RateMeter } from '../../model/limits/rate-meter.ts'
import { type MessageView, PROTOCOL_MQTT } from '../../model/message/message.ts'
import type { MessageCounters } from '../../model/message/message-counters.ts'
import type { Address } from '../../model/message/message-store.ts'
import { KindTraffic } from '../../model/observe/traffic.ts'
import type { Consumer, ConsumerSink } from '../../model/queue/queue.ts'
import type { Vhost } from '../../model/vhost.ts'
import type { Outbox } from '../../net/outbox.ts'
import type { AckLine } from './ack-line.ts'
import type { ReleasedIds } from './exactly-once.ts'
import { InFlight, PHASE_RELEASED, PHASE_SENT_QOS1, PHASE_SENT_QOS2 } from './in-flight.ts'
import { LEVEL_5, PACKET_ID_NOT_FOUND, type ProtocolLevel, PUBREL, SUCCESS, UNSPECIFIED_ERROR } from './spec.ts'
import { FLAG_KEPT, FLAG_RETAIN, isPublishedBy, QOS_MASK } from './stored-properties.ts'
import type { Match, SubscriptionSet } from './subscriptions.ts'
import type { AliasTable } from './topic-aliases.ts'
import type { Member, MqttWorld } from './world.ts'

/** Identifiers 1 … this are for the session's own queue, those above for shared ones. */
const OWN_IDS = 0x7fff
const LOW_WORD = 0x1_0000_0000
/** Places of the sinks: the session's own queue, its QoS 0 queue, then shared ones. */
export const OWN_SINK = 0
export const PASSING_SINK = 1
const FIRST_SHARED_SINK = 2
/** Of sinks that have no consumer yet: they deliver nothing. */
const UNCOUNTED = new KindTraffic()
const NO_IDENTIFIERS: readonly number[] = []

/** The connection, as deliveries see it. */
export interface DeliveryPeer {
  readonly outbox: Outbox
  readonly level: ProtocolLevel
  /** Longest packet that the client takes. */
  readonly clientPacketBytesMax: number
  /** Unfinished deliveries at most. */
  readonly windowCount: number
  readonly aliases: AliasTable | null
  readonly acks: AckLine
  readonly counters: MessageCounters
  readonly name: string
  readonly member: Member
  /** Null before it is open. */
  readonly rates: RateMeter | null
  /** A queue of the session was deleted under it. */
  onQueueGone(reason: string): void
}

/** What deliveries need of their session. */
export interface DeliveryOwner {
  readonly world: MqttWorld
  readonly clientIdBytes: Buffer
  readonly released: ReleasedIds
}

/** The session's side of one of its consumers. */
export class QueueSink implements ConsumerSink {
  hasCredit = false
  consumer: Consumer | null = null
  /** Delivers no more; what it has delivered is being finished. */
  isRetired = false
  /** What counts its deliveries for the whole protocol; set with the consumer. */
  traffic: KindTraffic = UNCOUNTED
  vhost: Vhost | null = null
  readonly subscriptions: SubscriptionSet
  readonly index: number
  readonly #deliveries: Deliveries

  constructor(deliveries: Deliveries, subscriptions: SubscriptionSet, index: number) {
    this.#deliveries = deliveries
    this.subscriptions = subscriptions
    this.index = index
  }

  deliver(view: MessageView, sequence: number, address: Address, redelivered: boolean): void {
    this.#deliveries.deliver(this, view, sequence, address, redelivered)
  }

  cancelled(reason: string): void {
    this.consumer = null
    this.hasCredit = false
    this.#deliveries.onCancelled(reason)
  }
}

/** One per session. */
export class Deliveries {
  readonly #owner: DeliveryOwner
  readonly #inFlight = new InFlight()
  readonly #sinks: (QueueSink | null)[] = []
  /** Released before a restart: identifier → low word of the entry's sequence. */
  #recovered: Map<number, number> | null = null
  #peer: DeliveryPeer | null = null
  #lastSharedId = OWN_IDS
  /** An entry's identifier is taken: nothing more until something is finished. */
  #isStuck = false

  constructor(owner: DeliveryOwner) {
    this.#owner = owner
  }

  get inFlightCount(): number {
    return this.#inFlight.count
  }

  /** Finds what a restart left open. */
  recover(): void {
    this.#owner.released.recovered((packetId, record, entryLow) => {
      this.#recovered ??= new Map()
      this.#recovered.set(packetId, entryLow)
      this.#inFlight.add(packetId, PHASE_RELEASED, -1, record)
    })
  }

  // Sinks

  /** A sink for the session's own queue or its QoS 0 queue: made once. */
  sinkAt(index: typeof OWN_SINK | typeof PASSING_SINK, subscriptions: SubscriptionSet): QueueSink {
    return this.#sinks[index] ?? this.#newSink(index, subscriptions)
  }

  /** A sink for a shared queue. */
  newSharedSink(subscriptions: SubscriptionSet): QueueSink {
    let index = FIRST_SHARED_SINK
    while (this.#isTaken(index)) index++
    return this.#newSink(index, subscriptions)
  }

  /** The sink gets nothing more; what it has delivered is finished. [MQTT-3.10.4-3] */
  retire(sink: QueueSink): void {
    sink.consumer?.cancel()
    sink.isRetired = true
    sink.hasCredit = false
  }

  #newSink(index: number, subscriptions: SubscriptionSet): QueueSink {
    const sink = new QueueSink(this, subscriptions, index)
    while (this.#sinks.length < index) this.#sinks.push(null)
    this.#sinks[index] = sink
    sink.hasCredit = this.#hasCredit(sink)
    return sink
  }

  #isTaken(index: number): boolean {
    const sink = this.#sinks[index]
    if (sink === undefined || sink === null) return false
    return !sink.isRetired || this.#inFlight.hasSource(index)
  }

  // Connections

  /** A connection has come: what is released is said again, then the queues deliver. [MQTT-4.4.0-1] */
  attach(peer: DeliveryPeer): void {
    this.#peer = peer
    this.#isStuck = false
    this.#inFlight.each((packetId, phase) => {
      if (phase === PHASE_RELEASED) peer.acks.add(PUBREL, packetId, SUCCESS, false)
    })
    this.#refresh()
  }

  /** The connection is gone: unfinished entries go back to their queues, oldest first. */
  detach(): void {
    if (this.#peer === null) return
    this.#peer = null
    this.#refresh()
    for (const sink of this.#sinks) sink?.consumer?.cancel()
    this.#inFlight.dropSent((source, sequence) => this.#sinks[source]?.consumer?.settle(sequence, 'returned'))
    for (const sink of this.#sinks) if (sink !== null) sink.consumer = null
  }

  /** The outbox has too much unsent, or that is over. */
  onPressure(): void {
    this.#refresh()
  }

  onCancelled(reason: string): void {
    this.#peer?.onQueueGone(reason)
  }

  // Delivering

  deliver(sink: QueueSink, view: MessageView, sequence: number, address: Address, redelivered: boolean): void {
    const peer = this.#peer
    const { consumer } = sink
    if (peer === null || consumer === null) return
    const isOwn = view.protocol === PROTOCOL_MQTT
    const flags = isOwn ? view.bytes[view.propertiesStart]! : view.persistent ? 1 : 0
    const { subscriptions } = sink
    const match = subscriptions.only ?? subscriptions.match(view.routingKey())
    if (match === null || (match.noLocal && isOwn && this.#isEcho(view, flags))) {
      return consumer.settle(sequence, 'accepted')
    }
    const qos = Math.min(match.qos, flags & QOS_MASK)
    let packetId = 0
    if (qos > 0) {
      packetId = sink.index === OWN_SINK ? ((sequence - 1) % OWN_IDS) + 1 : this.#nextSharedId()
      if (this.#inFlight.find(packetId)) return this.#meet(sink, consumer, packetId, sequence, redelivered)
    }
    if (!this.#write(peer, view, address, match, flags, qos, packetId, redelivered)) {
      // The client does not take packets of that size: done with. [MQTT-3.1.2-24]
      return consumer.settle(sequence, 'accepted')
    }
    this.#count(peer, sink.traffic, qos, redelivered)
    if (sink.vhost?.isTraced === true) trace(sink.vhost, peer, view, consumer.queue.name, redelivered)
    if (peer.rates?.isLimited === true) peer.rates.delivered(view.bodyBytes)
    if (qos === 0) return consumer.settle(sequence, 'accepted')
    this.#inFlight.add(packetId, qos === 1 ? PHASE_SENT_QOS1 : PHASE_SENT_QOS2, sink.index, sequence)
    if (this.#inFlight.count === peer.windowCount) this.#refresh()
  }

  #write(
    peer: DeliveryPeer,
    view: MessageView,
    address: Address,
    match: Match,
    flags: number,
    qos: number,
    packetId: number,
    redelivered: boolean,
  ): boolean {
    const { writer } = this.#owner.world
    writer.level = peer.level
    writer.qos = qos
    writer.packetId = packetId
    writer.dup = redelivered && qos > 0
    writer.retain = (flags & FLAG_KEPT) !== 0 || (match.retainAsPublished && (flags & FLAG_RETAIN) !== 0)
    writer.identifiers = peer.level === LEVEL_5 ? match.identifiers : NO_IDENTIFIERS
    writer.packetBytesMax = peer.clientPacketBytesMax
    writer.aliases = peer.aliases
    return writer.write(peer.outbox, view, address)
  }

  /** The client's own message. Kept messages are nobody's. */
  #isEcho(view: MessageView, flags: number): boolean {
    return (flags & FLAG_KEPT) === 0 && isPublishedBy(view, this.#owner.clientIdBytes)
  }

  /** The identifier is in use: by this very entry, released before a restart, or by another one, which has to finish first. */
  #meet(sink: QueueSink, consumer: Consumer, packetId: number, sequence: number, redelivered: boolean): void {
    const entryLow = sink.index === OWN_SINK ? this.#recovered?.get(packetId) : undefined
    if (entryLow !== undefined && (entryLow === sequence % LOW_WORD || (entryLow === 0 && redelivered))) {
      return consumer.settle(sequence, 'accepted')
    }
    this.#isStuck = true
    this.#refresh()
    consumer.settle(sequence, 'returned')
  }

  #nextSharedId(): number {
    for (let tries = 0; tries < OWN_IDS; tries++) {
      this.#lastSharedId = this.#lastSharedId === 0xffff ? OWN_IDS + 1 : this.#lastSharedId + 1
      if (!this.#inFlight.find(this.#lastSharedId)) break
    }
    return this.#lastSharedId
  }

  #count(peer: DeliveryPeer, traffic: KindTraffic, qos: number, redelivered: boolean): void {
    if (qos === 0) {
      peer.counters.deliveredNoAck++
      traffic.deliveredNoAck++
    } else {
      peer.counters.delivered++
      traffic.delivered++
    }
    if (!redelivered) return
    peer.counters.redelivered++
    traffic.redelivered++
  }

  // Finishing

  /** PUBACK. An unknown identifier is ignored: it was finished before. */
  onPuback(packetId: number, reasonCode: number): void {
    if (!this.#inFlight.find(packetId) || this.#inFlight.phase !== PHASE_SENT_QOS1) return
    this.#settle(reasonCode)
  }

  /** PUBREC. */
  onPubrec(packetId: number, reasonCode: number): void {
    const peer = this.#peer
    if (peer === null) return
    const inFlight = this.#inFlight
    if (!inFlight.find(packetId) || inFlight.phase === PHASE_SENT_QOS1) {
      if (reasonCode >= UNSPECIFIED_ERROR) return
      return peer.acks.add(PUBREL, packetId, peer.level === LEVEL_5 ? PACKET_ID_NOT_FOUND : SUCCESS, false)
    }
    if (inFlight.phase === PHASE_RELEASED) return peer.acks.add(PUBREL, packetId, SUCCESS, false)
    if (reasonCode >= UNSPECIFIED_ERROR) return this.#settle(reasonCode)
    const { sequence } = inFlight
    // The release is written before the entry is settled: it is the later truth of both.
    const isOwnEntry = inFlight.source === OWN_SINK
    const record = this.#owner.released.add(packetId, isOwnEntry ? sequence : 0)
    this.#countAck(peer, inFlight.source)
    this.#sinks[inFlight.source]?.consumer?.settle(sequence, 'accepted')
    inFlight.release(record)
    peer.acks.add(PUBREL, packetId, SUCCESS, record > 0)
  }

  /** PUBCOMP. */
  onPubcomp(packetId: number): void {
    const inFlight = this.#inFlight
    if (!inFlight.find(packetId) || inFlight.phase !== PHASE_RELEASED) return
    this.#owner.released.settle(inFlight.sequence)
    this.#recovered?.delete(packetId)
    inFlight.finish()
    this.#afterFinish()
  }

  #settle(reasonCode: number): void {
    const inFlight = this.#inFlight
    const { source, sequence } = inFlight
    inFlight.finish()
    const isRejected = reasonCode >= UNSPECIFIED_ERROR
    if (!isRejected && this.#peer !== null) this.#countAck(this.#peer, source)
    this.#sinks[source]?.consumer?.settle(sequence, isRejected ? 'rejected' : 'accepted')
    this.#afterFinish()
  }

  #countAck(peer: DeliveryPeer, source: number): void {
    peer.counters.acked++
    const sink = this.#sinks[source]
    if (sink !== null && sink !== undefined) sink.traffic.acked++
  }

  #afterFinish(): void {
    this.#isStuck = false
    this.#refresh()
  }

  // Credit

  #hasCredit(sink: QueueSink): boolean {
    const peer = this.#peer
    if (peer === null || sink.isRetired || peer.outbox.isHigh) return false
    return sink.index === PASSING_SINK || (!this.#isStuck && this.#inFlight.count < peer.windowCount)
  }

  #refresh(): void {
    for (const sink of this.#sinks) {
      if (sink === null) continue
      const hasCredit = this.#hasCredit(sink)
      if (sink.hasCredit === hasCredit) continue
      sink.hasCredit = hasCredit
      if (hasCredit) sink.consumer?.credited()
    }
  }
}

function trace(vhost: Vhost, peer: DeliveryPeer, view: MessageView, queue: string, redelivered: boolean): void {
  const context = { connection: peer.name, channel: 0, user: peer.member.identity.user }
  vhost.tracer.delivered(view, queue, redelivered, context)
}
