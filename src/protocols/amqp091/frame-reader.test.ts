import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConnectionError } from './errors.ts'
import { FrameReader, type FrameSink } from './frame-reader.ts'

interface Frame {
  readonly type: number
  readonly channel: number
  readonly payload: Buffer
}

/** Keeps copies, since frames are borrowed; answers false after `stopAfter` frames. */
class Collector implements FrameSink {
  readonly frames: Frame[] = []
  readonly #stopAfter: number

  constructor(stopAfter = Number.POSITIVE_INFINITY) {
    this.#stopAfter = stopAfter
  }

  onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): boolean {
    this.frames.push({ type, channel, payload: Buffer.from(bytes.subarray(start, end)) })
    return this.frames.length < this.#stopAfter
  }
}

function encode(frame: Frame): Buffer {
  const bytes = Buffer.alloc(frame.payload.length + 8)
  bytes[0] = frame.type
  bytes.writeUInt16BE(frame.channel, 1)
  bytes.writeUInt32BE(frame.payload.length, 3)
  frame.payload.copy(bytes, 7)
  bytes[bytes.length - 1] = 0xce
  return bytes
}

const frame = (type: number, payload: Buffer | string, channel = 1): Frame => ({
  type,
  channel,
  payload: Buffer.from(payload),
})

const payload = (minLength: number) => fc.uint8Array({ minLength, maxLength: 100 }).map((bytes) => Buffer.from(bytes))
const record = (type: number, channel: fc.Arbitrary<number>, bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Frame> =>
  fc.record({ type: fc.constant(type), channel, payload: bytes }, { noNullPrototype: true })
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  record(1, fc.nat(0xffff), payload(4)),
  record(2, fc.nat(0xffff), payload(12)),
  record(3, fc.nat(0xffff), payload(0)),
  record(8, fc.constant(0), fc.constant(Buffer.alloc(0))),
)

/** Cuts a stream where told, and overwrites each chunk once it was fed: nothing of it may be kept. */
function feedCut(reader: FrameReader, stream: Buffer, cuts: readonly number[]): void {
  const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b)
  for (let i = 1; i < at.length; i++) {
    const chunk = Buffer.from(stream.subarray(at[i - 1]!, at[i]!))
    reader.feed(chunk)
    chunk.fill(0xee)
  }
}

/** The text of the ConnectionError that feeding the bytes throws. */
function refusal(bytes: Buffer, frameBytesMax = 8192): string {
  const reader = new FrameReader(new Collector(), frameBytesMax)
  try {
    reader.feed(bytes)
  } catch (error) {
    assert.ok(error instanceof ConnectionError)
    assert.equal(reader.stopped, true)
    return error.replyText
  }
  return assert.fail('not refused')
}

test('any cut of a stream gives the same frames', () => {
  fc.assert(
    fc.property(fc.array(anyFrame), fc.array(fc.nat()), (frames, cuts) => {
      const sink = new Collector()
      feedCut(new FrameReader(sink, 8192), Buffer.concat(frames.map(encode)), cuts)
      assert.deepEqual(sink.frames, frames)
    }),
  )
})

test('a stream in single bytes gives the same frames', () => {
  const frames = [frame(1, 'abcd'), frame(8, '', 0), frame(3, 'x'.repeat(40)), frame(3, '')]
  const stream = Buffer.concat(frames.map(encode))
  const sink = new Collector()
  const cuts = Array.from(stream, (_, i) => i)
  feedCut(new FrameReader(sink, 8192), stream, cuts)
  assert.deepEqual(sink.frames, frames)
})

test('frames inside a chunk are handed on in place', () => {
  const chunk = Buffer.concat([encode(frame(3, 'one')), encode(frame(3, 'two'))])
  const seen: Buffer[] = []
  new FrameReader({ onFrame: (_type, _channel, bytes) => void seen.push(bytes) }, 8192).feed(chunk)
  assert.equal(seen.length, 2)
  assert.ok(seen.every((bytes) => bytes === chunk))
})

test('a chunk may be fed from an offset', () => {
  const sink = new Collector()
  new FrameReader(sink, 8192).feed(Buffer.concat([Buffer.from('AMQP\0\0\x09\x01'), encode(frame(3, 'one'))]), 8)
  assert.deepEqual(sink.frames, [frame(3, 'one')])
})

test('a payload may be as long as the limit, no longer, and is refused by its head alone', () => {
  const sink = new Collector()
  new FrameReader(sink, 100).feed(encode(frame(3, Buffer.alloc(100))))
  assert.equal(sink.frames.length, 1)
  const text = 'FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,101,92}'
  const head = encode(frame(3, Buffer.alloc(101))).subarray(0, 7)
  assert.equal(refusal(head, 100), text)
  const reader = new FrameReader(new Collector(), 100)
  reader.feed(head.subarray(0, 6))
  assert.throws(() => reader.feed(head.subarray(6)), { replyText: text, replyCode: 501 })
})

test('without an agreed limit there still is one', () => {
  const head = Buffer.from([3, 0, 1, 0xff, 0xff, 0xff, 0xff])
  assert.match(refusal(head, 0), /frame_too_large,4294967295,/)
})

test('a new limit holds from the next frame of the same chunk on', () => {
  const frames = [frame(1, 'tune'), frame(3, Buffer.alloc(200))]
  const collected: number[] = []
  const reader: FrameReader = new FrameReader(
    {
      onFrame: (type) => {
        collected.push(type)
        reader.frameBytesMax = 4096
      },
    },
    100,
  )
  reader.feed(Buffer.concat(frames.map(encode)))
  assert.deepEqual(collected, [1, 3])
})

test('a wrong end octet is refused, whole or straddling', () => {
  const bytes = encode(frame(1, Buffer.from([0, 20, 0, 10, 0])))
  bytes[bytes.length - 1] = 7
  const text = 'FRAME_ERROR - type 1, all octets = <<0,20,0,10,0>>: {invalid_frame_end_marker,7}'
  assert.equal(refusal(bytes), text)
  const reader = new FrameReader(new Collector(), 8192)
  reader.feed(bytes.subarray(0, 9))
  assert.throws(() => reader.feed(bytes.subarray(9)), { replyText: text })
})

test('frames that RabbitMQ does not know are refused with its texts', () => {
  assert.equal(refusal(encode(frame(5, 'hello'))), 'FRAME_ERROR - type 5, all octets = <<"hello">>: unknown_frame')
  assert.equal(refusal(encode(frame(0, 'hello'))), 'FRAME_ERROR - type 0, all octets = <<"hello">>: unknown_frame')
  assert.equal(refusal(encode(frame(1, '\x01\x02'))), 'FRAME_ERROR - type 1, all octets = <<1,2>>: unknown_frame')
  assert.equal(refusal(encode(frame(2, '\0<\0'))), 'FRAME_ERROR - type 2, all octets = <<0,60,0>>: unknown_frame')
  assert.equal(refusal(encode(frame(8, 'abc', 0))), 'FRAME_ERROR - type 8, all octets = <<"abc">>: unknown_frame')
  assert.equal(refusal(encode(frame(8, '', 1))), 'UNEXPECTED_FRAME - type 8, all octets = <<>>')
})

test('the good frames before a bad one are handed on', () => {
  const sink = new Collector()
  const reader = new FrameReader(sink, 8192)
  assert.throws(() => reader.feed(Buffer.concat([encode(frame(3, 'good')), encode(frame(9, 'bad'))])), ConnectionError)
  assert.deepEqual(sink.frames, [frame(3, 'good')])
  reader.feed(encode(frame(3, 'ignored')))
  assert.equal(sink.frames.length, 1)
})

test('a sink that answers false gets nothing more, however the stream is cut', () => {
  const stream = Buffer.concat(['a', 'b', 'c', 'd'].map((text) => encode(frame(3, text))))
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 4 }), (cuts, stopAfter) => {
      const sink = new Collector(stopAfter)
      const reader = new FrameReader(sink, 8192)
      feedCut(reader, stream, cuts)
      assert.equal(sink.frames.length, stopAfter)
      assert.equal(reader.stopped, true)
    }),
  )
})

test('a large frame in many small chunks is copied a bounded number of times', () => {
  const bytes = encode(frame(3, Buffer.alloc(1 << 20, 7)))
  const sink = new Collector()
  const reader = new FrameReader(sink, 0)
  let copied = 0
  const copy = Buffer.prototype.copy
  Buffer.prototype.copy = function (this: Buffer, ...args: Parameters<typeof copy>): number {
    const count = copy.apply(this, args)
    copied += count
    return count
  }
  try {
    for (let at = 0; at < bytes.length; at += 64) reader.feed(bytes.subarray(at, at + 64))
  } finally {
    Buffer.prototype.copy = copy
  }
  assert.equal(sink.frames.length, 1)
  assert.ok(copied < 4 * bytes.length, `${copied} bytes copied`)
})

test('noise gives frames or a ConnectionError, never anything else', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(anyFrame, fc.nat(), fc.nat(255)).map(([whole, at, octet]) => {
      const bytes = encode(whole)
      bytes[at % bytes.length] = octet
      return bytes
    }),
  )
  fc.assert(
    fc.property(fc.array(noise), fc.array(fc.nat()), (parts, cuts) => {
      try {
        feedCut(new FrameReader(new Collector(), 8192), Buffer.concat(parts), cuts)
      } catch (error) {
        assert.ok(error instanceof ConnectionError)
      }
    }),
  )
})
