/**
 * Typed field values beside plain ones: comparing them, and moving them to and from plain JavaScript.
 *
 * Headers exchanges compare; HTTP API, command line and clients convert. Nothing here touches bytes of the wire.
 */
import { FIELD_DEPTH_MAX, type FieldTable, type FieldValue } from './fields.ts'

const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n

/** What plain JavaScript has for a field: bytes as Uint8Array, void as null, integers beyond 2⁵³ as bigint. */
export type PlainValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly PlainValue[]
  | { readonly [name: string]: PlainValue }

/**
 * Whether two values are equal as a headers exchange sees it. RabbitMQ compares values, not types: integers of any
 * width, floats and timestamps by their number, text and binary by their bytes. 1 is not '1' and true is not 1.
 * Inside arrays and tables types count too, and so does order.
 */
export function fieldsEqual(a: FieldValue, b: FieldValue): boolean {
  const x = a.value
  const y = b.value
  if (x === y) return true
  // `<=` compares numbers with bigints exactly; `===` would find them different.
  if (isNumber(x) && isNumber(y)) return x <= y && x >= y
  if (x instanceof Uint8Array || y instanceof Uint8Array) return bytesEqual(x, y)
  if (x === null || y === null || typeof x !== 'object' || typeof y !== 'object') return false
  if (Array.isArray(x)) return Array.isArray(y) && sameList(x, y)
  if (x instanceof Map) return y instanceof Map && sameTable(x, y)
  return 'scale' in x && 'scale' in y && x.scale === y.scale && x.value === y.value
}

function isNumber(value: FieldValue['value']): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function bytesEqual(x: FieldValue['value'], y: FieldValue['value']): boolean {
  const left = bytesOf(x)
  const right = bytesOf(y)
  return left !== undefined && right !== undefined && Buffer.compare(left, right) === 0
}

function bytesOf(value: FieldValue['value']): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  return typeof value === 'string' ? Buffer.from(value) : undefined
}

function sameList(x: readonly FieldValue[], y: readonly FieldValue[]): boolean {
  return x.length === y.length && x.every((value, i) => value.type === y[i]!.type && fieldsEqual(value, y[i]!))
}

function sameTable(x: FieldTable, y: FieldTable): boolean {
  if (x.size !== y.size) return false
  const others = y.entries()
  for (const [name, value] of x) {
    const [otherName, other] = others.next().value!
    if (name !== otherName || value.type !== other.type || !fieldsEqual(value, other)) return false
  }
  return true
}

/** A table as a plain object. Types of numbers are lost; a decimal becomes a number. Byte arrays are shared. */
export function toPlain(table: FieldTable): { [name: string]: PlainValue } {
  return Object.fromEntries([...table].map(([name, value]) => [name, plainValue(value)]))
}

/** One value as plain JavaScript. */
export function plainValue(field: FieldValue): PlainValue {
  const value = field.value
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(plainValue)
  if (value instanceof Map) return toPlain(value)
  return 'scale' in value ? value.value / 10 ** value.scale : null
}

/**
 * A plain object as a table, with the types RabbitMQ gives to JSON: text longstr, integers long, other numbers
 * double, null void; bytes become binary. Fields that are undefined are left out.
 * Throws RangeError below 64 levels and for an integer beyond 64 bits.
 */
export function fromPlain(plain: { readonly [name: string]: PlainValue | undefined }, depth = 1): FieldTable {
  if (depth > FIELD_DEPTH_MAX) throw new RangeError(`values nest deeper than ${FIELD_DEPTH_MAX} levels`)
  const table = new Map<string, FieldValue>()
  for (const [name, value] of Object.entries(plain)) if (value !== undefined) table.set(name, typedValue(value, depth))
  return table
}

/** One plain value with the type `fromPlain` gives it. */
export function typedValue(value: PlainValue, depth = 1): FieldValue {
  if (value === null) return { type: 'void', value }
  if (value instanceof Uint8Array) return { type: 'binary', value }
  switch (typeof value) {
    case 'string':
      return { type: 'longstr', value }
    case 'boolean':
      return { type: 'bool', value }
    case 'number':
      return { type: Number.isSafeInteger(value) && !Object.is(value, -0) ? 'long' : 'double', value }
    case 'bigint':
      if (value < LONG_MIN || value > LONG_MAX) throw new RangeError(`${value} exceeds 64 bits`)
      return { type: 'long', value }
    default:
      if (depth >= FIELD_DEPTH_MAX) throw new RangeError(`values nest deeper than ${FIELD_DEPTH_MAX} levels`)
      if (isList(value)) return { type: 'array', value: value.map((item) => typedValue(item, depth + 1)) }
      return { type: 'table', value: fromPlain(value, depth + 1) }
  }
}

function isList(
  value: readonly PlainValue[] | { readonly [name: string]: PlainValue },
): value is readonly PlainValue[] {
  return Array.isArray(value)
}
