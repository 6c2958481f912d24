/**
 * Which messages of a queue an operator means: a predicate on headers, properties, body and age, from JSON.
 *
 * Every condition given must hold. What costs least is asked first; properties are decoded only when they are asked for.
 */
import { readAnnotations } from '../../model/message/annotations.ts'
import type { MessageView } from '../../model/message/message.ts'
import type { MessageFormats } from '../../model/message/message-format.ts'
import type { EntryFacts } from '../../model/queue/queue.ts'
import { propertiesJson } from '../api/message-json.ts'
import { badRequest } from '../http/api-error.ts'
import { ANY_OBJECT } from '../http/endpoint.ts'
import type { JsonObject } from '../http/list-reply.ts'
import type { Infer } from '../http/schema.ts'

/** The JSON of a filter. */
export const FILTER = {
  type: 'object',
  additionalProperties: false,
  description: 'All that is given must hold.',
  properties: {
    exchange: { type: 'string', description: 'Published to this exchange.' },
    routing_key: { type: 'string', description: 'Published with this key; `*` stands for any text.' },
    headers: { ...ANY_OBJECT, description: 'Headers and their values; null: the header is there.' },
    properties: { ...ANY_OBJECT, description: 'Properties and their values; null: the property is there.' },
    body_contains: { type: 'string', description: 'Text that is in the body.' },
    body_bytes_min: { type: 'integer', minimum: 0 },
    body_bytes_max: { type: 'integer', minimum: 0 },
    older_than_ms: { type: 'integer', minimum: 0, description: 'In the queue for longer than this.' },
    newer_than_ms: { type: 'integer', minimum: 0, description: 'In the queue for at most this.' },
    redelivered: { type: 'boolean' },
    dead_letter_reason: { type: 'string', description: 'Died last for this reason.' },
    dead_letter_queue: { type: 'string', description: 'Died last in this queue.' },
    dead_letter_exchange: { type: 'string', description: 'Came to that queue by this exchange.' },
  },
} as const

type Json = Infer<typeof FILTER>
type Condition = (view: MessageView, facts: EntryFacts, nowMs: number) => boolean

const KEY_BYTES_MAX = 255

/** A predicate on stored messages. */
export class MessageFilter {
  readonly #conditions: readonly Condition[]

  /** Throws a 400 for what makes no sense. */
  constructor(json: Json, formats: MessageFormats) {
    this.#conditions = [...cheap(json), ...bodyConditions(json), ...deathConditions(json), ...decoded(json, formats)]
  }

  /** The view is borrowed. */
  accepts(view: MessageView, facts: EntryFacts, nowMs: number): boolean {
    for (const condition of this.#conditions) if (!condition(view, facts, nowMs)) return false
    return true
  }
}

function cheap(json: Json): Condition[] {
  const conditions: Condition[] = []
  const { redelivered, exchange, older_than_ms: olderMs, newer_than_ms: newerMs, routing_key: key } = json
  if (redelivered !== undefined) conditions.push((_, facts) => facts.redelivered === redelivered)
  if (olderMs !== undefined) conditions.push((view, _, nowMs) => nowMs - view.publishedAtMs > olderMs)
  if (newerMs !== undefined) conditions.push((view, _, nowMs) => nowMs - view.publishedAtMs <= newerMs)
  if (exchange !== undefined) conditions.push((view) => view.exchange() === exchange)
  if (key !== undefined) {
    if (Buffer.byteLength(key) > KEY_BYTES_MAX) throw badRequest(['not_string', 'routing_key'])
    const parts = key.split('*')
    conditions.push((view) => matchesParts(view.routingKey(), parts))
  }
  return conditions
}

/** Whether the text is the parts in order with any text between them. Each part is taken at its first place: linear. */
function matchesParts(text: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? ''
  const last = parts.at(-1) ?? ''
  if (parts.length === 1) return text === first
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  const end = text.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

function bodyConditions(json: Json): Condition[] {
  const conditions: Condition[] = []
  const { body_contains: text, body_bytes_min: min, body_bytes_max: max } = json
  if (min !== undefined) conditions.push((view) => view.bodyBytes >= min)
  if (max !== undefined) conditions.push((view) => view.bodyBytes <= max)
  if (text === undefined) return conditions
  const bytes = Buffer.from(text)
  conditions.push((view) => view.bytes.subarray(view.bodyStart, view.bodyEnd).includes(bytes))
  return conditions
}

function deathConditions(json: Json): Condition[] {
  const { dead_letter_reason: reason, dead_letter_queue: queue, dead_letter_exchange: exchange } = json
  if (reason === undefined && queue === undefined && exchange === undefined) return []
  return [
    (view) => {
      const death = readAnnotations(view).deaths?.[0]
      if (death === undefined) return false
      if (reason !== undefined && death.reason !== reason) return false
      return (queue === undefined || death.queue === queue) && (exchange === undefined || death.exchange === exchange)
    },
  ]
}

function decoded({ headers, properties }: Json, formats: MessageFormats): Condition[] {
  if (headers === undefined && properties === undefined) return []
  return [
    (view, facts) => {
      const shown = propertiesJson(view, formats, facts)
      const has: JsonObject = Array.isArray(shown) ? {} : (shown as JsonObject)
      // Headers are an object where there are any.
      const hasHeaders = (has.headers ?? {}) as JsonObject
      return includesAll(has, properties ?? {}) && includesAll(hasHeaders, headers ?? {})
    },
  ]
}

function includesAll(has: JsonObject, wanted: JsonObject): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    if (!Object.hasOwn(has, name)) return false
    return value === null || JSON.stringify(has[name]) === JSON.stringify(value)
  })
}
