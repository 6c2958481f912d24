/**
 * The fourteen basic properties of a message. [AMQP 0-9-1 §4.2.6.1, §1.8 basic]
 *
 *   u16 flags, bit 15 for the first property · the properties whose flags are set, in order
 *
 * `PropertyScan` finds what routing needs in a publisher's encoding without decoding it, once per publish;
 * `decodeProperties` and `encodeProperties` serve conversions, the HTTP API and clients. Every range here starts at
 * the flags. Malformed input throws ConnectionError 502. Differs: RabbitMQ closes with 541 then.
 */
import { ByteReader, BytesEnded, ByteWriter } from '../../base/bytes.ts'
import { readU32, readU64 } from '../../base/u64.ts'
import { ConnectionError } from './errors.ts'
import { checkTable, decodeTable, exactBytes, exactText, type FieldTable, writeTable } from './fields.ts'

// Rows

/** One row per property, in wire order: its flag and the type of its value. */
const PROPERTIES = [
  { name: 'contentType', flag: 0x8000, type: 'shortstr' },
  { name: 'contentEncoding', flag: 0x4000, type: 'shortstr' },
  { name: 'headers', flag: 0x2000, type: 'table' },
  { name: 'deliveryMode', flag: 0x1000, type: 'octet' },
  { name: 'priority', flag: 0x0800, type: 'octet' },
  { name: 'correlationId', flag: 0x0400, type: 'shortstr' },
  { name: 'replyTo', flag: 0x0200, type: 'shortstr' },
  { name: 'expiration', flag: 0x0100, type: 'shortstr' },
  { name: 'messageId', flag: 0x0080, type: 'shortstr' },
  { name: 'timestamp', flag: 0x0040, type: 'timestamp' },
  { name: 'type', flag: 0x0020, type: 'shortstr' },
  { name: 'userId', flag: 0x0010, type: 'shortstr' },
  { name: 'appId', flag: 0x0008, type: 'shortstr' },
  { name: 'clusterId', flag: 0x0004, type: 'shortstr' },
] as const

const FLAG_HEADERS = 0x2000
const FLAG_DELIVERY_MODE = 0x1000
const FLAG_PRIORITY = 0x0800
const FLAG_TIMESTAMP = 0x0040
/** More flags follow: no property of this class is that far out. */
const FLAG_CONTINUED = 0x0001
const FLAGS_BYTES = 2
const SHORTSTR_BYTES_MAX = 255

type Row = (typeof PROPERTIES)[number]
interface PropertyTypes {
  shortstr: string
  table: FieldTable
  octet: number
  timestamp: number
}

/** Properties of a message; those not set are absent. Text that is not UTF-8 is as in a `FieldTable`'s names. */
export type BasicProperties = {
  readonly [R in Row as R['name']]?: PropertyTypes[R['type']]
}

/** The delivery mode of persistent messages; any other is transient. */
export const DELIVERY_PERSISTENT = 2
/** What an absent property's offset is. */
export const ABSENT = -1
const EMPTY = Buffer.alloc(0)

// Scanning

/**
 * Where the properties of one message lie. Reused: a channel has one and scans each publish with it.
 * `…At` fields are offsets into the scanned buffer: of the length octet of a short string (read it with `text`), of
 * the first byte of others; `ABSENT` when not set. Borrowed: valid while the buffer is.
 */
export class PropertyScan {
  #bytes: Buffer = EMPTY
  flags = 0
  contentTypeAt = ABSENT
  contentEncodingAt = ABSENT
  /** The headers' fields, without their length: empty when there are none. */
  headersStart = 0
  headersEnd = 0
  /** 0 when not set. */
  deliveryMode = 0
  /** `ABSENT` when not set. */
  priority = ABSENT
  correlationIdAt = ABSENT
  replyToAt = ABSENT
  expirationAt = ABSENT
  messageIdAt = ABSENT
  timestampAt = ABSENT
  typeAt = ABSENT
  userIdAt = ABSENT
  appIdAt = ABSENT
  clusterIdAt = ABSENT

  /** Scans [start, end), which must be exactly one property list; its headers are checked to be well-formed. */
  scan(bytes: Buffer, start: number, end: number): void {
    if (end - start < FLAGS_BYTES) throw truncated()
    const flags = (bytes[start]! << 8) | bytes[start + 1]!
    this.#bytes = bytes
    this.flags = flags
    if ((flags & FLAG_CONTINUED) !== 0) throw continued()
    const headersAt = this.#scanBeforeIds(bytes, start + FLAGS_BYTES, end, flags)
    const at = this.#scanFromIds(bytes, headersAt, end, flags)
    if (at > end) throw truncated()
    if (at < end) throw trailing(end - at)
    if (this.headersStart !== this.headersEnd) checkTable(bytes, this.headersStart, this.headersEnd)
  }

  /** Content type to priority. An offset past `end` means truncated, which the caller finds out at the end. */
  #scanBeforeIds(bytes: Buffer, start: number, end: number, flags: number): number {
    let at = start
    this.contentTypeAt = (flags & 0x8000) === 0 ? ABSENT : at
    if (this.contentTypeAt !== ABSENT) at = afterShortstr(bytes, at, end)
    this.contentEncodingAt = (flags & 0x4000) === 0 ? ABSENT : at
    if (this.contentEncodingAt !== ABSENT) at = afterShortstr(bytes, at, end)
    this.headersStart = 0
    this.headersEnd = 0
    if ((flags & FLAG_HEADERS) !== 0) {
      if (at + 4 > end) throw truncated()
      this.headersStart = at + 4
      at = this.headersStart + readU32(bytes, at)
      if (at > end) throw truncated()
      this.headersEnd = at
    }
    this.deliveryMode = (flags & FLAG_DELIVERY_MODE) === 0 ? 0 : at < end ? bytes[at++]! : missing()
    this.priority = (flags & FLAG_PRIORITY) === 0 ? ABSENT : at < end ? bytes[at++]! : missing()
    return at
  }

  /** Correlation id to cluster id. */
  #scanFromIds(bytes: Buffer, start: number, end: number, flags: number): number {
    let at = start
    this.correlationIdAt = (flags & 0x0400) === 0 ? ABSENT : at
    if (this.correlationIdAt !== ABSENT) at = afterShortstr(bytes, at, end)
    this.replyToAt = (flags & 0x0200) === 0 ? ABSENT : at
    if (this.replyToAt !== ABSENT) at = afterShortstr(bytes, at, end)
    this.expirationAt = (flags & 0x0100) === 0 ? ABSENT : at
    if (this.expirationAt !== ABSENT) at = afterShortstr(bytes, at, end)
    this.messageIdAt = (flags & 0x0080) === 0 ? ABSENT : at
    if (this.messageIdAt !== ABSENT) at = afterShortstr(bytes, at, end)
    this.timestampAt = (flags & FLAG_TIMESTAMP) === 0 ? ABSENT : at
    if (this.timestampAt !== ABSENT) at += 8
    this.typeAt = (flags & 0x0020) === 0 ? ABSENT : at
    if (this.typeAt !== ABSENT) at = afterShortstr(bytes, at, end)
    this.userIdAt = (flags & 0x0010) === 0 ? ABSENT : at
    if (this.userIdAt !== ABSENT) at = afterShortstr(bytes, at, end)
    this.appIdAt = (flags & 0x0008) === 0 ? ABSENT : at
    if (this.appIdAt !== ABSENT) at = afterShortstr(bytes, at, end)
    this.clusterIdAt = (flags & 0x0004) === 0 ? ABSENT : at
    if (this.clusterIdAt !== ABSENT) at = afterShortstr(bytes, at, end)
    return at
  }

  get persistent(): boolean {
    return this.deliveryMode === DELIVERY_PERSISTENT
  }

  /** The text of a short string at one of the offsets; undefined for `ABSENT`. */
  text(at: number): string | undefined {
    return at === ABSENT ? undefined : exactText(this.#bytes, at + 1, at + 1 + this.#bytes[at]!)
  }

  /** Seconds since 1970, rounded beyond 2⁵³; undefined when not set. */
  timestamp(): number | undefined {
    return this.timestampAt === ABSENT ? undefined : readU64(this.#bytes, this.timestampAt)
  }
}

/** Where the short string at byte `at` ends; throws when its length octet is not there. */
function afterShortstr(bytes: Uint8Array, at: number, end: number): number {
  return at < end ? at + 1 + bytes[at]! : missing()
}

// Whole lists

/** Decodes a property list. Nothing borrowed stays in the result. */
export function decodeProperties(bytes: Buffer, start: number, end: number): BasicProperties {
  const reader = new ByteReader(bytes, start, end)
  try {
    return readProperties(reader)
  } catch (error) {
    throw error instanceof BytesEnded ? truncated() : error
  }
}

function readProperties(reader: ByteReader): BasicProperties {
  const flags = reader.u16()
  if ((flags & FLAG_CONTINUED) !== 0) throw continued()
  const found: Record<string, string | number | FieldTable> = {}
  for (const row of PROPERTIES) if ((flags & row.flag) !== 0) found[row.name] = readProperty(reader, row.type)
  if (reader.at < reader.end) throw trailing(reader.end - reader.at)
  return found as BasicProperties // The rows give each name a value of its type.
}

function readProperty(reader: ByteReader, type: Row['type']): string | number | FieldTable {
  switch (type) {
    case 'shortstr': {
      const length = reader.u8()
      const at = reader.take(length)
      return exactText(reader.bytes, at, at + length)
    }
    case 'table': {
      const length = reader.u32()
      const at = reader.take(length)
      return decodeTable(reader.bytes, at, at + length)
    }
    case 'octet':
      return reader.u8()
    case 'timestamp':
      return reader.u64()
  }
}

/** A property list, flags included. Throws RangeError for a value that its type cannot hold. */
export function encodeProperties(properties: BasicProperties): Buffer {
  const writer = new ByteWriter()
  let flags = 0
  writer.u16(0)
  for (const row of PROPERTIES) {
    const value = properties[row.name]
    if (value === undefined) continue
    flags |= row.flag
    writeProperty(writer, row, value)
  }
  const encoded = writer.finish()
  encoded.writeUInt16BE(flags, 0)
  return encoded
}

function writeProperty(writer: ByteWriter, row: Row, value: string | number | FieldTable): void {
  if (typeof value === 'string') {
    const bytes = exactBytes(value)
    if (bytes.length > SHORTSTR_BYTES_MAX) throw new RangeError(`${row.name} of ${bytes.length} bytes, 255 at most`)
    writer.u8(bytes.length)
    writer.bytes(bytes)
  } else if (typeof value !== 'number') writeTable(writer, value)
  else if (row.type === 'timestamp') writer.u64(value)
  else if (Number.isInteger(value) && value >= 0 && value <= 255) writer.u8(value)
  else throw new RangeError(`${row.name} ${value} is not an integer from 0 to 255`)
}

// Errors

function missing(): never {
  throw truncated()
}

function truncated(): ConnectionError {
  return ConnectionError.syntaxError('property list is truncated')
}

function trailing(count: number): ConnectionError {
  return ConnectionError.syntaxError(`${count} bytes after the property list`)
}

function continued(): ConnectionError {
  return ConnectionError.syntaxError('unknown property flags')
}
