/**
 * What one channel has delivered and not yet settled, and the credit of its consumers.
 *
 * Owns the unacked window, the sources of its deliveries, prefetch limits and the outbox's pressure. Consumers and gets
 * hand deliveries in; ack, nack, reject, recover and the end of the channel settle them.
 *
 * Invariant: a source keeps its number as long as one of its deliveries is unacked, also after it was cancelled.
 */
import type { MessageView } from '../../model/message/message.ts'
import { type QueueTally, SessionTallies } from '../../model/message/session-tallies.ts'
import type { Outcome } from '../../model/queue/queue.ts'
import { NO_SOURCE, UnackedWindow } from '../../model/queue/unacked-window.ts'
import type { ChannelConsumer, DeliverySource } from './consumer.ts'
import { ChannelError } from './errors.ts'
import type { Session } from './session.ts'

/** A settlement that a transaction holds back. */
export interface HeldSettlement {
  readonly tag: number
  readonly source: number
  readonly sequence: number
  readonly outcome: Outcome
}

/** Told when the queue ended a subscription. */
export interface CancelListener {
  onCancelled(consumer: ChannelConsumer, reason: string): void
}

/** One per channel. */
export class Deliveries {
  readonly channel: number
  readonly tallies: SessionTallies
  /** Consumers by tag. */
  readonly consumers = new Map<string, ChannelConsumer>()
  readonly #session: Session
  readonly #listener: CancelListener
  readonly #window = new UnackedWindow()
  readonly #sources: (DeliverySource | null)[] = []
  /** Deliveries to consumers, which the channel-wide prefetch counts; gets it does not. */
  #unackedOfConsumers = 0
  #prefetchOfChannel = 0
  #isPressed: boolean
  /** Whether the channel as a whole may get more: room in the outbox, and below its prefetch. */
  hasRoom: boolean
  /** Settlements that wait for tx.commit; null outside transactions. */
  held: HeldSettlement[] | null = null
  /** The channel is closed. */
  isClosed = false
  #outcome: Outcome = 'accepted'
  readonly #settleVisited = (source: number, sequence: number, tag: number) =>
    this.#settleOne(tag, source, sequence, this.#outcome)

  constructor(channel: number, session: Session, listener: CancelListener) {
    this.channel = channel
    this.#session = session
    this.tallies = new SessionTallies(session.world.traffic)
    this.#listener = listener
    this.#isPressed = session.outbox.isHigh
    this.hasRoom = !this.#isPressed
  }

  get unackedCount(): number {
    return this.#window.count
  }

  get prefetchOfChannel(): number {
    return this.#prefetchOfChannel
  }

  // Sources

  /** Makes a new source with a number of its own. */
  add<S extends DeliverySource>(make: (index: number) => S): S {
    const free = this.#sources.indexOf(null)
    const index = free === -1 ? this.#sources.length : free
    const source = make(index)
    this.#sources[index] = source
    return source
  }

  /** The source will deliver no more: its number is free once everything is settled. */
  retire(index: number): void {
    if (this.#sources[index]?.unackedCount === 0) this.#sources[index] = null
  }

  // Deliveries

  /** The tag of a delivery that has to be acknowledged. */
  delivered(consumer: ChannelConsumer, sequence: number, redelivered: boolean): number {
    const { tally } = consumer
    tally.delivered++
    tally.ofKind.delivered++
    if (redelivered) countRedelivered(tally)
    if (++consumer.unackedCount === consumer.prefetchCount) consumer.hasCredit = false
    if (++this.#unackedOfConsumers === this.#prefetchOfChannel) this.#refresh()
    return this.#window.push(consumer.index, sequence)
  }

  /** The tag of a delivery that is settled by itself. */
  deliveredNoAck({ tally }: ChannelConsumer, redelivered: boolean): number {
    tally.deliveredNoAck++
    tally.ofKind.deliveredNoAck++
    if (redelivered) countRedelivered(tally)
    return this.#window.pushSettled()
  }

  /** The tag of a get. */
  got(source: DeliverySource, index: number, sequence: number, redelivered: boolean): number {
    const { tally } = source
    tally.got++
    tally.ofKind.got++
    if (redelivered) countRedelivered(tally)
    source.unackedCount++
    return this.#window.push(index, sequence)
  }

  /** The tag of a get that is settled by itself. */
  gotNoAck(tally: QueueTally, redelivered: boolean): number {
    tally.gotNoAck++
    tally.ofKind.gotNoAck++
    if (redelivered) countRedelivered(tally)
    return this.#window.pushSettled()
  }

  /** Copies a delivery to the trace exchange. */
  trace(view: MessageView, queue: string, redelivered: boolean): void {
    const { vhost, connectionName, identity } = this.#session
    const context = { connection: connectionName, channel: this.channel, user: identity.user }
    vhost.tracer.delivered(view, queue, redelivered, context)
  }

  cancelledByQueue(consumer: ChannelConsumer, reason: string): void {
    if (consumer.isCancelled) return
    consumer.isCancelled = true
    consumer.hasCredit = false
    this.consumers.delete(consumer.tag)
    this.retire(consumer.index)
    this.#listener.onCancelled(consumer, reason)
  }

  // Settlement

  /** Settles one delivery, or all up to it; tag 0 with `multiple` means all. Throws 406 for a tag that is not unacked. */
  settle(tag: number, multiple: boolean, outcome: Outcome): void {
    if (!multiple) {
      const source = this.#window.take(tag)
      if (source === NO_SOURCE) throw unknownTag(tag)
      this.#settleOne(tag, source, this.#window.sequence, outcome)
    } else {
      if (tag !== 0 && !this.#window.has(tag)) throw unknownTag(tag)
      this.#outcome = outcome
      if (tag === 0) this.#window.takeAll(this.#settleVisited)
      else this.#window.takeUpTo(tag, this.#settleVisited)
    }
    this.#afterSettling()
  }

  /** All unacked deliveries go back to their queues. */
  recover(): void {
    this.#outcome = 'returned'
    this.#window.takeAll((source, sequence) => this.#release(source, sequence, 'returned'))
    this.#afterSettling()
  }

  /** Ends all consumers; everything unacked, held back or not, goes back as a failed delivery, oldest first. */
  close(): void {
    this.isClosed = true
    for (const consumer of this.consumers.values()) consumer.cancel()
    this.consumers.clear()
    this.rollback()
    this.held = null
    this.#window.takeAll((source, sequence) => this.#release(source, sequence, 'returned-failed'))
  }

  /** Carries out what the transaction held back. */
  commit(): void {
    const held = this.held ?? []
    this.held = []
    for (const { source, sequence, outcome } of held) {
      this.#release(source, sequence, outcome)
    }
    this.#afterSettling()
  }

  /** What the transaction held back is unacked again. */
  rollback(): void {
    for (const { tag, source, sequence } of this.held ?? []) this.#window.restore(tag, source, sequence)
    if (this.held !== null) this.held = []
  }

  // Credit

  /** Limits all consumers of the channel together; 0 is no limit. */
  limitChannel(prefetchCount: number): void {
    this.#prefetchOfChannel = prefetchCount
    this.#refresh()
  }

  /** The outbox has too much unsent, or that is over. */
  onPressure(isHigh: boolean): void {
    this.#isPressed = isHigh
    this.#refresh()
  }

  #settleOne(tag: number, source: number, sequence: number, outcome: Outcome): void {
    if (this.held !== null) {
      this.held.push({ tag, source, sequence, outcome })
      return
    }
    this.#release(source, sequence, outcome)
  }

  #release(index: number, sequence: number, outcome: Outcome): void {
    const source = this.#sources[index]
    if (source === null || source === undefined) return
    if (outcome === 'accepted') countAcked(source.tally)
    source.unackedCount--
    if (source.countsForPrefetch) this.#unackedOfConsumers--
    source.settle(sequence, outcome)
    if (source.unackedCount === 0 && source.isRetired) this.#sources[index] = null
  }

  #afterSettling(): void {
    const wasFull = !this.hasRoom
    if (wasFull) this.#refresh()
    for (const consumer of this.consumers.values()) if (!consumer.hasCredit) consumer.refresh()
  }

  #refresh(): void {
    const limit = this.#prefetchOfChannel
    this.hasRoom = !this.#isPressed && (limit === 0 || this.#unackedOfConsumers < limit)
    for (const consumer of this.consumers.values()) consumer.refresh()
  }
}

function countAcked(tally: QueueTally): void {
  tally.acked++
  tally.ofKind.acked++
}

function countRedelivered(tally: QueueTally): void {
  tally.redelivered++
  tally.ofKind.redelivered++
}

function unknownTag(tag: number): ChannelError {
  return ChannelError.preconditionFailed(`unknown delivery tag ${tag}`)
}
