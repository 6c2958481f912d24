/**
 * Writes a stored message to an outbox as PUBLISH: the one place that encodes what subscribers get.
 *
 * Small payloads are copied, large ones go from the store's block by reference. What came over MQTT keeps its
 * property block; remaining expiry, subscription identifiers and a topic alias are put before it. [MQTT 5.0 §3.3]
 */

import { isUtf8 } from 'node:buffer'
import { copyRange } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { type MessageView, NO_EXPIRATION, PROTOCOL_MQTT } from '../../model/message/message.ts'
import type { MessageFormats } from '../../model/message/message-format.ts'
import type { Address, MessageStore } from '../../model/message/message-store.ts'
import type { Outbox } from '../../net/outbox.ts'
import { contentOfNeutral } from './convert.ts'
import { putVarint, varintBytes } from './properties.ts'
import {
  LEVEL_5,
  MESSAGE_EXPIRY_INTERVAL,
  type ProtocolLevel,
  PUBLISH,
  SUBSCRIPTION_IDENTIFIER,
  TOPIC_ALIAS,
} from './spec.ts'
import { blockStart, FLAG_PROPERTIES } from './stored-properties.ts'
import type { AliasTable } from './topic-aliases.ts'
import type { TopicNames } from './topics.ts'

/** Longer payloads travel by reference. */
export const COPY_BYTES_MAX = 2048

const DOT = 0x2e
const SLASH = 0x2f
const EMPTY = Buffer.alloc(0)
const NO_IDENTIFIERS: readonly number[] = []

/** What a writer needs of its broker. */
export interface PublishWriterWorld {
  readonly store: MessageStore
  readonly formats: MessageFormats
  readonly names: TopicNames
  readonly clock: Clock
}

/** Writes PUBLISH packets. One per broker; set the fields, then `write`. */
export class PublishWriter {
  level: ProtocolLevel = LEVEL_5
  qos = 0
  dup = false
  retain = false
  packetId = 0
  /** Of the subscriptions that match. */
  identifiers: readonly number[] = NO_IDENTIFIERS
  packetBytesMax = 0
  /** Aliases towards this client, or null. */
  aliases: AliasTable | null = null
  readonly #store: MessageStore
  readonly #formats: MessageFormats
  readonly #names: TopicNames
  readonly #clock: Clock

  constructor(world: PublishWriterWorld) {
    this.#store = world.store
    this.#formats = world.formats
    this.#names = world.names
    this.#clock = world.clock
  }

  /** Writes one packet; false when there is none for this client: too large for it, or a routing key that is no topic. */
  write(outbox: Outbox, view: MessageView, address: Address): boolean {
    const isOwn = view.protocol === PROTOCOL_MQTT
    if (!isOwn && !isTopic(view)) return false
    let block: Buffer = EMPTY
    let blockAt = 0
    let blockEnd = 0
    let body = view.bytes
    let bodyStart = view.bodyStart
    let bodyEnd = view.bodyEnd
    if (isOwn) {
      if ((view.bytes[view.propertiesStart]! & FLAG_PROPERTIES) !== 0) {
        block = view.bytes
        blockAt = blockStart(view)
        blockEnd = view.propertiesEnd
      }
    } else {
      const format = this.#formats.get(view.protocol)
      if (format === undefined) throw new Error(`no format for protocol ${view.protocol}`)
      const content = contentOfNeutral(format.neutral(view), (key) => this.#names.topic(key))
      block = content.properties
      blockEnd = block.length
      body = content.body
      bodyStart = 0
      bodyEnd = body.length
    }
    const keyAt = view.routingStart + 2 + view.exchangeBytes
    const keyEnd = keyAt + view.routingKeyBytes
    // An escaped name space changes the topic's length.
    const topic = this.#names.escapesSparkplug ? Buffer.from(this.#names.topic(view.routingKey())) : null
    let topicBytes = topic === null ? view.routingKeyBytes : topic.length
    const isFive = this.level === LEVEL_5
    const remainingSeconds = this.#remainingSeconds(view)
    let alias = 0
    let isAliasKnown = false
    if (isFive && this.aliases !== null) {
      alias = this.aliases.find(view.bytes, keyAt, keyEnd)
      isAliasKnown = this.aliases.isKnown
      if (isAliasKnown) topicBytes = 0
    }
    let propertyBytes = 0
    if (isFive) {
      propertyBytes = blockEnd - blockAt + (remainingSeconds >= 0 ? 5 : 0) + (alias > 0 ? 3 : 0)
      for (const identifier of this.identifiers) propertyBytes += 1 + varintBytes(identifier)
    }
    const bodyBytes = bodyEnd - bodyStart
    const contentBytes =
      2 + topicBytes + (this.qos > 0 ? 2 : 0) + (isFive ? varintBytes(propertyBytes) + propertyBytes : 0) + bodyBytes
    const packetBytes = 1 + varintBytes(contentBytes) + contentBytes
    if (packetBytes > this.packetBytesMax) return false
    if (alias > 0 && !isAliasKnown) this.aliases!.remember(view.bytes, keyAt, keyEnd)
    const isByReference = isOwn && bodyBytes > COPY_BYTES_MAX
    let at = outbox.reserve(isByReference ? packetBytes - bodyBytes : packetBytes)
    const { bytes } = outbox
    bytes[at] = (PUBLISH << 4) | (this.dup ? 8 : 0) | (this.qos << 1) | (this.retain ? 1 : 0)
    at = putVarint(bytes, at + 1, contentBytes)
    bytes[at] = topicBytes >>> 8
    bytes[at + 1] = topicBytes
    at += 2
    if (topicBytes > 0) {
      if (topic === null) at = putTopic(view.bytes, keyAt, keyEnd, bytes, at)
      else at += topic.copy(bytes, at)
    }
    if (this.qos > 0) {
      bytes[at] = this.packetId >>> 8
      bytes[at + 1] = this.packetId
      at += 2
    }
    if (isFive) {
      at = putVarint(bytes, at, propertyBytes)
      if (propertyBytes > 0) at = this.#putOwnProperties(bytes, at, remainingSeconds, alias)
      copyRange(block, blockAt, blockEnd, bytes, at)
      at += blockEnd - blockAt
    }
    if (isByReference) {
      this.#store.pin(address)
      outbox.writeReference(body, bodyStart, bodyEnd, this.#store, address)
    } else copyRange(body, bodyStart, bodyEnd, bytes, at)
    return true
  }

  #putOwnProperties(bytes: Buffer, from: number, remainingSeconds: number, alias: number): number {
    let at = from
    if (remainingSeconds >= 0) {
      bytes[at] = MESSAGE_EXPIRY_INTERVAL
      bytes.writeUInt32BE(remainingSeconds, at + 1)
      at += 5
    }
    if (alias > 0) {
      bytes[at] = TOPIC_ALIAS
      bytes[at + 1] = alias >>> 8
      bytes[at + 2] = alias
      at += 3
    }
    for (const identifier of this.identifiers) {
      bytes[at] = SUBSCRIPTION_IDENTIFIER
      at = putVarint(bytes, at + 1, identifier)
    }
    return at
  }

  /** What is left of the message's life; -1 when it does not end. */
  #remainingSeconds(view: MessageView): number {
    if (view.expirationMs === NO_EXPIRATION) return -1
    return Math.max(0, Math.ceil((view.expirationMs - (this.#clock.nowMs() - view.publishedAtMs)) / 1000))
  }
}

function putTopic(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  for (let i = start; i < end; i++) {
    const byte = from[i]!
    to[at++] = byte === DOT ? SLASH : byte
  }
  return at
}

/** Whether the routing key can be a topic: other protocols allow more. */
function isTopic(view: MessageView): boolean {
  const { bytes } = view
  const start = view.routingStart + 2 + view.exchangeBytes
  const end = start + view.routingKeyBytes
  for (let i = start; i < end; i++) if (bytes[i] === 0x23 || bytes[i] === 0x2b || bytes[i] === 0) return false
  return end > start && isUtf8(bytes.subarray(start, end))
}
