/**
 * Chunks of memory that outboxes encode into and sockets write from. One pool per broker.
 *
 * Most flushes are short and many connections may have one in the same turn, so an outbox starts with a small chunk and
 * moves to a large one when that is full. Idle connections hold none. The pool keeps a bounded number of free ones.
 */

/** Memory for encoded frames; free again when it is retired and nothing of it is being written. */
export class Chunk {
  readonly bytes: Buffer
  /** The same memory. */
  readonly data: DataView
  /** Ranges given to the socket and not written yet. */
  pendingWrites = 0
  /** Its outbox has moved on. */
  isRetired = false

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
}

export const SMALL_CHUNK_BYTES = 4 * 1024
export const LARGE_CHUNK_BYTES = 64 * 1024
/** Free chunks kept: 16 MiB of large ones, 4 MiB of small ones. */
const LARGE_FREE_MAX = 256
const SMALL_FREE_MAX = 1024

/** Lends chunks. */
export class ChunkPool {
  readonly #small: Chunk[] = []
  readonly #large: Chunk[] = []
  /** Chunks lent at this moment, for statistics and tests. */
  lentCount = 0

  take(large: boolean): Chunk {
    this.lentCount++
    const chunk = (large ? this.#large : this.#small).pop()
    if (chunk === undefined) return new Chunk(Buffer.allocUnsafeSlow(large ? LARGE_CHUNK_BYTES : SMALL_CHUNK_BYTES))
    chunk.isRetired = false
    return chunk
  }

  give(chunk: Chunk): void {
    this.lentCount--
    const length = chunk.bytes.length
    if (length === LARGE_CHUNK_BYTES && this.#large.length < LARGE_FREE_MAX) this.#large.push(chunk)
    else if (length === SMALL_CHUNK_BYTES && this.#small.length < SMALL_FREE_MAX) this.#small.push(chunk)
  }

  /** A chunk of an unusual size, for a frame that fits in no other; it is not kept. */
  takeOversized(byteCount: number): Chunk {
    this.lentCount++
    return new Chunk(Buffer.allocUnsafeSlow(byteCount))
  }
}
