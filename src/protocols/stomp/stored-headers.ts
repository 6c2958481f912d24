/**
 * The properties section of a message that came over STOMP: a byte of flags, then the publisher's headers as lines of
 * canonical form (that of 1.2), each `name:value` and a line feed. Delivery to a client of 1.2 copies the lines as they are.
 *
 * Headers that mean something for the SEND alone (destination, receipt, …) are not in it, and of one name only the first.
 * `reply-to` is stored as consumers see it.
 */
import { copyRange } from '../../base/bytes.ts'
import type { Frame } from './codec.ts'
import { headerLine, unescapeText } from './escapes.ts'
import { HEADER_OTHER, VERSION_12 } from './spec.ts'

/** Some line has an escape in it: older versions do not get it as it is. */
export const FLAG_ESCAPED = 1

const FLAGS_BYTES = 1
const BYTES_FIRST = 1024
const LINE_FEED = 10
const COLON = 58

/** Collects the headers of one message at a time. */
export class StoredHeadersWriter {
  bytes: Buffer = Buffer.alloc(BYTES_FIRST)
  length = FLAGS_BYTES
  readonly #added: number[] = []

  /** Starts a message. */
  begin(): void {
    this.bytes[0] = 0
    this.length = FLAGS_BYTES
    this.#added.length = 0
  }

  /** Adds a header of the frame, unless one of its name is there. */
  copy(frame: Frame, index: number): void {
    const nameStart = frame.nameStart(index)
    const nameEnd = frame.nameEnd(index)
    if (nameStart === nameEnd || this.#has(frame, index)) return
    this.#added.push(index)
    if (!frame.isPlain(index)) return this.#addText(frame.nameText(index), frame.valueText(index))
    const lineBytes = frame.valueEnd(index) - nameStart
    const at = this.#reserve(lineBytes + 1)
    copyRange(frame.bytes, nameStart, nameStart + lineBytes, this.bytes, at)
    this.bytes[at + lineBytes] = LINE_FEED
  }

  /** Adds a header of the frame with another value. */
  replace(frame: Frame, index: number, value: string): void {
    if (this.#has(frame, index)) return
    this.#added.push(index)
    this.#addText(frame.nameText(index), value)
  }

  #addText(name: string, value: string): void {
    const line = headerLine(name, value, VERSION_12)
    if (line.includes('\\')) this.bytes[0] = FLAG_ESCAPED
    const lineBytes = Buffer.byteLength(line)
    const at = this.#reserve(lineBytes)
    this.bytes.write(line, at)
  }

  #has(frame: Frame, index: number): boolean {
    const id = frame.headerIdAt(index)
    const { bytes } = frame
    const start = frame.nameStart(index)
    const length = frame.nameEnd(index) - start
    const added = this.#added
    for (let i = 0; i < added.length; i++) {
      const other = added[i]!
      if (frame.headerIdAt(other) !== id) continue
      if (id !== HEADER_OTHER) return true
      const otherStart = frame.nameStart(other)
      if (frame.nameEnd(other) - otherStart !== length) continue
      let at = 0
      while (at < length && bytes[start + at] === bytes[otherStart + at]) at++
      if (at === length) return true
    }
    return false
  }

  #reserve(byteCount: number): number {
    const at = this.length
    this.length += byteCount
    if (this.length > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(this.length, 2 * this.bytes.length))
      this.bytes.copy(grown, 0, 0, at)
      this.bytes = grown
    }
    return at
  }
}

/** The headers of a properties section, in their order. */
export function readStoredHeaders(bytes: Buffer, start: number, end: number): Map<string, string> {
  const headers = new Map<string, string>()
  for (let at = start + FLAGS_BYTES; at < end; ) {
    const lineEnd = bytes.indexOf(LINE_FEED, at)
    const colon = bytes.indexOf(COLON, at)
    headers.set(unescapeText(bytes, at, colon, VERSION_12), unescapeText(bytes, colon + 1, lineEnd, VERSION_12))
    at = lineEnd + 1
  }
  return headers
}

/** Where the lines of a section start. */
export function linesStart(propertiesStart: number): number {
  return propertiesStart + FLAGS_BYTES
}

/** A properties section of these headers. */
export function encodeStoredHeaders(headers: ReadonlyMap<string, string>): Buffer {
  let text = ''
  for (const [name, value] of headers) text += headerLine(name, value, VERSION_12)
  return Buffer.concat([Buffer.from([text.includes('\\') ? FLAG_ESCAPED : 0]), Buffer.from(text)])
}
