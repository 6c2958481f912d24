/**
 * A ledger: the numbered entries of one owner, each pointing at a record until it is settled. Called by the owner (a
 * queue) for every entry, by compaction when a record moves, and by recovery, which plays the log back into it.
 *
 * Invariant: an entry is live exactly while the index points at a record, and then that record's block counts it.
 */

import type { RecordCursor } from './appender.ts'
import type { Block } from './block.ts'
import { OWNER_VOLATILE } from './format.ts'
import { LedgerJournal } from './ledger-journal.ts'
import { PAGE_ENTRIES, type Page, type PageArena, PageTable } from './ledger-pages.ts'
import type { Tail } from './tail.ts'

const PAGE_MASK = PAGE_ENTRIES - 1
const HIGH = 0x1_0000_0000
const NO_JOURNAL = new LedgerJournal()
/** Assumed until a record was seen. */
const OVERHEAD_BYTES_FIRST = 96

/** What a ledger needs of its store, beyond the record at the cursor. */
export interface LedgerHost {
  readonly cursor: RecordCursor
  readonly arena: PageArena
  readonly tail: Tail
  /** The block has no live pair left (for now, when it is still being filled). */
  blockDied(block: Block): void
  /** The ledger's journal has something for the log; `urgent` when a turn must not end without it. */
  ledgerChanged(ledger: Ledger, urgent: boolean): void
  /** The ledger is gone. */
  ledgerDeleted(ledger: Ledger): void
}

/** The entries of one owner. */
export class Ledger {
  readonly id: number
  readonly isDurable: boolean
  /** What stands in records: the id, or for a volatile ledger its place among the volatile ones. */
  readonly ownerWord: number
  readonly #ownerFlags: number
  readonly #host: LedgerHost
  readonly #cursor: RecordCursor
  readonly #tailOfLog: Tail
  readonly pages: PageTable
  readonly journal: LedgerJournal
  /** The page of `nextSequence - 1`; kept even when all of it is settled. */
  #tail: Page | null = null
  nextSequence = 1
  liveCount = 0
  liveBytes = 0
  deliveredUpTo = 0
  /** Live entries whose records are in the log. */
  loggedCount = 0
  /** Sum of their weights. */
  #loggedBytes = 0
  /** What a record takes beyond its weight, as seen at the last new page. */
  #overheadBytes = OVERHEAD_BYTES_FIRST
  isDeleted = false
  /** A queue has asked for it since the start. */
  isClaimed = false
  /** Whose it is, in the owner's words; '' when nobody said. */
  label = ''
  /** The log knows the label. */
  isLabelled = false
  /** Cold reads: the address behind the last one, and its size. */
  coldNext = 0
  coldBytes = 0

  constructor(host: LedgerHost, id: number, isDurable: boolean, ownerWord: number) {
    this.id = id
    this.isDurable = isDurable
    this.ownerWord = ownerWord
    this.#ownerFlags = isDurable ? 0 : OWNER_VOLATILE
    this.journal = isDurable ? new LedgerJournal() : NO_JOURNAL
    this.#host = host
    this.#cursor = host.cursor
    this.#tailOfLog = host.tail
    this.pages = new PageTable(host.arena)
  }

  /** Bytes of the log that the live entries take: exact in bodies, and as good as the last sample in what is around them. */
  get diskBytes(): number {
    return this.#loggedBytes + this.loggedCount * this.#overheadBytes
  }

  // Entries

  enter(slot: number, weight: number, tag: number): number {
    const cursor = this.#cursor
    const block = cursor.block
    const at = cursor.at
    const sequence = this.nextSequence
    this.nextSequence = sequence + 1
    const index = sequence & PAGE_MASK
    let page = this.#tail
    if (index === 0 || page === null) {
      page = this.#nextPage(sequence)
      this.#overheadBytes = recordBytes(cursor.words, at) - weight
    }
    const entry = page.base + index
    page.words[entry] = page.refer(block) | (at >>> 3)
    page.words[entry + PAGE_ENTRIES] = weight
    if (tag !== 0 || page.tags !== null) page.setTag(index, tag)
    page.live++
    block.live++
    block.entered++
    this.liveCount++
    this.liveBytes += weight
    if (block.isLogged) {
      this.loggedCount++
      this.#loggedBytes += weight
      this.#tailOfLog.pending++
    }
    const words = cursor.words
    const word = (at >>> 2) + 2 + slot * 3
    words[word] = this.ownerWord
    words[word + 1] = sequence
    words[word + 2] = (sequence / HIGH) | 0 | this.#ownerFlags | (tag << 16)
    return sequence
  }

  addressOf(sequence: number): number {
    const page = this.pages.pageOf(sequence)
    if (page === null) return 0
    const ref = page.words[page.base + (sequence & PAGE_MASK)]!
    return ref === 0 ? 0 : page.addressOf(ref)
  }

  weightOf(sequence: number): number {
    const page = this.#livePage(sequence)
    return page === null ? 0 : page.words[page.base + (sequence & PAGE_MASK) + PAGE_ENTRIES]!
  }

  tagOf(sequence: number): number {
    const page = this.#livePage(sequence)
    return page === null || page.tags === null ? 0 : page.tags[sequence & PAGE_MASK]!
  }

  settle(sequence: number): void {
    const page = this.pages.pageOf(sequence)
    if (page === null) return
    const entry = page.base + (sequence & PAGE_MASK)
    const ref = page.words[entry]!
    if (ref === 0) return
    page.words[entry] = 0
    this.liveCount--
    this.liveBytes -= page.words[entry + PAGE_ENTRIES]!
    const block = page.blockOf(ref)
    if (--block.live === 0) this.#host.blockDied(block)
    if (block.isLogged) this.#loggedSettled(sequence, page.addressOf(ref), page.words[entry + PAGE_ENTRIES]!)
    else if (this.isDurable) this.journal.bridged(sequence)
    if (--page.live === 0 && page !== this.#tail) this.pages.release(sequence)
  }

  nextLive(from: number): number {
    return this.liveCount === 0 ? this.nextSequence : this.pages.nextLive(from, this.nextSequence)
  }

  markDelivered(upTo: number): void {
    if (upTo <= this.deliveredUpTo) return
    this.deliveredUpTo = upTo
    if (this.isDurable) this.#host.ledgerChanged(this, this.loggedCount > 0)
  }

  remember(sequence: number, value: number): void {
    const page = this.#livePage(sequence)
    if (page === null) return
    page.setValue(sequence & PAGE_MASK, value)
    if (!this.isDurable || !page.blockOf(page.words[page.base + (sequence & PAGE_MASK)]!).isLogged) return
    this.journal.remembered.push(sequence, value)
    this.#host.ledgerChanged(this, true)
  }

  recall(sequence: number): number {
    const page = this.#livePage(sequence)
    return page === null || page.values === null ? 0 : page.values[sequence & PAGE_MASK]!
  }

  delete(): void {
    if (this.isDeleted) return
    this.isDeleted = true
    this.settleRange(1, this.nextSequence)
    if (this.#tail !== null) this.pages.release(this.nextSequence - 1)
    this.#tail = null
    this.#host.ledgerDeleted(this)
  }

  // For compaction, recovery and snapshots

  /** Points an entry at the record `at` of a block: a moved record, or one found by recovery. Counts what is new. */
  place(sequence: number, block: Block, at: number, weight: number, tag: number): void {
    const page = this.pages.ensure(sequence)
    const entry = page.base + (sequence & PAGE_MASK)
    const old = page.words[entry]!
    if (old === 0) {
      page.live++
      this.liveCount++
      this.liveBytes += weight
      if (block.isLogged) {
        this.loggedCount++
        this.#loggedBytes += weight
      }
      if (page.values !== null) page.values[sequence & PAGE_MASK] = 0
    } else {
      const from = page.blockOf(old)
      const change = weight - page.words[entry + PAGE_ENTRIES]!
      this.liveBytes += change
      if (block.isLogged) this.#loggedBytes += change
      if (--from.live === 0) this.#host.blockDied(from)
    }
    if (block.isLogged) this.#tailOfLog.pending++
    block.live++
    block.entered++
    page.words[entry] = page.refer(block) | (at >>> 3)
    page.words[entry + PAGE_ENTRIES] = weight
    page.setTag(sequence & PAGE_MASK, tag)
    if (sequence >= this.nextSequence) this.#skipTo(sequence + 1)
  }

  /** Settles `[from, to)` and clears the journal: for what the log says already, or will say otherwise. */
  settleRange(from: number, to: number): void {
    const end = Math.min(to, this.nextSequence)
    for (let sequence = this.nextLive(from); sequence < end; sequence = this.nextLive(sequence + 1)) {
      this.settle(sequence)
    }
    this.journal.clear()
  }

  /** Settles what lies before a position. */
  settleBefore(position: number): void {
    for (let sequence = this.nextLive(1); sequence < this.nextSequence; sequence = this.nextLive(sequence + 1)) {
      if (this.addressOf(sequence) < position) this.settle(sequence)
    }
    this.journal.clear()
  }

  /** Never hands out sequences below this. */
  #skipTo(next: number): void {
    const tail = this.#tail
    const old = this.nextSequence - 1
    this.nextSequence = next
    const page = this.pages.pageOf(next - 1)
    if (page === tail) return
    this.#tail = page
    if (tail !== null && tail.live === 0) this.pages.release(old)
  }

  /** After recovery: what the log mentions is never used again. */
  reserveUpTo(next: number): void {
    if (next > this.nextSequence) this.#skipTo(next)
  }

  // Helpers

  #livePage(sequence: number): Page | null {
    const page = this.pages.pageOf(sequence)
    return page === null || page.words[page.base + (sequence & PAGE_MASK)] === 0 ? null : page
  }

  #nextPage(sequence: number): Page {
    const tail = this.#tail
    const page = this.pages.ensure(sequence)
    this.#tail = page
    if (tail === null) this.#labelWanted()
    else if (tail !== page && tail.live === 0) this.pages.release(sequence - 1)
    return page
  }

  /** With the first entry the label goes to the log. */
  #labelWanted(): void {
    if (this.isDurable && this.label !== '' && !this.isLabelled) this.#host.ledgerChanged(this, true)
  }

  #loggedSettled(sequence: number, address: number, weight: number): void {
    this.loggedCount--
    this.#loggedBytes -= weight
    this.#tailOfLog.settled(address)
    if (this.isDurable && this.journal.settled(sequence)) this.#host.ledgerChanged(this, true)
  }
}

/** Bytes of the record at an offset of its block, padded. */
function recordBytes(words: Uint32Array, at: number): number {
  return (words[at >>> 2]! + 7) & ~7
}
