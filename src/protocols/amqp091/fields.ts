/**
 * Field tables: the typed maps of AMQP 0-9-1 with RabbitMQ's set of tags. [AMQP 0-9-1 §4.2.5.5; RabbitMQ's errata]
 *
 *   table   u32 bytes · fields, each: u8 name bytes · name · value
 *   array   u32 bytes · values
 *   value   u8 tag · data
 *
 * Every range here is that of the fields alone, after the length. A value is `{ type, value }` where `type` is the
 * name RabbitMQ prints, one per tag, so that re-encoding gives the same bytes (`L` alone comes out as `l`: RabbitMQ
 * reads both as a signed 64-bit integer; of equal names the first counts). The shape is that of the model's typed
 * values: a table passes between codec and model without conversion. Malformed input throws ConnectionError 502.
 */
import { ByteReader, BytesEnded, ByteWriter, utf8Text } from '../../base/bytes.ts'
import { readU32 } from '../../base/u64.ts'
import type { Arguments, TypedValue, ValueType } from '../../model/values/arguments.ts'
import { ConnectionError } from './errors.ts'

/** Types of values, as RabbitMQ prints them. */
export type FieldType = ValueType

/** One typed value. Byte arrays are owned copies. */
export type FieldValue = TypedValue

/** Fields by name, in wire order. A name that is not UTF-8 has its bytes from 0x80 on as U+DC80 to U+DCFF. */
export type FieldTable = Arguments

/** The empty table. */
export const NO_FIELDS: FieldTable = new Map()
/** Tables and arrays inside each other. */
export const FIELD_DEPTH_MAX = 64
/** Values in one table, those of inner tables and arrays included. */
export const FIELD_COUNT_MAX = 65_536
const NAME_BYTES_MAX = 255

// Tags

const TAGS: Readonly<Record<FieldType, number>> = {
  longstr: 0x53, // S
  bool: 0x74, // t
  byte: 0x62, // b
  unsignedbyte: 0x42, // B
  short: 0x73, // s
  unsignedshort: 0x75, // u
  signedint: 0x49, // I
  unsignedint: 0x69, // i
  long: 0x6c, // l
  float: 0x66, // f
  double: 0x64, // d
  decimal: 0x44, // D
  timestamp: 0x54, // T
  table: 0x46, // F
  array: 0x41, // A
  binary: 0x78, // x
  void: 0x56, // V
}
/** RabbitMQ: an alias of `l` on input. */
const TAG_LONG_ALIAS = 0x4c // L
const TAG_TABLE = TAGS.table
const TAG_ARRAY = TAGS.array
const UNKNOWN = -1
const PREFIXED = -2

/** Data bytes by tag. */
const DATA_BYTES = new Int8Array(256).fill(UNKNOWN)
const TYPES: (FieldType | undefined)[] = new Array(256)
for (const [type, bytes] of [
  ['longstr', PREFIXED],
  ['bool', 1],
  ['byte', 1],
  ['unsignedbyte', 1],
  ['short', 2],
  ['unsignedshort', 2],
  ['signedint', 4],
  ['unsignedint', 4],
  ['long', 8],
  ['float', 4],
  ['double', 8],
  ['decimal', 5],
  ['timestamp', 8],
  ['table', PREFIXED],
  ['array', PREFIXED],
  ['binary', PREFIXED],
  ['void', 0],
] as const) {
  DATA_BYTES[TAGS[type]] = bytes
  TYPES[TAGS[type]] = type
}
DATA_BYTES[TAG_LONG_ALIAS] = 8
TYPES[TAG_LONG_ALIAS] = 'long'

// Decoding

/** The fields of [start, end). O(size); nothing borrowed stays in the result. */
export function decodeTable(bytes: Buffer, start: number, end: number): FieldTable {
  if (start === end) return NO_FIELDS
  return guarded(new TableDecoder(bytes, start, end), 'table')
}

/** The value whose tag is at byte `at`, as `findHeader` returns it. */
export function decodeValue(bytes: Buffer, at: number, end: number): FieldValue {
  return guarded(new TableDecoder(bytes, at, end), 'value')
}

function guarded<What extends 'table' | 'value'>(decoder: TableDecoder, what: What): ReturnType<TableDecoder[What]>
function guarded(decoder: TableDecoder, what: 'table' | 'value'): FieldTable | FieldValue {
  try {
    return decoder[what](1)
  } catch (error) {
    throw error instanceof BytesEnded ? truncated() : error
  }
}

/** Decodes what its reader stands on. One per top-level table, to count values across all levels. */
class TableDecoder {
  readonly #reader: ByteReader
  #count = 0

  constructor(bytes: Buffer, start: number, end: number) {
    this.#reader = new ByteReader(bytes, start, end)
  }

  table(depth: number): FieldTable {
    const reader = this.#reader
    const fields = new Map<string, FieldValue>()
    while (reader.at < reader.end) {
      const nameBytes = reader.u8()
      const nameAt = reader.take(nameBytes)
      const name = exactText(reader.bytes, nameAt, nameAt + nameBytes)
      const value = this.value(depth)
      if (!fields.has(name)) fields.set(name, value)
    }
    return fields
  }

  value(depth: number): FieldValue {
    if (++this.#count > FIELD_COUNT_MAX) throw tooMany()
    const tag = this.#reader.u8()
    const type = TYPES[tag]
    if (type === undefined) throw unknownTag(tag)
    return { type, value: this.#data(type, depth) }
  }

  #data(type: FieldType, depth: number): FieldValue['value'] {
    const reader = this.#reader
    const bytes = reader.bytes
    switch (type) {
      case 'longstr': {
        const length = reader.u32()
        const at = reader.take(length)
        return utf8Text(bytes, at, at + length) ?? Buffer.from(bytes.subarray(at, at + length))
      }
      case 'bool':
        return reader.u8() !== 0
      case 'byte':
        return (reader.u8() << 24) >> 24
      case 'unsignedbyte':
        return reader.u8()
      case 'short':
        return (reader.u16() << 16) >> 16
      case 'unsignedshort':
        return reader.u16()
      case 'signedint':
        return reader.u32() | 0
      case 'unsignedint':
        return reader.u32()
      case 'long':
        return narrow(bytes.readBigInt64BE(reader.take(8)))
      case 'timestamp':
        return narrow(bytes.readBigUInt64BE(reader.take(8)))
      case 'float':
        return bytes.readFloatBE(reader.take(4))
      case 'double':
        return bytes.readDoubleBE(reader.take(8))
      case 'decimal':
        return { scale: reader.u8(), value: reader.u32() }
      case 'binary':
        return reader.copy(reader.u32())
      case 'table':
      case 'array':
        return this.#inner(type, depth + 1)
      case 'void':
        return null
    }
  }

  #inner(type: 'table' | 'array', depth: number): FieldTable | FieldValue[] {
    if (depth > FIELD_DEPTH_MAX) throw tooDeep()
    const reader = this.#reader
    const outerEnd = reader.end
    const length = reader.u32()
    reader.end = reader.take(length) + length
    reader.at = reader.end - length
    const inner = type === 'table' ? this.table(depth) : this.#array(depth)
    reader.end = outerEnd
    return inner
  }

  #array(depth: number): FieldValue[] {
    const values: FieldValue[] = []
    while (this.#reader.at < this.#reader.end) values.push(this.value(depth))
    return values
  }
}

/** A bigint as a number where that is exact. */
function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Text that encodes to the same bytes again, also where they are not UTF-8: see `FieldTable`. */
export function exactText(bytes: Buffer, start: number, end: number): string {
  const text = utf8Text(bytes, start, end)
  if (text !== undefined) return text
  let escaped = ''
  for (let at = start; at < end; at++)
    escaped += String.fromCharCode(bytes[at]! < 0x80 ? bytes[at]! : 0xdc00 | bytes[at]!)
  return escaped
}

/** The bytes that `exactText` made the text from. */
export function exactBytes(text: string): Buffer {
  return Buffer.from(text, ESCAPED.test(text) ? 'latin1' : 'utf8')
}
/** Lone surrogates that stand for bytes; `latin1` keeps the low eight bits of each character. */
const ESCAPED = /[\udc80-\udcff]/u

// Looking without decoding

/** Throws unless [start, end) is a well-formed table within the limits. O(size), allocates nothing. */
export function checkTable(bytes: Uint8Array, start: number, end: number): void {
  checkFields(bytes, start, end, true, 1, 0)
}

/** Checks a table's fields, or an array's values, and returns the count of values so far. */
function checkFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  named: boolean,
  depth: number,
  countBefore: number,
): number {
  if (depth > FIELD_DEPTH_MAX) throw tooDeep()
  let count = countBefore
  let at = start
  while (at < end) {
    if (named) at += 1 + bytes[at]!
    const next = valueEnd(bytes, at, end)
    if (++count > FIELD_COUNT_MAX) throw tooMany()
    const tag = bytes[at]!
    if (tag === TAG_TABLE || tag === TAG_ARRAY)
      count = checkFields(bytes, at + 5, next, tag === TAG_TABLE, depth + 1, count)
    at = next
  }
  return count
}

/** Where the value whose tag is at byte `at` ends. Throws when it has no known tag or passes `end`. */
function valueEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) throw truncated()
  const dataBytes = DATA_BYTES[bytes[at]!]!
  if (dataBytes === UNKNOWN) throw unknownTag(bytes[at]!)
  let next = at + 1
  if (dataBytes !== PREFIXED) next += dataBytes
  else if (at + 5 <= end) next += 4 + readU32(bytes, next)
  else throw truncated()
  if (next > end) throw truncated()
  return next
}

/**
 * Finds one field of an encoded table: the byte of its value's tag, for `decodeValue`, or -1.
 * O(fields), inner tables are stepped over, nothing is allocated for an ASCII name.
 */
export function findHeader(bytes: Uint8Array, start: number, end: number, name: string): number {
  if (!isAscii(name)) return findExact(bytes, start, end, exactBytes(name))
  const length = name.length
  let at = start
  while (at < end) {
    const valueAt = at + 1 + bytes[at]!
    if (bytes[at] === length) {
      let same = 0
      while (same < length && bytes[at + 1 + same] === name.charCodeAt(same)) same++
      if (same === length && valueAt < end) return valueAt
    }
    at = valueEnd(bytes, valueAt, end)
  }
  return -1
}

function findExact(bytes: Uint8Array, start: number, end: number, name: Buffer): number {
  let at = start
  while (at < end) {
    const valueAt = at + 1 + bytes[at]!
    if (valueAt < end && name.equals(bytes.subarray(at + 1, valueAt))) return valueAt
    at = valueEnd(bytes, valueAt, end)
  }
  return -1
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false
  return true
}

// Encoding

/** The fields of a table, without the length before them. Throws RangeError for a value its type cannot hold. */
export function encodeTable(table: FieldTable): Buffer {
  const writer = new ByteWriter()
  writeFields(writer, table, 1)
  return writer.finish()
}

/** Appends a table with its length. */
export function writeTable(writer: ByteWriter, table: FieldTable, depth = 1): void {
  const at = writer.reserve(4)
  writeFields(writer, table, depth)
  writer.patchU32(writer.length - at - 4, at)
}

/** The same fields in the order of their names' bytes, as RabbitMQ sends headers that it added to. */
export function sortedTable(table: FieldTable): FieldTable {
  const keyed = [...table].map((field) => ({ field, key: exactBytes(field[0]) }))
  keyed.sort((a, b) => Buffer.compare(a.key, b.key))
  return new Map(keyed.map(({ field }) => field))
}

function writeFields(writer: ByteWriter, table: FieldTable, depth: number): void {
  if (depth > FIELD_DEPTH_MAX) throw new RangeError(`tables nest deeper than ${FIELD_DEPTH_MAX} levels`)
  for (const [name, value] of table) {
    const bytes = exactBytes(name)
    if (bytes.length > NAME_BYTES_MAX) throw new RangeError(`field name of ${bytes.length} bytes`)
    writer.u8(bytes.length)
    writer.bytes(bytes)
    writeValue(writer, value, depth)
  }
}

function writeValue(writer: ByteWriter, field: FieldValue, depth: number): void {
  const { type, value } = field
  writer.u8(TAGS[type])
  if (type === 'bool') writer.u8(value === true ? 1 : 0)
  else if (typeof value === 'number' || typeof value === 'bigint') writeNumber(writer, type, value)
  else if (type === 'longstr' && typeof value === 'string') writeLongstr(writer, Buffer.from(value))
  else if ((type === 'longstr' || type === 'binary') && value instanceof Uint8Array) writeLongstr(writer, value)
  else if (type === 'table' && value instanceof Map) writeTable(writer, value, depth + 1)
  else if (type === 'array' && Array.isArray(value)) writeArray(writer, value, depth + 1)
  else if (type === 'decimal' && isDecimal(value)) writeDecimal(writer, value)
  else if (type !== 'void') throw misfit(type, value)
}

/** Node's writers throw RangeError for a number that does not fit. */
function writeNumber(writer: ByteWriter, type: FieldType, value: number | bigint): void {
  const at = writer.reserve(Math.max(0, DATA_BYTES[TAGS[type]]!))
  const buffer = writer.buffer
  switch (type) {
    case 'byte':
      buffer.writeInt8(Number(value), at)
      break
    case 'unsignedbyte':
      buffer.writeUInt8(Number(value), at)
      break
    case 'short':
      buffer.writeInt16BE(Number(value), at)
      break
    case 'unsignedshort':
      buffer.writeUInt16BE(Number(value), at)
      break
    case 'signedint':
      buffer.writeInt32BE(Number(value), at)
      break
    case 'unsignedint':
      buffer.writeUInt32BE(Number(value), at)
      break
    case 'float':
      buffer.writeFloatBE(Number(value), at)
      break
    case 'double':
      buffer.writeDoubleBE(Number(value), at)
      break
    case 'timestamp':
      buffer.writeBigUInt64BE(BigInt(value), at)
      break
    case 'long':
      buffer.writeBigInt64BE(BigInt(value), at)
      break
    default:
      throw misfit(type, value)
  }
}

function writeDecimal(writer: ByteWriter, decimal: { readonly scale: number; readonly value: number }): void {
  const at = writer.reserve(5)
  writer.buffer.writeUInt8(decimal.scale, at)
  writer.buffer.writeUInt32BE(decimal.value, at + 1)
}

function writeLongstr(writer: ByteWriter, bytes: Uint8Array): void {
  writer.u32(bytes.length)
  writer.bytes(bytes)
}

function writeArray(writer: ByteWriter, values: readonly FieldValue[], depth: number): void {
  if (depth > FIELD_DEPTH_MAX) throw new RangeError(`arrays nest deeper than ${FIELD_DEPTH_MAX} levels`)
  const at = writer.reserve(4)
  for (const value of values) writeValue(writer, value, depth)
  writer.patchU32(writer.length - at - 4, at)
}

function isDecimal(value: FieldValue['value']): value is { readonly scale: number; readonly value: number } {
  return typeof value === 'object' && value !== null && 'scale' in value
}

function misfit(type: FieldType, value: FieldValue['value']): RangeError {
  return new RangeError(`a ${typeof value} is no value of type ${type}`)
}

// Errors

// Differs: RabbitMQ drops the connection without a word when a table is malformed.
function truncated(): ConnectionError {
  return ConnectionError.syntaxError('field table is truncated')
}

function unknownTag(tag: number): ConnectionError {
  const shown = tag > 0x20 && tag < 0x7f ? `'${String.fromCharCode(tag)}'` : `${tag}`
  return ConnectionError.syntaxError(`unknown type ${shown} in field table`)
}

function tooDeep(): ConnectionError {
  return beyondLimit(`nests deeper than ${FIELD_DEPTH_MAX} levels`)
}

function tooMany(): ConnectionError {
  return beyondLimit(`has more than ${FIELD_COUNT_MAX} values`)
}

function beyondLimit(what: string): ConnectionError {
  const error = ConnectionError.syntaxError(`field table ${what}`)
  error.limit = 'tables'
  return error
}
