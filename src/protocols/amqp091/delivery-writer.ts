/**
 * Writes content (header and body) of stored messages to an outbox: for deliver, get-ok and return.
 *
 * Bodies up to `COPY_BYTES_MAX` are copied beside their heads, larger ones are sent from the store's block, pinned until
 * the socket has read them. [measured: ARCHITECTURE.md "One publish"]
 */
import { readAnnotations } from '../../model/message/annotations.ts'
import { FLAG_ANNOTATED, type MessageView, PROTOCOL_AMQP091 } from '../../model/message/message.ts'
import type { Address, MessageStore } from '../../model/message/message-store.ts'
import type { Outbox } from '../../net/outbox.ts'
import {
  bodyFramesBytes,
  CONTENT_HEADER_FIXED_BYTES,
  writeBodyFrames,
  writeContentHeader,
  writeFrameHead,
} from './codec.ts'
import { propertiesOfNeutral } from './convert.ts'
import { type DeliveryCounts, withBrokerHeaders } from './death-headers.ts'
import { decodeProperties, encodeProperties } from './properties.ts'
import type { Session } from './session.ts'
import { FRAME_BODY, FRAME_END, FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES } from './spec.ts'

/** Longer bodies travel by reference. */
export const COPY_BYTES_MAX = 2048

/** Whether the publisher's properties go out as they are. */
export function isVerbatim(view: MessageView, deliveryCount: number, acquiredCount: number): boolean {
  return (
    view.protocol === PROTOCOL_AMQP091 && (view.flags & FLAG_ANNOTATED) === 0 && deliveryCount + acquiredCount === 0
  )
}

/** The body of a message for a client of this protocol: its range, or what another protocol's body was turned into. */
export interface ShownContent {
  readonly properties: Buffer
  readonly body: Buffer
  readonly bodyStart: number
  readonly bodyEnd: number
  /** The body lies in the store's block. */
  readonly isStored: boolean
}

/** The stored body with these properties. */
export function storedContent(view: MessageView, properties: Buffer): ShownContent {
  const { bytes: body, bodyStart, bodyEnd } = view
  return { properties, body, bodyStart, bodyEnd, isStored: true }
}

/** Properties and body as shown, where the publisher's bytes are not enough. Allocates: off the usual path. */
export function shownContent(session: Session, view: MessageView, counts: DeliveryCounts): ShownContent {
  const annotations = readAnnotations(view)
  if (view.protocol === PROTOCOL_AMQP091) {
    const kept = decodeProperties(view.bytes, view.propertiesStart, view.propertiesEnd)
    const headers = withBrokerHeaders(kept.headers ?? new Map(), annotations, counts)
    const properties = headers.size === 0 ? kept : { ...kept, headers }
    return storedContent(view, encodeProperties(properties))
  }
  const format = session.world.formats.get(view.protocol)
  if (format === undefined) throw new Error(`no format for protocol ${view.protocol}`)
  const message = format.neutral(view)
  const converted = propertiesOfNeutral(message)
  const headers = withBrokerHeaders(converted.headers ?? new Map(), annotations, counts)
  const body = message.body.length === 1 ? message.body[0]! : Buffer.concat(message.body)
  const properties = encodeProperties({ ...converted, ...(headers.size > 0 && { headers }) })
  return { properties, body, bodyStart: 0, bodyEnd: body.length, isStored: false }
}

/** Writes header and body frames of a range that nobody pins: it is copied. */
export function writeContentCopy(
  outbox: Outbox,
  channel: number,
  frameBytesMax: number,
  properties: Buffer,
  start: number,
  end: number,
  body: Buffer,
  bodyStart: number,
  bodyEnd: number,
): void {
  const bodyBytes = bodyEnd - bodyStart
  const headerBytes = CONTENT_HEADER_FIXED_BYTES + end - start
  const at = outbox.reserve(headerBytes + bodyFramesBytes(bodyBytes, frameBytesMax))
  const bodyAt = writeContentHeader(outbox.bytes, at, channel, bodyBytes, properties, start, end)
  writeBodyFrames(outbox.bytes, bodyAt, channel, frameBytesMax, body, bodyStart, bodyEnd)
}

/** Writes the body frames of a stored message by reference. */
export function writeBodyByReference(
  outbox: Outbox,
  store: MessageStore,
  address: Address,
  channel: number,
  frameBytesMax: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  const payloadBytesMax = frameBytesMax === 0 ? end - start : frameBytesMax - FRAME_OVERHEAD_BYTES
  for (let from = start; from < end; from += payloadBytesMax) {
    const until = Math.min(end, from + payloadBytesMax)
    const headAt = outbox.reserve(FRAME_HEAD_BYTES)
    writeFrameHead(outbox.bytes, headAt, FRAME_BODY, channel, until - from)
    store.pin(address)
    outbox.writeReference(bytes, from, until, store, address)
    const endAt = outbox.reserve(1)
    outbox.bytes[endAt] = FRAME_END
  }
}
