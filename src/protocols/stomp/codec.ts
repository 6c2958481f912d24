/**
 * One STOMP frame, found in place: command, headers and body as ranges of the bytes that they came in.
 *
 *   parseFrame(bytes, start, end, frame, …)   → true, or false and `frame.needs` says what is missing
 *
 * A `Frame` is reused for every frame; nothing is decoded until somebody asks. Leading line ends and NULs are skipped
 * (heart-beats, and the line feed that many clients send after a frame). [STOMP 1.2 "Augmented BNF"; RabbitMQ: CRLF in all versions]
 */
import { malformed, tooLarge } from './errors.ts'
import { unescapeText } from './escapes.ts'
import { CONTENT_LENGTH, commandId, headerId, VERSION_10, VERSION_12, type Version } from './spec.ts'

/** Headers of a frame at most. */
export const HEADER_COUNT_MAX = 1000
/** Bytes of command and headers at most, whatever the frame may have. */
export const HEAD_BYTES_MAX = 256 * 1024
const COMMAND_BYTES_MAX = 32

/** More is needed: a chunk with a line feed in it … */
export const NEEDS_LINE_FEED = -1
/** … or with a NUL in it; a positive number is how many bytes the frame has, its NUL included. */
export const NEEDS_NUL = -2

const NUL = 0
const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const SPACE = 32
const COLON = 58
const BACKSLASH = 92
const ZERO = 48
const NINE = 57

/** Fields of a header in `Frame.headers`. */
const FIELD_COUNT = 5
const NAME_START = 0
const NAME_END = 1
const VALUE_START = 2
const VALUE_END = 3
const ID_AND_PLAIN = 4
const PLAIN = 0x100

/** A frame. Ranges are offsets into `bytes`, borrowed like these. */
export class Frame {
  bytes: Buffer = Buffer.alloc(0)
  /** Of the command. */
  start = 0
  commandEnd = 0
  command = 0
  version: Version = VERSION_10
  headerCount = 0
  bodyStart = 0
  bodyEnd = 0
  /** Behind the NUL. */
  end = 0
  /** What an incomplete frame waits for. */
  needs = NEEDS_LINE_FEED
  /** Where skipping of line ends got to: what is before needs not be kept. */
  skippedTo = 0
  readonly #headers = new Int32Array(HEADER_COUNT_MAX * FIELD_COUNT)

  /** `HEADER_…` of a header. */
  headerIdAt(index: number): number {
    return this.#headers[index * FIELD_COUNT + ID_AND_PLAIN]! & 0xff
  }

  /** Whether the bytes from name to value are `name:value` in every version: nothing to escape, unescape or trim. */
  isPlain(index: number): boolean {
    return (this.#headers[index * FIELD_COUNT + ID_AND_PLAIN]! & PLAIN) !== 0
  }

  nameStart(index: number): number {
    return this.#headers[index * FIELD_COUNT + NAME_START]!
  }

  nameEnd(index: number): number {
    return this.#headers[index * FIELD_COUNT + NAME_END]!
  }

  valueStart(index: number): number {
    return this.#headers[index * FIELD_COUNT + VALUE_START]!
  }

  valueEnd(index: number): number {
    return this.#headers[index * FIELD_COUNT + VALUE_END]!
  }

  nameText(index: number): string {
    return unescapeText(this.bytes, this.nameStart(index), this.nameEnd(index), this.version)
  }

  valueText(index: number): string {
    return unescapeText(this.bytes, this.valueStart(index), this.valueEnd(index), this.version)
  }

  /** The first header of this id; -1 when there is none. */
  find(id: number): number {
    for (let i = 0; i < this.headerCount; i++) if (this.headerIdAt(i) === id) return i
    return -1
  }

  /** Text of the first header of this id, or undefined. */
  text(id: number): string | undefined {
    const index = this.find(id)
    return index === -1 ? undefined : this.valueText(index)
  }

  commandText(): string {
    return this.bytes.toString('utf8', this.start, this.commandEnd)
  }

  /** All headers as text. Of one name, the first counts. [STOMP 1.2 "Repeated Header Entries"] */
  headers(): Map<string, string> {
    const headers = new Map<string, string>()
    for (let i = 0; i < this.headerCount; i++) {
      const name = this.nameText(i)
      if (!headers.has(name)) headers.set(name, this.valueText(i))
    }
    return headers
  }

  /** Called by the parser. */
  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number, isPlain: boolean): number {
    if (this.headerCount === HEADER_COUNT_MAX) throw tooLarge('Invalid frame', `more than ${HEADER_COUNT_MAX} headers`)
    const id = headerId(this.bytes, nameStart, nameEnd)
    const at = this.headerCount++ * FIELD_COUNT
    const headers = this.#headers
    headers[at + NAME_START] = nameStart
    headers[at + NAME_END] = nameEnd
    headers[at + VALUE_START] = valueStart
    headers[at + VALUE_END] = valueEnd
    headers[at + ID_AND_PLAIN] = isPlain ? id | PLAIN : id
    return id
  }
}

/** What a parser has to know of its connection. */
export interface FrameRules {
  /** 1.0 until it is negotiated: nothing is unescaped in CONNECT. */
  readonly version: Version
  /** Whether values of 1.0 lose their leading spaces: once 1.0 is negotiated. */
  readonly trims: boolean
  readonly frameBytesMax: number
}

/**
 * Reads the frame that starts in [at, end). False when it is not complete. Throws `StompError` for what can never become
 * a frame, and for one above the limit, before its body is there.
 */
export function parseFrame(bytes: Buffer, at: number, end: number, frame: Frame, rules: FrameRules): boolean {
  let start = at
  while (start < end && isFiller(bytes[start]!)) start++
  frame.skippedTo = start
  frame.bytes = bytes
  frame.start = start
  frame.version = rules.version
  frame.headerCount = 0
  frame.needs = NEEDS_LINE_FEED
  if (!parseCommand(bytes, start, end, frame)) return false
  const contentLength = parseHeaders(bytes, end, frame, rules)
  if (contentLength === INCOMPLETE) {
    checkHead(end - start, rules)
    return false
  }
  checkHead(frame.bodyStart - start, rules)
  return contentLength === ABSENT ? findBody(end, frame, rules) : measureBody(end, frame, rules, contentLength)
}

const INCOMPLETE = -1
const ABSENT = -2

function isFiller(byte: number): boolean {
  return byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === NUL
}

function parseCommand(bytes: Buffer, start: number, end: number, frame: Frame): boolean {
  let at = start
  while (at < end && bytes[at] !== LINE_FEED) {
    if (bytes[at] === NUL) throw malformed('a frame ends within its command')
    if (at - start > COMMAND_BYTES_MAX) throw malformed('the command is too long')
    at++
  }
  if (at === end) return false
  frame.commandEnd = bytes[at - 1] === CARRIAGE_RETURN ? at - 1 : at
  frame.command = commandId(bytes, start, frame.commandEnd)
  frame.bodyStart = at + 1
  return true
}

/** Reads headers from `frame.bodyStart` on, and moves that behind them. Returns the content length, `ABSENT` or `INCOMPLETE`. */
function parseHeaders(bytes: Buffer, end: number, frame: Frame, rules: FrameRules): number {
  let contentLength = ABSENT
  let at = frame.bodyStart
  while (at < end) {
    const first = bytes[at]!
    if (first === LINE_FEED) {
      frame.bodyStart = at + 1
      return contentLength
    }
    const lineStart = at
    let colonAt = -1
    let isPlain = true
    let returnCount = 0
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte > COLON && byte !== BACKSLASH) continue
      if (byte === LINE_FEED) break
      if (byte === COLON) {
        if (colonAt === -1) colonAt = at
        else isPlain = false
      } else if (byte === BACKSLASH) isPlain = false
      else if (byte === CARRIAGE_RETURN) returnCount++
      else if (byte === NUL) throw malformed('a frame ends within its headers')
    }
    if (at === end) return INCOMPLETE
    const lineEnd = at++
    let valueEnd = lineEnd
    if (bytes[lineEnd - 1] === CARRIAGE_RETURN) {
      valueEnd--
      returnCount--
      if (valueEnd === lineStart) {
        frame.bodyStart = at
        return contentLength
      }
    }
    if (colonAt === -1) throw malformed('a header has no colon')
    if (returnCount > 0) {
      if (rules.version === VERSION_12) throw malformed('a header holds a carriage return')
      isPlain = false
    }
    let valueStart = colonAt + 1
    if (rules.trims && bytes[valueStart] === SPACE) {
      while (bytes[valueStart] === SPACE) valueStart++
      isPlain = false
    }
    const id = frame.add(lineStart, colonAt, valueStart, valueEnd, isPlain)
    if (id === CONTENT_LENGTH && contentLength === ABSENT) contentLength = parseLength(bytes, valueStart, valueEnd)
  }
  return INCOMPLETE
}

/** Longest length that is read as one: more digits are a frame that is too large anyway. */
const LENGTH_DIGITS_MAX = 15

function parseLength(bytes: Buffer, start: number, end: number): number {
  let from = start
  while (from < end && bytes[from] === SPACE) from++
  let to = end
  while (to > from && bytes[to - 1] === SPACE) to--
  if (from === to || to - from > LENGTH_DIGITS_MAX) throw malformed('content-length is not a number')
  let length = 0
  for (let at = from; at < to; at++) {
    const digit = bytes[at]!
    if (digit < ZERO || digit > NINE) throw malformed('content-length is not a number')
    length = length * 10 + digit - ZERO
  }
  return length
}

function checkHead(headBytes: number, rules: FrameRules): void {
  if (headBytes > HEAD_BYTES_MAX) throw tooLarge('Invalid frame', `the headers are longer than ${HEAD_BYTES_MAX} bytes`)
  checkSize(headBytes, rules)
}

function checkSize(frameBytes: number, { frameBytesMax }: FrameRules): void {
  if (frameBytes <= frameBytesMax) return
  throw tooLarge('Frame too large', `The frame is longer than the limit of ${frameBytesMax} bytes`)
}

function measureBody(end: number, frame: Frame, rules: FrameRules, contentLength: number): boolean {
  const { bytes, start, bodyStart } = frame
  const bodyEnd = bodyStart + contentLength
  checkSize(bodyEnd + 1 - start, rules)
  if (bodyEnd >= end) {
    frame.needs = bodyEnd + 1 - start
    return false
  }
  if (bytes[bodyEnd] !== NUL) throw malformed('the body is longer than its content-length')
  frame.bodyEnd = bodyEnd
  frame.end = bodyEnd + 1
  return true
}

/** Below this many bytes a loop finds the NUL sooner than a call into the engine. */
const LOOP_SEARCH_BYTES_MAX = 32

function findBody(end: number, frame: Frame, rules: FrameRules): boolean {
  const { bytes, start, bodyStart } = frame
  const loopEnd = Math.min(end, bodyStart + LOOP_SEARCH_BYTES_MAX)
  let nulAt = bodyStart
  while (nulAt < loopEnd && bytes[nulAt] !== NUL) nulAt++
  if (nulAt === loopEnd && nulAt < end) nulAt = bytes.indexOf(NUL, nulAt)
  if (nulAt === -1 || nulAt >= end) {
    checkSize(end - start, rules)
    frame.needs = NEEDS_NUL
    return false
  }
  checkSize(nulAt + 1 - start, rules)
  frame.bodyEnd = nulAt
  frame.end = nulAt + 1
  return true
}
