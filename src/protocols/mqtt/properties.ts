/**
 * Properties of MQTT 5.0 packets: decoded into a plain object, encoded from one. [MQTT 5.0 §2.2.2]
 *
 * PUBLISH on the path of every message has its own scan (`publish-scan.ts`); everything else comes here.
 */
import { type ByteReader, type ByteWriter, utf8Text } from '../../base/bytes.ts'
import { malformed, protocolError } from './errors.ts'
import { PROPERTY_BY_ID, PROPERTY_TABLE, type PropertySpec, USER_PROPERTY } from './spec.ts'

/** Decoded properties; what was not sent is not there. */
export interface Properties {
  payloadFormatIndicator?: number
  messageExpiryInterval?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Buffer
  subscriptionIdentifier?: number
  sessionExpiryInterval?: number
  assignedClientIdentifier?: string
  serverKeepAlive?: number
  authenticationMethod?: string
  authenticationData?: Buffer
  requestProblemInformation?: number
  willDelayInterval?: number
  requestResponseInformation?: number
  responseInformation?: string
  serverReference?: string
  reasonString?: string
  receiveMaximum?: number
  topicAliasMaximum?: number
  topicAlias?: number
  maximumQos?: number
  retainAvailable?: number
  maximumPacketSize?: number
  wildcardSubscriptionAvailable?: number
  subscriptionIdentifierAvailable?: number
  sharedSubscriptionAvailable?: number
  userProperties?: (readonly [name: string, value: string])[]
}

type Value = number | string | Buffer

/** Properties that are 0 or 1. */
const FLAGS: ReadonlySet<string> = new Set(PROPERTY_TABLE.filter(({ type }) => type === 'byte').map(({ name }) => name))
/** Properties that may not be 0. [MQTT 5.0 §3.1.2.11.3, §3.1.2.11.4, §3.3.2.3.4, §3.8.2.1.2] */
const POSITIVE: ReadonlySet<string> = new Set([
  'receiveMaximum',
  'maximumPacketSize',
  'topicAlias',
  'subscriptionIdentifier',
])

/** Reads a variable byte integer. Throws when it is longer than four bytes or not the shortest form. */
export function readVarint(reader: ByteReader): number {
  let value = 0
  let factor = 1
  for (let count = 1; count <= 4; count++) {
    const byte = reader.u8()
    value += (byte & 0x7f) * factor
    if (byte < 0x80) {
      if (byte === 0 && count > 1) throw malformed('variable byte integer is not in its shortest form')
      return value
    }
    factor *= 128
  }
  throw malformed('variable byte integer has more than four bytes')
}

/** Bytes of a variable byte integer. */
export function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4
}

/** Writes a variable byte integer; returns where it ends. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    bytes[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  bytes[at++] = value
  return at
}

/** Writes a variable byte integer. */
export function writeVarint(writer: ByteWriter, value: number): void {
  const at = writer.reserve(varintBytes(value))
  putVarint(writer.buffer, at, value)
}

/** Reads text with its length. Throws when it is not UTF-8 or contains U+0000. [MQTT-1.5.4-1, MQTT-1.5.4-2] */
export function readText(reader: ByteReader): string {
  const length = reader.u16()
  const at = reader.take(length)
  const text = utf8Text(reader.bytes, at, at + length)
  if (text === undefined) throw malformed('text is not UTF-8')
  if (text.includes('\u0000')) throw malformed('text contains U+0000')
  return text
}

/** Reads bytes with their length: a copy. */
export function readBinary(reader: ByteReader): Buffer {
  return reader.copy(reader.u16())
}

/** Writes text with its length. */
export function writeText(writer: ByteWriter, text: string): void {
  const bytes = Buffer.from(text)
  writer.u16(bytes.length)
  writer.bytes(bytes)
}

/** Writes bytes with their length. */
export function writeBinary(writer: ByteWriter, bytes: Uint8Array): void {
  writer.u16(bytes.length)
  writer.bytes(bytes)
}

/** Reads a property block. `place`: the packet type, or `WILL`. Throws for what may not stand there. */
export function readProperties(reader: ByteReader, place: number): Properties {
  const length = readVarint(reader)
  const outerEnd = reader.end
  const start = reader.take(length)
  reader.at = start
  reader.end = start + length
  const properties: Properties = {}
  while (reader.at < reader.end) {
    const spec = PROPERTY_BY_ID[readVarint(reader)]
    if (spec === undefined || !spec.places.includes(place)) throw malformed('property is not allowed in this packet')
    readProperty(reader, spec, properties)
  }
  reader.end = outerEnd
  return properties
}

function readProperty(reader: ByteReader, spec: PropertySpec, into: Properties): void {
  if (spec.id === USER_PROPERTY) {
    const pairs = into.userProperties ?? []
    pairs.push([readText(reader), readText(reader)])
    into.userProperties = pairs
    return
  }
  // The table's names are the fields' names, and its types theirs.
  const fields = into as Record<string, Value>
  if (fields[spec.name] !== undefined) throw protocolError(`property ${spec.name} appears twice`)
  const value = readValue(reader, spec)
  if (FLAGS.has(spec.name) && (value as number) > 1) throw protocolError(`property ${spec.name} is neither 0 nor 1`)
  if (value === 0 && POSITIVE.has(spec.name)) throw protocolError(`property ${spec.name} is 0`)
  fields[spec.name] = value
}

function readValue(reader: ByteReader, { type }: PropertySpec): Value {
  switch (type) {
    case 'byte':
      return reader.u8()
    case 'u16':
      return reader.u16()
    case 'u32':
      return reader.u32()
    case 'varint':
      return readVarint(reader)
    case 'text':
      return readText(reader)
    default:
      return readBinary(reader)
  }
}

/** The block of these properties, without its length, in the table's order. */
export function encodeProperties(writer: ByteWriter, properties: Properties): void {
  // The table's names are the fields' names, and its types theirs.
  const fields = properties as Record<string, Value | undefined>
  for (const spec of PROPERTY_TABLE) {
    const value = fields[spec.name]
    if (value === undefined) continue
    writer.u8(spec.id)
    writeValue(writer, spec, value)
  }
  for (const [name, value] of properties.userProperties ?? []) {
    writer.u8(USER_PROPERTY)
    writeText(writer, name)
    writeText(writer, value)
  }
}

function writeValue(writer: ByteWriter, { type }: PropertySpec, value: Value): void {
  switch (type) {
    case 'byte':
      return writer.u8(value as number)
    case 'u16':
      return writer.u16(value as number)
    case 'u32':
      return writer.u32(value as number)
    case 'varint':
      return writeVarint(writer, value as number)
    case 'text':
      return writeText(writer, value as string)
    default:
      return writeBinary(writer, value as Buffer)
  }
}
