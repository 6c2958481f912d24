/**
 * Sequences ordered by a key (a deadline, an order of return): a binary heap in two typed arrays. Entries of the same key
 * come out by sequence. Nothing is removed from the middle: whoever pops asks whether the sequence still counts, and
 * calls `keepOnly` when most do not.
 */

const CAPACITY_INITIAL = 16
/** Most heaps of most queues stay empty. */
const NOTHING = new Float64Array(0)

/** A heap of sequences, smallest key first. */
export class SequenceHeap {
  #keys = NOTHING
  #sequences = NOTHING
  count = 0

  /** The smallest key; `Infinity` when the heap is empty. */
  get firstKey(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.#keys[0]!
  }

  /** The sequence of the smallest key; 0 when the heap is empty. */
  get first(): number {
    return this.count === 0 ? 0 : this.#sequences[0]!
  }

  push(key: number, sequence: number): void {
    if (this.count === this.#keys.length) this.#grow()
    const keys = this.#keys
    const sequences = this.#sequences
    let at = this.count++
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (keys[parent]! < key || (keys[parent] === key && sequences[parent]! < sequence)) break
      keys[at] = keys[parent]!
      sequences[at] = sequences[parent]!
      at = parent
    }
    keys[at] = key
    sequences[at] = sequence
  }

  /** Takes out the sequence of the smallest key; 0 when the heap is empty. */
  pop(): number {
    if (this.count === 0) return 0
    const popped = this.#sequences[0]!
    const last = --this.count
    this.#sink(0, this.#keys[last]!, this.#sequences[last]!)
    return popped
  }

  /** Forgets every sequence that does not count any more. O(n). */
  keepOnly(counts: (sequence: number) => boolean): void {
    let kept = 0
    for (let i = 0; i < this.count; i++) {
      if (!counts(this.#sequences[i]!)) continue
      this.#keys[kept] = this.#keys[i]!
      this.#sequences[kept++] = this.#sequences[i]!
    }
    this.count = kept
    for (let at = (kept >>> 1) - 1; at >= 0; at--) this.#sink(at, this.#keys[at]!, this.#sequences[at]!)
  }

  /** All sequences, in no order. */
  *sequences(): Iterable<number> {
    for (let i = 0; i < this.count; i++) yield this.#sequences[i]!
  }

  clear(): void {
    this.count = 0
    this.#keys = NOTHING
    this.#sequences = NOTHING
  }

  /** Places an entry at `at` or below. */
  #sink(at: number, key: number, sequence: number): void {
    const keys = this.#keys
    const sequences = this.#sequences
    for (let child = 2 * at + 1; child < this.count; child = 2 * at + 1) {
      if (child + 1 < this.count && this.#isBefore(child + 1, child)) child++
      if (key < keys[child]! || (key === keys[child] && sequence < sequences[child]!)) break
      keys[at] = keys[child]!
      sequences[at] = sequences[child]!
      at = child
    }
    keys[at] = key
    sequences[at] = sequence
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#keys[a]! - this.#keys[b]!
    return difference < 0 || (difference === 0 && this.#sequences[a]! < this.#sequences[b]!)
  }

  #grow(): void {
    const keys = new Float64Array(Math.max(CAPACITY_INITIAL, this.#keys.length * 2))
    const sequences = new Float64Array(keys.length)
    keys.set(this.#keys)
    sequences.set(this.#sequences)
    this.#keys = keys
    this.#sequences = sequences
  }
}
