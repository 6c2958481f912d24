// Bad input: whatever comes, only the connection it comes on is closed, with the reason code of the specification.
// [MQTT 5.0 §1.5.4, §4.7, §4.8, §4.13]
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import {
  encodeConnect,
  encodePacket,
  encodeSubscribe,
  encodeUnsubscribe,
  writeProperties,
} from '../../../src/protocols/mqtt/codec.ts'
import { type Properties, writeBinary, writeText } from '../../../src/protocols/mqtt/properties.ts'
import { LEVEL_5, LEVEL_31, LEVEL_311, type ProtocolLevel } from '../../../src/protocols/mqtt/spec.ts'
import { MqttBroker } from '../../support/mqtt-broker.ts'
import { MqttClient } from '../../support/mqtt-client.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const TOPIC_FILTER_INVALID = 0x8f
const TOPIC_NAME_INVALID = 0x90
const RECEIVE_MAXIMUM = 0x93
const TOPIC_ALIAS_INVALID = 0x94
const PACKET_TOO_LARGE = 0x95
/** What bad packets may be answered with: never "implementation specific error", which would be a bug of ours. */
const REASONS = [
  MALFORMED,
  PROTOCOL_ERROR,
  TOPIC_FILTER_INVALID,
  TOPIC_NAME_INVALID,
  RECEIVE_MAXIMUM,
  TOPIC_ALIAS_INVALID,
  PACKET_TOO_LARGE,
]
const PINGREQ = Buffer.from([0xc0, 0])
const PINGRESP = 13
const DISCONNECT = 14

let broker: MqttBroker
let bystander: MqttClient

before(async () => {
  broker = await MqttBroker.start()
  bystander = await broker.client()
})

after(async () => {
  await bystander.settle()
  await broker.stop()
})

const RICH: Properties = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 9,
  contentType: 'text',
  responseTopic: 'r',
  correlationData: Buffer.from([1]),
  userProperties: [['a', 'b']],
}

function publish(level: ProtocolLevel, qos: number): Buffer {
  return encodePacket(0x30 | (qos << 1), (writer) => {
    writeText(writer, 't/o')
    if (qos > 0) writer.u16(7)
    if (level === LEVEL_5) writeProperties(writer, { ...RICH, topicAlias: 3 })
    writer.bytes(Buffer.from('payload'))
  })
}

function ack(head: number, level: ProtocolLevel): Buffer {
  return encodePacket(head, (writer) => {
    writer.u16(7)
    if (level !== LEVEL_5) return
    writer.u8(0)
    writeProperties(writer, { reasonString: 'why', userProperties: [['a', 'b']] })
  })
}

/** One of each packet that a client may send after CONNECT. */
function packetsOf(level: ProtocolLevel): Buffer[] {
  const filter = { filter: 'f/+', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }
  const properties = level === LEVEL_5 ? { subscriptionIdentifier: 300 } : {}
  return [
    publish(level, 0),
    publish(level, 1),
    publish(level, 2),
    ...[0x40, 0x50, 0x62, 0x70].map((head) => ack(head, level)),
    encodeSubscribe(level, { packetId: 8, properties, filters: [filter, { ...filter, filter: 'g' }] }),
    encodeUnsubscribe(level, { packetId: 9, filters: ['f/+', 'g'] }),
  ]
}

/** The first `length` bytes of a packet's body, as a packet. */
function shortened(packet: Buffer, length: number): Buffer {
  return Buffer.concat([Buffer.from([packet[0]!, length]), packet.subarray(2, 2 + length)])
}

/** Sends; resolves with true when the connection lives on. When it does not, the reason is one of the specification's. */
async function survives(client: MqttClient, bytes: Buffer, what: string): Promise<boolean> {
  client.send(bytes, PINGREQ)
  const isAnswered = (): boolean => client.packets.some(({ type }) => type === PINGRESP)
  while (!isAnswered() && !client.isClosed) await client.changed()
  const goodbye = client.packets.find(({ type }) => type === DISCONNECT)
  if (client.isClosed) {
    assert.equal(goodbye !== undefined, client.level === LEVEL_5, `${what}: a goodbye for 5.0 alone`)
    if (goodbye !== undefined) assert.ok(REASONS.includes(goodbye.body[0]!), `${what}: reason ${goodbye.body[0]}`)
    return false
  }
  client.packets.length = 0
  return true
}

for (const level of [LEVEL_31, LEVEL_311, LEVEL_5] as const) {
  test(`level ${level}: packets shortened to any length are refused, or are packets`, async () => {
    let client = await broker.client({}, level)
    let refused = 0
    for (const packet of packetsOf(level)) {
      assert.ok(await survives(client, packet, 'the whole packet'))
      for (let length = packet[1]! - 1; length >= 0; length--) {
        if (await survives(client, shortened(packet, length), `type ${packet[0]! >>> 4}, ${length} bytes`)) continue
        refused++
        client = await broker.client({}, level)
      }
    }
    assert.ok(refused > 20, `only ${refused} were refused`)
    await bystander.settle()
  })

  test(`level ${level}: a stream that ends anywhere in a packet leaves nothing behind`, async () => {
    const count = broker.booted.parts.broker.connections.count
    const bytes = Buffer.concat(packetsOf(level))
    for (let end = 1; end < bytes.length; end += 7) {
      const client = await broker.client({}, level)
      client.send(bytes.subarray(0, end))
      await client.drop()
    }
    const { connections } = broker.booted.parts.broker
    while (connections.count > count) await bystander.settle()
  })
}

test('any bytes after CONNECT', async () => {
  const heads = fc.constantFrom(0x30, 0x32, 0x34, 0x3d, 0x40, 0x50, 0x62, 0x70, 0x82, 0xa2, 0xe0, 0xf0, 0x10)
  const packet = fc
    .tuple(heads, fc.uint8Array({ maxLength: 40 }))
    .map(([head, body]) => Buffer.concat([Buffer.from([head, body.length]), body]))
  const bytes = fc.oneof(
    { weight: 3, arbitrary: packet },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((each) => Buffer.from(each)) },
  )
  await fc.assert(
    fc.asyncProperty(bytes, fc.constantFrom(LEVEL_311, LEVEL_5), async (input, level) => {
      const client = await broker.client({}, level)
      client.send(input)
      client.end()
      await client.closed()
      const goodbye = client.packets.find(({ type }) => type === DISCONNECT)
      if (goodbye !== undefined) assert.ok(REASONS.includes(goodbye.body[0]!), `reason ${goodbye.body[0]}`)
      await bystander.settle()
    }),
    { numRuns: 150 },
  )
})

test('a CONNECT that is shortened or has any byte changed opens no second life', async () => {
  const will = { topic: 'w', payload: Buffer.from('x'), qos: 1, retain: false, properties: { willDelayInterval: 1 } }
  const packet = encodeConnect({
    level: LEVEL_5,
    clientId: 'bad-connect',
    cleanStart: true,
    keepAliveSeconds: 9,
    will,
    userName: 'guest',
    password: Buffer.from('guest'),
    properties: { sessionExpiryInterval: 1, userProperties: [['a', 'b']] },
  })
  const inputs = Array.from({ length: packet.length - 2 }, (_, length) => shortened(packet, length))
  for (let at = 2; at < packet.length; at += 3) {
    const changed = Buffer.from(packet)
    changed[at]! ^= 0x81
    inputs.push(changed)
  }
  for (const input of inputs) {
    const client = await MqttClient.open(broker.port)
    client.send(input)
    client.end()
    await client.closed()
    assert.ok(
      client.packets.every(({ type, body }) => type !== 2 || body[1] !== 0x83),
      'no bug of ours',
    )
  }
  await bystander.settle()
})

const BAD_TEXTS: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['an overlong form', [0xc0, 0xaf]],
  ['an end in the middle', [0x61, 0xe2, 0x82]],
  ['a byte of no text', [0xff]],
  ['U+0000', [0x61, 0]],
  ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
]

for (const [name, bytes] of BAD_TEXTS) {
  test(`[MQTT-1.5.4-1] text that is none, ${name}: malformed, wherever it is`, async () => {
    const bad = Buffer.from(bytes)
    const places: Readonly<Record<string, Buffer>> = {
      topic: encodePacket(0x30, (writer) => {
        writeBinary(writer, bad)
        writer.u8(0)
      }),
      filter: encodePacket(0x82, (writer) => {
        writer.u16(1)
        writer.u8(0)
        writeBinary(writer, bad)
        writer.u8(0)
      }),
      'filter of UNSUBSCRIBE': encodePacket(0xa2, (writer) => {
        writer.u16(1)
        writer.u8(0)
        writeBinary(writer, bad)
      }),
      'content type': withProperty(0x03, bad),
      'response topic': withProperty(0x08, bad),
      'name of a user property': withProperty(0x26, bad, Buffer.from('v')),
      'value of a user property': withProperty(0x26, Buffer.from('n'), bad),
    }
    for (const [place, packet] of Object.entries(places)) {
      const client = await broker.client()
      client.send(packet)
      assert.equal(await client.refusal(), MALFORMED, place)
    }
    await bystander.settle()
  })
}

/** A PUBLISH with one property of texts. */
function withProperty(id: number, ...texts: readonly Buffer[]): Buffer {
  return encodePacket(0x30, (writer) => {
    writeText(writer, 't')
    writer.u8(1 + texts.reduce((sum, text) => sum + 2 + text.length, 0))
    writer.u8(id)
    for (const text of texts) writeBinary(writer, text)
  })
}

test('[MQTT-4.7.1-1 … 3] wildcards where they may not be', async () => {
  for (const filter of [
    'a/#/b',
    'a#',
    '#a',
    '+a',
    'a+/b',
    '##',
    '++',
    '',
    '$share/g',
    '$share/g/',
    '$share//a',
    '$share/+/a',
    '$share/g#/a',
    '$share/g/a#',
  ]) {
    const client = await broker.client()
    client.send(
      encodeSubscribe(LEVEL_5, {
        packetId: 1,
        properties: {},
        filters: [{ filter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
      }),
    )
    assert.equal(await client.refusal(), TOPIC_FILTER_INVALID, `filter '${filter}'`)
  }
  for (const topic of ['a/#', '+', 'a/+/b', '#']) {
    const client = await broker.client()
    client.publish({ topic })
    assert.equal(await client.refusal(), TOPIC_NAME_INVALID, `topic '${topic}'`)
    const willing = await MqttClient.open(broker.port)
    const will = { topic, payload: Buffer.alloc(0), qos: 0, retain: false, properties: {} }
    assert.equal((await willing.connect({ will })).code, TOPIC_NAME_INVALID, `will '${topic}'`)
    await willing.closed()
  }
  await bystander.settle()
})

test('[MQTT-3.1.2-24] packets beyond the limits, before and after the login', async () => {
  const early = await MqttClient.open(broker.port)
  early.send(Buffer.from([0x10, 0x81, 0x80, 0x04]), Buffer.alloc(1000))
  await early.closed()
  assert.deepEqual(early.packets, [])
  const late = await broker.client()
  late.send(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x10]))
  assert.equal(await late.refusal(), PACKET_TOO_LARGE)
  await bystander.settle()
})
