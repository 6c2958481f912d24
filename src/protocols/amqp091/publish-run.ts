/**
 * Runs of publishes: those that follow one another in a chunk and go to the same address as the one before.
 *
 *   method frame · header frame { … body size … } · head of the body frame { … size } · body · 0xCE
 *   └──────────── compared, four bytes at a time, but for the two sizes ────────────┘
 *
 * Whoever publishes much mostly publishes to one address, and often with the same properties. The first publish of a chunk goes
 * the whole way: frames, channel, all checks. When the next one begins with the same bytes there is nothing to find out about it
 * but where its body is. When only its properties differ, it is handed on whole, instead of in three frames.
 * [measured: docs/decisions/0011-runs-of-publishes.md]
 *
 * Invariant: a run begins right behind a publish of the same chunk that was taken, and ends before the first one that is not
 * whole or goes elsewhere; that one goes the whole way. Nothing is repeated whose checks could come out otherwise by now.
 */
import { isSameRange } from '../../base/bytes.ts'
import { FRAME_BODY, FRAME_END, FRAME_HEAD_BYTES } from './spec.ts'

/** Whoever published the message that a run begins with. */
export interface Repeater {
  /** Whether it would publish another body without looking at anything else. */
  readonly mayRepeat: boolean
  /** Publishes again, with another body. False, and nothing was done, when something must be checked that was not, or has changed. */
  repeat(body: Buffer, start: number, end: number): boolean
  /** Publishes to the same address, with all checks: the payloads of a header frame and of its only body frame. */
  publishWhole(bytes: Buffer, headerStart: number, headerEnd: number, bodyStart: number, bodyEnd: number): void
}

const NOTHING: Buffer = Buffer.alloc(0)
/** Of the body's size in a header frame: where it lies, and how long it is. */
const SIZE_AT = FRAME_HEAD_BYTES + 4
const SIZE_BYTES = 8
/** In the head of each frame: what kind it is and of which channel, then the bytes of its payload. */
const FRAME_KIND_BYTES = 3
const FRAME_SIZE_BYTES = 4
/** Of a content header's payload: class, weight and body size, then at least the flags of the properties. */
const HEADER_PAYLOAD_BYTES_MIN = 14

/** One per broker: chunks are handled one after the other. */
export class PublishRun {
  #repeater: Repeater | null = null
  #bytes = NOTHING
  #view: DataView = new DataView(new ArrayBuffer(0))
  /** The publish that the next ones are compared with: its method frame, its header frame, its body. */
  #methodAt = 0
  #headerAt = 0
  #bodyAt = 0
  /** Where the last message ended; 0 while it has not. Also that of a message that failed. */
  end = 0

  /** A chunk arrives: offsets in the one before mean nothing any more, although the memory may be the same. */
  reset(): void {
    this.#repeater = null
  }

  /** A basic.publish, in the frame [start, end). */
  begin(repeater: Repeater, bytes: Buffer, start: number, end: number): void {
    this.#repeater = repeater
    this.#bytes = bytes
    this.#methodAt = start
    this.#headerAt = end
    this.end = 0
  }

  /** Its header frame begins at `headerAt`, its only body frame has the body from `bodyAt` on and ends at `end`; it was taken. */
  complete(repeater: Repeater, bytes: Buffer, headerAt: number, bodyAt: number, end: number): void {
    // Frames of other channels in between: no publish will be as this one was.
    if (this.#repeater !== repeater || this.#bytes !== bytes || this.#headerAt !== headerAt) return this.reset()
    this.#bodyAt = bodyAt
    this.end = end
  }

  /** The channel of the publish. */
  get channelNumber(): number {
    return (this.#bytes[this.#methodAt + 1]! << 8) | this.#bytes[this.#methodAt + 2]!
  }

  /**
   * Takes the publishes that begin at byte `start` of the chunk, as long as they are a run; returns where it ends. Frames with
   * a longer payload than `payloadBytesMax` are left to the reader. Throws what publishing throws, and then `end` is behind
   * the message.
   */
  take(bytes: Buffer, start: number, payloadBytesMax: number): number {
    const repeater = this.#repeater
    if (repeater === null || this.end !== start || this.#bytes !== bytes) return start
    if (start + this.#headerAt - this.#methodAt >= bytes.length || !repeater.mayRepeat) return start
    const view = this.#viewOf(bytes)
    let at = start
    for (let next = -1; next !== at; ) {
      if (next !== -1) at = next
      next = this.#takeAlike(repeater, view, at, payloadBytesMax)
      if (next === at) next = this.#takeOther(repeater, view, at, payloadBytesMax)
    }
    return at
  }

  /** Takes publishes that differ in nothing but their bodies; returns where they end. */
  #takeAlike(repeater: Repeater, view: DataView, start: number, payloadBytesMax: number): number {
    const bytes = this.#bytes
    const bodyOffset = this.#bodyAt - this.#methodAt
    const base = bytes.byteOffset
    const like = base + this.#methodAt
    const sizeOffset = this.#headerAt - this.#methodAt + SIZE_AT
    const restOffset = sizeOffset + SIZE_BYTES
    const restBytes = bodyOffset - FRAME_SIZE_BYTES - restOffset
    let at = start
    while (at + bodyOffset < bytes.length) {
      const from = base + at
      if (!isSameRange(view, like, from, sizeOffset)) break
      if (!isSameRange(view, like + restOffset, from + restOffset, restBytes)) break
      const bodyBytes = view.getInt32(from + sizeOffset + 4)
      if (bodyBytes <= 0 || bodyBytes > payloadBytesMax || view.getInt32(from + sizeOffset) !== 0) break
      if (view.getInt32(from + bodyOffset - FRAME_SIZE_BYTES) !== bodyBytes) break
      const bodyAt = at + bodyOffset
      const bodyEnd = bodyAt + bodyBytes
      if (bodyEnd >= bytes.length || bytes[bodyEnd] !== FRAME_END) break
      this.end = bodyEnd + 1
      if (!repeater.repeat(bytes, bodyAt, bodyEnd)) break
      at = bodyEnd + 1
    }
    this.end = at
    return at
  }

  /** Takes one publish to the same address; the next ones are compared with it. Returns where it ends, or `at`. */
  #takeOther(repeater: Repeater, view: DataView, at: number, payloadBytesMax: number): number {
    const bytes = this.#bytes
    const headerOffset = this.#headerAt - this.#methodAt
    const base = bytes.byteOffset
    const headerAt = at + headerOffset
    const payloadAt = headerAt + FRAME_HEAD_BYTES
    if (payloadAt + HEADER_PAYLOAD_BYTES_MIN >= bytes.length) return at
    if (!isSameRange(view, base + this.#methodAt, base + at, headerOffset + FRAME_KIND_BYTES)) return at
    const headerBytes = view.getInt32(base + headerAt + FRAME_KIND_BYTES)
    if (headerBytes < HEADER_PAYLOAD_BYTES_MIN || headerBytes > payloadBytesMax) return at
    const headerEnd = payloadAt + headerBytes
    const bodyFrameAt = headerEnd + 1
    const bodyAt = bodyFrameAt + FRAME_HEAD_BYTES
    if (bodyAt >= bytes.length || bytes[headerEnd] !== FRAME_END || bytes[bodyFrameAt] !== FRAME_BODY) return at
    if (view.getInt16(base + bodyFrameAt + 1) !== view.getInt16(base + headerAt + 1)) return at
    const bodyBytes = view.getInt32(base + bodyFrameAt + FRAME_KIND_BYTES)
    const sizeAt = base + headerAt + SIZE_AT
    if (bodyBytes <= 0 || bodyBytes > payloadBytesMax || view.getInt32(sizeAt) !== 0) return at
    const bodyEnd = bodyAt + bodyBytes
    if (view.getInt32(sizeAt + 4) !== bodyBytes || bodyEnd >= bytes.length || bytes[bodyEnd] !== FRAME_END) return at
    this.#methodAt = at
    this.#headerAt = headerAt
    this.#bodyAt = bodyAt
    this.end = bodyEnd + 1
    repeater.publishWhole(bytes, payloadAt, headerEnd, bodyAt, bodyEnd)
    return bodyEnd + 1
  }

  /** All of the memory that the chunk lies in: mostly that of the chunk before. */
  #viewOf(bytes: Buffer): DataView {
    if (this.#view.buffer !== bytes.buffer) this.#view = new DataView(bytes.buffer)
    return this.#view
  }
}
