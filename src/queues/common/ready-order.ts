/**
 * In which order ready entries leave a queue: by priority level, within a level by sequence, with the entries that came
 * back in the place that the kind gives them. Owned by a queue's `Entries`.
 *
 * A backlog costs nothing here: each level has a cursor into the ledger, and an entry is *fresh* when its level's cursor has
 * not passed it. Entries that came back are *returned*: a heap, ordered by level and sequence, or by the order of return.
 * Moving a cursor skips entries of other levels; over the life of an entry each level in use does so once.
 *
 * Invariant: `count` entries are ready; each is live in the ledger and either fresh and not set aside, or in `#returned`.
 */
import type { Ledger } from '../../model/message/message-store.ts'
import { SequenceHeap } from './sequence-heap.ts'

/** The tag's low byte is the entry's level, combined with the kind's default so that the usual tag is 0. */
const LEVEL_MASK = 0xff
/** Above any sequence: levels come first in the key of a returned entry. Levels × this stays below 2⁵³. */
const LEVEL_KEY = 2 ** 44
/** Stale elements of the heap of returns beyond which it is rebuilt. */
const STALE_MAX = 64
/** Most queues never have an entry come back, or taken out of order: these stand for what they do not have. */
const NO_RETURNS = new SequenceHeap()
const NONE = new Set<number>()

/** How a kind orders. */
export interface Ordering {
  /** 1: without priorities. At most 256. */
  readonly levelCount: number
  readonly defaultLevel: number
  /** Whether returned entries come before all others in the order of their return, else in their old place. */
  readonly returnsFirst: boolean
  /** Whether a full queue drops from its lowest level, else from its head, which is on the highest. */
  readonly dropsLowest: boolean
}

/** The order of ready entries. */
export class ReadyOrder {
  readonly #ledger: Ledger
  readonly #ordering: Ordering
  readonly #hasLevels: boolean
  /** Per level: where its fresh entries begin, and how many there are. */
  readonly #cursors: number[]
  readonly #fresh: number[]
  #freshCount = 0
  /** No fresh entry is on a higher level. */
  #highest = 0
  #returns = NO_RETURNS
  #returned = NONE
  #returnOrdinal = 0
  /** At or behind a cursor, but not fresh: taken out of order, and live until the queue settles them. */
  #setAside = NONE
  /** What `peek` found. */
  #head = 0
  #headLevel = 0
  /** Whether the entry found by `peek` was delivered before and came back. */
  isHeadReturned = false

  constructor(ledger: Ledger, ordering: Ordering) {
    this.#ledger = ledger
    this.#ordering = ordering
    this.#hasLevels = ordering.levelCount > 1
    this.#cursors = new Array<number>(ordering.levelCount).fill(ledger.nextSequence)
    this.#fresh = new Array<number>(ordering.levelCount).fill(0)
  }

  /** Ready entries. */
  get count(): number {
    return this.#freshCount + this.#returned.size
  }

  /** The tag bits of a priority: of the message, or undefined. Priorities above the highest level count as that. */
  tagOfPriority(priority: number | undefined): number {
    if (!this.#hasLevels || priority === undefined) return 0
    return Math.min(priority, this.#ordering.levelCount - 1) ^ this.#ordering.defaultLevel
  }

  levelOfTag(tag: number): number {
    return this.#hasLevels ? (tag & LEVEL_MASK) ^ this.#ordering.defaultLevel : 0
  }

  // Coming

  /** An entry, newer than all before, is ready. */
  add(sequence: number, tag: number): void {
    const level = this.levelOfTag(tag)
    if (this.#fresh[level]!++ === 0) {
      this.#cursors[level] = sequence
      if (level > this.#highest || this.#freshCount === 0) this.#highest = level
    }
    this.#freshCount++
  }

  /** An entry that was shifted is ready again. */
  giveBack(sequence: number): void {
    const key = this.#ordering.returnsFirst ? ++this.#returnOrdinal : this.#placeOf(sequence)
    if (this.#returned === NONE) {
      this.#returns = new SequenceHeap()
      this.#returned = new Set()
    }
    this.#returns.push(key, sequence)
    this.#returned.add(sequence)
  }

  // Going

  /** The entry that is next; 0 when there is none. */
  peek(): number {
    const returned = this.#returned.size === 0 ? 0 : this.#firstReturned()
    if (returned !== 0 && this.#precedesFresh(returned)) {
      this.isHeadReturned = true
      this.#head = returned
      return returned
    }
    this.isHeadReturned = false
    this.#headLevel = this.#highest
    this.#head = this.#freshCount === 0 ? 0 : this.freshHead(this.#highest)
    return this.#head
  }

  /** Takes out the entry that `peek` found. */
  shift(): void {
    if (this.isHeadReturned) {
      this.#returns.pop()
      this.#returned.delete(this.#head)
      return
    }
    this.#cursors[this.#headLevel] = this.#head + 1
    this.#left(this.#headLevel)
  }

  /** The entry to drop when there are too many; 0 when there is none. Take it with `remove`. */
  peekSurplus(): number {
    if (!this.#ordering.dropsLowest) return this.peek()
    const level = this.#lowestFresh()
    if (this.#returned.size > 0) {
      const returned = this.#lowestReturned()
      if (level < 0 || this.#levelOf(returned) <= level) return returned
    }
    return level < 0 ? 0 : this.freshHead(level)
  }

  /** Takes out any ready entry. When that is not settled at once it is set aside, until `forget`. */
  remove(sequence: number, isSettledLater: boolean): void {
    if (this.#returned.delete(sequence)) {
      if (this.#returns.count > 2 * this.#returned.size + STALE_MAX) {
        this.#returns.keepOnly((each) => this.#returned.has(each))
      }
      return
    }
    const level = this.#levelOf(sequence)
    if (this.#cursors[level] === sequence) this.#cursors[level] = sequence + 1
    else if (isSettledLater) {
      if (this.#setAside === NONE) this.#setAside = new Set()
      this.#setAside.add(sequence)
    }
    this.#left(level)
  }

  /** An entry is settled. */
  forget(sequence: number): void {
    if (this.#setAside.size > 0) this.#setAside.delete(sequence)
  }

  // Asking

  /** Whether a live entry is ready. */
  isReady(sequence: number): boolean {
    if (this.#returned.has(sequence)) return true
    const level = this.#levelOf(sequence)
    return this.#fresh[level]! > 0 && sequence >= this.#cursors[level]! && !this.#setAside.has(sequence)
  }

  /** Whether an entry is ready because it came back. */
  isReturned(sequence: number): boolean {
    return this.#returned.has(sequence)
  }

  /** The oldest fresh entry of a level; 0 when there is none. */
  freshHead(level: number): number {
    if (this.#fresh[level] === 0) return 0
    const ledger = this.#ledger
    let sequence = ledger.nextLive(this.#cursors[level]!)
    if (this.#hasLevels || this.#setAside.size > 0) {
      while (this.#setAside.has(sequence) || this.#levelOf(sequence) !== level) {
        if (sequence >= ledger.nextSequence) break
        sequence = ledger.nextLive(sequence + 1)
      }
    }
    if (sequence >= ledger.nextSequence) throw new Error(`${this.#fresh[level]} ready entries are not in the ledger`)
    this.#cursors[level] = sequence
    return sequence
  }

  get levelCount(): number {
    return this.#ordering.levelCount
  }

  /** Ready entries per level, lowest first. For listings: O(returned). */
  countsByLevel(): number[] {
    const counts = [...this.#fresh]
    for (const sequence of this.#returned) counts[this.#levelOf(sequence)]!++
    return counts
  }

  /**
   * Counts fresh entries below `end` again after entries vanished, or were found by recovery. `from`: the smallest
   * sequence that may be fresh on every level; undefined leaves the cursors. Returns the weight of all ready entries.
   */
  recount(end: number, from?: number): number {
    const ledger = this.#ledger
    if (from !== undefined) this.#cursors.fill(from)
    this.#fresh.fill(0)
    this.#freshCount = 0
    this.#highest = 0
    let weights = 0
    for (const sequence of [...this.#returned]) {
      if (ledger.addressOf(sequence) === 0) this.#returned.delete(sequence)
      else weights += ledger.weightOf(sequence)
    }
    let sequence = ledger.nextLive(Math.min(...this.#cursors))
    for (; sequence < end; sequence = ledger.nextLive(sequence + 1)) {
      const level = this.#levelOf(sequence)
      if (sequence < this.#cursors[level]! || this.#setAside.has(sequence) || this.#returned.has(sequence)) continue
      this.#fresh[level]!++
      this.#freshCount++
      if (level > this.#highest) this.#highest = level
      weights += ledger.weightOf(sequence)
    }
    return weights
  }

  // Helpers

  #levelOf(sequence: number): number {
    return this.#hasLevels ? this.levelOfTag(this.#ledger.tagOf(sequence)) : 0
  }

  #left(level: number): void {
    this.#freshCount--
    if (--this.#fresh[level]! > 0 || level !== this.#highest) return
    while (this.#highest > 0 && this.#fresh[this.#highest] === 0) this.#highest--
  }

  #placeOf(sequence: number): number {
    return (this.#ordering.levelCount - 1 - this.#levelOf(sequence)) * LEVEL_KEY + sequence
  }

  #precedesFresh(returned: number): boolean {
    if (this.#freshCount === 0 || this.#ordering.returnsFirst || !this.#hasLevels) return true
    return this.#levelOf(returned) >= this.#highest
  }

  #firstReturned(): number {
    let first = this.#returns.first
    while (!this.#returned.has(first)) {
      this.#returns.pop()
      first = this.#returns.first
    }
    return first
  }

  #lowestFresh(): number {
    if (this.#freshCount === 0) return -1
    if (this.#fresh[this.#highest] === this.#freshCount) return this.#highest
    return this.#fresh.findIndex((count) => count > 0)
  }

  #lowestReturned(): number {
    if (!this.#hasLevels) return this.#firstReturned()
    let lowest = 0
    let lowestLevel = 0
    for (const sequence of this.#returned) {
      const level = this.#levelOf(sequence)
      if (lowest !== 0 && (level > lowestLevel || (level === lowestLevel && sequence > lowest))) continue
      lowest = sequence
      lowestLevel = level
    }
    return lowest
  }
}
