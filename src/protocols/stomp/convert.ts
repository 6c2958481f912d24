/**
 * STOMP messages for everybody else, and everybody else's for STOMP: routing facts, and the neutral form both ways.
 * Deliveries over STOMP of messages that came over STOMP copy the publisher's headers and never pass here.
 *
 *   header                                        neutral
 *   persistent:true                               durable
 *   priority, expiration, timestamp               priority, ttl, creation time
 *   correlation-id, amqp-message-id               correlation id, message id
 *   reply-to                                      reply to: bare where it is `/reply-queue/…`
 *   content-type, content-encoding, type, user-id, app-id
 *   any other                                     a header of text; `x-…` ones annotations
 */

import {
  FLAG_HAS_PRIORITY,
  type MessageView,
  NO_EXPIRATION,
  PROTOCOL_STOMP,
  type RoutingFacts,
} from '../../model/message/message.ts'
import { type MessageFormat, type NeutralMessage, NO_EXTRA_KEYS } from '../../model/message/message-format.ts'
import { type Arguments, stringValue, type TypedValue } from '../../model/values/arguments.ts'
import { plainReplyTo, shownReplyTo } from './destinations.ts'
import { encodeStoredHeaders, readStoredHeaders } from './stored-headers.ts'

/** Stored messages that came over STOMP. */
export const STOMP_FORMAT: MessageFormat = {
  protocol: PROTOCOL_STOMP,
  facts: (view) => new StoredFacts(view.bytes, view.propertiesStart, view.propertiesEnd),
  extraKeys: () => NO_EXTRA_KEYS,
  withoutExpiration: (view) => {
    const headers = headersOf(view)
    headers.delete('expiration')
    return encodeStoredHeaders(headers)
  },
  neutral,
}

/** Names of headers that are properties, by the wire name of the property. */
const PROPERTY_HEADERS: ReadonlyMap<string, string> = new Map([
  ['content_type', 'content-type'],
  ['content_encoding', 'content-encoding'],
  ['correlation_id', 'correlation-id'],
  ['reply_to', 'reply-to'],
  ['expiration', 'expiration'],
  ['message_id', 'amqp-message-id'],
  ['timestamp', 'timestamp'],
  ['type', 'type'],
  ['user_id', 'user-id'],
  ['app_id', 'app-id'],
])
const PROPERTY_NAMES: ReadonlySet<string> = new Set([...PROPERTY_HEADERS.values(), 'persistent', 'priority'])

/** The facts of a properties section, decoded when they are asked for. The bytes are borrowed until then. */
export class StoredFacts implements RoutingFacts {
  bytes: Buffer
  start: number
  end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  header(name: string): TypedValue | undefined {
    return this.headers().get(name)
  }

  headers(): Arguments {
    return applicationHeaders(readStoredHeaders(this.bytes, this.start, this.end))
  }

  property(name: string): string | undefined {
    const header = PROPERTY_HEADERS.get(name)
    if (header === undefined) return undefined
    const value = readStoredHeaders(this.bytes, this.start, this.end).get(header)
    return value !== undefined && name === 'reply_to' ? plainReplyTo(value) : value
  }
}

function headersOf(view: MessageView): Map<string, string> {
  return readStoredHeaders(view.bytes, view.propertiesStart, view.propertiesEnd)
}

function applicationHeaders(headers: ReadonlyMap<string, string>): Map<string, TypedValue> {
  const kept = new Map<string, TypedValue>()
  for (const [name, value] of headers) if (!PROPERTY_NAMES.has(name)) kept.set(name, stringValue(value))
  return kept
}

function neutral(view: MessageView): NeutralMessage {
  const stored = headersOf(view)
  const headers = [...applicationHeaders(stored)]
  const timestamp = stored.get('timestamp')
  const replyTo = stored.get('reply-to')
  return {
    durable: view.persistent,
    priority: (view.flags & FLAG_HAS_PRIORITY) === 0 ? undefined : view.priority,
    ttlMs: view.expirationMs === NO_EXPIRATION ? undefined : view.expirationMs,
    messageId: textValue(stored.get('amqp-message-id')),
    correlationId: textValue(stored.get('correlation-id')),
    userId: stored.get('user-id'),
    to: undefined,
    subject: undefined,
    replyTo: replyTo === undefined ? undefined : plainReplyTo(replyTo),
    contentType: stored.get('content-type'),
    contentEncoding: stored.get('content-encoding'),
    absoluteExpiryMs: undefined,
    creationTimeMs: timestamp === undefined ? undefined : Number(timestamp) * 1000,
    groupId: undefined,
    groupSequence: undefined,
    replyToGroupId: undefined,
    type: stored.get('type'),
    appId: stored.get('app-id'),
    clusterId: undefined,
    headers: new Map(headers.filter(([name]) => !name.startsWith('x-'))),
    annotations: new Map(headers.filter(([name]) => name.startsWith('x-'))),
    bodyKind: 'data',
    body: [view.bytes.subarray(view.bodyStart, view.bodyEnd)],
  }
}

function textValue(text: string | undefined): TypedValue | undefined {
  return text === undefined ? undefined : stringValue(text)
}

/** The headers that a client of STOMP gets of a message of another protocol. */
export function headersOfNeutral(message: NeutralMessage): Map<string, string> {
  const shown = new Map<string, string>()
  const put = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) shown.set(name, String(value))
  }
  put('content-type', message.contentType)
  put('content-encoding', message.contentEncoding)
  if (message.durable) put('persistent', 'true')
  put('priority', message.priority)
  put('correlation-id', simpleText(message.correlationId))
  put('reply-to', message.replyTo === undefined ? undefined : shownReplyTo(message.replyTo))
  put('expiration', message.ttlMs)
  put('amqp-message-id', simpleText(message.messageId))
  put('timestamp', message.creationTimeMs === undefined ? undefined : Math.floor(message.creationTimeMs / 1000))
  put('type', message.type)
  put('user-id', message.userId)
  put('app-id', message.appId)
  for (const [name, value] of [...message.headers, ...message.annotations]) {
    if (!shown.has(name)) put(name, simpleText(value))
  }
  return shown
}

/** Text, numbers and booleans as text; tables, arrays and bytes that are no text have none. */
function simpleText(value: TypedValue | undefined): string | undefined {
  if (value === undefined || typeof value.value === 'object') return undefined
  return String(value.value)
}
