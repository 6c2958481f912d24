/**
 * AMQP 0-9-1's properties for everybody else: routing facts of stored messages, and the neutral form both ways.
 *
 * Deliveries of messages that came over AMQP 0-9-1 copy the publisher's bytes and never pass here.
 */

import {
  FLAG_HAS_PRIORITY,
  type MessageView,
  NO_EXPIRATION,
  PROTOCOL_AMQP091,
  type RoutingFacts,
} from '../../model/message/message.ts'
import {
  type ExtraKeys,
  type MessageFormat,
  type NeutralMessage,
  NO_EXTRA_KEYS,
} from '../../model/message/message-format.ts'
import { integerValue, stringValue, type TypedValue } from '../../model/values/arguments.ts'
import type { PropertiesEncoder } from '../../model/world.ts'
import type { FieldTable, FieldValue } from './fields.ts'
import {
  type BasicProperties,
  DELIVERY_PERSISTENT,
  decodeProperties,
  encodeProperties,
  PropertyScan,
} from './properties.ts'
import { keysOf, PropertyFacts } from './property-facts.ts'

const DELIVERY_TRANSIENT = 1
const SHORTSTR_BYTES_MAX = 255

/** In the first octet of the property flags. */
const HEADERS_FLAG = 0x20

/** Stored messages that came over AMQP 0-9-1. */
export const AMQP091_FORMAT: MessageFormat = {
  protocol: PROTOCOL_AMQP091,
  facts: factsOf,
  extraKeys: (view): ExtraKeys => {
    if ((view.bytes[view.propertiesStart]! & HEADERS_FLAG) === 0) return NO_EXTRA_KEYS
    const facts = factsOf(view)
    return { cc: keysOf(facts.header('CC')), bcc: keysOf(facts.header('BCC')) }
  },
  withoutExpiration: (view) => {
    const { expiration: _, ...kept } = propertiesOf(view)
    return encodeProperties(kept.headers === undefined ? kept : { ...kept, headers: withoutBcc(kept.headers) })
  },
  neutral,
}

/** Properties of messages that the broker makes itself. */
export const AMQP091_ENCODER: PropertiesEncoder = {
  protocol: PROTOCOL_AMQP091,
  encode: (headers, persistent, timestampMs) =>
    encodeProperties({
      headers,
      deliveryMode: persistent ? DELIVERY_PERSISTENT : DELIVERY_TRANSIENT,
      ...(timestampMs > 0 && { timestamp: Math.floor(timestampMs / 1000) }),
    }),
}

/** The headers without the one that consumers must not see. */
export function withoutBcc(headers: FieldTable): FieldTable {
  if (!headers.has('BCC')) return headers
  const kept = new Map(headers)
  kept.delete('BCC')
  return kept
}

function factsOf(view: MessageView): RoutingFacts & PropertyFacts {
  const scan = new PropertyScan()
  scan.scan(view.bytes, view.propertiesStart, view.propertiesEnd)
  return new PropertyFacts(scan, view.bytes)
}

function propertiesOf(view: MessageView): BasicProperties {
  return decodeProperties(view.bytes, view.propertiesStart, view.propertiesEnd)
}

function neutral(view: MessageView): NeutralMessage {
  const p = propertiesOf(view)
  const headers = p.headers ?? new Map<string, FieldValue>()
  return {
    durable: view.persistent,
    priority: (view.flags & FLAG_HAS_PRIORITY) === 0 ? undefined : view.priority,
    ttlMs: view.expirationMs === NO_EXPIRATION ? undefined : view.expirationMs,
    messageId: p.messageId === undefined ? undefined : stringValue(p.messageId),
    correlationId: p.correlationId === undefined ? undefined : stringValue(p.correlationId),
    userId: p.userId,
    to: undefined,
    subject: undefined,
    replyTo: p.replyTo,
    contentType: p.contentType,
    contentEncoding: p.contentEncoding,
    absoluteExpiryMs: undefined,
    creationTimeMs: p.timestamp === undefined ? undefined : p.timestamp * 1000,
    groupId: undefined,
    groupSequence: undefined,
    replyToGroupId: undefined,
    type: p.type,
    appId: p.appId,
    clusterId: p.clusterId,
    headers: new Map([...headers].filter(([name]) => !name.startsWith('x-'))),
    annotations: new Map([...headers].filter(([name]) => name.startsWith('x-'))),
    bodyKind: 'data',
    body: [view.bytes.subarray(view.bodyStart, view.bodyEnd)],
  }
}

/** The properties of a message of another protocol. Values that have no place are left out, ids too long go to headers. */
export function propertiesOfNeutral(message: NeutralMessage): BasicProperties {
  const headers = new Map([...message.headers, ...message.annotations])
  const messageId = idText(message.messageId, 'x-message-id', headers)
  const correlationId = idText(message.correlationId, 'x-correlation-id', headers)
  // An address and a subject have no property of their own.
  if (message.to !== undefined) headers.set('x-to', stringValue(message.to))
  if (message.subject !== undefined) headers.set('x-subject', stringValue(message.subject))
  if (message.groupId !== undefined) headers.set('x-group-id', stringValue(message.groupId))
  if (message.groupSequence !== undefined) headers.set('x-group-sequence', integerValue(message.groupSequence))
  const texts = {
    contentType: message.contentType,
    contentEncoding: message.contentEncoding,
    correlationId,
    replyTo: message.replyTo,
    expiration: message.ttlMs?.toString(),
    messageId,
    type: message.type,
    userId: message.userId,
    appId: message.appId,
    clusterId: message.clusterId,
  }
  const fitting = Object.entries(texts).filter(
    ([, value]) => value !== undefined && Buffer.byteLength(value) <= SHORTSTR_BYTES_MAX,
  )
  return {
    ...Object.fromEntries(fitting),
    ...(headers.size > 0 && { headers }),
    deliveryMode: message.durable ? DELIVERY_PERSISTENT : DELIVERY_TRANSIENT,
    ...(message.priority !== undefined && { priority: Math.min(message.priority, 255) }),
    ...(message.creationTimeMs !== undefined && { timestamp: Math.floor(message.creationTimeMs / 1000) }),
  }
}

/** An id as text; one that is no text, or too long, goes into a header under its type. */
function idText(id: TypedValue | undefined, header: string, headers: Map<string, TypedValue>): string | undefined {
  if (id === undefined) return undefined
  if (id.type === 'longstr' && typeof id.value === 'string' && Buffer.byteLength(id.value) <= SHORTSTR_BYTES_MAX)
    return id.value
  if (id.type !== 'longstr' && typeof id.value === 'number') return id.value.toString()
  headers.set(header, id)
  return undefined
}
