import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import {
  type ConnectPacket,
  decodeAck,
  decodeConnect,
  decodeDisconnect,
  decodeSubscribe,
  decodeUnsubscribe,
  encodeConnect,
  encodePacket,
  encodeSubscribe,
  encodeUnsubscribe,
  putAck,
  refusesHead,
  type SubscribePacket,
} from './codec.ts'
import { MqttError } from './errors.ts'
import { PacketReader, type PacketSink } from './packet-reader.ts'
import { encodeProperties, type Properties, readProperties, writeText, writeVarint } from './properties.ts'
import { PublishScan } from './publish-scan.ts'
import {
  CONNECT,
  LEVEL_5,
  LEVEL_31,
  LEVEL_311,
  MALFORMED_PACKET,
  PACKET_TOO_LARGE,
  PROTOCOL_ERROR,
  PUBLISH,
  PUBREL,
  UNSUPPORTED_PROTOCOL_VERSION,
} from './spec.ts'

class Collector implements PacketSink {
  readonly packets: Buffer[] = []
  onPacket(head: number, bytes: Buffer, start: number, end: number): void {
    this.packets.push(Buffer.concat([Buffer.from([head]), bytes.subarray(start, end)]))
  }
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !value.includes('\u0000'))
const binary = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))
const u16 = fc.integer({ min: 1, max: 0xffff })
const u32 = fc.integer({ min: 1, max: 0xffff_ffff })

/** Drops what a record left undefined: absent and undefined are different things to the decoder. */
function present(record: Record<string, unknown>): Properties {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Properties
}

const pairs = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 })
const connectProperties = fc
  .record(
    {
      sessionExpiryInterval: u32,
      receiveMaximum: u16,
      maximumPacketSize: u32,
      topicAliasMaximum: u16,
      requestProblemInformation: fc.integer({ min: 0, max: 1 }),
      authenticationMethod: text,
      userProperties: pairs,
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .map(present)
const willProperties = fc
  .record(
    {
      willDelayInterval: u32,
      payloadFormatIndicator: fc.integer({ min: 0, max: 1 }),
      messageExpiryInterval: u32,
      contentType: text,
      responseTopic: text,
      correlationData: binary,
      userProperties: pairs,
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .map(present)

const level = fc.constantFrom(LEVEL_31, LEVEL_311, LEVEL_5)
const connect: fc.Arbitrary<ConnectPacket> = level.chain((chosen) =>
  fc
    .record(
      {
        level: fc.constant(chosen),
        clientId: text,
        cleanStart: fc.boolean(),
        keepAliveSeconds: fc.integer({ min: 0, max: 0xffff }),
        will: fc.option(
          fc.record(
            {
              topic: text,
              payload: binary,
              qos: fc.integer({ min: 0, max: 2 }),
              retain: fc.boolean(),
              properties: chosen === LEVEL_5 ? willProperties : fc.constant({}),
            },
            { noNullPrototype: true },
          ),
        ),
        userName: fc.option(text),
        password: fc.option(binary),
        properties: chosen === LEVEL_5 ? connectProperties : fc.constant({}),
      },
      { noNullPrototype: true },
    )
    // Before 5.0 a password needs a user name.
    .map((packet) => (packet.userName === null ? { ...packet, password: null } : packet)),
)
const subscribe: fc.Arbitrary<SubscribePacket> = fc.record(
  {
    packetId: u16,
    properties: fc
      .record(
        { subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }), userProperties: pairs },
        { requiredKeys: [], noNullPrototype: true },
      )
      .map(present),
    filters: fc.array(
      fc.record(
        {
          filter: text,
          qos: fc.integer({ min: 0, max: 2 }),
          noLocal: fc.boolean(),
          retainAsPublished: fc.boolean(),
          retainHandling: fc.integer({ min: 0, max: 2 }),
        },
        { noNullPrototype: true },
      ),
      { minLength: 1, maxLength: 5 },
    ),
  },
  { noNullPrototype: true },
)

/** Start of a packet's content. */
function contentAt(packet: Buffer): number {
  let at = 1
  while (packet[at]! >= 0x80) at++
  return at + 1
}

function reasonOf(run: () => unknown): number {
  try {
    run()
  } catch (error) {
    assert(error instanceof MqttError, `threw ${String(error)}`)
    return error.reasonCode
  }
  return assert.fail('nothing was thrown')
}

test('CONNECT: what is encoded is decoded, at every level', () => {
  fc.assert(
    fc.property(connect, (packet) => {
      const bytes = encodeConnect(packet)
      assert.deepEqual(decodeConnect(bytes, contentAt(bytes), bytes.length), packet)
    }),
  )
})

test('SUBSCRIBE and UNSUBSCRIBE: what is encoded is decoded', () => {
  fc.assert(
    fc.property(subscribe, (packet) => {
      const bytes = encodeSubscribe(LEVEL_5, packet)
      assert.deepEqual(decodeSubscribe(bytes, contentAt(bytes), bytes.length, LEVEL_5), packet)
      const filters = packet.filters.map(({ filter }) => filter)
      const other = encodeUnsubscribe(LEVEL_5, { packetId: packet.packetId, filters })
      const expected = { packetId: packet.packetId, filters }
      assert.deepEqual(decodeUnsubscribe(other, contentAt(other), other.length, LEVEL_5), expected)
    }),
  )
})

test('any cut of a stream gives the same packets', () => {
  const packet = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 }))
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 8 }), fc.array(fc.nat(2400), { maxLength: 12 }), (packets, cuts) => {
      const whole = Buffer.concat(packets.map(([head, body]) => encodePacket(head, (writer) => writer.bytes(body))))
      const collector = new Collector()
      const reader = new PacketReader(collector, 1000)
      const places = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b)
      let from = 0
      for (const place of [...places, whole.length]) {
        // Memory of its own, as a socket's chunk.
        if (place > from) reader.feed(Buffer.from(whole.subarray(from, place)))
        from = place
      }
      const expected = packets.map(([head, body]) => Buffer.concat([Buffer.from([head]), body]))
      assert.deepEqual(collector.packets, expected)
    }),
  )
})

test('a held reader keeps what comes and goes on with it', () => {
  const packets = [1, 2, 3].map((value) => encodePacket(0x30, (writer) => writer.u8(value)))
  const collector = new Collector()
  const reader = new PacketReader(
    {
      onPacket: (head, bytes, start, end) => {
        collector.onPacket(head, bytes, start, end)
        if (collector.packets.length === 1) reader.hold()
      },
    },
    100,
  )
  const whole = Buffer.concat(packets)
  reader.feed(whole.subarray(0, 5))
  reader.feed(whole.subarray(5))
  assert.equal(collector.packets.length, 1)
  reader.release()
  assert.equal(collector.packets.length, 3)
})

test('a packet beyond the limit is refused before anything of it is kept', () => {
  const reader = new PacketReader(new Collector(), 64)
  assert.equal(
    reasonOf(() => reader.feed(Buffer.from([0x30, 63]))),
    PACKET_TOO_LARGE,
  )
  const other = new PacketReader(new Collector(), 64)
  assert.equal(
    reasonOf(() => other.feed(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]))),
    MALFORMED_PACKET,
  )
})

test('bytes that are no packet give a reason code and nothing else', () => {
  const scan = new PublishScan()
  const decoders: readonly ((bytes: Buffer) => unknown)[] = [
    (bytes) => decodeConnect(bytes, 0, bytes.length),
    (bytes) => decodeSubscribe(bytes, 0, bytes.length, LEVEL_5),
    (bytes) => decodeSubscribe(bytes, 0, bytes.length, LEVEL_311),
    (bytes) => decodeUnsubscribe(bytes, 0, bytes.length, LEVEL_5),
    (bytes) => decodeAck(bytes, 0, bytes.length, LEVEL_5, PUBREL),
    (bytes) => decodeDisconnect(bytes, 0, bytes.length, LEVEL_5),
    (bytes) => scan.scan((PUBLISH << 4) | 2, bytes, 0, bytes.length, LEVEL_5),
  ]
  const attempt = (decode: (bytes: Buffer) => unknown, bytes: Buffer): void => {
    try {
      decode(bytes)
    } catch (error) {
      assert(error instanceof MqttError, `threw ${String(error)}`)
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      for (const decode of decoders) attempt(decode, Buffer.from(bytes))
    }),
  )
  // A good packet with one byte changed or cut off.
  fc.assert(
    fc.property(connect, fc.nat(), fc.integer({ min: 0, max: 255 }), (packet, place, value) => {
      const bytes = encodeConnect(packet)
      const content = Buffer.from(bytes.subarray(contentAt(bytes)))
      content[place % content.length] = value
      for (const decode of decoders) attempt(decode, content)
      attempt(decoders[0]!, content.subarray(0, place % content.length))
    }),
  )
})

test('CONNECT: unknown names and levels', () => {
  const bytes = (name: string, value: number): Buffer =>
    encodePacket(CONNECT << 4, (writer) => {
      writeText(writer, name)
      writer.u8(value)
      writer.bytes(Buffer.from([2, 0, 0, 0, 0]))
    })
  const decode = (packet: Buffer): number => reasonOf(() => decodeConnect(packet, 2, packet.length))
  assert.equal(decode(bytes('MQTT', 6)), UNSUPPORTED_PROTOCOL_VERSION)
  assert.equal(decode(bytes('HTTP', 4)), MALFORMED_PACKET)
})

test('properties: twice, unknown, out of place, zero where that is forbidden', () => {
  const decode = (bytes: readonly number[], place: number): number =>
    reasonOf(() => readProperties(new ByteReader(Buffer.from([bytes.length, ...bytes]), 0, bytes.length + 1), place))
  assert.equal(decode([0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1], CONNECT), PROTOCOL_ERROR)
  assert.equal(decode([0x7f], CONNECT), MALFORMED_PACKET)
  assert.equal(decode([0x12, 0, 0], CONNECT), MALFORMED_PACKET)
  assert.equal(decode([0x21, 0, 0], CONNECT), PROTOCOL_ERROR)
  assert.equal(decode([0x17, 2], CONNECT), PROTOCOL_ERROR)
})

test('PUBLISH: the scan finds what was encoded', () => {
  const scan = new PublishScan()
  const properties = fc
    .record(
      {
        payloadFormatIndicator: fc.integer({ min: 0, max: 1 }),
        messageExpiryInterval: u32,
        contentType: text,
        correlationData: binary,
        topicAlias: u16,
        userProperties: pairs,
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    .map(present)
  fc.assert(
    fc.property(text, binary, fc.integer({ min: 0, max: 2 }), properties, (topic, payload, qos, given) => {
      const packet = encodePacket(0, (writer) => {
        writeText(writer, topic)
        if (qos > 0) writer.u16(7)
        const block = new ByteWriter()
        encodeProperties(block, given)
        writeVarint(writer, block.length)
        writer.bytes(block.finish())
        writer.bytes(payload)
      })
      scan.scan((PUBLISH << 4) | (qos << 1), packet, contentAt(packet), packet.length, LEVEL_5)
      assert.equal(packet.toString('utf8', scan.topicStart, scan.topicEnd), topic)
      assert.deepEqual(packet.subarray(scan.payloadStart, scan.payloadEnd), payload)
      assert.equal(scan.packetId, qos > 0 ? 7 : 0)
      assert.equal(scan.topicAlias, given.topicAlias ?? 0)
      assert.equal(scan.expirySeconds, given.messageExpiryInterval ?? -1)
    }),
  )
})

test('first bytes that a client may not send', () => {
  assert.equal(refusesHead(0x82, LEVEL_311), undefined)
  assert.notEqual(refusesHead(0x80, LEVEL_311), undefined)
  assert.equal(refusesHead(0x8a, LEVEL_31), undefined)
  assert.notEqual(refusesHead(0x36, LEVEL_5), undefined)
  assert.notEqual(refusesHead(0x90, LEVEL_5), undefined)
  assert.notEqual(refusesHead(0x00, LEVEL_5), undefined)
})

test('PUBREL carries the flags that the specification demands', () => {
  const bytes = Buffer.alloc(5)
  putAck(bytes, 0, PUBREL, 0x1234, 0x92)
  assert.deepEqual([...bytes], [0x62, 3, 0x12, 0x34, 0x92])
})
