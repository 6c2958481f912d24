// Makes JSON at random, by a schema or without one, and texts that are nearly JSON.
import type { Randomness } from '../../../src/base/random.ts'
import type { Schema } from '../../../src/management/http/schema.ts'
import { pick } from '../fuzz-target.ts'

const TEXTS = [
  '',
  'a',
  'guest',
  '/',
  '%2F',
  'amq.direct',
  'classic',
  'quorum',
  'true',
  '10',
  '.*',
  '^a',
  '(',
  'é中',
  '\u0000',
  '__proto__',
  'x'.repeat(300),
]
const NUMBERS = [0, 1, -1, 10, 255, 256, 65_535, 2 ** 31, 2 ** 32, 2 ** 53, 1.5, 1e308, -0]
const DEPTH_MAX = 4

/** Any JSON. */
export function anyJson(random: Randomness, depth = 0): unknown {
  switch (random.below(depth > DEPTH_MAX ? 4 : 6)) {
    case 0:
      return pick(random, TEXTS)
    case 1:
      return pick(random, NUMBERS)
    case 2:
      return random.below(2) === 0
    case 3:
      return null
    case 4:
      return Array.from({ length: random.below(3) }, () => anyJson(random, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(3) }, () => [pick(random, TEXTS), anyJson(random, depth + 1)]),
      )
  }
}

/** JSON as the schema wants it, mostly. */
export function jsonOf(random: Randomness, schema: Schema, depth = 0): unknown {
  if (random.below(12) === 0 || depth > DEPTH_MAX) return anyJson(random, depth)
  switch (schema.type) {
    case 'string':
      return schema.enum === undefined ? pick(random, TEXTS) : pick(random, schema.enum)
    case 'boolean':
      return random.below(2) === 0
    case 'integer':
    case 'number':
      return random.below(3) === 0 ? pick(random, NUMBERS) : random.below(20)
    case 'array':
      return Array.from({ length: random.below(3) }, () => jsonOf(random, schema.items, depth + 1))
    case 'union':
      return jsonOf(random, pick(random, schema.anyOf), depth + 1)
    case 'object':
      return objectOf(random, schema, depth)
    case 'any':
      return anyJson(random, depth)
  }
}

function objectOf(random: Randomness, schema: Extract<Schema, { type: 'object' }>, depth: number): unknown {
  const object: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(name) === true ? random.below(20) > 0 : random.below(2) === 0) {
      object[name] = jsonOf(random, inner, depth + 1)
    }
  }
  if (schema.properties === undefined) return anyJson(random, depth)
  return object
}

/** JSON text, spoilt now and then. */
export function jsonText(random: Randomness, json: unknown): string {
  const text = JSON.stringify(json)
  if (random.below(20) === 0) return '['.repeat(random.below(4_000))
  return random.below(20) === 0 ? text.replace(/[[{,]/, (found) => `${found}{"a":`) : text
}
