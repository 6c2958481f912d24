/**
 * Messages as the HTTP API shows and takes them: properties by RabbitMQ's names, bodies as text or base64.
 */
import { readAnnotations } from '../../model/message/annotations.ts'
import { type MessageView, PROTOCOL_AMQP091 } from '../../model/message/message.ts'
import type { MessageFormats } from '../../model/message/message-format.ts'
import type { Taken } from '../../model/queue/queue.ts'
import { propertiesOfNeutral, withoutBcc } from '../../protocols/amqp091/convert.ts'
import { type DeliveryCounts, withBrokerHeaders } from '../../protocols/amqp091/death-headers.ts'
import { fromPlain, type PlainValue, toPlain } from '../../protocols/amqp091/field-values.ts'
import { type FieldTable, NO_FIELDS } from '../../protocols/amqp091/fields.ts'
import { type BasicProperties, decodeProperties } from '../../protocols/amqp091/properties.ts'
import { badRequest } from '../http/api-error.ts'
import type { JsonObject } from '../http/list-reply.ts'

/** Properties by RabbitMQ's names, and what our codec calls them. */
const PROPERTY_NAMES = {
  type: 'type',
  timestamp: 'timestamp',
  reply_to: 'replyTo',
  user_id: 'userId',
  app_id: 'appId',
  cluster_id: 'clusterId',
  message_id: 'messageId',
  expiration: 'expiration',
  correlation_id: 'correlationId',
  content_type: 'contentType',
  content_encoding: 'contentEncoding',
  priority: 'priority',
  delivery_mode: 'deliveryMode',
} as const satisfies Readonly<Record<string, keyof BasicProperties>>

/** `auto`: text where it is UTF-8. */
export type PayloadEncoding = 'auto' | 'base64'

/** A message that was got from a queue. Copies what it needs of the view. */
export function takenJson(
  { view, redelivered, readyCount, deliveryCount, acquiredCount }: Taken,
  formats: MessageFormats,
  encoding: PayloadEncoding,
  truncateBytes: number,
): JsonObject {
  const bodyEnd = Math.min(view.bodyEnd, view.bodyStart + truncateBytes)
  return {
    payload_bytes: view.bodyBytes,
    redelivered,
    exchange: view.exchange(),
    routing_key: view.routingKey(),
    message_count: readyCount,
    properties: propertiesJson(view, formats, { deliveryCount, acquiredCount }),
    ...payloadJson(view.bytes.subarray(view.bodyStart, bodyEnd), encoding),
  }
}

function payloadJson(payload: Buffer, encoding: PayloadEncoding): JsonObject {
  if (encoding === 'auto' && isUtf8(payload)) return { payload: payload.toString('utf8'), payload_encoding: 'string' }
  return { payload: payload.toString('base64'), payload_encoding: 'base64' }
}

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true })

function isUtf8(bytes: Buffer): boolean {
  try {
    STRICT_UTF8.decode(bytes)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

/** Properties and headers as shown. Without any RabbitMQ shows an empty list, which is what Erlang has for an empty object. */
export function propertiesJson(view: MessageView, formats: MessageFormats, counts: DeliveryCounts): JsonObject | [] {
  const { headers: given, ...shown } = view.protocol === PROTOCOL_AMQP091 ? ownProperties(view) : foreign(view, formats)
  const headers = withBrokerHeaders(given ?? NO_FIELDS, readAnnotations(view), counts)
  const all = given !== undefined || headers.size > 0 ? { ...shown, headers: showable(toPlain(headers)) } : shown
  return Object.keys(all).length === 0 ? [] : all
}

/** Properties by RabbitMQ's names; the headers not yet as JSON. */
interface Shown {
  readonly headers?: FieldTable
  readonly [name: string]: unknown
}

function ownProperties(view: MessageView): Shown {
  const properties = decodeProperties(view.bytes, view.propertiesStart, view.propertiesEnd)
  const { headers } = properties
  return underscored(headers === undefined ? properties : { ...properties, headers: withoutBcc(headers) })
}

function foreign(view: MessageView, formats: MessageFormats): Shown {
  const format = formats.get(view.protocol)
  return format === undefined ? {} : underscored(propertiesOfNeutral(format.neutral(view)))
}

function underscored(properties: BasicProperties): Shown {
  const shown: Record<string, unknown> = {}
  for (const [name, key] of Object.entries(PROPERTY_NAMES)) {
    if (properties[key] !== undefined) shown[name] = properties[key]
  }
  return properties.headers === undefined ? shown : { ...shown, headers: properties.headers }
}

/** JSON has neither bytes nor integers beyond 2⁵³. */
function showable(value: PlainValue): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(showable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, showable(inner)]))
}

/** Properties of a message to publish, as their encoder takes them; a 400 for values of the wrong kind. */
export function readProperties(json: JsonObject): BasicProperties {
  const properties: Record<string, unknown> = {}
  for (const [name, key] of Object.entries(PROPERTY_NAMES)) {
    const value = json[name]
    if (value !== undefined && value !== null) properties[key] = readProperty(name, value)
  }
  const { headers } = json
  if (headers !== undefined && headers !== null) {
    if (typeof headers !== 'object') throw badRequest(['not_object', 'headers'])
    // Parsed JSON is plain.
    if (!Array.isArray(headers)) properties.headers = fromPlain(headers as { readonly [name: string]: PlainValue })
  }
  return properties as BasicProperties // `readProperty` gives each name a value of its type.
}

const SHORT_BYTES_MAX = 255

function readProperty(name: string, value: unknown): string | number {
  if (name === 'timestamp' || name === 'priority' || name === 'delivery_mode') {
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
    const max = name === 'timestamp' ? Number.MAX_SAFE_INTEGER : 255
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > max) {
      throw badRequest(['not_int', name])
    }
    return number
  }
  if (typeof value !== 'string' || Buffer.byteLength(value) > SHORT_BYTES_MAX) throw badRequest(['not_string', name])
  return value
}
