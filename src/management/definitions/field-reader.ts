/**
 * Reads the fields of one object of a definitions file, and notes what is wrong with them in words that name the object.
 *
 * A wrong field reads as its fallback, so that one pass finds every problem; what was read is used only if there is none.
 */
import { type Arguments, NO_ARGUMENTS } from '../../model/values/arguments.ts'
import { argumentsFromJson, type Json } from '../../model/values/arguments-json.ts'

/** A JSON object. */
export type JsonObject = { readonly [name: string]: Json }

/** Problems noted at most: a file that is something else altogether has one per object. */
const PROBLEM_COUNT_MAX = 100

/** What is wrong with a file. */
export class Problems {
  readonly #texts: string[] = []

  get texts(): readonly string[] {
    return this.#texts
  }

  note(text: string): void {
    if (this.#texts.length < PROBLEM_COUNT_MAX) this.#texts.push(text)
  }
}

/** Whether a value is an object. RabbitMQ writes some empty objects as `[]`. */
export function isJsonObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** The fields of one object. */
export class FieldReader {
  readonly #json: JsonObject
  readonly #problems: Problems
  readonly #what: string

  /** `what`: how problems call the object. */
  constructor(json: JsonObject, what: string, problems: Problems) {
    this.#json = json
    this.#what = what
    this.#problems = problems
  }

  /** A reader of other fields of the same object. */
  with(fields: JsonObject): FieldReader {
    return new FieldReader({ ...this.#json, ...fields }, this.#what, this.#problems)
  }

  has(field: string): boolean {
    return this.#json[field] !== undefined
  }

  raw(field: string): Json | undefined {
    return this.#json[field]
  }

  /** Notes a problem with the object. */
  problem(text: string): void {
    this.#problems.note(`${this.#what}: ${text}`)
  }

  /** A text; without a fallback it must be there. */
  text(field: string, fallback?: string): string {
    const value = this.#json[field]
    if (typeof value === 'string') return value
    if (value === undefined && fallback !== undefined) return fallback
    this.#wrong(field, 'text', value)
    return fallback ?? ''
  }

  boolean(field: string, fallback?: boolean): boolean {
    const value = this.#json[field]
    if (typeof value === 'boolean') return value
    if (value === undefined && fallback !== undefined) return fallback
    this.#wrong(field, 'true or false', value)
    return fallback ?? false
  }

  integer(field: string, fallback: number): number {
    const value = this.#json[field]
    if (value === undefined) return fallback
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    this.#wrong(field, 'a whole number', value)
    return fallback
  }

  /** An object; absent, null or `[]` is the empty one. */
  object(field: string): JsonObject {
    const value = this.#json[field]
    if (isJsonObject(value)) return value
    const isEmpty = value === undefined || value === null || (Array.isArray(value) && value.length === 0)
    if (!isEmpty) this.#wrong(field, 'an object', value)
    return {}
  }

  /** Typed arguments. */
  arguments(field: string): Arguments {
    const json = this.object(field)
    return Object.keys(json).length === 0 ? NO_ARGUMENTS : argumentsFromJson(json)
  }

  /** Tags: a list of texts, or one text with commas. */
  tags(field: string): readonly string[] {
    const value = this.#json[field]
    if (value === undefined || value === null) return []
    const list = typeof value === 'string' ? value.split(',').map((tag) => tag.trim()) : value
    if (Array.isArray(list) && list.every((tag): tag is string => typeof tag === 'string')) {
      return [...new Set(list.filter((tag) => tag !== ''))]
    }
    this.#wrong(field, 'a list of texts', value)
    return []
  }

  #wrong(field: string, wanted: string, value: Json | undefined): void {
    if (value === undefined) this.problem(`${field} is missing`)
    else this.problem(`${field} must be ${wanted}, is ${shortened(value)}`)
  }
}

const SHORT_CHARACTERS_MAX = 60

function shortened(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > SHORT_CHARACTERS_MAX ? `${text.slice(0, SHORT_CHARACTERS_MAX)}…` : text
}
