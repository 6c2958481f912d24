/**
 * Typed arguments as JSON, in two forms: the stored one, which keeps types and order, and the plain one of the HTTP API
 * and of definitions files.
 *
 * Stored: `[name, type, value]`, where value is JSON of its type; bytes are base64, tables and arrays nest, integers
 * beyond 2⁵³ are decimal text. Plain: as RabbitMQ writes it (`{"x-max-length": 10}`); types are guessed when it is read.
 */

import type { StoredArguments } from '../records/records.ts'
import { type Arguments, NO_ARGUMENTS, stringValue, type TypedValue, type ValueType } from './arguments.ts'

/** JSON as parsed. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** The stored form. */
export function storeArguments(args: Arguments): StoredArguments {
  return [...args].map(([name, value]) => [name, value.type, storeValue(value)] as const)
}

/** Back from the stored form. */
export function restoreArguments(stored: StoredArguments): Arguments {
  if (stored.length === 0) return NO_ARGUMENTS
  // The types were written by `storeArguments`.
  return new Map(stored.map(([name, type, value]) => [name, restoreValue(type as ValueType, value)]))
}

function storeValue({ value }: TypedValue): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (value instanceof Map) return storeArguments(value)
  if (Array.isArray(value)) return value.map((element: TypedValue) => [element.type, storeValue(element)])
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return value
}

function restoreValue(type: ValueType, stored: unknown): TypedValue {
  switch (type) {
    case 'longstr':
    case 'binary':
      return { type, value: isBase64(stored) ? Buffer.from(stored.base64, 'base64') : String(stored) }
    case 'table':
      return { type, value: restoreArguments(stored as StoredArguments) }
    case 'array':
      return { type, value: (stored as [ValueType, unknown][]).map(([inner, value]) => restoreValue(inner, value)) }
    case 'float':
    case 'double':
      return { type, value: Number(stored) }
    default:
      return { type, value: typeof stored === 'string' ? BigInt(stored) : (stored as TypedValue['value']) }
  }
}

function isBase64(stored: unknown): stored is { readonly base64: string } {
  return typeof stored === 'object' && stored !== null && 'base64' in stored
}

/** The plain form, as the HTTP API shows arguments and headers. */
export function argumentsToJson(args: Arguments): Record<string, Json> {
  const json: Record<string, Json> = {}
  for (const [name, value] of args) json[name] = valueToJson(value)
  return json
}

/** The plain form of one value. Bytes that are not UTF-8 come as base64; integers beyond 2⁵³ lose precision, as in JSON. */
export function valueToJson({ value }: TypedValue): Json {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Map) return argumentsToJson(value)
  if (Array.isArray(value)) return value.map((element: TypedValue) => valueToJson(element))
  if (typeof value === 'object' && value !== null) {
    return 'scale' in value && typeof value.scale === 'number' && typeof value.value === 'number'
      ? value.value / 10 ** value.scale
      : null
  }
  return value
}

/** Typed arguments from their plain form: whole numbers are `long`, others `double`, text is `longstr`. */
export function argumentsFromJson(json: { readonly [name: string]: Json }): Arguments {
  return new Map(Object.entries(json).map(([name, value]) => [name, valueFromJson(value)]))
}

/** A typed value from its plain form. */
export function valueFromJson(json: Json): TypedValue {
  switch (typeof json) {
    case 'string':
      return stringValue(json)
    case 'boolean':
      return { type: 'bool', value: json }
    case 'number':
      return { type: Number.isInteger(json) ? 'long' : 'double', value: json }
    default:
      if (json === null) return { type: 'void', value: null }
      if (isArray(json)) return { type: 'array', value: json.map(valueFromJson) }
      return { type: 'table', value: argumentsFromJson(json) }
  }
}

function isArray(json: readonly Json[] | { readonly [name: string]: Json }): json is readonly Json[] {
  return Array.isArray(json)
}
