/**
 * Channels that wait for a permission which another system has yet to grant. Only they wait: what comes for a parked
 * channel is copied and handled later, in order; the other channels of the connection go on.
 *
 *   method asks → parked: its frames are kept → answered: the method runs again, then the frames → free
 *
 * Bound: the bytes kept over all channels of a connection. Beyond it the connection reads no more until they are handled.
 */
import type { AccessPending } from '../../model/access/access-pending.ts'

/** Kept frames of a connection; one read more may come on top. */
const PARKED_BYTES_MAX = 1024 * 1024
/** What a kept frame costs beyond its bytes. */
const FRAME_OVERHEAD_BYTES = 128

/** A frame, or what is left to do of one. */
export interface ParkedFrame {
  readonly type: number
  readonly methodId: number
  readonly bytes: Buffer
  /** Null: the frame is handled anew. */
  readonly again: (() => void) | null
  /** What is kept of it, in bytes or in what `again` holds. */
  readonly heldBytes: number
}

/** The connection's side. */
export interface ParkingHost {
  /** Handles a frame that was kept, as if it came now; it may park again. */
  handleParked(channel: number, frame: ParkedFrame): void
  /** Whether frames may be handled now. */
  readonly mayHandle: boolean
  /** The bound is reached, or that is over. */
  onParkedPressure(isHigh: boolean): void
}

interface ParkedChannel {
  readonly frames: ParkedFrame[]
  bytes: number
  isAnswered: boolean
}

/** The parked channels of one connection. */
export class Parking {
  readonly #host: ParkingHost
  readonly #channels = new Map<number, ParkedChannel>()
  #bytes = 0
  #isFull = false
  /** What runs once nothing is parked any more. */
  #whenEmpty: (() => void) | null = null
  #draining = 0

  constructor(host: ParkingHost) {
    this.#host = host
  }

  /** Channels that wait. */
  get count(): number {
    return this.#channels.size
  }

  /** Whether frames of the channel are kept: not the one that is being handled again. */
  has(channel: number): boolean {
    return this.#draining !== channel && this.#channels.has(channel)
  }

  /** The frame that asked waits for its answer. */
  park(channel: number, frame: ParkedFrame, pending: AccessPending): void {
    const parked = this.#channels.get(channel) ?? { frames: [], bytes: 0, isAnswered: false }
    this.#channels.set(channel, parked)
    parked.isAnswered = false
    parked.frames.unshift(frame)
    this.#count(parked, frame.heldBytes + FRAME_OVERHEAD_BYTES)
    void pending.answered.then(() => {
      if (this.#channels.get(channel) !== parked) return
      parked.isAnswered = true
      this.drain()
    })
  }

  /** Keeps a frame that came while its channel waits; copies it. */
  keep(channel: number, type: number, methodId: number, bytes: Buffer, start: number, end: number): void {
    const parked = this.#channels.get(channel)!
    const heldBytes = end - start
    parked.frames.push({ type, methodId, bytes: Buffer.from(bytes.subarray(start, end)), again: null, heldBytes })
    this.#count(parked, heldBytes + FRAME_OVERHEAD_BYTES)
  }

  /** Handles what is answered, as far as the connection lets it. */
  drain(): void {
    if (this.#draining !== 0) return
    for (const [channel, parked] of [...this.#channels]) {
      if (parked.isAnswered) this.#drainOne(channel, parked)
    }
    this.#relieve()
    if (this.#channels.size > 0 || this.#whenEmpty === null) return
    const done = this.#whenEmpty
    this.#whenEmpty = null
    done()
  }

  /** Runs once nothing is parked any more. */
  whenEmpty(done: () => void): void {
    this.#whenEmpty = done
  }

  /** Forgets everything. */
  close(): void {
    this.#channels.clear()
    this.#whenEmpty = null
    this.#bytes = 0
  }

  #drainOne(channel: number, parked: ParkedChannel): void {
    while (parked.isAnswered && this.#host.mayHandle) {
      const frame = parked.frames.shift()
      if (frame === undefined) break
      this.#count(parked, -(frame.heldBytes + FRAME_OVERHEAD_BYTES))
      this.#draining = channel
      try {
        this.#host.handleParked(channel, frame)
      } finally {
        this.#draining = 0
      }
    }
    if (parked.isAnswered && parked.frames.length === 0) this.#forget(channel, parked)
  }

  #forget(channel: number, parked: ParkedChannel): void {
    // `close` may have forgotten it already.
    if (this.#channels.get(channel) !== parked) return
    this.#channels.delete(channel)
    this.#bytes -= parked.bytes
  }

  #count(parked: ParkedChannel, bytes: number): void {
    parked.bytes += bytes
    this.#bytes += bytes
    if (this.#isFull || this.#bytes < PARKED_BYTES_MAX) return
    this.#isFull = true
    this.#host.onParkedPressure(true)
  }

  #relieve(): void {
    if (!this.#isFull || this.#bytes >= PARKED_BYTES_MAX / 2) return
    this.#isFull = false
    this.#host.onParkedPressure(false)
  }
}
