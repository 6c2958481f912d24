/**
 * Reading and writing of byte ranges with the bounds checked: for everything that is not the path of every message.
 *
 * `ByteReader` walks a borrowed range and never reads past its end; `ByteWriter` grows. Integers are big-endian.
 */
import { isUtf8 } from 'node:buffer'
import { readU32, readU64, writeU32, writeU64 } from './u64.ts'

const WRITER_BYTES_FIRST = 256
/** Bytes compared or copied in one step. */
const STEP_BYTES = 4
/** Below this many bytes a loop beats the call into `TypedArray.prototype.set`. */
const LOOP_COPY_BYTES_MAX = 48
/** The same for a loop over views. */
const STEP_COPY_BYTES_MAX = 96

/** Thrown by `ByteReader` when a read would pass the end of its range. */
export class BytesEnded extends RangeError {}

/** Copies a range; short ones by a loop, which is several times faster than a call into the engine. Offsets are below 2³¹. */
export function copyRange(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start <= LOOP_COPY_BYTES_MAX) {
    // Without `| 0` one caller with a float offset makes every loop count in floats.
    let target = at | 0
    const last = end | 0
    for (let i = start | 0; i < last; i++) to[target++] = from[i]!
  } else to.set(start === 0 && end === from.length ? from : from.subarray(start, end), at)
}

/** The same memory as bytes and as a view, which reads and writes several bytes at once. */
export interface Span {
  readonly bytes: Buffer
  readonly data: DataView
}

/** As `copyRange`, and several times faster for ranges of some ten bytes: four bytes a step. */
export function copySpan(from: Span, start: number, end: number, to: Span, at: number): void {
  const count = end - start
  if (count < STEP_BYTES || count > STEP_COPY_BYTES_MAX) return copyRange(from.bytes, start, end, to.bytes, at)
  const source = from.data
  const target = to.data
  const last = count - STEP_BYTES
  for (let i = 0; i < last; i += STEP_BYTES) target.setInt32(at + i, source.getInt32(start + i))
  // Of the last step some bytes were copied before.
  target.setInt32(at + last, source.getInt32(start + last))
}

/** Whether `count` bytes, at least four, are the same at both offsets. */
export function isSameRange(view: DataView, at: number, other: number, count: number): boolean {
  const last = count - STEP_BYTES
  for (let i = 0; i < last; i += STEP_BYTES) if (view.getInt32(at + i) !== view.getInt32(other + i)) return false
  // Of the last step some bytes were compared before.
  return view.getInt32(at + last) === view.getInt32(other + last)
}

/** The text of a range, or undefined when the range is not UTF-8. */
export function utf8Text(bytes: Buffer, start: number, end: number): string | undefined {
  let at = start
  while (at < end && bytes[at]! < 0x80) at++
  if (at === end) return bytes.toString('latin1', start, end)
  return isUtf8(bytes.subarray(at, end)) ? bytes.toString('utf8', start, end) : undefined
}

/** Walks [at, end) of a borrowed buffer. Every read throws `BytesEnded` rather than pass `end`. */
export class ByteReader {
  readonly bytes: Buffer
  at: number
  /** May be lowered for an inner range and restored afterwards. */
  end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  /** Moves past `count` bytes and returns where they started. */
  take(count: number): number {
    const start = this.at
    if (count > this.end - start) throw new BytesEnded(`${count} bytes wanted, ${this.end - start} left`)
    this.at = start + count
    return start
  }

  u8(): number {
    return this.bytes[this.take(1)]!
  }

  u16(): number {
    const at = this.take(2)
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!
  }

  u32(): number {
    return readU32(this.bytes, this.take(4))
  }

  /** Exact below 2⁵³, the nearest number above. */
  u64(): number {
    return readU64(this.bytes, this.take(8))
  }

  /** A copy of `count` bytes, owned by the caller. */
  copy(count: number): Buffer {
    const at = this.take(count)
    return Buffer.from(this.bytes.subarray(at, at + count))
  }
}

/** A buffer that grows by doubling. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(WRITER_BYTES_FIRST)
  #length = 0

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  /** Makes room for `count` bytes, which the caller fills in `buffer`, and returns where they start. */
  reserve(count: number): number {
    const at = this.#length
    const needed = at + count
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#length = needed
    return at
  }

  /** The current buffer: valid until the next call that grows it. */
  get buffer(): Buffer {
    return this.#bytes
  }

  u8(value: number): void {
    const at = this.reserve(1)
    this.#bytes[at] = value
  }

  u16(value: number): void {
    const at = this.reserve(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
  }

  u32(value: number): void {
    const at = this.reserve(4)
    writeU32(this.#bytes, value, at)
  }

  /** Throws RangeError unless `value` is an integer from 0 to 2⁵³ - 1. */
  u64(value: number): void {
    const at = this.reserve(8)
    writeU64(this.#bytes, value, at)
  }

  bytes(from: Uint8Array): void {
    const at = this.reserve(from.length)
    this.#bytes.set(from, at)
  }

  /** Sets four bytes written earlier, such as a length known only now. */
  patchU32(value: number, at: number): void {
    writeU32(this.#bytes, value, at)
  }

  /** A copy of what was written, owned by the caller. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length))
  }
}
