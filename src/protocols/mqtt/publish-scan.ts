/**
 * Reads an inbound PUBLISH in place: ranges and numbers of the borrowed packet, no objects. One scan is shared by all
 * connections of a broker, because a publish is handled before the next packet is read. [MQTT 5.0 §3.3]
 *
 * Properties of MQTT 5.0 that concern the message alone are kept as they came; topic alias and message expiry are taken
 * out, because they are this connection's and this moment's.
 */
import { isUtf8 } from 'node:buffer'
import { malformed, protocolError } from './errors.ts'
import {
  CONTENT_TYPE,
  CORRELATION_DATA,
  LEVEL_5,
  MESSAGE_EXPIRY_INTERVAL,
  PAYLOAD_FORMAT_INDICATOR,
  type ProtocolLevel,
  RESPONSE_TOPIC,
  TOPIC_ALIAS,
  USER_PROPERTY,
} from './spec.ts'

/** No message expiry was sent. */
export const NO_EXPIRY = -1

/** The last PUBLISH. */
export class PublishScan {
  bytes: Buffer = Buffer.alloc(0)
  qos = 0
  dup = false
  retain = false
  topicStart = 0
  topicEnd = 0
  /** 0 with QoS 0. */
  packetId = 0
  /** 0: none. */
  topicAlias = 0
  /** Seconds. */
  expirySeconds = NO_EXPIRY
  /** The property block without its length. */
  propertiesStart = 0
  propertiesEnd = 0
  /** Whether the block contains what is not to be kept (alias, expiry). */
  hasOwnProperties = false
  payloadStart = 0
  payloadEnd = 0

  /** Points the scan at a packet. Throws `MqttError`. */
  scan(head: number, bytes: Buffer, start: number, end: number, level: ProtocolLevel): void {
    this.bytes = bytes
    this.qos = (head >> 1) & 3
    this.dup = (head & 8) !== 0
    this.retain = (head & 1) !== 0
    if (this.dup && this.qos === 0) throw malformed('PUBLISH with QoS 0 has the DUP flag')
    if (start + 2 > end) throw malformed('PUBLISH ends too early')
    const topicEnd = start + 2 + ((bytes[start]! << 8) | bytes[start + 1]!)
    this.topicStart = start + 2
    this.topicEnd = topicEnd
    let at = topicEnd
    this.packetId = 0
    if (this.qos > 0) {
      if (at + 2 > end) throw malformed('PUBLISH ends too early')
      this.packetId = (bytes[at]! << 8) | bytes[at + 1]!
      if (this.packetId === 0) throw protocolError('packet identifier is 0')
      at += 2
    }
    this.topicAlias = 0
    this.expirySeconds = NO_EXPIRY
    this.hasOwnProperties = false
    this.propertiesStart = at
    this.propertiesEnd = at
    if (level === LEVEL_5) at = this.#properties(at, end)
    if (at > end) throw malformed('PUBLISH ends too early')
    this.payloadStart = at
    this.payloadEnd = end
  }

  #properties(at: number, end: number): number {
    const { bytes } = this
    let length = 0
    let shift = 0
    for (;;) {
      if (at >= end || shift > 21) throw malformed('PUBLISH has a malformed property length')
      const byte = bytes[at++]!
      length |= (byte & 0x7f) << shift
      shift += 7
      if (byte < 0x80) break
    }
    const propertiesEnd = at + length
    if (propertiesEnd > end) throw malformed('PUBLISH ends too early')
    this.propertiesStart = at
    this.propertiesEnd = propertiesEnd
    if (length > 0) this.#walk(at, propertiesEnd)
    return propertiesEnd
  }

  #walk(from: number, end: number): void {
    const { bytes } = this
    let seen = 0
    for (let at = from; at < end; ) {
      const id = bytes[at]!
      const next = endOfPublishProperty(bytes, at, end)
      // The alias looks after itself: its identifier is beyond the bits of a word.
      if (id !== USER_PROPERTY && id !== TOPIC_ALIAS) {
        if ((seen & (1 << id)) !== 0) throw protocolError('a property appears twice')
        seen |= 1 << id
      }
      this.#property(id, at + 1, next)
      at = next
    }
  }

  #property(id: number, at: number, next: number): void {
    const { bytes } = this
    switch (id) {
      case PAYLOAD_FORMAT_INDICATOR:
        if (bytes[at]! > 1) throw protocolError('payload format indicator is neither 0 nor 1')
        return
      case MESSAGE_EXPIRY_INTERVAL:
        this.expirySeconds = bytes.readUInt32BE(at)
        this.hasOwnProperties = true
        return
      case TOPIC_ALIAS:
        if (this.topicAlias !== 0) throw protocolError('topic alias appears twice')
        this.topicAlias = bytes.readUInt16BE(at)
        this.hasOwnProperties = true
        // An alias of 0 is told apart from none, so that the session can refuse it by its own reason code.
        if (this.topicAlias === 0) this.topicAlias = -1
        return
      case RESPONSE_TOPIC:
        checkText(bytes, at + 2, next)
        for (let i = at + 2; i < next; i++) {
          if (bytes[i] === 0x23 || bytes[i] === 0x2b) throw protocolError('response topic contains a wildcard')
        }
        return
      case CONTENT_TYPE:
        return checkText(bytes, at + 2, next)
      case USER_PROPERTY: {
        const valueAt = at + 2 + bytes.readUInt16BE(at)
        checkText(bytes, at + 2, valueAt)
        checkText(bytes, valueAt + 2, next)
      }
    }
  }
}

function checkText(bytes: Buffer, start: number, end: number): void {
  let isAscii = true
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte === 0) throw malformed('text contains U+0000')
    if (byte >= 0x80) isAscii = false
  }
  if (!isAscii && !isUtf8(bytes.subarray(start, end))) throw malformed('text is not UTF-8')
}

/** Where the property that starts at `at` ends. Throws for one that PUBLISH from a client may not carry. */
export function endOfPublishProperty(bytes: Buffer, at: number, end: number): number {
  let next = at + 1
  switch (bytes[at]) {
    case PAYLOAD_FORMAT_INDICATOR:
      next += 1
      break
    case MESSAGE_EXPIRY_INTERVAL:
      next += 4
      break
    case TOPIC_ALIAS:
      next += 2
      break
    case CONTENT_TYPE:
    case RESPONSE_TOPIC:
    case CORRELATION_DATA:
      next = endOfText(bytes, next, end)
      break
    case USER_PROPERTY:
      next = endOfText(bytes, endOfText(bytes, next, end), end)
      break
    case 0x0b:
      throw protocolError('PUBLISH from a client has a subscription identifier')
    default:
      throw malformed('property is not allowed in PUBLISH')
  }
  if (next > end) throw malformed('property ends too early')
  return next
}

function endOfText(bytes: Buffer, at: number, end: number): number {
  if (at + 2 > end) throw malformed('property ends too early')
  return at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!)
}
