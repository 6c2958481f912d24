/**
 * The log's side of a durable block: its file, and how far its batches are sealed, written and synced.
 *
 * Invariant: syncedTo <= writtenTo <= sealedTo, all ends of batches. The block's memory may go when all three reach the
 * end of a closed block.
 */
import type { DiskFile } from './disk.ts'

/** Batch starts closer together than this are not remembered: a cold read verifies from the one before. */
const START_SPACING_BYTES = 32 * 1024

/** Image of a block in a file. */
export class LogImage {
  file: DiskFile | null = null
  sealedTo = 0
  writtenTo = 0
  syncedTo = 0
  /** The file has the name of the block. */
  isNamed = false
  /** The owner needs it no more since the log's end was here; -1 while it does. */
  releasedAt = -1
  /** Compaction could not empty it: what is live there cannot be read. */
  isStuck = false
  /** Damage was found: the file is set aside, not used again. */
  isDamaged = false
  /** Some batch starts, ascending. */
  #starts = new Uint32Array(8)
  #startCount = 0

  /** A batch begins at `at`. */
  noteStart(at: number): void {
    const count = this.#startCount
    if (count > 0 && at - this.#starts[count - 1]! < START_SPACING_BYTES) return
    if (count === this.#starts.length) {
      const grown = new Uint32Array(count * 2)
      grown.set(this.#starts)
      this.#starts = grown
    }
    this.#starts[count] = at
    this.#startCount = count + 1
  }

  /** A batch start at or before `at`, the nearest that is remembered. */
  startBefore(at: number): number {
    let low = 0
    let high = this.#startCount - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#starts[middle]! <= at) low = middle
      else high = middle - 1
    }
    return this.#starts[low]!
  }
}
