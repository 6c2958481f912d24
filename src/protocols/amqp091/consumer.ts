/**
 * One consumer of a channel: the queue's sink. Encodes entries towards the client and keeps `hasCredit` current.
 *
 * Credit is there while the client keeps up: fewer unacked than its prefetch, fewer than the channel's, and room in the
 * outbox. [AMQP 0-9-1 §1.8.3; RabbitMQ: consumer prefetch]
 */
import type { MessageView } from '../../model/message/message.ts'
import type { Address } from '../../model/message/message-store.ts'
import type { QueueTally } from '../../model/message/session-tallies.ts'
import type { Consumer, ConsumerSink, Outcome } from '../../model/queue/queue.ts'
import type { ReplyQueue } from '../../model/routing/reply-to.ts'
import {
  bodyFramesBytes,
  CONTENT_HEADER_FIXED_BYTES,
  DeliverWriter,
  isOneFrame,
  writeBodyFrames,
  writeContentHeader,
} from './codec.ts'
import type { Deliveries } from './deliveries.ts'
import {
  COPY_BYTES_MAX,
  isVerbatim,
  type ShownContent,
  shownContent,
  storedContent,
  writeBodyByReference,
  writeContentCopy,
} from './delivery-writer.ts'
import { LastShown } from './last-shown.ts'
import type { Session } from './session.ts'

/** Whatever handed out deliveries of a channel: a consumer, or gets from one queue. */
export interface DeliverySource {
  /** Deliveries not settled yet. */
  unackedCount: number
  /** Where its deliveries are counted. */
  readonly tally: QueueTally
  /** Whether its deliveries count for the channel's prefetch. */
  readonly countsForPrefetch: boolean
  /** It will deliver no more: its number is free once everything is settled. */
  readonly isRetired: boolean
  /** Settles an entry with the queue. */
  settle(sequence: number, outcome: Outcome): void
}

/** A consumer, by its tag. */
export class ChannelConsumer implements ConsumerSink, DeliverySource {
  readonly tag: string
  readonly noAck: boolean
  /** 0 is no limit. */
  readonly prefetchCount: number
  /** Its number in the unacked window. */
  readonly index: number
  readonly tally: QueueTally
  readonly #session: Session
  readonly #deliveries: Deliveries
  readonly #writer: DeliverWriter
  #lastShown: LastShown | null = null
  /** What it consumes from: a queue's side, or the reply queue. Set right after subscribing. */
  subscription: Consumer | null = null
  replies: ReplyQueue | null = null
  hasCredit = true
  unackedCount = 0
  isCancelled = false
  readonly countsForPrefetch = true

  constructor(
    session: Session,
    deliveries: Deliveries,
    options: {
      readonly tag: string
      readonly noAck: boolean
      readonly prefetchCount: number
      readonly index: number
      readonly tally: QueueTally
    },
  ) {
    this.#session = session
    this.#deliveries = deliveries
    this.tag = options.tag
    this.noAck = options.noAck
    this.prefetchCount = options.prefetchCount
    this.index = options.index
    this.tally = options.tally
    this.#writer = new DeliverWriter(deliveries.channel, options.tag)
  }

  deliver(
    view: MessageView,
    sequence: number,
    address: Address,
    redelivered: boolean,
    deliveryCount: number,
    acquiredCount: number,
  ): void {
    const deliveries = this.#deliveries
    const tag = this.noAck
      ? deliveries.deliveredNoAck(this, redelivered)
      : deliveries.delivered(this, sequence, redelivered)
    const { rates, vhost } = this.#session
    if (rates.isLimited) rates.delivered(view.bodyBytes)
    if (vhost.isTraced) deliveries.trace(view, this.subscription?.queue.name ?? '', redelivered)
    if (isVerbatim(view, deliveryCount, acquiredCount)) this.#write(view, address, tag, redelivered)
    else this.#writeShown(view, address, tag, redelivered, deliveryCount, acquiredCount)
  }

  get isRetired(): boolean {
    return this.isCancelled
  }

  cancelled(reason: string): void {
    this.#deliveries.cancelledByQueue(this, reason)
  }

  settle(sequence: number, outcome: Outcome): void {
    this.subscription?.settle(sequence, outcome)
  }

  /** Recomputes the credit; tells the queue when there is some again. */
  refresh(): void {
    const before = this.hasCredit
    this.hasCredit =
      !this.isCancelled &&
      this.#deliveries.hasRoom &&
      (this.noAck || this.prefetchCount === 0 || this.unackedCount < this.prefetchCount)
    if (this.hasCredit && !before) this.subscription?.credited()
  }

  /** Ends the subscription. */
  cancel(): void {
    this.isCancelled = true
    this.hasCredit = false
    this.subscription?.cancel()
    this.replies?.close()
  }

  #write(view: MessageView, address: Address, tag: number, redelivered: boolean): void {
    const { outbox, frameBytesMax } = this.#session
    const channel = this.#deliveries.channel
    const { bytes, routingStart, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = view
    const bodyBytes = bodyEnd - bodyStart
    const isCopied = bodyBytes <= COPY_BYTES_MAX
    const frameBytes = this.#writer.frameBytes(propertiesStart - routingStart)
    const headerBytes = CONTENT_HEADER_FIXED_BYTES + propertiesEnd - propertiesStart
    const bodyFrameBytes = isCopied ? bodyFramesBytes(bodyBytes, frameBytesMax) : 0
    const at = outbox.reserve(frameBytes + headerBytes + bodyFrameBytes)
    if (isCopied && bodyBytes > 0 && isOneFrame(bodyBytes, frameBytesMax)) {
      return this.#writer.writeMessage(outbox, at, channel, tag, redelivered, view)
    }
    const to = outbox.bytes
    const headerAt = this.#writer.write(to, at, tag, redelivered, bytes, routingStart, propertiesStart)
    const bodyAt = writeContentHeader(to, headerAt, channel, bodyBytes, bytes, propertiesStart, propertiesEnd)
    if (isCopied) writeBodyFrames(to, bodyAt, channel, frameBytesMax, bytes, bodyStart, bodyEnd)
    else {
      const { store } = this.#session.world.broker.world
      writeBodyByReference(outbox, store, address, channel, frameBytesMax, bytes, bodyStart, bodyEnd)
    }
  }

  #writeShown(
    view: MessageView,
    address: Address,
    tag: number,
    redelivered: boolean,
    deliveryCount: number,
    acquiredCount: number,
  ): void {
    const { outbox, frameBytesMax, world } = this.#session
    const channel = this.#deliveries.channel
    const known = this.#lastShown?.of(view, deliveryCount, acquiredCount) ?? null
    const shown = known === null ? this.#show(view, deliveryCount, acquiredCount) : storedContent(view, known)
    const { bytes, routingStart, propertiesStart } = view
    const at = outbox.reserve(this.#writer.frameBytes(propertiesStart - routingStart))
    this.#writer.write(outbox.bytes, at, tag, redelivered, bytes, routingStart, propertiesStart)
    const { properties, body, bodyStart, bodyEnd } = shown
    if (!shown.isStored || bodyEnd - bodyStart <= COPY_BYTES_MAX) {
      writeContentCopy(outbox, channel, frameBytesMax, properties, 0, properties.length, body, bodyStart, bodyEnd)
      return
    }
    const headerAt = outbox.reserve(CONTENT_HEADER_FIXED_BYTES + properties.length)
    const bodyBytes = bodyEnd - bodyStart
    writeContentHeader(outbox.bytes, headerAt, channel, bodyBytes, properties, 0, properties.length)
    const { store } = world.broker.world
    writeBodyByReference(outbox, store, address, channel, frameBytesMax, body, bodyStart, bodyEnd)
  }

  #show(view: MessageView, deliveryCount: number, acquiredCount: number): ShownContent {
    const shown = shownContent(this.#session, view, { deliveryCount, acquiredCount })
    this.#lastShown ??= new LastShown()
    this.#lastShown.keep(view, deliveryCount, acquiredCount, shown.properties)
    return shown
  }
}
