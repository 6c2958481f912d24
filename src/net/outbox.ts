/**
 * What one connection sends: frames are encoded into chunks and leave in one write per turn. Sessions reserve space and
 * fill it; the socket owns the outbox.
 *
 *   reserve(n) → offset in `bytes`     space for n bytes, to be filled before the next call
 *   writeReference(…)                  a large range sent from where it lies, pinned by its owner until it is written
 *
 * Full chunks go to the transport at once, the rest at the end of the turn. Invariant: bytes leave in the order of calls,
 * and a chunk returns to the pool only when no write reads from it any more. While idle it holds no memory.
 */
import { TURN_FLUSH, type Turn, type TurnTask } from '../base/turn.ts'
import { type Chunk, type ChunkPool, LARGE_CHUNK_BYTES, SMALL_CHUNK_BYTES } from './chunk-pool.ts'
import type { Transport } from './transport.ts'

/** Above this many unsent bytes the connection's consumers pause … */
export const OUTBOX_HIGH_BYTES = 1024 * 1024
/** … until fewer than this are left. */
export const OUTBOX_LOW_BYTES = 256 * 1024

/** Ranges of a turn leave in one write until they have this many bytes: a write wakes the peer, and costs more than the copy. */
const CORK_BYTES_MAX = 256 * 1024

/** Owner of memory that a socket reads from: the message store. */
export interface Pinned {
  unpin(address: number): void
}

/** Told when the outbox has too much unsent, and when that is over. */
export interface OutboxListener {
  onPressure(isHigh: boolean): void
}

/** What becomes free when a write completes. */
interface PendingWrite {
  readonly byteCount: number
  readonly chunk: Chunk | null
  readonly owner: Pinned | null
  readonly address: number
}

const NOTHING: Buffer = Buffer.alloc(0)
const NO_DATA: DataView = new DataView(NOTHING.buffer)
/** What an idle outbox has. Never changed. */
const NO_WRITES: PendingWrite[] = []

/** One per connection. */
export class Outbox implements TurnTask {
  readonly #transport: Transport
  readonly #pool: ChunkPool
  readonly #turn: Turn
  readonly #listener: OutboxListener
  /** Told to the transport; made when something is written, because most outboxes are idle. */
  #written: (() => void) | null = null
  /** Memory that `reserve` gives offsets into. */
  bytes: Buffer = NOTHING
  /** The same memory, with the same offsets. */
  data = NO_DATA
  #chunk: Chunk | null = null
  /** Of the chunk: [start, end) is filled and not yet given to the transport. */
  #start = 0
  #end = 0
  #isMarked = false
  #isCorked = false
  #corkedBytes = 0
  #isClosed = false
  #endsAfterFlush = false
  #prefersLarge = false
  /** Unsent bytes have passed the high mark and not fallen below the low one since. */
  #isFull = false
  /** Somebody asked for no more. */
  #isHeld = false
  /** Writes under way, oldest first; the transport completes them in order. */
  #pending = NO_WRITES
  #pendingHead = 0
  /** Bytes given to the transport and not yet written. */
  pendingBytes = 0
  /** Whether nobody should deliver more: too much is unsent, or the outbox is held. */
  isHigh = false
  /** Since the start, for statistics and heartbeats. */
  sentBytes = 0
  /** Writes given to the transport. */
  sentCount = 0

  constructor(transport: Transport, pool: ChunkPool, turn: Turn, listener: OutboxListener) {
    this.#transport = transport
    this.#pool = pool
    this.#turn = turn
    this.#listener = listener
  }

  /** Space for `byteCount` bytes in `bytes`, to be filled before the next call. Goes nowhere when the outbox is closed. */
  reserve(byteCount: number): number {
    const at = this.#end
    if (at + byteCount <= this.bytes.length) {
      this.#end = at + byteCount
      return at
    }
    return this.#reserveSlowly(byteCount)
  }

  /** Sends bytes of the caller, copied. */
  write(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.bytes.set(bytes, at)
  }

  /** Sends [start, end) of the buffer from where it lies. `owner.unpin(address)` is called when it was written, or dropped. */
  writeReference(buffer: Buffer, start: number, end: number, owner: Pinned, address: number): void {
    if (this.#isClosed) {
      owner.unpin(address)
      return
    }
    this.#mark()
    this.#seal()
    this.#give(buffer, start, end, { byteCount: end - start, chunk: null, owner, address })
  }

  /** Nobody delivers more until `release`; what was written goes out. */
  hold(): void {
    this.#isHeld = true
    this.#press()
  }

  release(): void {
    this.#isHeld = false
    if (!this.#isClosed) this.#press()
  }

  /** Flushes, then ends the stream: nothing can be sent afterwards. */
  endAfterFlush(): void {
    if (this.#isClosed) return
    this.#endsAfterFlush = true
    this.#mark()
  }

  /** The connection is gone: everything unsent is dropped. */
  close(): void {
    this.#isClosed = true
    if (this.#chunk !== null) this.#retire(this.#chunk)
    this.#start = 0
    this.#end = 0
  }

  onTurnEnd(): void {
    this.#isMarked = false
    this.#prefersLarge = this.#end > SMALL_CHUNK_BYTES
    if (this.#isClosed) {
      this.close()
      return
    }
    this.#seal()
    if (this.#chunk !== null) this.#retire(this.#chunk)
    if (this.#isCorked) {
      this.#isCorked = false
      this.#transport.uncork()
    }
    if (this.#endsAfterFlush) {
      this.#isClosed = true
      this.#transport.end()
    }
  }

  #reserveSlowly(byteCount: number): number {
    this.#mark()
    const kept = this.#end - this.#start
    // A small chunk that is full: go on in a large one, which is cheaper than a write of its own.
    const grows = this.bytes.length === SMALL_CHUNK_BYTES && kept + byteCount <= LARGE_CHUNK_BYTES && kept > 0
    if (this.#end + byteCount > this.bytes.length) {
      const old = this.#chunk
      const from = this.#start
      if (!grows) this.#seal()
      const chunk = this.#chunkFor(byteCount + (grows ? kept : 0))
      this.bytes = chunk.bytes
      this.data = chunk.data
      this.#chunk = chunk
      this.#start = 0
      this.#end = 0
      if (old !== null) {
        if (grows) {
          old.bytes.copy(chunk.bytes, 0, from, from + kept)
          this.#end = kept
        }
        this.#letGo(old)
      }
    }
    const at = this.#end
    this.#end = at + byteCount
    return at
  }

  #chunkFor(byteCount: number): Chunk {
    if (byteCount > LARGE_CHUNK_BYTES) return this.#pool.takeOversized(byteCount)
    const large = this.#prefersLarge || this.#chunk !== null || byteCount > SMALL_CHUNK_BYTES
    return this.#pool.take(large)
  }

  #mark(): void {
    if (this.#isMarked) return
    this.#isMarked = true
    this.#turn.mark(TURN_FLUSH, this)
  }

  /** Gives what is in the chunk to the transport. */
  #seal(): void {
    const chunk = this.#chunk
    if (chunk === null || this.#end === this.#start) return
    if (this.#isClosed) {
      this.#start = this.#end
      return
    }
    chunk.pendingWrites++
    const start = this.#start
    this.#start = this.#end
    this.#give(chunk.bytes, start, this.#end, { byteCount: this.#end - start, chunk, owner: null, address: 0 })
  }

  #give(bytes: Buffer, start: number, end: number, pending: PendingWrite): void {
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#corkedBytes = 0
      this.#transport.cork()
    }
    this.#corkedBytes += end - start
    if (this.#pending === NO_WRITES) this.#pending = [pending]
    else this.#pending.push(pending)
    this.pendingBytes += pending.byteCount
    this.sentBytes += pending.byteCount
    this.sentCount++
    this.#written ??= () => this.#onWritten()
    this.#transport.write(bytes, start, end, this.#written)
    if (this.#corkedBytes >= CORK_BYTES_MAX) {
      this.#isCorked = false
      this.#transport.uncork()
    }
    if (!this.#isFull && this.pendingBytes > OUTBOX_HIGH_BYTES) {
      this.#isFull = true
      this.#press()
    }
  }

  #onWritten(): void {
    const pending = this.#pending[this.#pendingHead]
    if (pending === undefined) return
    this.#pendingHead++
    if (this.#pendingHead === this.#pending.length) {
      this.#pending = NO_WRITES
      this.#pendingHead = 0
      this.#written = null
    } else if (this.#pendingHead === 1024) {
      this.#pending.splice(0, 1024)
      this.#pendingHead = 0
    }
    this.pendingBytes -= pending.byteCount
    if (pending.owner !== null) pending.owner.unpin(pending.address)
    if (pending.chunk !== null) {
      pending.chunk.pendingWrites--
      this.#giveBack(pending.chunk)
    }
    if (this.#isFull && this.pendingBytes < OUTBOX_LOW_BYTES && !this.#isClosed) {
      this.#isFull = false
      this.#press()
    }
  }

  #press(): void {
    const isHigh = this.#isFull || this.#isHeld
    if (isHigh === this.isHigh) return
    this.isHigh = isHigh
    this.#listener.onPressure(isHigh)
  }

  #retire(chunk: Chunk): void {
    this.bytes = NOTHING
    this.data = NO_DATA
    this.#chunk = null
    this.#start = 0
    this.#end = 0
    this.#letGo(chunk)
  }

  #letGo(chunk: Chunk): void {
    chunk.isRetired = true
    this.#giveBack(chunk)
  }

  #giveBack(chunk: Chunk): void {
    if (!chunk.isRetired || chunk.pendingWrites > 0) return
    chunk.isRetired = false
    this.#pool.give(chunk)
  }
}
