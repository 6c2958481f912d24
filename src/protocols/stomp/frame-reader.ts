/**
 * Cuts a byte stream into frames, whatever way the chunks are cut. Frames are borrowed: valid until `onFrame` returns.
 *
 * What is left of a chunk is kept in a buffer that grows with the bytes that arrive, and is looked at again only when
 * something came that can complete the frame: every byte is looked at a bounded number of times. The sink may hold the
 * reader while it waits, and may ask for the frame at hand again.
 */
import { PAUSE_WAITING } from '../../net/socket.ts'
import { type Frame, type FrameRules, HEAD_BYTES_MAX, NEEDS_LINE_FEED, NEEDS_NUL, parseFrame } from './codec.ts'
import { VERSION_10, type Version } from './spec.ts'

const LINE_FEED = 10
const NUL = 0
const KEPT_BYTES_FIRST = 512
const NOTHING: Buffer = Buffer.alloc(0)

/** Takes frames. */
export interface FrameSink {
  onFrame(frame: Frame): void
}

/** One per connection. */
export class FrameReader implements FrameRules {
  readonly #sink: FrameSink
  readonly #frame: Frame
  version: Version = VERSION_10
  trims = false
  frameBytesMax: number
  #kept = NOTHING
  #keptBytes = 0
  /** What the frame that is kept waits for. */
  #needs = NEEDS_LINE_FEED
  /** Reasons to wait, as bits of `PAUSE_…`. */
  #holds = 0
  #isRepeated = false
  #isClosed = false

  /** `frame` may be shared: it is used within `feed` and `release` only. */
  constructor(sink: FrameSink, frame: Frame, frameBytesMax: number) {
    this.#sink = sink
    this.#frame = frame
    this.frameBytesMax = frameBytesMax
  }

  /** Takes a chunk. Throws `StompError` for what is no frame. */
  feed(chunk: Buffer): void {
    if (this.#isClosed) return
    if (this.#keptBytes === 0 && this.#holds === 0) {
      const end = this.#cut(chunk, chunk.length)
      if (end < chunk.length && !this.#isClosed) this.#keep(chunk, end)
      return
    }
    this.#keep(chunk, 0)
    if (this.#holds === 0 && this.#mayComplete(chunk)) this.#cutKept()
  }

  /** No more frames until `release`. `again`: the frame at hand is handed in once more. */
  hold(again: boolean, reason = PAUSE_WAITING): void {
    this.#holds |= reason
    if (again) this.#isRepeated = true
  }

  /** One reason less: when it was the last, goes on with what was kept. Throws as `feed` does. */
  release(reason = PAUSE_WAITING): void {
    if ((this.#holds & reason) === 0 || this.#isClosed) return
    this.#holds &= ~reason
    if (this.#holds === 0 && this.#keptBytes > 0) this.#cutKept()
  }

  /** Drops what was kept, and everything to come. */
  close(): void {
    this.#isClosed = true
    this.#kept = NOTHING
    this.#keptBytes = 0
  }

  #mayComplete(chunk: Buffer): boolean {
    const needs = this.#needs
    if (needs === NEEDS_NUL) return this.#keptBytes > this.frameBytesMax || chunk.includes(NUL)
    if (needs === NEEDS_LINE_FEED)
      return this.#keptBytes > HEAD_BYTES_MAX || chunk.includes(LINE_FEED) || chunk.includes(NUL)
    return this.#keptBytes >= needs
  }

  /** Hands out the frames of [0, end); returns where the first one starts that is incomplete or has to wait. */
  #cut(bytes: Buffer, end: number): number {
    const frame = this.#frame
    let at = 0
    while (at < end && this.#holds === 0 && !this.#isClosed) {
      if (!parseFrame(bytes, at, end, frame, this)) {
        this.#needs = frame.needs
        return frame.skippedTo
      }
      // The frame may be another's by the time the sink returns.
      const { start, end: next } = frame
      this.#sink.onFrame(frame)
      at = next
      if (this.#isRepeated) {
        this.#isRepeated = false
        at = start
      }
    }
    this.#needs = NEEDS_LINE_FEED
    return at
  }

  #cutKept(): void {
    const end = this.#keptBytes
    const at = this.#cut(this.#kept, end)
    if (this.#isClosed) return
    this.#keptBytes = end - at
    if (at === end) this.#kept = NOTHING
    else if (at > 0) this.#kept.copyWithin(0, at, end)
  }

  #keep(chunk: Buffer, from: number): void {
    const needed = this.#keptBytes + chunk.length - from
    if (needed > this.#kept.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#kept.length, KEPT_BYTES_FIRST))
      this.#kept.copy(grown, 0, 0, this.#keptBytes)
      this.#kept = grown
    }
    chunk.copy(this.#kept, this.#keptBytes, from)
    this.#keptBytes = needed
  }
}
