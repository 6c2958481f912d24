/**
 * Publishes encoded once and sent many times: a batch is one buffer of equal messages in which only the time stamps
 * change. A producer rotates a few batches, because the socket reads from a batch until it has written it.
 */
import {
  bodyFramesBytes,
  CONTENT_HEADER_FIXED_BYTES,
  encodeShortstr,
  PUBLISH_FIXED_BYTES,
  writeBodyFrames,
  writeContentHeader,
  writePublish,
} from '../../protocols/amqp091/codec.ts'
import { encodeProperties } from '../../protocols/amqp091/properties.ts'
import { FRAME_HEAD_BYTES } from '../../protocols/amqp091/spec.ts'

/** A body begins with the time at which it was due, in microseconds, as a double. Shorter bodies carry none. */
export const STAMP_BYTES = 8
const FILLER = 0x78

export interface PublishShape {
  readonly channel: number
  readonly exchange: string
  readonly routingKey: string
  readonly persistent: boolean
  readonly mandatory: boolean
  readonly bodyBytes: number
  readonly frameBytesMax: number
}

/** Equal messages, back to back. */
export class PublishBatch {
  readonly count: number
  readonly #bytes: Buffer
  readonly #strideBytes: number
  readonly #stampAt: number
  readonly #stamp = Buffer.alloc(STAMP_BYTES)
  /** Whether a socket still reads from the bytes. */
  busy = false

  constructor(shape: PublishShape, count: number) {
    const one = encodePublish(shape)
    this.count = count
    this.#strideBytes = one.bytes.length
    this.#stampAt = one.stampAt
    this.#bytes = Buffer.alloc(one.bytes.length * count)
    for (let i = 0; i < count; i++) one.bytes.copy(this.#bytes, i * one.bytes.length)
  }

  /** Says when message `index` was due. */
  stamp(index: number, dueUs: number): void {
    if (this.#stampAt < 0) return
    this.#stamp.writeDoubleLE(dueUs)
    const at = index * this.#strideBytes + this.#stampAt
    for (let i = 0; i < STAMP_BYTES; i++) this.#bytes[at + i] = this.#stamp[i]!
  }

  /** The bytes of the first `count` messages. Borrowed from the batch. */
  first(count: number): Buffer {
    return this.#bytes.subarray(0, count * this.#strideBytes)
  }
}

function encodePublish(shape: PublishShape): { bytes: Buffer; stampAt: number } {
  const routing = Buffer.concat([encodeShortstr(shape.exchange), encodeShortstr(shape.routingKey)])
  const properties = encodeProperties(shape.persistent ? { deliveryMode: 2 } : {})
  const body = Buffer.alloc(shape.bodyBytes, FILLER)
  const headBytes = PUBLISH_FIXED_BYTES + routing.length + CONTENT_HEADER_FIXED_BYTES + properties.length
  const bytes = Buffer.alloc(headBytes + bodyFramesBytes(body.length, shape.frameBytesMax))
  const { channel } = shape
  let at = writePublish(bytes, 0, channel, routing, shape.mandatory)
  at = writeContentHeader(bytes, at, channel, body.length, properties, 0, properties.length)
  writeBodyFrames(bytes, at, channel, shape.frameBytesMax, body, 0, body.length)
  return { bytes, stampAt: body.length >= STAMP_BYTES ? at + FRAME_HEAD_BYTES : -1 }
}
