/**
 * The headers of a delivery where the publisher's lines are not enough: another protocol's message, an older version of
 * STOMP, or something that the broker has to add.
 *
 * A dead letter shows `x-first-death-…` and `x-last-death-…` as in RabbitMQ, and all of its deaths as JSON in `x-death`.
 */
import { type Annotations, type Death, readAnnotations } from '../../model/message/annotations.ts'
import { FLAG_ANNOTATED, type MessageView, PROTOCOL_STOMP } from '../../model/message/message.ts'
import type { MessageFormats } from '../../model/message/message-format.ts'
import { headersOfNeutral } from './convert.ts'
import { headerLine } from './escapes.ts'
import { VERSION_12, type Version } from './spec.ts'
import { FLAG_ESCAPED, readStoredHeaders } from './stored-headers.ts'

/** Headers that the frame itself has: a message's own of such a name would be taken for them. */
const FRAME_HEADERS: ReadonlySet<string> = new Set([
  'subscription',
  'destination',
  'message-id',
  'redelivered',
  'ack',
  'content-length',
])

/** Whether the publisher's lines go out as they are. */
export function isVerbatim(view: MessageView, version: Version, deliveryCount: number, acquiredCount: number): boolean {
  return (
    view.protocol === PROTOCOL_STOMP &&
    (view.flags & FLAG_ANNOTATED) === 0 &&
    deliveryCount + acquiredCount === 0 &&
    (version === VERSION_12 || (view.bytes[view.propertiesStart]! & FLAG_ESCAPED) === 0)
  )
}

/** Headers and body as shown. */
export interface ShownMessage {
  /** Lines, each with its line feed. */
  readonly lines: Buffer
  readonly body: Buffer
  readonly bodyStart: number
  readonly bodyEnd: number
  /** The body lies in the store's block. */
  readonly isStored: boolean
}

/** Makes what is shown. Allocates: off the usual path. */
export function shownMessage(
  formats: MessageFormats,
  view: MessageView,
  version: Version,
  deliveryCount: number,
  acquiredCount: number,
): ShownMessage {
  const { bytes, bodyStart, bodyEnd } = view
  const isOwn = view.protocol === PROTOCOL_STOMP
  let headers: Map<string, string>
  let body = bytes
  if (isOwn) headers = readStoredHeaders(bytes, view.propertiesStart, view.propertiesEnd)
  else {
    const format = formats.get(view.protocol)
    if (format === undefined) throw new Error(`no format for protocol ${view.protocol}`)
    const message = format.neutral(view)
    headers = headersOfNeutral(message)
    body = message.body.length === 1 ? message.body[0]! : Buffer.concat(message.body)
  }
  addBrokerHeaders(headers, readAnnotations(view), deliveryCount, acquiredCount)
  let text = ''
  for (const [name, value] of headers) if (!FRAME_HEADERS.has(name)) text += headerLine(name, value, version)
  const lines = Buffer.from(text)
  return isOwn
    ? { lines, body, bodyStart, bodyEnd, isStored: true }
    : { lines, body, bodyStart: 0, bodyEnd: body.length, isStored: false }
}

function addBrokerHeaders(
  headers: Map<string, string>,
  annotations: Annotations,
  deliveryCount: number,
  acquiredCount: number,
): void {
  const { deaths, firstDeath, lastDeath } = annotations
  if (deaths !== undefined && deaths.length > 0) headers.set('x-death', JSON.stringify(deaths.map(shownDeath)))
  for (const [prefix, place] of [
    ['x-first-death', firstDeath],
    ['x-last-death', lastDeath],
  ] as const) {
    if (place === undefined) continue
    headers.set(`${prefix}-exchange`, place.exchange)
    headers.set(`${prefix}-queue`, place.queue)
    headers.set(`${prefix}-reason`, place.reason)
  }
  const delivered = deliveryCount || (annotations.deliveryCount ?? 0)
  const acquired = acquiredCount || (annotations.acquiredCount ?? 0)
  if (delivered > 0) headers.set('x-delivery-count', String(delivered))
  if (acquired > 0) headers.set('x-acquired-count', String(acquired))
}

function shownDeath(death: Death): Record<string, unknown> {
  return {
    count: death.count,
    reason: death.reason,
    queue: death.queue,
    time: Math.floor(death.firstAtMs / 1000),
    exchange: death.exchange,
    'routing-keys': death.routingKeys,
    ...(death.originalExpirationMs !== undefined && { 'original-expiration': String(death.originalExpirationMs) }),
  }
}
