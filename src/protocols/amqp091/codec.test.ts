import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyArguments, anyBytes, anyProperties, anyShortstr } from '../../../test/support/amqp091-arbitraries.ts'
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import {
  ACK_BYTES,
  AckFields,
  bodyFramesBytes,
  CONTENT_HEADER_FIXED_BYTES,
  ContentHeaderFields,
  DeliverFields,
  DeliverWriter,
  decodeMethod,
  encodeMethod,
  encodeShortstr,
  GET_OK_FIXED_BYTES,
  GetOkFields,
  HEARTBEAT,
  PUBLISH_FIXED_BYTES,
  PublishFields,
  readMethodId,
  shortstrText,
  writeAck,
  writeBodyFrames,
  writeContentHeader,
  writeGetOk,
  writePublish,
} from './codec.ts'
import { ConnectionError } from './errors.ts'
import { FrameReader } from './frame-reader.ts'
import { encodeProperties } from './properties.ts'
import {
  BASIC_ACK,
  BASIC_CONSUME,
  BASIC_DELIVER,
  BASIC_GET_OK,
  BASIC_PUBLISH,
  CHANNEL_OPEN,
  CONNECTION_OPEN,
  CONNECTION_START_OK,
  CONNECTION_TUNE,
  METHODS,
  type MethodId,
  QUEUE_DECLARE,
  QUEUE_DECLARE_OK,
  type RowOf,
  TX_SELECT,
} from './spec.ts'

const anyChannel = fc.nat(0xffff)
/** Space around what is written, to see that nothing else is touched. */
const PAD = 5

/** Writes into a buffer with a border, checks border and returned end, and gives what was written. */
function written(bytes: number, write: (to: Buffer, at: number) => number): Buffer {
  const to = Buffer.alloc(bytes + 2 * PAD, 0xaa)
  assert.equal(write(to, PAD), PAD + bytes)
  assert.ok(to.subarray(0, PAD).every((octet) => octet === 0xaa))
  assert.ok(to.subarray(PAD + bytes).every((octet) => octet === 0xaa))
  return to.subarray(PAD, PAD + bytes)
}

/** Moves a frame to an odd place of a larger buffer, and gives the range of its payload. */
function placed(frame: Buffer): { bytes: Buffer; start: number; end: number } {
  const bytes = Buffer.concat([Buffer.alloc(PAD, 0xaa), frame, Buffer.alloc(300, 0xaa)])
  return { bytes, start: PAD + 7, end: PAD + frame.length - 1 }
}

const routingOf = (exchange: string, routingKey: string) =>
  Buffer.concat([encodeShortstr(exchange), encodeShortstr(routingKey)])
const shortstrAt = (bytes: Buffer, at: number) => shortstrText(bytes, at + 1, at + 1 + bytes[at]!)

// The interpreter

test('decode(encode(method)) is the method, and its frame is one, for every row', () => {
  for (const row of METHODS) {
    const id: MethodId = row.id
    fc.assert(
      fc.property(anyArguments(row as RowOf<MethodId>), anyChannel, (args, channel) => {
        // The row decides which arguments belong to its id.
        const frame = (encodeMethod as (id: number, channel: number, args: object) => Buffer)(id, channel, args)
        let seen = 0
        new FrameReader(
          {
            onFrame: (type, onChannel, bytes, start, end) => {
              seen++
              assert.deepEqual([type, onChannel, readMethodId(bytes, start)], [1, channel, id])
              assert.deepEqual(decodeMethod(id, bytes, start, end), args)
            },
          },
          0,
        ).feed(placed(frame).bytes.subarray(PAD, PAD + frame.length))
        assert.equal(seen, 1)
      }),
      { numRuns: 25 },
    )
  }
})

test('frames are those of the specification', () => {
  const hex = (frame: Buffer) => frame.toString('hex')
  assert.equal(hex(encodeMethod(TX_SELECT, 1)), '01000100000004005a000ace')
  assert.equal(hex(encodeMethod(CHANNEL_OPEN, 1)), '010001000000050014000a00ce')
  assert.equal(
    hex(encodeMethod(CONNECTION_TUNE, 0, { channelMax: 2047, frameMax: 131072, heartbeat: 60 })),
    '0100000000000c000a001e07ff00020000003cce',
  )
  assert.equal(hex(encodeMethod(CONNECTION_OPEN, 0, { virtualHost: '/' })), '01000000000008000a0028012f0000ce')
  assert.equal(
    hex(
      encodeMethod(QUEUE_DECLARE, 1, {
        queue: 'q',
        passive: false,
        durable: true,
        exclusive: false,
        autoDelete: true,
        noWait: false,
        arguments: new Map([['a', { type: 'bool', value: true }]]),
      }),
    ),
    '010001000000110032000a000001710a0000000401617401ce',
  )
  assert.equal(hex(HEARTBEAT), '08000000000000ce')
})

test('bits share octets, lowest first, and begin anew after another type', () => {
  const args = { queue: 'q', consumerTag: 't', noLocal: true, noAck: false, exclusive: true, noWait: false }
  const frame = encodeMethod(BASIC_CONSUME, 1, { ...args, arguments: new Map() })
  assert.equal(frame[frame.length - 6], 0b0101)
})

test('text does for a longstr, and bytes come back', () => {
  const frame = encodeMethod(CONNECTION_START_OK, 0, {
    clientProperties: new Map(),
    mechanism: 'PLAIN',
    response: '\0guest\0guest',
    locale: 'en_US',
  })
  const args = decodeMethod(CONNECTION_START_OK, frame, 7, frame.length - 1)
  assert.equal(args.response.toString(), '\0guest\0guest')
  frame.fill(0)
  assert.equal(args.response.toString(), '\0guest\0guest', 'owned')
})

test('a longlong beyond 2^53 comes out rounded', () => {
  const frame = encodeMethod(BASIC_ACK, 1, { deliveryTag: 0, multiple: false })
  frame.fill(0xff, 11, 19)
  assert.equal(decodeMethod(BASIC_ACK, frame, 7, frame.length - 1).deliveryTag, 2 ** 64)
})

/** The error that decoding these argument octets throws. */
function refusal(id: MethodId, octets: Buffer): ConnectionError {
  const payload = Buffer.concat([Buffer.from([0, 0, 0, 0]), octets])
  payload.writeUInt32BE(id)
  try {
    decodeMethod(id, Buffer.concat([payload, Buffer.alloc(300)]), 0, payload.length)
  } catch (error) {
    assert.ok(error instanceof ConnectionError)
    return error
  }
  return assert.fail('not refused')
}

test('arguments that are too short or too long are refused as RabbitMQ does', () => {
  const short = refusal(QUEUE_DECLARE, Buffer.from([0, 0, 5, 65]))
  assert.equal(short.replyText, 'FRAME_ERROR - cannot decode <<0,0,5,65>>')
  assert.equal(short.failedMethod, QUEUE_DECLARE)
  const long = refusal(QUEUE_DECLARE, Buffer.from([0, 0, 1, 65, 2, 0, 0, 0, 0, 1, 2, 3]))
  assert.equal(long.replyText, 'FRAME_ERROR - cannot decode <<0,0,1,65,2,0,0,0,0,1,2,3>>')
  assert.equal(refusal(TX_SELECT, Buffer.from([1])).replyText, 'FRAME_ERROR - cannot decode <<1>>')
})

test('a short string that is not UTF-8 is refused as RabbitMQ does', () => {
  const error = refusal(QUEUE_DECLARE, Buffer.from([0, 0, 2, 0xc3, 0x28, 0, 0, 0, 0, 0]))
  assert.equal(error.replyText, 'FRAME_ERROR - Malformed UTF-8 in shortstr')
})

test('a malformed table is refused with 502', () => {
  const error = refusal(QUEUE_DECLARE, Buffer.from([0, 0, 1, 65, 2, 0, 0, 0, 3, 1, 97, 90]))
  assert.equal(error.replyText, "SYNTAX_ERROR - unknown type 'Z' in field table")
})

test('noise decodes or throws ConnectionError, for every method', () => {
  const refusalOrArguments = (id: MethodId, payload: Buffer, end: number) => {
    try {
      decodeMethod(id, payload, 0, end)
    } catch (error) {
      assert.ok(error instanceof ConnectionError, String(error))
    }
  }
  fc.assert(
    fc.property(fc.constantFrom(...METHODS), anyBytes, (row, noise) => {
      refusalOrArguments(row.id, Buffer.concat([Buffer.alloc(4), noise, Buffer.alloc(300)]), 4 + noise.length)
    }),
    { numRuns: 1000 },
  )
})

test('a value that its wire type cannot hold is not written', () => {
  const counts = { queue: 'q', messageCount: 2 ** 32, consumerCount: 0 }
  assert.throws(() => encodeMethod(QUEUE_DECLARE_OK, 1, counts), RangeError)
  assert.throws(() => encodeMethod(CONNECTION_OPEN, 0, { virtualHost: 'v'.repeat(256) }), RangeError)
  assert.throws(() => encodeMethod(BASIC_ACK, 1, { deliveryTag: -1, multiple: false }), RangeError)
})

// The hand-written forms equal the interpreter

const anyPublish = anyArguments<typeof BASIC_PUBLISH>(METHODS.find((row) => row.id === BASIC_PUBLISH)!)
const anyDeliver = anyArguments<typeof BASIC_DELIVER>(METHODS.find((row) => row.id === BASIC_DELIVER)!)
const anyGetOk = anyArguments<typeof BASIC_GET_OK>(METHODS.find((row) => row.id === BASIC_GET_OK)!)
const anyAck = anyArguments<typeof BASIC_ACK>(METHODS.find((row) => row.id === BASIC_ACK)!)

test('publish is read and written as the interpreter does', () => {
  const fields = new PublishFields()
  fc.assert(
    fc.property(anyPublish, anyChannel, (args, channel) => {
      const { bytes, start, end } = placed(encodeMethod(BASIC_PUBLISH, channel, args))
      fields.read(bytes, start, end)
      const routing = routingOf(args.exchange, args.routingKey)
      assert.deepEqual(bytes.subarray(fields.routingStart, fields.routingEnd), routing)
      assert.equal(shortstrAt(bytes, fields.routingStart), args.exchange)
      assert.equal(shortstrAt(bytes, fields.routingKeyAt), args.routingKey)
      assert.deepEqual([fields.mandatory, fields.immediate], [args.mandatory, args.immediate])
      assert.deepEqual(
        written(PUBLISH_FIXED_BYTES + routing.length, (to, at) =>
          writePublish(to, at, channel, routing, args.mandatory),
        ),
        encodeMethod(BASIC_PUBLISH, channel, { ...args, immediate: false }),
      )
    }),
  )
})

test('deliver is read and written as the interpreter does', () => {
  const fields = new DeliverFields()
  fc.assert(
    fc.property(anyDeliver, anyChannel, (args, channel) => {
      const frame = encodeMethod(BASIC_DELIVER, channel, args)
      const { bytes, start, end } = placed(frame)
      fields.read(bytes, start, end)
      assert.deepEqual([fields.deliveryTag, fields.redelivered], [args.deliveryTag, args.redelivered])
      assert.equal(shortstrAt(bytes, fields.consumerTagAt), args.consumerTag)
      assert.equal(shortstrAt(bytes, fields.routingStart), args.exchange)
      assert.equal(shortstrAt(bytes, fields.routingKeyAt), args.routingKey)
      const writer = new DeliverWriter(channel, args.consumerTag)
      const { deliveryTag, redelivered } = args
      const again = written(writer.frameBytes(fields.routingEnd - fields.routingStart), (to, at) =>
        writer.write(to, at, deliveryTag, redelivered, bytes, fields.routingStart, fields.routingEnd),
      )
      assert.deepEqual(again, frame)
    }),
  )
})

test('a whole message is written as its frames are one by one', () => {
  const anyBody = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 130 }), fc.constant(new Uint8Array(2_000).fill(7)))
  fc.assert(
    fc.property(
      anyDeliver,
      anyChannel,
      fc.uint8Array({ minLength: 2, maxLength: 110 }),
      anyBody,
      (args, channel, properties, body) => {
        const { deliveryTag, redelivered } = args
        const routing = Buffer.concat([encodeShortstr(args.exchange), encodeShortstr(args.routingKey)])
        const bytes = Buffer.concat([Buffer.alloc(3), routing, properties, body])
        const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
        const propertiesStart = 3 + routing.length
        const propertiesEnd = propertiesStart + properties.length
        const stored = { bytes, data, routingStart: 3, propertiesStart, propertiesEnd, bodyEnd: bytes.length }
        const writer = new DeliverWriter(channel, args.consumerTag)
        const total =
          writer.frameBytes(routing.length) +
          CONTENT_HEADER_FIXED_BYTES +
          properties.length +
          bodyFramesBytes(body.length, 0)
        const apart = written(total, (to, at) => {
          const headerAt = writer.write(to, at, deliveryTag, redelivered, bytes, 3, propertiesStart)
          const bodyAt = writeContentHeader(to, headerAt, channel, body.length, bytes, propertiesStart, propertiesEnd)
          return writeBodyFrames(to, bodyAt, channel, 0, bytes, propertiesEnd, bytes.length)
        })
        const whole = written(total, (to, at) => {
          const span = { bytes: to, data: new DataView(to.buffer, to.byteOffset, to.length) }
          writer.writeMessage(span, at, channel, deliveryTag, redelivered, stored)
          return at + total
        })
        assert.deepEqual(whole, apart)
      },
    ),
  )
})

test('get-ok is read and written as the interpreter does', () => {
  const fields = new GetOkFields()
  fc.assert(
    fc.property(anyGetOk, anyChannel, (args, channel) => {
      const frame = encodeMethod(BASIC_GET_OK, channel, args)
      const { bytes, start, end } = placed(frame)
      fields.read(bytes, start, end)
      assert.deepEqual(
        [fields.deliveryTag, fields.redelivered, fields.messageCount],
        [args.deliveryTag, args.redelivered, args.messageCount],
      )
      assert.equal(shortstrAt(bytes, fields.routingStart), args.exchange)
      assert.equal(shortstrAt(bytes, fields.routingKeyAt), args.routingKey)
      const again = written(GET_OK_FIXED_BYTES + fields.routingEnd - fields.routingStart, (to, at) =>
        writeGetOk(to, at, channel, args, bytes, fields.routingStart, fields.routingEnd),
      )
      assert.deepEqual(again, frame)
    }),
  )
})

test('ack is read and written as the interpreter does', () => {
  const fields = new AckFields()
  fc.assert(
    fc.property(anyAck, anyChannel, (args, channel) => {
      const frame = encodeMethod(BASIC_ACK, channel, args)
      const { bytes, start, end } = placed(frame)
      fields.read(bytes, start, end)
      assert.deepEqual([fields.deliveryTag, fields.multiple], [args.deliveryTag, args.multiple])
      const again = written(ACK_BYTES, (to, at) => writeAck(to, at, channel, args.deliveryTag, args.multiple))
      assert.deepEqual(again, frame)
    }),
  )
})

test('what the interpreter refuses the readers refuse, with the same text', () => {
  const readers = [
    [BASIC_PUBLISH, new PublishFields()],
    [BASIC_DELIVER, new DeliverFields()],
    [BASIC_GET_OK, new GetOkFields()],
    [BASIC_ACK, new AckFields()],
  ] as const
  const spoiled = (id: MethodId) => {
    const whole = encodeMethod(BASIC_DELIVER, 1, {
      consumerTag: 'abc',
      deliveryTag: 1,
      redelivered: false,
      exchange: 'x',
      routingKey: 'k',
    })
    const forms = [anyPublish, anyDeliver, anyGetOk, anyAck].map((args) =>
      args.map((one) => (encodeMethod as (id: number, channel: number, args: object) => Buffer)(id, 1, { ...one })),
    )
    const own = forms[readers.findIndex(([candidate]) => candidate === id)]!
    return fc
      .tuple(fc.oneof(own, fc.constant(whole)), fc.nat(), fc.nat(255), fc.nat(5))
      .map(([frame, at, octet, cut]) => {
        const args = frame.subarray(11, frame.length - 1)
        if (args.length > 0) args[at % args.length] = octet
        return Buffer.from(args.subarray(0, Math.max(0, args.length - cut)))
      })
  }
  for (const [id, reader] of readers) {
    fc.assert(
      fc.property(fc.oneof(anyBytes, spoiled(id)), (args) => {
        const bytes = Buffer.concat([Buffer.alloc(4), args, Buffer.alloc(600, 0xce)])
        const outcome = (read: () => void): string => {
          try {
            read()
            return 'ok'
          } catch (error) {
            assert.ok(error instanceof ConnectionError, String(error))
            assert.equal(error.failedMethod === 0 || error.failedMethod === id, true)
            return error.replyText
          }
        }
        const slow = outcome(() => decodeMethod(id, bytes, 0, 4 + args.length))
        // The readers leave the UTF-8 to `shortstrText`.
        if (slow.includes('UTF-8')) return
        assert.equal(
          outcome(() => reader.read(bytes, 0, 4 + args.length)),
          slow,
        )
      }),
      { numRuns: 300 },
    )
  }
})

// Content

test('a content header is written and read back', () => {
  const fields = new ContentHeaderFields()
  fc.assert(
    fc.property(anyProperties, fc.maxSafeNat(), anyChannel, (properties, bodyBytes, channel) => {
      const list = encodeProperties(properties)
      const source = Buffer.concat([Buffer.alloc(PAD), list, Buffer.alloc(PAD)])
      const frame = written(CONTENT_HEADER_FIXED_BYTES + list.length, (to, at) =>
        writeContentHeader(to, at, channel, bodyBytes, source, PAD, PAD + list.length),
      )
      assert.deepEqual(frame, slowContentHeader(channel, bodyBytes, list))
      const { bytes, start, end } = placed(frame)
      fields.read(bytes, start, end)
      assert.equal(fields.bodyBytes, bodyBytes)
      assert.deepEqual(bytes.subarray(fields.propertiesStart, fields.propertiesEnd), list)
    }),
  )
})

function slowContentHeader(channel: number, bodyBytes: number, properties: Buffer): Buffer {
  const writer = new ByteWriter()
  writer.u8(2)
  writer.u16(channel)
  writer.u32(12 + properties.length)
  writer.u16(60)
  writer.u16(0)
  writer.u64(bodyBytes)
  writer.bytes(properties)
  writer.u8(0xce)
  return writer.finish()
}

test('a header of another class or with a weight is unexpected', () => {
  const fields = new ContentHeaderFields()
  const header = (octets: string) => Buffer.concat([Buffer.from(octets, 'hex'), Buffer.alloc(10)])
  const expected = 'UNEXPECTED_FRAME - expected content header for class 60, got'
  assert.throws(() => fields.read(header('00320000'), 0, 14), { replyText: `${expected} one for class 50 instead` })
  assert.throws(() => fields.read(header('003c0001'), 0, 14), {
    replyText: `${expected} non content header frame instead`,
  })
})

test('a body is cut into frames within the limit, and an empty one into none', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 9, max: 120 }),
      anyChannel,
      (array, limit, channel) => {
        const body = Buffer.from(array)
        for (const frameBytesMax of [limit, 0]) {
          const frames = written(bodyFramesBytes(body.length, frameBytesMax), (to, at) =>
            writeBodyFrames(to, at, channel, frameBytesMax, Buffer.concat([body, body]), 0, body.length),
          )
          const parts: Buffer[] = []
          const onFrame = (type: number, onChannel: number, bytes: Buffer, start: number, end: number) => {
            assert.deepEqual([type, onChannel], [3, channel])
            assert.ok(frameBytesMax === 0 || end - start + 8 <= frameBytesMax)
            assert.ok(end > start)
            parts.push(Buffer.from(bytes.subarray(start, end)))
          }
          new FrameReader({ onFrame }, 0).feed(frames)
          assert.deepEqual(Buffer.concat(parts), body)
        }
      },
    ),
  )
})

test('a short string is encoded with its length, and no longer than 255 bytes', () => {
  fc.assert(
    fc.property(anyShortstr, (text) => {
      const bytes = encodeShortstr(text)
      const reader = new ByteReader(bytes, 0, bytes.length)
      assert.equal(reader.copy(reader.u8()).toString(), text)
      assert.equal(reader.at, bytes.length)
    }),
  )
  assert.equal(encodeShortstr('é'.repeat(127)).length, 255)
  assert.throws(() => encodeShortstr('é'.repeat(128)), RangeError)
})
