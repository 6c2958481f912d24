/**
 * The tail of the log: entries in records that are not durable yet. When the last of them is settled, nobody needs the
 * tail any more, and who waits for its sync may stop to. One per log; the ledgers count, the log says how far it is.
 *
 *        durable        boundary        appended
 *   ───────┼───────────────┼───────────────┼
 *              running          pending             live (record, owner) pairs of each part
 *
 * Invariant: `isSettled` is never true while an entry before `appended` that is not durable is live. Counting errs on the
 * other side: an entry that compaction moved within the tail is counted until the next sync.
 */

/** Told that the tail has no live entry any more. */
export interface TailOwner {
  onTailSettled(): void
}

/** Counts what is live in the tail. */
export class Tail {
  #owner: TailOwner | null = null
  #durable = 0
  #boundary = 0
  #running = 0
  /** Raised by ledgers for each entry whose record is in the log's open end. */
  pending = 0

  setOwner(owner: TailOwner): void {
    this.#owner = owner
  }

  get isSettled(): boolean {
    return this.pending + this.#running === 0
  }

  /** An entry of the log was settled. */
  settled(address: number): void {
    if (address >= this.#boundary) this.pending--
    else if (address >= this.#durable) this.#running--
    else return
    if (this.pending + this.#running === 0) this.#owner?.onTailSettled()
  }

  /** All entries so far lie before this position, and the log begins to write them. */
  writing(upTo: number): void {
    this.#running += this.pending
    this.pending = 0
    this.#boundary = upTo
  }

  /** The log is durable up to here: at least to where it last began to write. */
  durableUpTo(upTo: number): void {
    this.#durable = upTo
    this.#running = 0
  }
}
