/**
 * Expires ready entries exactly at their deadline, wherever in the queue they are. Owned by a queue's `Entries`; made when
 * the first message with an expiration comes or the queue gets a TTL.
 *
 *   deadline = time of publishing + the smaller of the queue's TTL and the message's own expiration
 *
 * Entries with an expiration of their own stand in a heap. For the queue's TTL the oldest entry of each level is looked
 * at, because entries lie in the order of their publishing. An expiration of 0 expires what the turn's end could not deliver.
 * The clock of an entry goes on while it is unacked: a returned entry stands in the heap again.
 *
 * After a start and when the TTL changes, entries with an expiration are read once, in the background, to learn their
 * deadlines; whoever delivers asks `hasExpired` before. [RabbitMQ: TTL; Differs: there, only the head expires]
 */
import { NEVER } from '../../base/clock.ts'
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'
import { type MessageView, NO_EXPIRATION } from '../../model/message/message.ts'
import type { Ledger } from '../../model/message/message-store.ts'
import type { EntryReader } from './entry-reader.ts'
import { TAG_EXPIRES } from './entry-tags.ts'
import type { ReadyOrder } from './ready-order.ts'
import { Ring } from './ring.ts'
import { SequenceHeap } from './sequence-heap.ts'

/** No TTL of the queue. */
export const NO_TTL = NEVER
/** Entries that expire, or are looked at, in one go. */
const EXPIRED_PER_RUN = 4_096
/** The heap is rid of settled entries when it has doubled since it was last, and not below this. */
const COMPACT_COUNT_MIN = 1_024

/** Whose entries expire. */
export interface ExpiryOwner {
  /** The deadline of a ready entry has passed. */
  onExpired(sequence: number): void
  /** `run` is due. */
  onExpiryDue(): void
}

/** The deadlines of a queue. */
export class Expiry implements TimerOwner {
  readonly #timers: TimerWheel
  readonly #ledger: Ledger
  readonly #order: ReadyOrder
  readonly #reader: EntryReader
  readonly #owner: ExpiryOwner
  readonly #timer = new TimerEntry(this)
  readonly #deadlines = new SequenceHeap()
  readonly #unread = new Ring<number>()
  /** Expire at the end of this turn, unless delivered. */
  #instant: number[] = []
  #queueTtlMs = NO_TTL
  #compactAt = COMPACT_COUNT_MIN
  /** Entries from here up to `#scanEnd` have yet to be looked at. */
  #scanFrom = 0
  #scanEnd = 0

  constructor(timers: TimerWheel, ledger: Ledger, order: ReadyOrder, reader: EntryReader, owner: ExpiryOwner) {
    this.#timers = timers
    this.#ledger = ledger
    this.#order = order
    this.#reader = reader
    this.#owner = owner
  }

  get queueTtlMs(): number {
    return this.#queueTtlMs
  }

  /** Sets the queue's TTL; `NO_TTL` for none. Entries that are there have it, too. */
  setQueueTtl(ttlMs: number): void {
    if (ttlMs === this.#queueTtlMs) return
    this.#queueTtlMs = ttlMs
    this.rescan()
  }

  /** Looks at every entry anew. */
  rescan(): void {
    this.#deadlines.clear()
    this.#scanFrom = 1
    this.#scanEnd = this.#ledger.nextSequence
    this.#owner.onExpiryDue()
  }

  /** An entry is ready for the first time. `expirationMs` is the message's own. */
  add(sequence: number, publishedAtMs: number, expirationMs: number): void {
    if (expirationMs === 0 || this.#queueTtlMs === 0) this.#instant.push(sequence)
    else if (expirationMs !== NO_EXPIRATION) this.#push(publishedAtMs + expirationMs, sequence)
  }

  /** An entry that was entered some time ago is ready for the first time. */
  addEntered(sequence: number): void {
    if (this.#queueTtlMs !== 0 && (this.#ledger.tagOf(sequence) & TAG_EXPIRES) === 0) return
    if (this.#queueTtlMs === 0) this.#instant.push(sequence)
    else if (!this.#reader.open(sequence)) this.#unread.push(sequence)
    else this.add(sequence, this.#reader.view.publishedAtMs, this.#reader.view.expirationMs)
  }

  /** An entry came back, and has to be in the heap again if it can expire. */
  returned(sequence: number): void {
    if (this.#queueTtlMs === NO_TTL && (this.#ledger.tagOf(sequence) & TAG_EXPIRES) === 0) return
    if (!this.#learn(sequence)) this.#unread.push(sequence)
  }

  /** Whether the message is past its deadline. Those with a TTL of 0 may be delivered until `expireInstant`. */
  hasExpired(view: MessageView, nowMs: number): boolean {
    const ttlMs = this.#ttlOf(view)
    return ttlMs !== 0 && view.publishedAtMs + ttlMs <= nowMs
  }

  /** Expires what is due, and sets the timer for the next. Returns false when there is more to do right away. */
  run(nowMs: number): boolean {
    let budget = this.#scan(EXPIRED_PER_RUN)
    if (this.#unread.count > 0) this.#readUnread()
    const deadlines = this.#deadlines
    for (; budget > 0 && deadlines.firstKey <= nowMs; budget--) this.#expireIfReady(deadlines.pop())
    let nextMs = deadlines.firstKey
    if (this.#queueTtlMs !== NO_TTL && this.#queueTtlMs !== 0) {
      for (let level = 0; level < this.#order.levelCount && budget > 0; level++) {
        for (; budget > 0; budget--) {
          const headMs = this.#headDeadline(level)
          if (headMs > nowMs) {
            if (headMs < nextMs) nextMs = headMs
            break
          }
          this.#owner.onExpired(this.#order.freshHead(level))
        }
      }
    }
    if (nextMs !== this.#timer.atMs) this.#timers.schedule(this.#timer, nextMs)
    return budget > 0
  }

  /** Expires what had a TTL of 0 and was not delivered. */
  expireInstant(): void {
    if (this.#instant.length === 0) return
    const instant = this.#instant
    this.#instant = []
    for (const sequence of instant) this.#expireIfReady(sequence)
  }

  stop(): void {
    this.#timers.cancel(this.#timer)
  }

  onTimer(): void {
    this.#owner.onExpiryDue()
  }

  // Helpers

  #push(deadlineMs: number, sequence: number): void {
    if (this.#deadlines.count >= this.#compactAt) {
      this.#deadlines.keepOnly((each) => this.#ledger.addressOf(each) !== 0)
      this.#compactAt = Math.max(COMPACT_COUNT_MIN, 2 * this.#deadlines.count)
    }
    this.#deadlines.push(deadlineMs, sequence)
  }

  #expireIfReady(sequence: number): void {
    if (this.#ledger.addressOf(sequence) !== 0 && this.#order.isReady(sequence)) this.#owner.onExpired(sequence)
  }

  /** Of the oldest fresh entry of a level; NEVER when there is none or it has to be read first. */
  #headDeadline(level: number): number {
    const head = this.#order.freshHead(level)
    if (head === 0 || !this.#reader.open(head)) return NEVER
    // One with an expiration of 0 has its chance first, and is in the heap or among the instant ones.
    const ttlMs = this.#ttlOf(this.#reader.view)
    return this.#reader.view.publishedAtMs + (ttlMs === 0 ? this.#queueTtlMs : ttlMs)
  }

  #ttlOf(view: MessageView): number {
    return view.expirationMs === NO_EXPIRATION ? this.#queueTtlMs : Math.min(view.expirationMs, this.#queueTtlMs)
  }

  /** Puts a live entry into the heap, if it can expire; false when it has to be read first. */
  #learn(sequence: number): boolean {
    if (!this.#reader.open(sequence)) return false
    const deadlineMs = this.#reader.view.publishedAtMs + this.#ttlOf(this.#reader.view)
    if (deadlineMs !== NEVER) this.#push(deadlineMs, sequence)
    return true
  }

  #readUnread(): void {
    for (let sequence = this.#unread.peek(); sequence !== undefined; sequence = this.#unread.peek()) {
      if (this.#ledger.addressOf(sequence) !== 0 && !this.#learn(sequence)) return
      this.#unread.shift()
    }
  }

  /** Looks at as many entries as the budget allows; returns what is left of it. */
  #scan(budget: number): number {
    const ledger = this.#ledger
    for (; this.#scanFrom < this.#scanEnd && budget > 0; budget--) {
      const sequence = ledger.nextLive(this.#scanFrom)
      this.#scanFrom = sequence
      if (sequence >= this.#scanEnd) break
      const hasOwn = (ledger.tagOf(sequence) & TAG_EXPIRES) !== 0
      // With a TTL of the queue, fresh entries expire as heads; what came back may be anywhere.
      const isCovered =
        !hasOwn && (this.#queueTtlMs === NO_TTL || (this.#queueTtlMs !== 0 && !this.#order.isReturned(sequence)))
      if (!isCovered && !this.#learn(sequence)) break
      this.#scanFrom = sequence + 1
    }
    return budget
  }
}
