/**
 * Typed values of declaration arguments and message headers, neutral of any wire encoding.
 *
 * RabbitMQ compares and reports arguments by their wire type ("received 'x' of type 'longstr'"), so a value keeps
 * the type it came with. Sessions convert between this form and their encoding; the model never sees bytes of tables.
 */

/** Names of types as RabbitMQ prints them in its replies. */
export type ValueType =
  | 'longstr'
  | 'bool'
  | 'byte'
  | 'unsignedbyte'
  | 'short'
  | 'unsignedshort'
  | 'signedint'
  | 'unsignedint'
  | 'long'
  | 'float'
  | 'double'
  | 'decimal'
  | 'timestamp'
  | 'table'
  | 'array'
  | 'binary'
  | 'void'

/**
 * One typed value. `value` is: string (longstr; Uint8Array when it is not UTF-8) · Uint8Array (binary) · boolean ·
 * number, or bigint beyond 2⁵³ (integers, timestamp in seconds) · {scale, value} (decimal) · Arguments (table) ·
 * TypedValue[] (array) · null (void).
 */
export interface TypedValue {
  readonly type: ValueType
  readonly value:
    | string
    | number
    | bigint
    | boolean
    | null
    | Uint8Array
    | Arguments
    | readonly TypedValue[]
    | { readonly scale: number; readonly value: number }
}

/** Arguments of a declaration, or the headers of a message, in wire order. */
export type Arguments = ReadonlyMap<string, TypedValue>

/** The empty argument list. */
export const NO_ARGUMENTS: Arguments = new Map()

/** A longstr value. */
export function stringValue(value: string): TypedValue {
  return { type: 'longstr', value }
}

/** An integer value, of type `long` as RabbitMQ's HTTP API makes them. */
export function integerValue(value: number): TypedValue {
  return { type: 'long', value }
}

/** A boolean value. */
export function booleanValue(value: boolean): TypedValue {
  return { type: 'bool', value }
}

/** Whether the value is of one of the integer types, which RabbitMQ treats as one class. */
export function isInteger(value: TypedValue): boolean {
  switch (value.type) {
    case 'byte':
    case 'unsignedbyte':
    case 'short':
    case 'unsignedshort':
    case 'signedint':
    case 'unsignedint':
    case 'long':
      return true
    default:
      return false
  }
}

/** The text of a longstr argument; undefined when it is absent or of another type. */
export function stringArgument(args: Arguments, name: string): string | undefined {
  const found = args.get(name)
  return found !== undefined && found.type === 'longstr' && typeof found.value === 'string' ? found.value : undefined
}

/** The number of an integer argument; undefined when it is absent or of another type. */
export function integerArgument(args: Arguments, name: string): number | undefined {
  const found = args.get(name)
  return found !== undefined && isInteger(found) ? Number(found.value) : undefined
}

/** The boolean of a bool argument; undefined when it is absent or of another type. */
export function booleanArgument(args: Arguments, name: string): boolean | undefined {
  const found = args.get(name)
  return found !== undefined && typeof found.value === 'boolean' ? found.value : undefined
}

/** Types that RabbitMQ holds to be alike when it compares: all integers, all floats; any other only itself. */
export function typeClass(type: ValueType): ValueType | 'integer' {
  switch (type) {
    case 'byte':
    case 'unsignedbyte':
    case 'short':
    case 'unsignedshort':
    case 'signedint':
    case 'unsignedint':
    case 'long':
    case 'decimal':
      return 'integer'
    case 'double':
      return 'float'
    default:
      return type
  }
}

/** Whether two values are of one class of types and equal. */
export function sameValue(left: TypedValue, right: TypedValue): boolean {
  return typeClass(left.type) === typeClass(right.type) && sameContent(left.value, right.value)
}

/** Whether two values are equal, their types aside. */
export function sameContent(left: TypedValue['value'], right: TypedValue['value']): boolean {
  if (left === right) return true
  if (typeof left === 'bigint' || typeof right === 'bigint') return sameNumbers(left, right)
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (left instanceof Uint8Array || right instanceof Uint8Array) return sameBytes(left, right)
  if (left instanceof Map || right instanceof Map) return sameTables(left, right)
  if (Array.isArray(left) || Array.isArray(right)) return sameArrays(left, right)
  return 'scale' in left && 'scale' in right && left.scale === right.scale && left.value === right.value
}

/** One of them is beyond 2⁵³, or came as if it were. */
function sameNumbers(left: TypedValue['value'], right: TypedValue['value']): boolean {
  const isNumeric = (value: TypedValue['value']): boolean => typeof value === 'number' || typeof value === 'bigint'
  return isNumeric(left) && isNumeric(right) && String(left) === String(right)
}

function sameBytes(left: object, right: object): boolean {
  return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0
}

function sameTables(left: object, right: object): boolean {
  if (!(left instanceof Map) || !(right instanceof Map) || left.size !== right.size) return false
  for (const [name, value] of left as Map<string, TypedValue>) {
    const other = (right as Map<string, TypedValue>).get(name)
    if (other === undefined || !sameValue(value, other)) return false
  }
  return true
}

function sameArrays(left: object, right: object): boolean {
  if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false
  return left.every((value: TypedValue, i) => sameValue(value, right[i] as TypedValue))
}
