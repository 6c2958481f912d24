/**
 * Cuts a byte stream into frames, whatever way the chunks are cut. Frames are borrowed: valid until `onFrame` returns.
 *
 * What is left of a chunk is kept in a buffer that grows with the bytes that arrive, and is looked at again only when
 * something came that can complete the frame: every byte is looked at a bounded number of times. The sink may hold the
 * reader while it waits, and may ask for the frame at hand again.
 */
import { Collected } from '../../net/collected.ts'
import { PAUSE_WAITING } from '../../net/socket.ts'
import { type Frame, type FrameRules, HEAD_BYTES_MAX, NEEDS_LINE_FEED, NEEDS_NUL, parseFrame } from './codec.ts'
import { VERSION_10, type Version } from './spec.ts'

const LINE_FEED = 10
const NUL = 0

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
  readonly #kept = new Collected()
  /** What the frame that is kept waits for. */
  #needs = NEEDS_LINE_FEED
  /** Reasons to wait, as bits of `PAUSE_…`. */
  #holds = 0
  #isRepeated = false
  #isClosed = false
  #isCutting = false

  /** `frame` may be shared: it is used within `feed` and `release` only. */
  constructor(sink: FrameSink, frame: Frame, frameBytesMax: number) {
    this.#sink = sink
    this.#frame = frame
    this.frameBytesMax = frameBytesMax
  }

  /** Takes a chunk. Throws `StompError` for what is no frame. */
  feed(chunk: Buffer): void {
    if (this.#isClosed) return
    const kept = this.#kept
    if (kept.byteCount === 0 && this.#holds === 0) {
      const end = this.#cut(chunk, 0, chunk.length)
      if (end < chunk.length && !this.#isClosed) kept.add(chunk, end, chunk.length, 0)
      return
    }
    kept.add(chunk, 0, chunk.length, 0)
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
    if (this.#holds === 0 && !this.#isCutting && this.#kept.byteCount > 0) this.#cutKept()
  }

  /** Drops what was kept, and everything to come. */
  close(): void {
    this.#isClosed = true
    if (!this.#isCutting) this.#kept.clear()
  }

  #mayComplete(chunk: Buffer): boolean {
    const needs = this.#needs
    const { byteCount } = this.#kept
    if (needs === NEEDS_NUL) return byteCount > this.frameBytesMax || chunk.includes(NUL)
    if (needs === NEEDS_LINE_FEED) return byteCount > HEAD_BYTES_MAX || chunk.includes(LINE_FEED) || chunk.includes(NUL)
    return byteCount >= needs
  }

  /** Hands out the frames of [from, end); returns where the first one starts that is incomplete or has to wait. */
  #cut(bytes: Buffer, from: number, end: number): number {
    const frame = this.#frame
    let at = from
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
    const kept = this.#kept
    this.#isCutting = true
    try {
      kept.dropTo(this.#cut(kept.bytes, kept.start, kept.end))
    } finally {
      this.#isCutting = false
      if (this.#isClosed) kept.clear()
    }
  }
}
