/**
 * What changed in a ledger and is not in the log yet: collected during a turn, written as one record when the log can
 * write. Ranges grow in place, so that a queue that is consumed in order costs one range per turn.
 */

/** Pending changes of one ledger. What is not durable has none: one journal, always empty, serves all such ledgers. */
export class LedgerJournal {
  /** The range that grows; empty when `to` < `from`. */
  #from = 0
  #to = -1
  /** Finished ranges: from, count, from, count, … */
  ranges: number[] = []
  /** sequence, value, sequence, value, … */
  remembered: number[] = []
  /** In the store's list of ledgers with changes. */
  isListed = false

  /** Adds a settled entry; true when a new range was begun. */
  settled(sequence: number): boolean {
    if (sequence === this.#to + 1) {
      this.#to = sequence
      return false
    }
    this.#close()
    this.#from = sequence
    this.#to = sequence
    return true
  }

  /** A settled entry that need not be written: bridges the gap when it continues the range. */
  bridged(sequence: number): void {
    if (sequence === this.#to + 1) this.#to = sequence
  }

  /** All ranges: from, count, … */
  takeRanges(): number[] {
    this.#close()
    const ranges = this.ranges
    this.ranges = []
    return ranges
  }

  takeRemembered(): number[] {
    const remembered = this.remembered
    this.remembered = []
    return remembered
  }

  clear(): void {
    this.#from = 0
    this.#to = -1
    this.ranges = []
    this.remembered = []
  }

  #close(): void {
    if (this.#to >= this.#from) this.ranges.push(this.#from, this.#to - this.#from + 1)
    this.#from = 0
    this.#to = -1
  }
}
