/**
 * Publisher confirms of one channel: tells the client, in order and cumulatively, which publishes are safe.
 *
 * The log becomes safe in order, so publishes do too: of all publishes of a turn only the last one's tag and the log's
 * position at the end of that turn are kept. A message that all its queues are done with is safe without a sync. One `basic.ack multiple` per channel and turn answers them. A refused publish
 * is answered at once by a `basic.nack` of its own. [RabbitMQ: publisher confirms]
 *
 * Invariant: a tag is acked only when everything published up to it is durable, or need not be (any more).
 */
import type { Clock } from '../../base/clock.ts'
import type { Histogram } from '../../base/histogram.ts'
import { TURN_SESSIONS, type Turn, type TurnTask } from '../../base/turn.ts'
import type { MessageStore, Position, SafeSink } from '../../model/message/message-store.ts'
import type { Outbox } from '../../net/outbox.ts'
import { ACK_BYTES, encodeMethod, writeAck } from './codec.ts'
import { BASIC_NACK } from './spec.ts'

/** Told how many publishes were answered. */
export interface ConfirmCounters {
  confirmed: number
}

/** What confirms need of their connection and broker. */
export interface ConfirmWorld {
  readonly turn: Turn
  readonly store: MessageStore
  readonly outbox: Outbox
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** How long publishes waited for their confirms. */
  readonly waitMs: Histogram
}

/** One per channel in confirm mode. */
export class Confirms implements TurnTask, SafeSink {
  readonly #channel: number
  readonly #world: ConfirmWorld
  readonly #counters: readonly ConfirmCounters[]
  /** Turns that wait for the log: the last tag of each, and the position that makes it safe. */
  readonly #tags: number[] = []
  readonly #positions: Position[] = []
  /** When the first publish of each came. */
  readonly #sinceMs: number[] = []
  #markedAtMs = 0
  #head = 0
  #published = 0
  /** The last publish that was not refused. */
  #accepted = 0
  #acked = 0
  #mustWait = false
  #isMarked = false
  #isWaiting = false
  #isClosed = false

  constructor(channel: number, world: ConfirmWorld, counters: readonly ConfirmCounters[]) {
    this.#channel = channel
    this.#world = world
    this.#counters = counters
  }

  /** Publishes not yet answered. */
  get unconfirmedCount(): number {
    return this.#published - this.#acked
  }

  /** A publish was taken. `mustWait`: it is safe once the log is up to where it is now. */
  published(mustWait: boolean): void {
    this.#accepted = ++this.#published
    if (mustWait) this.#mustWait = true
    if (!this.#isMarked) {
      this.#isMarked = true
      this.#markedAtMs = this.#world.clock.monotonicMs()
      this.#world.turn.mark(TURN_SESSIONS, this)
    }
  }

  /** A publish was refused. */
  refused(): void {
    this.#published++
    const nack = encodeMethod(BASIC_NACK, this.#channel, {
      deliveryTag: this.#published,
      multiple: false,
      requeue: false,
    })
    this.#world.outbox.write(nack)
    if (this.#acked === this.#published - 1) this.#acked++
  }

  /** The channel is closed: nothing more is said. */
  close(): void {
    this.#isClosed = true
  }

  onTurnEnd(): void {
    this.#isMarked = false
    if (this.#isClosed) return
    const { store } = this.#world
    if (this.#mustWait && store.safe < store.appended) {
      this.#mustWait = false
      this.#tags.push(this.#accepted)
      this.#positions.push(store.appended)
      this.#sinceMs.push(this.#markedAtMs)
      this.#await()
    } else {
      this.#mustWait = false
      if (this.#head === this.#tags.length) this.#ack(this.#accepted, this.#markedAtMs)
      // Behind publishes that wait: they are answered together.
      else this.#tags[this.#tags.length - 1] = this.#accepted
    }
  }

  onSafe(upTo: Position): void {
    this.#isWaiting = false
    if (this.#isClosed) return
    let tag = 0
    // The oldest one's wait stands for all that are answered now.
    const sinceMs = this.#sinceMs[this.#head] ?? 0
    while (this.#head < this.#tags.length && this.#positions[this.#head]! <= upTo) tag = this.#tags[this.#head++]!
    if (this.#head === this.#tags.length) {
      this.#tags.length = 0
      this.#positions.length = 0
      this.#sinceMs.length = 0
      this.#head = 0
    } else this.#await()
    if (tag > 0) this.#ack(tag, sinceMs)
  }

  #await(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#world.store.awaitSafe(this)
  }

  #ack(tag: number, sinceMs: number): void {
    const count = tag - this.#acked
    if (count <= 0) return
    this.#acked = tag === this.#accepted ? this.#published : tag
    for (const counters of this.#counters) counters.confirmed += count
    const { outbox, clock, waitMs } = this.#world
    waitMs.observe(clock.monotonicMs() - sinceMs, count)
    const at = outbox.reserve(ACK_BYTES)
    writeAck(outbox.bytes, at, this.#channel, tag, count > 1)
  }
}
