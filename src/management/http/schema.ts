/**
 * JSON Schemas as plain constants: from one literal come the TypeScript type (`Infer`), the check of what a client sent
 * (`readJson`) and the OpenAPI document.
 *
 * The subset that the HTTP API needs. Reading is as lenient as RabbitMQ: booleans and integers may come as text, unknown
 * properties are ignored; refusals are worded as RabbitMQ words them. [docs/http-api.md]
 */
import { badRequest } from './api-error.ts'

interface Described {
  readonly description?: string
}

/** Text. */
export interface StringSchema extends Described {
  readonly type: 'string'
  readonly enum?: readonly string[]
}
/** Also read from the texts `true` and `false`. */
export interface BooleanSchema extends Described {
  readonly type: 'boolean'
}
interface Range extends Described {
  readonly minimum?: number
  readonly maximum?: number
}
/** Also read from decimal text. */
export interface IntegerSchema extends Range {
  readonly type: 'integer'
}
/** A number with a fraction. */
export interface NumberSchema extends Range {
  readonly type: 'number'
}
/** A list. */
export interface ArraySchema extends Described {
  readonly type: 'array'
  readonly items: Schema
}
/**
 * An object: its known properties; others are passed over, or taken as they are (`additionalProperties: true`), or refused (`false`):
 * where a slip of the pen would mean more than was asked for. There null is no absent value, either.
 */
export interface ObjectSchema extends Described {
  readonly type: 'object'
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
}
/** The first that fits. */
export interface UnionSchema extends Described {
  readonly type: 'union'
  readonly anyOf: readonly Schema[]
}
/** Any JSON. */
export interface AnySchema extends Described {
  readonly type: 'any'
}

/** A schema. */
export type Schema =
  | StringSchema
  | BooleanSchema
  | IntegerSchema
  | NumberSchema
  | ArraySchema
  | ObjectSchema
  | UnionSchema
  | AnySchema

type RequiredOf<S extends ObjectSchema> = S['required'] extends readonly (infer R)[] ? R : never
type PropertiesOf<S extends ObjectSchema> =
  S['properties'] extends Readonly<Record<string, Schema>>
    ? { readonly [K in keyof S['properties'] & RequiredOf<S>]: Infer<S['properties'][K]> } & {
        readonly [K in Exclude<keyof S['properties'], RequiredOf<S>>]?: Infer<S['properties'][K]> | undefined
      }
    : { readonly [name: string]: unknown }

/** The type of the values that a schema describes. */
export type Infer<S extends Schema> = S extends StringSchema
  ? S['enum'] extends readonly (infer E)[]
    ? E
    : string
  : S extends BooleanSchema
    ? boolean
    : S extends IntegerSchema | NumberSchema
      ? number
      : S extends ArraySchema
        ? readonly Infer<S['items']>[]
        : S extends ObjectSchema
          ? PropertiesOf<S>
          : S extends UnionSchema
            ? Infer<S['anyOf'][number]>
            : unknown

/** The value as its schema's type, or a 400 in RabbitMQ's words. */
export function readJson<const S extends Schema>(schema: S, json: unknown): Infer<S> {
  // `read` returns what the schema says; the compiler cannot follow the dispatch.
  return readAny(schema, json) as Infer<S>
}

/** As `readJson`, for a schema that is not known at compile time. */
export function readAny(schema: Schema, json: unknown): unknown {
  return read(schema, json, '')
}

function read(schema: Schema, json: unknown, name: string): unknown {
  switch (schema.type) {
    case 'union':
      return readUnion(schema.anyOf, json, name)
    case 'string':
      return readString(schema, json, name)
    case 'boolean':
      return readBoolean(json)
    case 'integer':
      return readInteger(schema, json, name)
    case 'number':
      if (typeof json !== 'number') throw badRequest(['not_number', name])
      return inRange(schema, json, name)
    case 'array':
      if (!Array.isArray(json)) throw badRequest(['not_list', name])
      return json.map((item) => read(schema.items, item, name))
    case 'object':
      return readObject(schema, json, name)
    case 'any':
      return json
  }
}

function readUnion(schemas: readonly Schema[], json: unknown, name: string): unknown {
  for (const schema of schemas.slice(0, -1)) if (hasType(schema, json)) return read(schema, json, name)
  return read(schemas.at(-1)!, json, name)
}

function hasType(schema: Schema, json: unknown): boolean {
  switch (schema.type) {
    case 'array':
      return Array.isArray(json)
    case 'object':
      return typeof json === 'object' && json !== null && !Array.isArray(json)
    case 'integer':
    case 'number':
      return typeof json === 'number'
    default:
      return schema.type === 'any' || typeof json === schema.type
  }
}

function readString(schema: StringSchema, json: unknown, name: string): string {
  if (typeof json !== 'string') throw badRequest(['not_string', name])
  if (schema.enum !== undefined && !schema.enum.includes(json)) throw badRequest(['unknown', json])
  return json
}

function readBoolean(json: unknown): boolean {
  if (typeof json === 'boolean') return json
  if (json === 'true') return true
  if (json === 'false') return false
  throw badRequest(['not_boolean', printable(json)])
}

function readInteger(schema: IntegerSchema, json: unknown, name: string): number {
  const value = typeof json === 'string' && /^-?\d+$/.test(json) ? Number(json) : json
  if (typeof value !== 'number' || !Number.isInteger(value)) throw badRequest(['not_int', name])
  return inRange(schema, value, name)
}

function inRange({ minimum, maximum }: Range, value: number, name: string): number {
  if (value < (minimum ?? -Infinity)) throw badRequest(`${name} must be at least ${minimum}`)
  if (value > (maximum ?? Infinity)) throw badRequest(`${name} must be at most ${maximum}`)
  return value
}

function readObject(schema: ObjectSchema, json: unknown, name: string): unknown {
  // Erlang tools encode an empty table as an empty list.
  if (Array.isArray(json) && json.length === 0) return readObject(schema, {}, name)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw badRequest(['not_object', name])
  const from = json as Readonly<Record<string, unknown>> // Parsed JSON that is neither null nor a list.
  for (const required of schema.required ?? []) {
    if (from[required] === undefined) throw badRequest(`[{key_missing,${required}}]`)
  }
  if (schema.additionalProperties === true) return from
  if (schema.additionalProperties === false) refuseOthers(schema, from)
  const result: Record<string, unknown> = {}
  for (const [property, inner] of Object.entries(schema.properties ?? {})) {
    const value = Object.hasOwn(from, property) ? from[property] : undefined
    // RabbitMQ takes null for an absent value.
    if (value !== undefined && value !== null) result[property] = read(inner, value, property)
    else if (value === null && schema.required?.includes(property)) throw badRequest(`[{key_missing,${property}}]`)
  }
  return result
}

function refuseOthers({ properties = {} }: ObjectSchema, from: Readonly<Record<string, unknown>>): void {
  for (const [property, value] of Object.entries(from)) {
    if (!Object.hasOwn(properties, property)) throw badRequest(`there is no field '${property}' here`)
    if (value === null) throw badRequest(`${property} is null`)
  }
}

function printable(json: unknown): string {
  return typeof json === 'string' ? json : JSON.stringify(json)
}
