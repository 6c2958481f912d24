/**
 * Dead entries on their way out: published to the dead letter exchange at the end of the turn, then settled. Owned by a
 * queue's `Entries`.
 *
 * They wait for the turn's end because entries die while messages are admitted and entered, and nobody may publish then.
 * An entry that is dead is neither ready nor unacked; until it is settled it is live in the ledger, so that a crash
 * loses no dead letter. [docs/dead-lettering.md]
 */

import type { Clock } from '../../base/clock.ts'
import { type MessageDraft, MessageView, writeMessage } from '../../model/message/message.ts'
import type { Ledger, MessageStore } from '../../model/message/message-store.ts'
import type { DeadLetterStrategy } from '../../model/observe/deaths.ts'
import type { DeadLetterSink, DeadLetterSource, DeadLetterTarget, DeathReason } from '../../model/queue/dead-letter.ts'
import type { DeliveryCounts } from './delivery-counts.ts'
import { EntryReader, type EntryReaderOwner } from './entry-reader.ts'
import { Ring } from './ring.ts'

/** Dead letters of one queue and turn. */
const LETTERS_PER_RUN = 4_096

/** The queue as its dead letters see it. */
export interface LetterHost extends EntryReaderOwner, DeadLetterSource {
  readonly store: MessageStore
  readonly ledger: Ledger
  readonly deadLetters: DeadLetterSink
  readonly clock: Clock
  /** Deliveries and returns of an entry so far. */
  countsOf(sequence: number): DeliveryCounts
  /** The entry is done with. */
  settleDead(sequence: number): void
}

/** Where dead entries go: at once, or when their letters are safe. */
export interface LetterLine {
  readonly strategy: DeadLetterStrategy
  /** Entries in it. */
  readonly count: number
  readonly bytes: number
  /** Where letters go from now on; null drops what is in the line. */
  target: DeadLetterTarget | null
  push(sequence: number, reason: DeathReason): void
  /** Publishes as many as one go allows; false when more can follow right away. */
  run(): boolean
  /** Settles everything in the line without publishing it; returns how many entries that were. */
  clear(): number
  stop(): void
}

interface DeadEntry {
  readonly sequence: number
  readonly reason: DeathReason
  readonly weight: number
  /** A message that was refused and is in no ledger. */
  readonly copy: MessageView | null
}

/** Publishes each letter once. */
export class DeadLetterLine implements LetterLine {
  readonly strategy = 'at_most_once'
  readonly #host: LetterHost
  readonly #reader: EntryReader
  readonly #line = new Ring<DeadEntry>()
  #copies = 0
  bytes = 0
  target: DeadLetterTarget | null

  constructor(host: LetterHost, target: DeadLetterTarget | null) {
    this.#host = host
    this.#reader = new EntryReader(host.store, host.ledger, host)
    this.target = target
  }

  get count(): number {
    return this.#line.count - this.#copies
  }

  push(sequence: number, reason: DeathReason): void {
    const weight = this.#host.ledger.weightOf(sequence)
    this.bytes += weight
    this.#line.push({ sequence, reason, weight, copy: null })
  }

  /** A message that the queue refused dies, too. Copies it. */
  pushRefused(draft: MessageDraft): void {
    const words = new Uint32Array((draft.payloadBytes() + 3) >>> 2)
    const bytes = Buffer.from(words.buffer)
    writeMessage(draft, bytes, words, 0)
    const copy = new MessageView()
    copy.at(bytes, words, 0)
    this.#copies++
    this.#line.push({ sequence: 0, reason: 'maxlen', weight: 0, copy })
  }

  run(): boolean {
    if (this.#line.count === 0) return true
    const nowMs = this.#host.clock.nowMs()
    for (let budget = LETTERS_PER_RUN; budget > 0; budget--) {
      const dead = this.#line.peek()
      if (dead === undefined) return true
      if (dead.copy === null && this.#host.ledger.addressOf(dead.sequence) === 0) this.#done()
      else if (!this.#publish(dead, nowMs)) return true
    }
    return false
  }

  clear(): number {
    const count = this.count
    while (this.#line.count > 0) this.#done()
    return count
  }

  stop(): void {
    this.#line.clear()
  }

  /** Publishes the first letter; false when it has to be read first. */
  #publish(dead: DeadEntry, nowMs: number): boolean {
    const target = this.target
    if (target === null) return this.#done()
    const { deadLetters, store } = this.#host
    if (dead.copy !== null) {
      deadLetters.deadLetter(this.#host, dead.copy, dead.reason, target, 0, 0, nowMs)
      return this.#done()
    }
    const reader = this.#reader
    if (!reader.open(dead.sequence)) return false
    const counts = this.#host.countsOf(dead.sequence)
    const address = reader.address
    store.pin(address)
    deadLetters.deadLetter(this.#host, reader.view, dead.reason, target, counts.deliveries, counts.returns, nowMs)
    store.unpin(address)
    return this.#done()
  }

  #done(): true {
    const dead = this.#line.shift()!
    if (dead.copy !== null) this.#copies--
    else {
      this.bytes -= dead.weight
      this.#host.settleDead(dead.sequence)
    }
    return true
  }
}
