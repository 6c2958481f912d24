/**
 * Packets of MQTT 3.1, 3.1.1 and 5.0, except PUBLISH (`publish-scan.ts`, `publish-writer.ts`): decoded from and encoded
 * into bytes. Pure. Decoders throw `MqttError` for anything malformed and never read beyond the packet.
 */
import { ByteReader, BytesEnded, ByteWriter } from '../../base/bytes.ts'
import { MqttError, malformed, protocolError } from './errors.ts'
import {
  encodeProperties,
  type Properties,
  putVarint,
  readBinary,
  readProperties,
  readText,
  varintBytes,
  writeBinary,
  writeText,
  writeVarint,
} from './properties.ts'
import {
  AUTH,
  CLIENT_ID_NOT_VALID,
  CONNACK,
  CONNECT,
  DISCONNECT,
  LEVEL_5,
  LEVEL_31,
  LEVEL_311,
  type ProtocolLevel,
  SUBSCRIBE,
  SUCCESS,
  UNSUBSCRIBE,
  UNSUPPORTED_PROTOCOL_VERSION,
  WILL,
} from './spec.ts'

/** Filters of one SUBSCRIBE or UNSUBSCRIBE at most. */
export const FILTERS_MAX = 1024

/** The last words of a client that goes without a goodbye. */
export interface WillPacket {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
  readonly properties: Properties
}

/** A CONNECT. */
export interface ConnectPacket {
  readonly level: ProtocolLevel
  readonly clientId: string
  readonly cleanStart: boolean
  readonly keepAliveSeconds: number
  readonly will: WillPacket | null
  readonly userName: string | null
  readonly password: Buffer | null
  readonly properties: Properties
}

/** One filter of a SUBSCRIBE. */
export interface FilterRequest {
  readonly filter: string
  readonly qos: number
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: number
}

/** A SUBSCRIBE. */
export interface SubscribePacket {
  readonly packetId: number
  readonly properties: Properties
  readonly filters: readonly FilterRequest[]
}

/** An UNSUBSCRIBE. */
export interface UnsubscribePacket {
  readonly packetId: number
  readonly filters: readonly string[]
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export interface AckPacket {
  readonly packetId: number
  readonly reasonCode: number
}

/** DISCONNECT. */
export interface DisconnectPacket {
  readonly reasonCode: number
  readonly properties: Properties
}

/** AUTH. */
export interface AuthPacket {
  readonly reasonCode: number
  readonly properties: Properties
}

/** Runs a decoder over a packet's content; what ends too early is malformed. */
function decoding<T>(bytes: Buffer, start: number, end: number, decode: (reader: ByteReader) => T): T {
  const reader = new ByteReader(bytes, start, end)
  try {
    const packet = decode(reader)
    if (reader.at !== end) throw malformed('packet is longer than its content')
    return packet
  } catch (error) {
    if (error instanceof BytesEnded) throw malformed('packet ends too early')
    throw error
  }
}

/** Decodes CONNECT. An unknown level throws `UNSUPPORTED_PROTOCOL_VERSION`. [MQTT 5.0 §3.1] */
export function decodeConnect(bytes: Buffer, start: number, end: number): ConnectPacket {
  return decoding(bytes, start, end, (reader) => {
    const level = readLevel(reader)
    const flags = reader.u8()
    if ((flags & 1) !== 0) throw malformed('reserved flag of CONNECT is set')
    const hasWill = (flags & 0x04) !== 0
    const willQos = (flags >> 3) & 3
    if (willQos === 3 || (!hasWill && (flags & 0x38) !== 0)) throw malformed('will flags of CONNECT are invalid')
    const hasPassword = (flags & 0x40) !== 0
    const hasUserName = (flags & 0x80) !== 0
    if (hasPassword && !hasUserName && level !== LEVEL_5) throw malformed('CONNECT has a password and no user name')
    const keepAliveSeconds = reader.u16()
    const properties = level === LEVEL_5 ? readProperties(reader, CONNECT) : {}
    if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
      throw protocolError('authentication data without a method')
    }
    const clientId = readText(reader)
    const will = hasWill ? readWill(reader, level, willQos, (flags & 0x20) !== 0) : null
    // MQTT 3.1 lets a client set the flags and end the packet before the field.
    const isShort = level === LEVEL_31 && reader.at === reader.end
    const userName = hasUserName && !isShort ? readText(reader) : null
    const password = hasPassword && !(level === LEVEL_31 && reader.at === reader.end) ? readBinary(reader) : null
    return { level, clientId, cleanStart: (flags & 2) !== 0, keepAliveSeconds, will, userName, password, properties }
  })
}

function readLevel(reader: ByteReader): ProtocolLevel {
  const name = readText(reader)
  // The bit of a bridge, which brokers set upon 3.1 and 3.1.1.
  const level = reader.u8() & 0x7f
  if (name === 'MQTT' && (level === LEVEL_311 || level === LEVEL_5)) return level
  if (name === 'MQIsdp' && level === LEVEL_31) return level
  if (name !== 'MQTT' && name !== 'MQIsdp') throw malformed(`'${name}' is not a name of this protocol`)
  throw new MqttError(UNSUPPORTED_PROTOCOL_VERSION, `protocol level ${level} of ${name} is not supported`)
}

function readWill(reader: ByteReader, level: ProtocolLevel, qos: number, retain: boolean): WillPacket {
  const properties = level === LEVEL_5 ? readProperties(reader, WILL) : {}
  const topic = readText(reader)
  return { topic, payload: readBinary(reader), qos, retain, properties }
}

/** Decodes SUBSCRIBE. [MQTT 5.0 §3.8] */
export function decodeSubscribe(bytes: Buffer, start: number, end: number, level: ProtocolLevel): SubscribePacket {
  return decoding(bytes, start, end, (reader) => {
    const packetId = readPacketId(reader)
    const properties = level === LEVEL_5 ? readProperties(reader, SUBSCRIBE) : {}
    const filters: FilterRequest[] = []
    while (reader.at < reader.end) {
      if (filters.length === FILTERS_MAX) throw malformed(`SUBSCRIBE has more than ${FILTERS_MAX} filters`)
      filters.push(readFilterRequest(reader, level))
    }
    if (filters.length === 0) throw protocolError('SUBSCRIBE without a filter')
    return { packetId, properties, filters }
  })
}

function readFilterRequest(reader: ByteReader, level: ProtocolLevel): FilterRequest {
  const filter = readText(reader)
  const options = reader.u8()
  const qos = options & 3
  if (qos === 3) throw malformed('subscription has QoS 3')
  const retainHandling = (options >> 4) & 3
  if (level === LEVEL_5 ? (options & 0xc0) !== 0 : (options & 0xfc) !== 0) {
    throw malformed('reserved subscription options are set')
  }
  if (retainHandling === 3) throw protocolError('retain handling is 3')
  return { filter, qos, noLocal: (options & 4) !== 0, retainAsPublished: (options & 8) !== 0, retainHandling }
}

/** Decodes UNSUBSCRIBE. [MQTT 5.0 §3.10] */
export function decodeUnsubscribe(bytes: Buffer, start: number, end: number, level: ProtocolLevel): UnsubscribePacket {
  return decoding(bytes, start, end, (reader) => {
    const packetId = readPacketId(reader)
    if (level === LEVEL_5) readProperties(reader, UNSUBSCRIBE)
    const filters: string[] = []
    while (reader.at < reader.end) {
      if (filters.length === FILTERS_MAX) throw malformed(`UNSUBSCRIBE has more than ${FILTERS_MAX} filters`)
      filters.push(readText(reader))
    }
    if (filters.length === 0) throw protocolError('UNSUBSCRIBE without a filter')
    return { packetId, filters }
  })
}

/** Decodes PUBACK, PUBREC, PUBREL or PUBCOMP of MQTT 5.0 with a reason code or properties; others have two bytes. */
export function decodeAck(bytes: Buffer, start: number, end: number, level: ProtocolLevel, type: number): AckPacket {
  return decoding(bytes, start, end, (reader) => {
    const packetId = readPacketId(reader)
    if (level !== LEVEL_5 || reader.at === reader.end) return { packetId, reasonCode: SUCCESS }
    const reasonCode = reader.u8()
    if (reader.at < reader.end) readProperties(reader, type)
    return { packetId, reasonCode }
  })
}

/** Decodes DISCONNECT. [MQTT 5.0 §3.14] */
export function decodeDisconnect(bytes: Buffer, start: number, end: number, level: ProtocolLevel): DisconnectPacket {
  return decoding(bytes, start, end, (reader) => {
    if (level !== LEVEL_5 || reader.at === reader.end) return { reasonCode: SUCCESS, properties: {} }
    const reasonCode = reader.u8()
    return { reasonCode, properties: reader.at < reader.end ? readProperties(reader, DISCONNECT) : {} }
  })
}

/** Decodes AUTH. [MQTT 5.0 §3.15] */
export function decodeAuth(bytes: Buffer, start: number, end: number): AuthPacket {
  return decoding(bytes, start, end, (reader) => {
    if (reader.at === reader.end) return { reasonCode: SUCCESS, properties: {} }
    const reasonCode = reader.u8()
    return { reasonCode, properties: reader.at < reader.end ? readProperties(reader, AUTH) : {} }
  })
}

function readPacketId(reader: ByteReader): number {
  const packetId = reader.u16()
  if (packetId === 0) throw protocolError('packet identifier is 0')
  return packetId
}

// Encoding. Packets to the client; `encodeConnect`, `encodeSubscribe` and `encodeUnsubscribe` serve tests and clients.

/** A packet: first byte, then its content with the length before it. */
export function encodePacket(head: number, write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter()
  write(writer)
  const content = writer.finish()
  const headBytes = 1 + varintBytes(content.length)
  const packet = Buffer.allocUnsafe(headBytes + content.length)
  packet[0] = head
  putVarint(packet, 1, content.length)
  content.copy(packet, headBytes)
  return packet
}

/** A property block with its length. */
export function writeProperties(writer: ByteWriter, properties: Properties): void {
  const block = new ByteWriter()
  encodeProperties(block, properties)
  writeVarint(writer, block.length)
  writer.bytes(block.finish())
}

/** CONNACK. Before 5.0, `code` is a return code and the properties are not sent. */
export function encodeConnack(
  level: ProtocolLevel,
  sessionPresent: boolean,
  code: number,
  properties: Properties,
): Buffer {
  return encodePacket(CONNACK << 4, (writer) => {
    writer.u8(sessionPresent ? 1 : 0)
    writer.u8(code)
    if (level === LEVEL_5) writeProperties(writer, properties)
  })
}

/** SUBACK or UNSUBACK; UNSUBACK before 5.0 has no codes. */
export function encodeSubscriptionAck(
  type: number,
  level: ProtocolLevel,
  packetId: number,
  codes: readonly number[],
): Buffer {
  return encodePacket(type << 4, (writer) => {
    writer.u16(packetId)
    if (level === LEVEL_5) writer.u8(0)
    for (const code of codes) writer.u8(code)
  })
}

/** DISCONNECT, of MQTT 5.0 alone. The reason string is left out where the packet would exceed `packetBytesMax`. */
export function encodeDisconnect(reasonCode: number, reasonString: string, packetBytesMax: number): Buffer {
  const full = encodePacket(DISCONNECT << 4, (writer) => {
    writer.u8(reasonCode)
    writeProperties(writer, reasonString === '' ? {} : { reasonString })
  })
  if (full.length <= packetBytesMax) return full
  return encodePacket(DISCONNECT << 4, (writer) => writer.u8(reasonCode))
}

/** AUTH, of MQTT 5.0 alone. */
export function encodeAuth({ reasonCode, properties }: AuthPacket): Buffer {
  return encodePacket(AUTH << 4, (writer) => {
    writer.u8(reasonCode)
    writeProperties(writer, properties)
  })
}

/** Bytes that `putAck` fills. */
export function ackBytes(reasonCode: number): number {
  return reasonCode === SUCCESS ? 4 : 5
}

/** Writes PUBACK, PUBREC, PUBREL or PUBCOMP; a reason code other than success only to clients of 5.0. */
export function putAck(bytes: Uint8Array, at: number, type: number, packetId: number, reasonCode: number): void {
  bytes[at] = (type << 4) | (type === 6 ? 2 : 0)
  bytes[at + 1] = reasonCode === SUCCESS ? 2 : 3
  bytes[at + 2] = packetId >>> 8
  bytes[at + 3] = packetId
  if (reasonCode !== SUCCESS) bytes[at + 4] = reasonCode
}

/** CONNECT. */
export function encodeConnect(packet: ConnectPacket): Buffer {
  const { level, will, userName, password } = packet
  if (level !== LEVEL_31 && level !== LEVEL_311 && level !== LEVEL_5) {
    throw new MqttError(CLIENT_ID_NOT_VALID, `no such level: ${level}`)
  }
  return encodePacket(CONNECT << 4, (writer) => {
    writeText(writer, level === LEVEL_31 ? 'MQIsdp' : 'MQTT')
    writer.u8(level)
    writer.u8(
      (packet.cleanStart ? 2 : 0) |
        (will === null ? 0 : 4 | (will.qos << 3) | (will.retain ? 0x20 : 0)) |
        (password === null ? 0 : 0x40) |
        (userName === null ? 0 : 0x80),
    )
    writer.u16(packet.keepAliveSeconds)
    if (level === LEVEL_5) writeProperties(writer, packet.properties)
    writeText(writer, packet.clientId)
    if (will !== null) {
      if (level === LEVEL_5) writeProperties(writer, will.properties)
      writeText(writer, will.topic)
      writeBinary(writer, will.payload)
    }
    if (userName !== null) writeText(writer, userName)
    if (password !== null) writeBinary(writer, password)
  })
}

/** SUBSCRIBE. */
export function encodeSubscribe(level: ProtocolLevel, packet: SubscribePacket): Buffer {
  return encodePacket((SUBSCRIBE << 4) | 2, (writer) => {
    writer.u16(packet.packetId)
    if (level === LEVEL_5) writeProperties(writer, packet.properties)
    for (const { filter, qos, noLocal, retainAsPublished, retainHandling } of packet.filters) {
      writeText(writer, filter)
      writer.u8(qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4))
    }
  })
}

/** UNSUBSCRIBE. */
export function encodeUnsubscribe(level: ProtocolLevel, packet: UnsubscribePacket): Buffer {
  return encodePacket((UNSUBSCRIBE << 4) | 2, (writer) => {
    writer.u16(packet.packetId)
    if (level === LEVEL_5) writer.u8(0)
    for (const filter of packet.filters) writeText(writer, filter)
  })
}

/** Why no client may send a packet with this first byte, or undefined. 3.1 also sets DUP where later levels forbid it. */
export function refusesHead(head: number, level: ProtocolLevel): string | undefined {
  const type = head >>> 4
  const flags = level === LEVEL_31 ? head & 0x07 : head & 0x0f
  if (type === 3) return (flags & 6) === 6 ? 'QoS 3' : undefined
  const expected = type === 6 || type === SUBSCRIBE || type === UNSUBSCRIBE ? 2 : 0
  if (type === 0) return 'packet type 0'
  if (type === CONNACK || type === 9 || type === 11 || type === 13) return `packet type ${type} comes from servers only`
  return flags === expected ? undefined : `packet type ${type} with flags ${flags}`
}
