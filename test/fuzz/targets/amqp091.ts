// AMQP 0-9-1 frames: the reader, the interpreter of methods, the readers by hand, content headers and properties.
// Held: the chunks do not matter; readers by hand agree with the interpreter; what decodes encodes to the same again.
import type { Randomness } from '../../../src/base/random.ts'
import {
  AckFields,
  ContentHeaderFields,
  DeliverFields,
  decodeMethod,
  encodeMethod,
  GetOkFields,
  type MethodArguments,
  PublishFields,
  readMethodId,
} from '../../../src/protocols/amqp091/codec.ts'
import { ConnectionError } from '../../../src/protocols/amqp091/errors.ts'
import { FrameReader, type FrameSink } from '../../../src/protocols/amqp091/frame-reader.ts'
import { decodeProperties, encodeProperties, PropertyScan } from '../../../src/protocols/amqp091/properties.ts'
import {
  BASIC_ACK,
  BASIC_DELIVER,
  BASIC_GET_OK,
  BASIC_PUBLISH,
  FRAME_HEADER,
  FRAME_METHOD,
  isMethodId,
  METHODS,
  type MethodId,
} from '../../../src/protocols/amqp091/spec.ts'
import { type FuzzTarget, hashOf, holds, inChunks, outcomeOf, refusalOf, words } from '../fuzz-target.ts'
import { frame, frames, method } from './amqp091-grammar.ts'

const FRAME_BYTES_MAX = 2_048

/** The frames of a stream as a number, so that two ways of cutting it can be compared. */
class Trace implements FrameSink {
  readonly #isLooking: boolean
  hash = 0
  count = 0
  outcome = ''

  /** `isLooking`: decode what comes. */
  constructor(isLooking: boolean) {
    this.#isLooking = isLooking
  }

  onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): void {
    this.count++
    this.hash = hashOf(bytes, start, end, this.hash ^ (type * 65_536 + channel))
    if (!this.#isLooking) return
    if (type === FRAME_METHOD) this.outcome = lookAtMethod(bytes, start, end)
    else if (type === FRAME_HEADER) this.outcome = lookAtHeader(bytes, start, end)
  }
}

function feedAll(input: Buffer, trace: Trace, chunked: boolean): ConnectionError | undefined {
  const reader = new FrameReader(trace, FRAME_BYTES_MAX)
  return refusalOf(ConnectionError, () => {
    if (chunked) inChunks(input, (chunk) => void reader.feed(chunk))
    else reader.feed(input)
  })
}

function check(input: Buffer): string {
  const whole = new Trace(true)
  const wholeError = feedAll(input, whole, false)
  const cut = new Trace(false)
  const cutError = feedAll(input, cut, true)
  holds(whole.count === cut.count && whole.hash === cut.hash, 'other frames in chunks')
  // The text shows octets of the frame, of which a chunk may hold fewer.
  holds(wholeError?.replyCode === cutError?.replyCode, `in chunks: ${cutError?.message}, not ${wholeError?.message}`)
  return `${whole.count} ${whole.outcome} ${wholeError === undefined ? '' : outcomeOf(wholeError)}`
}

/** Decodes a method in both ways, and back. Returns what happened. */
function lookAtMethod(bytes: Buffer, start: number, end: number): string {
  const id = readMethodId(bytes, start)
  if (!isMethodId(id)) return 'unknown method'
  let args: MethodArguments<MethodId> | undefined
  const error = refusalOf(ConnectionError, () => {
    args = decodeMethod(id, bytes, start, end)
  })
  byHand(id, bytes, start, end, args)
  if (error !== undefined) return `${id} ${outcomeOf(error)}`
  if (!isExact(args!)) return `${id} inexact`
  const encoded = encodeAny(id, args!)
  const again = decodeMethod(id, encoded, 7, encoded.length - 1)
  holds(encodeAny(id, again).equals(encoded), 'decode(encode(x)) is not x')
  return `${id}`
}

function encodeAny(id: MethodId, args: MethodArguments<MethodId>): Buffer {
  // The arguments came from this method's own decoder.
  return encodeMethod(id as typeof BASIC_ACK, 1, args as MethodArguments<typeof BASIC_ACK>)
}

/** Whether no number is beyond what is exact. */
function isExact(args: object): boolean {
  return Object.values(args).every((value) => typeof value !== 'number' || Number.isSafeInteger(value))
}

const PUBLISH = new PublishFields()
const DELIVER = new DeliverFields()
const GET_OK = new GetOkFields()
const ACK = new AckFields()

/** The readers that allocate nothing take what the interpreter takes, except that texts are looked at later. */
function byHand(id: number, bytes: Buffer, start: number, end: number, args: object | undefined): void {
  const reader =
    id === BASIC_PUBLISH
      ? PUBLISH
      : id === BASIC_DELIVER
        ? DELIVER
        : id === BASIC_GET_OK
          ? GET_OK
          : id === BASIC_ACK
            ? ACK
            : null
  if (reader === null) return
  const error = refusalOf(ConnectionError, () => reader.read(bytes, start, end))
  if (args === undefined) return
  holds(error === undefined, `refused by hand alone: ${error?.message}`)
  for (const name of ['deliveryTag', 'multiple', 'redelivered', 'mandatory', 'immediate', 'messageCount'] as const) {
    const [mine, theirs] = [Reflect.get(reader, name), Reflect.get(args, name)]
    holds(theirs === undefined || Object.is(mine, theirs), `${name} by hand is ${mine}, not ${theirs}`)
  }
}

const HEADER = new ContentHeaderFields()
const SCAN = new PropertyScan()

function lookAtHeader(bytes: Buffer, start: number, end: number): string {
  const error = refusalOf(ConnectionError, () => HEADER.read(bytes, start, end))
  if (error !== undefined) return outcomeOf(error)
  const { propertiesStart, propertiesEnd } = HEADER
  const scanError = refusalOf(ConnectionError, () => SCAN.scan(bytes, propertiesStart, propertiesEnd))
  let properties: ReturnType<typeof decodeProperties> | undefined
  const decodeError = refusalOf(ConnectionError, () => {
    properties = decodeProperties(bytes, propertiesStart, propertiesEnd)
  })
  holds(
    (scanError === undefined) === (decodeError === undefined),
    `scan: ${scanError?.message}, decoder: ${decodeError?.message}`,
  )
  if (properties === undefined) return `properties ${decodeError === undefined ? '' : outcomeOf(decodeError)}`
  holds(SCAN.text(SCAN.correlationIdAt) === properties.correlationId, 'another correlation id')
  holds(SCAN.text(SCAN.clusterIdAt) === properties.clusterId, 'another cluster id')
  holds(SCAN.timestamp() === properties.timestamp, 'another timestamp')
  if (properties.timestamp !== undefined && !Number.isSafeInteger(properties.timestamp)) return 'inexact'
  const encoded = encodeProperties(properties)
  const again = encodeProperties(decodeProperties(encoded, 0, encoded.length))
  holds(again.equals(encoded), 'decode(encode(x)) is not x')
  return `properties ${SCAN.flags}`
}

/** The target. */
export function amqp091Target(random: Randomness): FuzzTarget {
  const publish = METHODS.find(({ id }) => id === BASIC_PUBLISH)!
  return {
    name: 'amqp091',
    seeds: [
      ...METHODS.map((row) => frame(1, 1, method(random, row))),
      ...Array.from({ length: 20 }, () => frames(random)),
      Buffer.concat([frame(1, 1, method(random, publish)), frame(3, 1, Buffer.from('body'))]),
      frame(8, 0, Buffer.alloc(0)),
    ],
    dictionary: [
      ...words(
        'AMQP\0\0\x09\x01',
        '\xce',
        '\x01aF\0\0\0\0',
        '\x01aA\0\0\0\0',
        '\x01aS\0\0\0\0',
        '\0\x3c\0\0',
        '\xed\xa0\x80',
      ),
      ...METHODS.map(({ id }) => Buffer.from([id >>> 24, id >>> 16, id >>> 8, id])),
    ],
    generate: frames,
    check,
  }
}
