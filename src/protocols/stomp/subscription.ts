/**
 * One subscription: the queue's sink. Writes entries as MESSAGE frames, keeps what is unacked, and keeps `hasCredit` current.
 *
 * Credit is there while the client keeps up: fewer unacked than its prefetch, and room in the outbox. Numbers of messages
 * are those of the unacked window; a message id is `<tag>@@<session>@@<number>`. [STOMP 1.2 "SUBSCRIBE", "ACK"]
 */
import type { MessageView } from '../../model/message/message.ts'
import type { Address } from '../../model/message/message-store.ts'
import type { QueueTally } from '../../model/message/session-tallies.ts'
import type { Consumer, ConsumerSink, Outcome } from '../../model/queue/queue.ts'
import { NO_SOURCE, UnackedWindow } from '../../model/queue/unacked-window.ts'
import type { ReplyQueue } from '../../model/routing/reply-to.ts'
import { MessageWriter, showsAck } from './message-writer.ts'
import { isVerbatim, shownMessage } from './shown-headers.ts'
import { linesStart } from './stored-headers.ts'
import type { Session } from './world.ts'

/** All of a subscription is one source of its window. */
const SOURCE = 0

/** How a client acknowledges. */
export type AckMode = 'auto' | 'client' | 'client-individual'

/** What a client asked for. */
export interface SubscriptionOptions {
  /** `T_<id>`, or `Q_<destination>` without an id. */
  readonly tag: string
  /** Null: the client gave none. */
  readonly id: string | null
  /** As errors name it. */
  readonly description: string
  readonly ackMode: AckMode
  /** 0 is no limit. */
  readonly prefetchCount: number
  /** Where its deliveries are counted. */
  readonly tally: QueueTally
  /** Number of the first message. */
  readonly firstNumber: number
}

/** Told when the queue ended a subscription. */
export interface SubscriptionListener {
  onCancelled(subscription: StompSubscription): void
}

/** A subscription, by its tag. */
export class StompSubscription implements ConsumerSink {
  readonly options: SubscriptionOptions
  readonly window: UnackedWindow
  readonly #session: Session
  readonly #listener: SubscriptionListener
  readonly #writer: MessageWriter
  readonly #noAck: boolean
  readonly #tally: QueueTally
  /** What it consumes from: a queue's side, or the reply queue. Set right after subscribing. */
  consumer: Consumer | null = null
  replies: ReplyQueue | null = null
  /** Whether UNSUBSCRIBE may delete the queue: it is a durable subscription's own. */
  isDurable = false
  hasCredit = true
  isEnded = false
  #outcome: Outcome = 'accepted'
  readonly #settleVisited = (_source: number, sequence: number): void => {
    this.consumer?.settle(sequence, this.#outcome)
  }

  constructor(session: Session, options: SubscriptionOptions, listener: SubscriptionListener) {
    this.#session = session
    this.options = options
    this.#listener = listener
    this.#noAck = options.ackMode === 'auto'
    this.#tally = options.tally
    this.window = new UnackedWindow(options.firstNumber)
    const { settings } = session.world
    this.#writer = new MessageWriter({
      version: session.version,
      subscriptionId: options.id,
      idPrefix: `${options.tag}@@${session.sessionId}@@`,
      hasAck: showsAck(session.version, this.#noAck),
      topicExchange: settings.topicExchange,
      trailingLineFeed: settings.trailingLineFeed,
    })
    this.hasCredit = !session.outbox.isHigh
  }

  get queueName(): string {
    return this.consumer?.queue.name ?? ''
  }

  deliver(
    view: MessageView,
    sequence: number,
    address: Address,
    redelivered: boolean,
    deliveryCount: number,
    acquiredCount: number,
  ): void {
    const session = this.#session
    const number = this.#noAck ? this.window.pushSettled() : this.window.push(SOURCE, sequence)
    this.#count(redelivered)
    if (!this.#noAck && this.window.count === this.options.prefetchCount) this.hasCredit = false
    if (session.rates.isLimited) session.rates.delivered(view.bodyBytes)
    if (session.vhost.isTraced) this.#trace(view, redelivered)
    const { outbox, world, version } = session
    const { store } = world.broker.world
    if (isVerbatim(view, version, deliveryCount, acquiredCount)) {
      const { bytes, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = view
      const from = linesStart(propertiesStart)
      this.#writer.write(
        outbox,
        view,
        number,
        redelivered,
        bytes,
        from,
        propertiesEnd,
        bytes,
        bodyStart,
        bodyEnd,
        store,
        address,
      )
      return
    }
    const shown = shownMessage(world.formats, view, version, deliveryCount, acquiredCount)
    const { lines, body, bodyStart, bodyEnd, isStored } = shown
    const pinned = isStored ? store : null
    this.#writer.write(
      outbox,
      view,
      number,
      redelivered,
      lines,
      0,
      lines.length,
      body,
      bodyStart,
      bodyEnd,
      pinned,
      address,
    )
  }

  cancelled(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.hasCredit = false
    this.#listener.onCancelled(this)
  }

  /** Settles one message, or in mode `client` all up to it. False when its number is not unacked. */
  settle(number: number, outcome: Outcome): boolean {
    if (!this.window.has(number)) return false
    const tally = this.#tally
    if (this.options.ackMode === 'client') {
      this.#outcome = outcome
      const count = this.window.takeUpTo(number, this.#settleVisited)
      if (outcome === 'accepted') {
        tally.acked += count
        tally.ofKind.acked += count
      }
    } else {
      if (this.window.take(number) === NO_SOURCE) return false
      this.consumer?.settle(this.window.sequence, outcome)
      if (outcome === 'accepted') {
        tally.acked++
        tally.ofKind.acked++
      }
    }
    if (!this.hasCredit) this.refresh()
    return true
  }

  /** Recomputes the credit; tells the queue when there is some again. */
  refresh(): void {
    const before = this.hasCredit
    const { prefetchCount } = this.options
    this.hasCredit =
      !this.isEnded &&
      !this.#session.outbox.isHigh &&
      (this.#noAck || prefetchCount === 0 || this.window.count < prefetchCount)
    if (this.hasCredit && !before) this.consumer?.credited()
  }

  /** The client ends it. What is unacked stays so. */
  cancel(): void {
    this.isEnded = true
    this.hasCredit = false
    this.consumer?.cancel()
    this.replies?.close()
  }

  /** Everything unacked goes back, oldest first. */
  giveBack(): void {
    this.#outcome = 'returned-failed'
    this.window.takeAll(this.#settleVisited)
  }

  #count(redelivered: boolean): void {
    const tally = this.#tally
    const { ofKind } = tally
    if (this.#noAck) {
      tally.deliveredNoAck++
      ofKind.deliveredNoAck++
    } else {
      tally.delivered++
      ofKind.delivered++
    }
    if (!redelivered) return
    tally.redelivered++
    ofKind.redelivered++
  }

  #trace(view: MessageView, redelivered: boolean): void {
    const { vhost, connectionName, identity } = this.#session
    const context = { connection: connectionName, channel: 1, user: identity.user }
    vhost.tracer.delivered(view, this.queueName, redelivered, context)
  }
}
