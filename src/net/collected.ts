/**
 * The bytes of a frame or packet that straddles chunks, put together in memory that is lent from a pool of the process.
 *
 * Readers use one each. Chunks are borrowed, so whatever a reader keeps is copied into here; while there is nothing to keep it
 * holds no memory. Memory grows with the bytes that arrived, not with those that were announced.
 */

/** Sizes that are kept for others: powers of two from 512 B to 1 MiB, so many of each. 16 MiB at most. */
const POOLED_BITS_MIN = 9
const POOLED_BITS_MAX = 20
const FREE_MAX = 8

const NOTHING: Buffer = Buffer.alloc(0)
const free: Buffer[][] = Array.from({ length: POOLED_BITS_MAX - POOLED_BITS_MIN + 1 }, () => [])

function bitsFor(byteCount: number): number {
  return Math.max(POOLED_BITS_MIN, 32 - Math.clz32(byteCount - 1))
}

function take(byteCount: number): Buffer {
  const bits = bitsFor(byteCount)
  if (bits > POOLED_BITS_MAX) return Buffer.allocUnsafeSlow(byteCount)
  return free[bits - POOLED_BITS_MIN]!.pop() ?? Buffer.allocUnsafeSlow(1 << bits)
}

function give(buffer: Buffer): void {
  const bits = bitsFor(buffer.length)
  if (bits > POOLED_BITS_MAX) return
  const list = free[bits - POOLED_BITS_MIN]!
  if (list.length < FREE_MAX) list.push(buffer)
}

/** What one reader keeps: [start, end) of `bytes`. */
export class Collected {
  bytes = NOTHING
  start = 0
  end = 0

  get byteCount(): number {
    return this.end - this.start
  }

  /** Adds [from, to) of a chunk. `neededBytes`: how many there will be; 0 when that is not known. */
  add(chunk: Buffer, from: number, to: number, neededBytes: number): void {
    const added = to - from
    if (this.end + added > this.bytes.length) this.#makeRoom(this.byteCount + added, neededBytes)
    chunk.copy(this.bytes, this.end, from, to)
    this.end += added
  }

  /** What lies before `start` is not needed any more; gives the memory back when nothing is left. */
  dropTo(start: number): void {
    this.start = start
    if (start === this.end) this.clear()
  }

  /** Gives the memory back. */
  clear(): void {
    if (this.bytes !== NOTHING) give(this.bytes)
    this.bytes = NOTHING
    this.start = 0
    this.end = 0
  }

  #makeRoom(total: number, neededBytes: number): void {
    const { bytes: old, start, end } = this
    if (total <= old.length / 2) {
      old.copyWithin(0, start, end)
    } else {
      // Twice what arrived at most: whoever announces a large frame has to send it.
      const grown = take(Math.max(total, Math.min(neededBytes, 2 * total), Math.min(2 * old.length, 2 * total)))
      old.copy(grown, 0, start, end)
      if (old !== NOTHING) give(old)
      this.bytes = grown
    }
    this.end = end - start
    this.start = 0
  }
}
