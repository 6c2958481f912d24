/**
 * Cuts a byte stream into frames and refuses what is not one. [AMQP 0-9-1 §4.2.3]
 *
 *   type u8 · channel u16 · payload bytes u32 · payload · 0xCE
 *
 * A connection feeds it the socket's chunks. Frames inside a chunk are handed on in place; a frame that straddles
 * chunks is collected in one buffer, so no input is copied more than twice.
 * Invariant: nothing of a chunk is kept by reference, and no frame above the limit is ever collected.
 */
import { readU32 } from '../../base/u64.ts'
import { Collected } from '../../net/collected.ts'
import { ConnectionError, frameText } from './errors.ts'
import {
  FRAME_BODY,
  FRAME_END,
  FRAME_HEAD_BYTES,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FRAME_OVERHEAD_BYTES,
} from './spec.ts'

/** The limit where the peers agreed on none (frame_max 0). */
export const FRAME_BYTES_LIMIT = 512 * 1024 * 1024
const METHOD_PAYLOAD_BYTES_MIN = 4
const HEADER_PAYLOAD_BYTES_MIN = 12

/** Where frames go. */
export interface FrameSink {
  /**
   * One frame of a known type; the payload is [start, end) of `bytes`, borrowed until this returns. A method has at
   * least 4 bytes, a content header 12; a heartbeat is empty and on channel 0. Returning false stops the reader for good.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a sink that never stops returns nothing.
  onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): boolean | void
}

/** Takes messages whole. */
export interface RunTaker {
  /**
   * A body frame ended at byte `at`: what follows may be taken without its frames being cut and handed on. Returns where the
   * first frame begins that was not taken; one with a payload above the limit never is.
   */
  takeRun(bytes: Buffer, at: number, payloadBytesMax: number): number
}

/** One per connection. */
export class FrameReader {
  readonly #sink: FrameSink
  readonly #runs: RunTaker | null
  #payloadBytesMax = 0
  readonly #collected = new Collected()
  /** Bytes of the frame being collected, or of its head while that is incomplete. */
  #neededBytes = 0
  #stopped = false
  #suspended = false

  /** `frameBytesMax`: the limit before tuning. */
  constructor(sink: FrameSink, frameBytesMax: number, runs: RunTaker | null = null) {
    this.#sink = sink
    this.#runs = runs
    this.frameBytesMax = frameBytesMax
  }

  /** The agreed frame_max, 0 for none. Holds from the next frame on. RabbitMQ: 8 bytes more are tolerated. */
  set frameBytesMax(bytes: number) {
    this.#payloadBytesMax = bytes === 0 ? FRAME_BYTES_LIMIT : bytes
  }

  get frameBytesMax(): number {
    return this.#payloadBytesMax
  }

  /** Whether the sink stopped the reader, or a bad frame did. Input is then ignored. */
  get stopped(): boolean {
    return this.#stopped
  }

  /** Ignores all input from now on, including the rest of the chunk at hand. */
  stop(): void {
    this.#stopped = true
  }

  /** Called by the sink: no frame after this one until `resume`. */
  suspend(): void {
    this.#suspended = true
  }

  /** Takes input again: the caller feeds what was left over first. */
  resume(): void {
    this.#suspended = false
  }

  get suspended(): boolean {
    return this.#suspended
  }

  /**
   * Takes a chunk, from byte `start`, and hands its frames on; returns the end of what it took, which is less than the
   * chunk's length only when the sink suspended it. Borrowed until this returns. Throws ConnectionError for a bad frame, after the good ones before it were handed on.
   */
  feed(chunk: Buffer, start = 0): number {
    const end = chunk.length
    if (this.#stopped) return end
    if (this.#suspended) return start
    let at = start
    if (this.#collected.end > 0) {
      at = this.#complete(chunk, at)
      if (this.#stopped || this.#collected.end > 0) return end
      if (this.#suspended) return at
    }
    while (end - at >= FRAME_HEAD_BYTES) {
      const payloadBytes = readU32(chunk, at + 3)
      if (payloadBytes > this.#payloadBytesMax) this.#refuseSize(chunk[at]!, payloadBytes)
      const next = at + payloadBytes + FRAME_OVERHEAD_BYTES
      if (next > end) {
        this.#collect(chunk, at, end, payloadBytes + FRAME_OVERHEAD_BYTES)
        return end
      }
      if (!this.#hand(chunk, at, next)) return this.#stopped ? end : next
      if (this.#runs !== null && chunk[at] === FRAME_BODY) {
        at = this.#runs.takeRun(chunk, next, this.#payloadBytesMax)
        if (this.#stopped) return end
        if (this.#suspended) return at
      } else at = next
    }
    if (at < end) this.#collect(chunk, at, end, FRAME_HEAD_BYTES)
    return end
  }

  /** Checks one whole frame and hands it on. False when the reader has stopped or is suspended. */
  #hand(bytes: Buffer, at: number, next: number): boolean {
    const type = bytes[at]!
    const start = at + FRAME_HEAD_BYTES
    const end = next - 1
    if (bytes[end] !== FRAME_END || !isKnownFrame(type, end - start)) this.#refuse(type, bytes, start, end)
    const channel = (bytes[at + 1]! << 8) | bytes[at + 2]!
    if (type === FRAME_HEARTBEAT && channel !== 0) {
      this.stop()
      throw ConnectionError.unexpectedFrame(frameText(type, bytes, start, end))
    }
    if (this.#sink.onFrame(type, channel, bytes, start, end) === false) this.stop()
    return !this.#stopped && !this.#suspended
  }

  /** Takes what the frame being collected still needs, hands it on when whole, and returns where the rest begins. */
  #complete(chunk: Buffer, start: number): number {
    const collected = this.#collected
    let at = start
    while (at < chunk.length) {
      const until = Math.min(chunk.length, at + this.#neededBytes - collected.end)
      collected.add(chunk, at, until, this.#neededBytes)
      at = until
      if (collected.end < this.#neededBytes) return at
      if (this.#neededBytes > FRAME_HEAD_BYTES) {
        try {
          this.#hand(collected.bytes, 0, this.#neededBytes)
        } finally {
          collected.clear()
        }
        return at
      }
      const payloadBytes = readU32(collected.bytes, 3)
      if (payloadBytes > this.#payloadBytesMax) this.#refuseSize(collected.bytes[0]!, payloadBytes)
      this.#neededBytes = payloadBytes + FRAME_OVERHEAD_BYTES
    }
    return at
  }

  /** Starts a frame of which [start, end) has arrived. */
  #collect(chunk: Buffer, start: number, end: number, neededBytes: number): void {
    this.#neededBytes = neededBytes
    this.#collected.add(chunk, start, end, neededBytes)
  }

  #refuse(type: number, bytes: Buffer, start: number, end: number): never {
    this.stop()
    const reason = bytes[end] === FRAME_END ? 'unknown_frame' : `{invalid_frame_end_marker,${bytes[end]}}`
    throw ConnectionError.frameError(`${frameText(type, bytes, start, end)}: ${reason}`)
  }

  #refuseSize(type: number, payloadBytes: number): never {
    this.stop()
    const reason = `{frame_too_large,${payloadBytes},${this.#payloadBytesMax - FRAME_OVERHEAD_BYTES}}`
    throw ConnectionError.frameError(`type ${type}, all octets = <<>>: ${reason}`)
  }
}

/** RabbitMQ: a frame too short for its type, or a heartbeat with a payload, is as unknown as one of no known type. */
function isKnownFrame(type: number, payloadBytes: number): boolean {
  switch (type) {
    case FRAME_METHOD:
      return payloadBytes >= METHOD_PAYLOAD_BYTES_MIN
    case FRAME_HEADER:
      return payloadBytes >= HEADER_PAYLOAD_BYTES_MIN
    case FRAME_BODY:
      return true
    case FRAME_HEARTBEAT:
      return payloadBytes === 0
    default:
      return false
  }
}
