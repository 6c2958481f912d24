/**
 * The entries of a queue that are ready or dead, and their counts; both kinds of queue own one. It knows when entries
 * expire, which ones give way when there are too many, and where dead ones go; consumers are not its business.
 *
 * Invariant: every live entry of the ledger is ready, dead (in the line), or held by the owner (unacked, delayed, not
 * committed); `readyCount` and `readyBytes` are exact at any moment.
 */

import { type MessageDraft, NO_EXPIRATION } from '../../model/message/message.ts'
import type { Ledger } from '../../model/message/message-store.ts'
import type { DeathReason } from '../../model/queue/dead-letter.ts'
import type { QueueCounters } from '../../model/queue/queue.ts'
import type { QueueHost } from '../../model/queue/queue-host.ts'
import type { LetterLine } from './dead-letter-line.ts'
import type { EntryReader } from './entry-reader.ts'
import { TAG_EXPIRES, TAG_TRANSIENT } from './entry-tags.ts'
import { Expiry, type ExpiryOwner, NO_TTL } from './expiry.ts'
import type { LengthLimit } from './length-limit.ts'
import { type Ordering, ReadyOrder } from './ready-order.ts'

/** The queue that owns the entries. */
export interface EntriesOwner {
  readonly kind: string
  readonly host: QueueHost
  readonly ledger: Ledger
  readonly reader: EntryReader
  readonly counters: QueueCounters
  /** Whether transient messages are told from persistent ones (a durable classic queue). */
  readonly tellsTransient: boolean
  /** There is work for the end of the turn. */
  wake(): void
}

/** Ready and dead entries. */
export class Entries implements ExpiryOwner {
  readonly #owner: EntriesOwner
  readonly ledger: Ledger
  readonly order: ReadyOrder
  readyBytes = 0
  /** null as long as nothing can expire. */
  expiry: Expiry | null = null
  /** null: no limit. */
  limit: LengthLimit | null = null
  /** Where dead entries go; null as long as there was no target. */
  line: LetterLine | null = null
  #taggedCount = 0
  #transientCount = 0

  constructor(owner: EntriesOwner, ordering: Ordering) {
    this.#owner = owner
    this.ledger = owner.ledger
    this.order = new ReadyOrder(owner.ledger, ordering)
  }

  get readyCount(): number {
    return this.order.count
  }

  /** Entries that are dead and not settled. */
  get deadCount(): number {
    return this.line === null ? 0 : this.line.count
  }

  get deadBytes(): number {
    return this.line === null ? 0 : this.line.bytes
  }

  get transientCount(): number {
    return this.#transientCount
  }

  // Settings

  setQueueTtl(ttlMs: number): void {
    if (ttlMs !== NO_TTL || this.expiry !== null) this.#ensureExpiry().setQueueTtl(ttlMs)
  }

  // Coming

  /** Enters the record just written; it is not ready yet. Returns its sequence. */
  enter(draft: MessageDraft, slot: number): number {
    const tag =
      this.order.tagOfPriority(draft.hasPriority ? draft.priority : undefined) |
      (draft.expirationMs === NO_EXPIRATION ? 0 : TAG_EXPIRES) |
      (draft.persistent || !this.#owner.tellsTransient ? 0 : TAG_TRANSIENT)
    if (tag >= TAG_EXPIRES) this.#countTag(tag)
    return this.ledger.enter(slot, draft.bodyBytes, tag)
  }

  /** An entered message is ready. */
  addNew(sequence: number, draft: MessageDraft): void {
    this.order.add(sequence, this.order.tagOfPriority(draft.hasPriority ? draft.priority : undefined))
    this.readyBytes += draft.bodyBytes
    if (draft.expirationMs !== NO_EXPIRATION) this.#ensureExpiry()
    if (this.expiry !== null) this.expiry.add(sequence, draft.publishedAtMs, draft.expirationMs)
  }

  /** An entry that was entered some time ago is ready. */
  addEntered(sequence: number): void {
    const tag = this.ledger.tagOf(sequence)
    this.order.add(sequence, tag)
    this.readyBytes += this.ledger.weightOf(sequence)
    if ((tag & TAG_EXPIRES) !== 0) this.#ensureExpiry()
    if (this.expiry !== null) this.expiry.addEntered(sequence)
  }

  /** An entry that was shifted is ready again. */
  giveBack(sequence: number): void {
    this.order.giveBack(sequence)
    this.readyBytes += this.ledger.weightOf(sequence)
    if (this.expiry !== null) this.expiry.returned(sequence)
  }

  /** Finds the entries that the ledger holds: all are ready. Transient ones are gone, if another queue kept the record. */
  recover(): void {
    const ledger = this.ledger
    let tags = 0
    for (let sequence = ledger.nextLive(1); sequence < ledger.nextSequence; sequence = ledger.nextLive(sequence + 1)) {
      const tag = ledger.tagOf(sequence)
      if (tag < TAG_EXPIRES) continue
      if ((tag & TAG_TRANSIENT) !== 0) {
        ledger.settle(sequence)
        continue
      }
      tags |= tag
      this.#countTag(tag)
    }
    if (ledger.liveCount === 0) return
    this.readyBytes = this.order.recount(ledger.nextSequence, 1)
    if ((tags & TAG_EXPIRES) !== 0) this.#ensureExpiry().rescan()
  }

  // Going

  /** The entry found by `order.peek` goes to a consumer. */
  shift(weight: number): void {
    this.order.shift()
    this.readyBytes -= weight
  }

  /** An entry is done with. */
  settle(sequence: number): void {
    if (this.#taggedCount > 0) this.#forgetTag(sequence)
    this.order.forget(sequence)
    this.ledger.settle(sequence)
  }

  /** An entry that is not ready dies: it is dead-lettered, or just settled when there is no target. */
  die(sequence: number, reason: DeathReason): void {
    const line = this.line
    const { host, kind } = this.#owner
    if (line === null || line.target === null) {
      host.deaths.count(kind, 'disabled', reason)
      return this.settle(sequence)
    }
    host.deaths.count(kind, line.strategy, reason)
    line.push(sequence, reason)
    this.#owner.wake()
  }

  onExpired(sequence: number): void {
    this.#owner.counters.expired++
    this.#dieReady(sequence, 'expired')
  }

  /** Takes a ready entry out, to be held by the owner. */
  holdBack(sequence: number): void {
    this.readyBytes -= this.ledger.weightOf(sequence)
    this.order.remove(sequence, true)
  }

  onExpiryDue(): void {
    this.#owner.wake()
  }

  /** Lets the entries that the order gives up first die until the limit is kept. */
  makeRoom(limit: LengthLimit): void {
    while (this.order.count > 0 && limit.isExceededBy(this.order.count, this.readyBytes)) {
      this.#owner.counters.droppedMaxLength++
      this.#dieReady(this.order.peekSurplus(), 'maxlen')
    }
  }

  /** Settles everything that is ready; returns how many entries that were. */
  purge(): number {
    const count = this.order.count
    for (let sequence = this.order.peek(); sequence !== 0; sequence = this.order.peek()) {
      this.order.shift()
      this.settle(sequence)
    }
    this.readyBytes = 0
    return count
  }

  /** Entries were damaged and left the ledger: counts what is left. `end`: nothing from there on is ready yet. */
  recount(end: number): void {
    this.readyBytes = this.order.recount(end)
  }

  stop(): void {
    if (this.expiry !== null) this.expiry.stop()
    if (this.line !== null) this.line.stop()
  }

  // Helpers

  #dieReady(sequence: number, reason: DeathReason): void {
    const line = this.line
    this.readyBytes -= this.ledger.weightOf(sequence)
    this.order.remove(sequence, line !== null && line.target !== null)
    this.die(sequence, reason)
  }

  #ensureExpiry(): Expiry {
    if (this.expiry === null) {
      const { host, reader } = this.#owner
      this.expiry = new Expiry(host.timers, this.ledger, this.order, reader, this)
    }
    return this.expiry
  }

  #countTag(tag: number): void {
    this.#taggedCount++
    if ((tag & TAG_TRANSIENT) !== 0) this.#transientCount++
  }

  #forgetTag(sequence: number): void {
    const tag = this.ledger.tagOf(sequence)
    if (tag < TAG_EXPIRES) return
    this.#taggedCount--
    if ((tag & TAG_TRANSIENT) !== 0) this.#transientCount--
  }
}
