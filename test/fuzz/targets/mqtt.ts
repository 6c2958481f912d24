// MQTT 3.1, 3.1.1 and 5.0: the first byte of an input chooses the level, the rest is what a client sends. Held: the
// chunks do not matter; what decodes encodes to the same again; PUBLISH stays within its packet.
import { ByteReader, BytesEnded } from '../../../src/base/bytes.ts'
import type { Randomness } from '../../../src/base/random.ts'
import {
  decodeAck,
  decodeAuth,
  decodeConnect,
  decodeDisconnect,
  decodeSubscribe,
  decodeUnsubscribe,
  encodeAuth,
  encodeConnect,
  encodePacket,
  encodeSubscribe,
  encodeUnsubscribe,
  refusesHead,
  writeProperties,
} from '../../../src/protocols/mqtt/codec.ts'
import { MqttError } from '../../../src/protocols/mqtt/errors.ts'
import { PacketReader, type PacketSink } from '../../../src/protocols/mqtt/packet-reader.ts'
import { type Properties, readProperties, writeText } from '../../../src/protocols/mqtt/properties.ts'
import { PublishScan } from '../../../src/protocols/mqtt/publish-scan.ts'
import { LEVEL_5, LEVEL_31, LEVEL_311, type ProtocolLevel } from '../../../src/protocols/mqtt/spec.ts'
import { type FuzzTarget, hashOf, holds, inChunks, outcomeOf, pick, refusalOf, words } from '../fuzz-target.ts'

const PACKET_BYTES_MAX = 3_000
const LEVELS: readonly ProtocolLevel[] = [LEVEL_311, LEVEL_5, LEVEL_31]
const SCAN = new PublishScan()

class Trace implements PacketSink {
  readonly #level: ProtocolLevel
  readonly #isLooking: boolean
  hash = 0
  count = 0
  outcome = ''

  constructor(level: ProtocolLevel, isLooking: boolean) {
    this.#level = level
    this.#isLooking = isLooking
  }

  onPacket(head: number, bytes: Buffer, start: number, end: number): void {
    this.count++
    this.hash = hashOf(bytes, start, end, this.hash ^ head)
    if (!this.#isLooking) return
    const error = refusalOf(MqttError, () => look(head, bytes, start, end, this.#level))
    this.outcome = `${head} ${error === undefined ? 'fine' : outcomeOf(error)}`
  }
}

function feedAll(input: Buffer, trace: Trace, chunked: boolean): MqttError | undefined {
  const reader = new PacketReader(trace, PACKET_BYTES_MAX)
  return refusalOf(MqttError, () => {
    if (chunked) inChunks(input, (chunk) => reader.feed(chunk))
    else reader.feed(input)
  })
}

function check(input: Buffer): string {
  const level = LEVELS[(input[0] ?? 0) % LEVELS.length]!
  const stream = input.subarray(1)
  const whole = new Trace(level, true)
  const wholeError = feedAll(stream, whole, false)
  const cut = new Trace(level, false)
  const cutError = feedAll(stream, cut, true)
  holds(whole.count === cut.count && whole.hash === cut.hash, 'other packets in chunks')
  holds(wholeError?.message === cutError?.message, `in chunks: ${cutError?.message}, not ${wholeError?.message}`)
  return `${level} ${whole.count} ${whole.outcome} ${wholeError === undefined ? '' : outcomeOf(wholeError)}`
}

function look(head: number, bytes: Buffer, start: number, end: number, level: ProtocolLevel): void {
  if (refusesHead(head, level) !== undefined) return
  switch (head >>> 4) {
    case 1:
      return same(encodeConnect(decodeConnect(bytes, start, end)), (again, at) =>
        encodeConnect(decodeConnect(again, at, again.length)),
      )
    case 3:
      return lookAtPublish(head, bytes, start, end, level)
    case 4:
    case 5:
    case 6:
    case 7:
      decodeAck(bytes, start, end, level, head >>> 4)
      return
    case 8:
      return same(encodeSubscribe(level, decodeSubscribe(bytes, start, end, level)), (again, at) =>
        encodeSubscribe(level, decodeSubscribe(again, at, again.length, level)),
      )
    case 10:
      return same(encodeUnsubscribe(level, decodeUnsubscribe(bytes, start, end, level)), (again, at) =>
        encodeUnsubscribe(level, decodeUnsubscribe(again, at, again.length, level)),
      )
    case 14:
      decodeDisconnect(bytes, start, end, level)
      return
    case 15:
      return same(encodeAuth(decodeAuth(bytes, start, end)), (again, at) =>
        encodeAuth(decodeAuth(again, at, again.length)),
      )
  }
}

function same(encoded: Buffer, recode: (packet: Buffer, contentAt: number) => Buffer): void {
  let contentAt = 1
  while (encoded[contentAt]! >= 0x80) contentAt++
  holds(recode(encoded, contentAt + 1).equals(encoded), 'decode(encode(x)) is not x')
}

function lookAtPublish(head: number, bytes: Buffer, start: number, end: number, level: ProtocolLevel): void {
  SCAN.scan(head, bytes, start, end, level)
  const { topicStart, topicEnd, propertiesStart, propertiesEnd, payloadStart, payloadEnd } = SCAN
  const order = [start, topicStart, topicEnd, propertiesStart, propertiesEnd, payloadStart, payloadEnd]
  holds(
    order.every((at, i) => i === 0 || at >= order[i - 1]!) && payloadEnd === end,
    `the ranges ${order.join(' ')} are out of order`,
  )
  if (level !== LEVEL_5) return
  // The other reader of properties is stricter about nothing that the scan lets pass, except texts of no consequence.
  const block = encodePacket(0, (writer) => writer.bytes(bytes.subarray(propertiesStart, propertiesEnd)))
  const read = refusalOf(MqttError, () => {
    const reader = new ByteReader(block, 1, block.length)
    try {
      readProperties(reader, 3)
    } catch (error) {
      throw error instanceof BytesEnded ? new MqttError(0, 'ended') : error
    }
  })
  holds(
    read === undefined || /U\+0000|UTF-8|is 0|twice/.test(read.message),
    `the scan took properties that the reader refuses: ${read?.message}`,
  )
}

const TOPICS = ['a', 'a/b', '$SYS/x', 'a/+/b', '#', '$share/g/a/#', '', 'é/中', 'x'.repeat(300)]
const PROPERTIES: readonly Properties[] = [
  {},
  { userProperties: [['a', 'b']], messageExpiryInterval: 5 },
  { topicAlias: 3, contentType: 'text/plain', responseTopic: 'r', correlationData: Buffer.from('c') },
  { payloadFormatIndicator: 1 },
]

function packet(random: Randomness, level: ProtocolLevel): Buffer {
  const qos = random.below(3)
  const packetId = random.below(5)
  const topic = pick(random, TOPICS)
  switch (random.below(8)) {
    case 0:
      return connectPacket(random, level)
    case 1:
      return encodePacket(0x30 | (qos << 1) | random.below(2) | (random.below(4) === 0 ? 8 : 0), (writer) => {
        writeText(writer, topic)
        if (qos > 0) writer.u16(packetId)
        if (level === LEVEL_5) writeProperties(writer, pick(random, PROPERTIES))
        writer.bytes(random.bytes(random.below(30)))
      })
    case 2:
      return Buffer.from([((4 + random.below(4)) << 4) | (random.below(2) * 2), 2 + random.below(2), 0, packetId, 0])
    case 3: {
      const properties = random.below(2) === 0 ? {} : { subscriptionIdentifier: 1 + random.below(70_000) }
      const one = { filter: topic, qos, noLocal: false, retainAsPublished: true, retainHandling: random.below(3) }
      const filters = Array.from({ length: 1 + random.below(3) }, () =>
        level === LEVEL_5 ? one : { ...one, retainAsPublished: false, retainHandling: 0 },
      )
      return encodeSubscribe(level, { packetId, properties, filters })
    }
    case 4:
      return encodeUnsubscribe(level, { packetId, filters: [topic, pick(random, TOPICS)] })
    case 5:
      return Buffer.from([0xc0, 0])
    case 6: {
      const properties = {
        authenticationMethod: pick(random, TOPICS),
        authenticationData: random.bytes(random.below(9)),
      }
      return encodeAuth({ reasonCode: 0x18 + random.below(2), properties })
    }
    default:
      return encodePacket(0xe0, (writer) => {
        if (level !== LEVEL_5) return
        writer.u8(random.below(256))
        writeProperties(writer, random.below(2) === 0 ? {} : { sessionExpiryInterval: random.below(1000) })
      })
  }
}

function connectPacket(random: Randomness, level: ProtocolLevel): Buffer {
  const properties: Properties =
    level === LEVEL_5 ? { receiveMaximum: 1 + random.below(9), userProperties: [['x', 'y']] } : {}
  const hasName = random.below(2) === 0
  return encodeConnect({
    level,
    clientId: pick(random, TOPICS),
    cleanStart: random.below(2) === 0,
    keepAliveSeconds: random.below(65_536),
    will:
      random.below(2) === 0
        ? null
        : { topic: 'w', payload: random.bytes(random.below(9)), qos: random.below(3), retain: true, properties: {} },
    userName: hasName ? 'guest' : null,
    password: hasName ? random.bytes(random.below(9)) : null,
    properties,
  })
}

function stream(random: Randomness): Buffer {
  const choice = random.below(LEVELS.length)
  const packets = Array.from({ length: 1 + random.below(4) }, () => packet(random, LEVELS[choice]!))
  return Buffer.concat([Buffer.from([choice]), ...packets])
}

/** The target. */
export function mqttTarget(random: Randomness): FuzzTarget {
  return {
    name: 'mqtt',
    seeds: Array.from({ length: 60 }, () => stream(random)),
    dictionary: words(
      '\0\x04MQTT\x05',
      '\0\x04MQTT\x04',
      '\0\x06MQIsdp\x03',
      '\xff\xff\xff\x7f',
      '\x80\x80\x80\x01',
      '\x26\0\x01a\0\x01b',
      '\x0b\x01',
      '\x23\0\x01',
      '\xed\xa0\x80',
      '\x30',
      '\x82',
      '\xa2',
    ),
    generate: stream,
    check,
  }
}
