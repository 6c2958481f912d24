/**
 * What the AMQP 0-9-1 codec costs per message, in ns: node dist/test/bench/codec.js
 *
 * Each case runs its loop a fixed number of rounds and prints the fastest; every result is consumed.
 */
import {
  AckFields,
  bodyFramesBytes,
  CONTENT_HEADER_FIXED_BYTES,
  ContentHeaderFields,
  DeliverWriter,
  decodeMethod,
  encodeMethod,
  encodeShortstr,
  PublishFields,
  readMethodId,
  writeBodyFrames,
  writeContentHeader,
} from '../../src/protocols/amqp091/codec.ts'
import { fromPlain } from '../../src/protocols/amqp091/field-values.ts'
import { decodeTable, encodeTable, findHeader } from '../../src/protocols/amqp091/fields.ts'
import { FrameReader } from '../../src/protocols/amqp091/frame-reader.ts'
import { encodeProperties, PropertyScan } from '../../src/protocols/amqp091/properties.ts'
import { BASIC_ACK, BASIC_PUBLISH, FRAME_HEADER, FRAME_METHOD } from '../../src/protocols/amqp091/spec.ts'

const ROUNDS = 12
const OPERATIONS = 200_000
const CHUNK_BYTES = 64 * 1024
const FRAME_BYTES_MAX = 131_072

let consumed = 0

/** Prints the fastest round of a case; `run` does `operations` of them and returns something that depends on all. */
function measure(name: string, operations: number, run: () => number): void {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    consumed += run()
    best = Math.min(best, Number(process.hrtime.bigint() - start) / operations)
  }
  process.stdout.write(`${name.padEnd(58)} ${best.toFixed(1).padStart(8)} ns\n`)
}

const headers = encodeTable(
  fromPlain({
    'x-trace': 'abcdef0123456789',
    tenant: 'acme',
    attempt: 3,
    flags: [1, 2, 3],
    nested: { a: 1, b: 'two' },
  }),
)
const plain = encodeProperties({ deliveryMode: 2 })
const rich = encodeProperties({
  contentType: 'application/json',
  headers: decodeTable(headers, 0, headers.length),
  deliveryMode: 2,
  correlationId: '0123456789',
  messageId: 'm-1',
  timestamp: 1_700_000_000,
})
const body = Buffer.alloc(16, 7)

function message(properties: Buffer): Buffer {
  const publish = encodeMethod(BASIC_PUBLISH, 1, {
    exchange: 'orders',
    routingKey: 'orders.eu.new',
    mandatory: false,
    immediate: false,
  })
  const header = Buffer.alloc(CONTENT_HEADER_FIXED_BYTES + properties.length)
  writeContentHeader(header, 0, 1, body.length, properties, 0, properties.length)
  const frames = Buffer.alloc(bodyFramesBytes(body.length, FRAME_BYTES_MAX))
  writeBodyFrames(frames, 0, 1, FRAME_BYTES_MAX, body, 0, body.length)
  return Buffer.concat([publish, header, frames])
}

/** Chunks as a socket delivers them: messages straddle. */
function chunksOf(one: Buffer, messageCount: number): Buffer[] {
  const stream = Buffer.concat(new Array<Buffer>(messageCount).fill(one))
  const chunks: Buffer[] = []
  for (let at = 0; at < stream.length; at += CHUNK_BYTES) chunks.push(stream.subarray(at, at + CHUNK_BYTES))
  return chunks
}

function benchReading(name: string, properties: Buffer): void {
  const chunks = chunksOf(message(properties), OPERATIONS / 10)
  const publish = new PublishFields()
  const header = new ContentHeaderFields()
  const scan = new PropertyScan()
  let sum = 0
  const cutter = new FrameReader(
    {
      onFrame: (_type, _channel, _bytes, start, end) => {
        sum += end - start
      },
    },
    FRAME_BYTES_MAX,
  )
  measure(`cut 3 frames of a publish (${name})`, OPERATIONS / 10, () => {
    for (const chunk of chunks) cutter.feed(chunk)
    return sum
  })
  const reader = new FrameReader(
    {
      onFrame: (type, _channel, bytes, start, end) => {
        if (type === FRAME_METHOD && readMethodId(bytes, start) === BASIC_PUBLISH) {
          publish.read(bytes, start, end)
          sum += publish.routingEnd
        } else if (type === FRAME_HEADER) {
          header.read(bytes, start, end)
          scan.scan(bytes, header.propertiesStart, header.propertiesEnd)
          sum += header.bodyBytes + scan.deliveryMode
        } else sum += end - start
      },
    },
    FRAME_BYTES_MAX,
  )
  measure(`cut and decode a publish, header scanned (${name})`, OPERATIONS / 10, () => {
    for (const chunk of chunks) reader.feed(chunk)
    return sum
  })
}

function benchWriting(name: string, properties: Buffer): void {
  const slab = Buffer.alloc(1 << 20)
  const writer = new DeliverWriter(1, 'amq.ctag-0123456789abcdefghijkl')
  const routing = Buffer.concat([encodeShortstr('orders'), encodeShortstr('orders.eu.new')])
  const room = writer.frameBytes(routing.length)
  measure('write a deliver frame', OPERATIONS, () => {
    let at = 0
    for (let i = 0; i < OPERATIONS; i++) {
      if (at + room > slab.length) at = 0
      at = writer.write(slab, at, i, false, routing, 0, routing.length)
    }
    return at
  })
  const total = room + CONTENT_HEADER_FIXED_BYTES + properties.length + bodyFramesBytes(body.length, FRAME_BYTES_MAX)
  measure(`write deliver, header and 16-byte body (${name})`, OPERATIONS, () => {
    let at = 0
    for (let i = 0; i < OPERATIONS; i++) {
      if (at + total > slab.length) at = 0
      at = writer.write(slab, at, i, false, routing, 0, routing.length)
      at = writeContentHeader(slab, at, 1, body.length, properties, 0, properties.length)
      at = writeBodyFrames(slab, at, 1, FRAME_BYTES_MAX, body, 0, body.length)
    }
    return at
  })
}

function benchParts(): void {
  const frame = encodeMethod(BASIC_PUBLISH, 1, {
    exchange: 'orders',
    routingKey: 'orders.eu.new',
    mandatory: false,
    immediate: false,
  })
  const publish = new PublishFields()
  measure('decode publish arguments, by hand', OPERATIONS, () => {
    let sum = 0
    for (let i = 0; i < OPERATIONS; i++) {
      publish.read(frame, 7, frame.length - 1)
      sum += publish.routingEnd
    }
    return sum
  })
  measure('decode publish arguments, interpreted', OPERATIONS / 10, () => {
    let sum = 0
    for (let i = 0; i < OPERATIONS / 10; i++)
      sum += decodeMethod(BASIC_PUBLISH, frame, 7, frame.length - 1).routingKey.length
    return sum
  })
  const acked = encodeMethod(BASIC_ACK, 1, { deliveryTag: 123_456, multiple: false })
  const ack = new AckFields()
  measure('decode an ack', OPERATIONS, () => {
    let sum = 0
    for (let i = 0; i < OPERATIONS; i++) {
      ack.read(acked, 7, acked.length - 1)
      sum += ack.deliveryTag
    }
    return sum
  })
  const scan = new PropertyScan()
  for (const [name, list] of [
    ['delivery mode', plain],
    ['6 properties, 5 headers', rich],
  ] as const)
    measure(`scan a property list (${name})`, OPERATIONS, () => {
      let sum = 0
      for (let i = 0; i < OPERATIONS; i++) {
        scan.scan(list, 0, list.length)
        sum += scan.deliveryMode
      }
      return sum
    })
  measure('find an absent header among 5', OPERATIONS, () => {
    let sum = 0
    for (let i = 0; i < OPERATIONS; i++) sum += findHeader(headers, 0, headers.length, 'CC')
    return sum
  })
  measure('decode a table of 5 headers', OPERATIONS / 10, () => {
    let sum = 0
    for (let i = 0; i < OPERATIONS / 10; i++) sum += decodeTable(headers, 0, headers.length).size
    return sum
  })
}

benchParts()
benchReading('delivery mode', plain)
benchReading('6 properties, 5 headers', rich)
benchWriting('delivery mode', plain)
benchWriting('6 properties, 5 headers', rich)
process.stdout.write(`(${consumed === 0 ? 'nothing' : 'all'} consumed)\n`)
