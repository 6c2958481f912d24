// Publishes that arrive together are taken as runs (src/protocols/amqp091/publish-run.ts). What comes of them must be what
// comes of the same frames one by one: deliveries, returns, confirms and closes, byte by byte.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type EmbeddedBroker, startBroker } from '../../src/library.ts'
import {
  encodeMethod,
  type MethodArguments,
  readMethodId,
  writeBodyFrames,
  writeContentHeader,
  writePublish,
} from '../../src/protocols/amqp091/codec.ts'
import { FrameReader } from '../../src/protocols/amqp091/frame-reader.ts'
import { type BasicProperties, encodeProperties } from '../../src/protocols/amqp091/properties.ts'
import * as spec from '../../src/protocols/amqp091/spec.ts'

const FRAME_BYTES_MAX = 8192
const BODY_BYTES_MAX = 12_000
const CONFIRMED = 1
const PLAIN = 2
/** Consumes queue `a`, and queue `b`. */
const CONSUMERS = [3, 4] as const
const OTHER = 5
/** Has no consumer; when it is deleted, the answer counts what came before. */
const UNREAD = 'c'
const END = 'end of the script'

const PROPERTIES: readonly BasicProperties[] = [
  {},
  { deliveryMode: 2 },
  { contentType: 'text/plain', expiration: '600000', priority: 3 },
  { headers: new Map([['CC', { type: 'array', value: [{ type: 'longstr', value: Buffer.from('b') }] }]]) },
  { userId: 'guest', messageId: 'm' },
]
const MALFORMED: BasicProperties = { expiration: 'soon' }

interface Publish {
  readonly channel: number
  readonly key: string
  readonly mandatory: boolean
  readonly properties: BasicProperties
  readonly bodyBytes: number
}

/** The frames of one step of a script. */
type Step = readonly Buffer[]

let broker: EmbeddedBroker

before(async () => {
  broker = await startBroker({ ports: false, settings: { max_message_size: BODY_BYTES_MAX } })
})

after(() => broker.stop())

const open: Step = [
  Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]),
  encodeMethod(spec.CONNECTION_START_OK, 0, {
    clientProperties: new Map(),
    mechanism: 'PLAIN',
    response: '\0guest\0guest',
    locale: 'en_US',
  }),
  encodeMethod(spec.CONNECTION_TUNE_OK, 0, { channelMax: 100, frameMax: FRAME_BYTES_MAX, heartbeat: 0 }),
  encodeMethod(spec.CONNECTION_OPEN, 0, { virtualHost: '/' }),
]

const QUEUE = {
  passive: false,
  durable: false,
  exclusive: true,
  autoDelete: false,
  noWait: false,
  arguments: new Map(),
}
const CONSUMER = { noLocal: false, noAck: true, exclusive: false, noWait: false, arguments: new Map() }

function consumed(channel: number, queue: string): Step {
  return [
    encodeMethod(spec.CHANNEL_OPEN, channel),
    encodeMethod(spec.QUEUE_DECLARE, channel, { queue, ...QUEUE }),
    encodeMethod(spec.BASIC_CONSUME, channel, { queue, consumerTag: queue, ...CONSUMER }),
  ]
}

const setUp: Step = [
  ...consumed(CONSUMERS[0], 'a'),
  ...consumed(CONSUMERS[1], 'b'),
  ...[CONFIRMED, PLAIN, OTHER].map((channel) => encodeMethod(spec.CHANNEL_OPEN, channel)),
  encodeMethod(spec.CONFIRM_SELECT, CONFIRMED, { noWait: false }),
  encodeMethod(spec.QUEUE_DECLARE, OTHER, { queue: UNREAD, ...QUEUE }),
]

function publish({ channel, key, mandatory, properties, bodyBytes }: Publish, number: number): Step {
  const routing = Buffer.from(`\0${String.fromCharCode(key.length)}${key}`, 'latin1')
  const list = encodeProperties(properties)
  const body = Buffer.from(`${number} `.padEnd(bodyBytes, String(number % 10)).slice(0, bodyBytes))
  const bytes = Buffer.alloc(300 + list.length + body.length)
  const headerAt = writePublish(bytes, 0, channel, routing, mandatory)
  const bodyAt = writeContentHeader(bytes, headerAt, channel, body.length, list, 0, list.length)
  const end = writeBodyFrames(bytes, bodyAt, channel, FRAME_BYTES_MAX, body, 0, body.length)
  const frames = [bytes.subarray(0, headerAt), bytes.subarray(headerAt, bodyAt)]
  for (let at = bodyAt; at < end; ) {
    const next = at + bytes.readUInt32BE(at + 3) + 8
    frames.push(bytes.subarray(at, next))
    at = next
  }
  return frames
}

const last: Step = ['a', 'b'].flatMap((key) => {
  const routing = Buffer.from(`\0\x01${key}`, 'latin1')
  const bytes = Buffer.alloc(200)
  const headerAt = writePublish(bytes, 0, OTHER, routing, false)
  const bodyAt = writeContentHeader(bytes, headerAt, OTHER, END.length, encodeProperties({}), 0, 2)
  return [bytes.subarray(0, writeBodyFrames(bytes, bodyAt, OTHER, FRAME_BYTES_MAX, Buffer.from(END), 0, END.length))]
})

const closeArguments: MethodArguments<typeof spec.CONNECTION_CLOSE> = {
  replyCode: 200,
  replyText: '',
  classId: 0,
  methodId: 0,
}

const CLOSED = `1 ${encodeMethod(spec.CONNECTION_CLOSE_OK, 0).toString('latin1', 7, 11)}`

/** Plays a script, written in these pieces; returns what came back, by channel, and how many publishes were confirmed. */
async function play(pieces: readonly Buffer[]): Promise<{ said: string[][]; confirmed: number }> {
  const stream = broker.connect()
  const said: string[][] = []
  let confirmed = 0
  let endCount = 0
  let isClosed = false
  let wake: () => void = () => undefined
  const reader = new FrameReader(
    {
      onFrame: (type, channel, bytes, start, end) => {
        const id = type === spec.FRAME_METHOD ? readMethodId(bytes, start) : 0
        if (id === spec.CONNECTION_CLOSE || id === spec.CONNECTION_CLOSE_OK) isClosed = true
        // Several may be confirmed at once, as it happens.
        if (id === spec.BASIC_ACK) confirmed = Number(bytes.readBigUInt64BE(start + 4))
        else if (id !== spec.CONNECTION_START) {
          said[channel] ??= []
          said[channel].push(`${type} ${bytes.toString('latin1', start, end)}`)
        }
        if (type === spec.FRAME_BODY && bytes.toString('latin1', start, end) === END) endCount++
      },
    },
    0,
  )
  stream.on('data', (chunk: Buffer) => {
    reader.feed(chunk)
    wake()
  })
  const until = async (what: () => boolean): Promise<void> => {
    while (!what() && !isClosed) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  for (const piece of pieces) {
    stream.write(piece)
    await new Promise(setImmediate)
  }
  await until(() => endCount === 2)
  if (!isClosed) stream.write(encodeMethod(spec.CONNECTION_CLOSE, 0, closeArguments))
  await until(() => false)
  stream.destroy()
  return { said, confirmed }
}

const steps = fc
  .record({
    channel: fc.constantFrom(CONFIRMED, CONFIRMED, PLAIN),
    key: fc.constantFrom('a', 'a', 'b', UNREAD, 'nowhere'),
    mandatory: fc.boolean(),
    properties: fc.constantFrom(...PROPERTIES),
    bodyBytes: fc.oneof(fc.nat(40), fc.constantFrom(0, 90, 97, 2_048, 2_049, FRAME_BYTES_MAX - 8, BODY_BYTES_MAX)),
    repeated: fc.nat(4),
  })
  .map(({ repeated, ...one }) =>
    Array.from({ length: repeated + 1 }, (_, i) => ({ ...one, bodyBytes: one.bodyBytes + i })),
  )

/** What stands between publishes, and ends a run. */
const between: Step[] = [
  [Buffer.from([spec.FRAME_HEARTBEAT, 0, 0, 0, 0, 0, 0, spec.FRAME_END])],
  [encodeMethod(spec.QUEUE_DELETE, OTHER, { queue: UNREAD, ifUnused: false, ifEmpty: false, noWait: false })],
  [encodeMethod(spec.BASIC_QOS, OTHER, { prefetchSize: 0, prefetchCount: 1, global: false })],
]

test('publishes that arrive together come to the same as frame by frame', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 1, maxLength: 8 }),
      fc.array(fc.record({ at: fc.nat(30), step: fc.constantFrom(...between) }), { maxLength: 1 }),
      fc.constantFrom<Publish | null>(
        null,
        { channel: PLAIN, key: 'a', mandatory: false, properties: MALFORMED, bodyBytes: 5 },
        { channel: PLAIN, key: 'a', mandatory: false, properties: {}, bodyBytes: BODY_BYTES_MAX + 1 },
      ),
      fc.array(fc.nat(20_000), { maxLength: 3 }),
      async (groups, interruptions, refused, cuts) => {
        // A refused publish closes its channel: it comes last, so that both ways end at the same point.
        const publishes = [
          ...groups.flat().filter(({ bodyBytes }) => bodyBytes <= BODY_BYTES_MAX),
          ...(refused === null ? [] : [refused]),
        ]
        const script = publishes.map(publish)
        for (const { at, step } of interruptions) script.splice(at % (script.length + 1), 0, step)
        const frames = [...script.flat(), ...last]
        const opening = Buffer.concat([...open, ...setUp])
        const stream = Buffer.concat(frames)
        const at = [0, ...cuts.map((cut) => cut % stream.length), stream.length].sort((one, other) => one - other)
        const pieces = at.slice(1).map((end, i) => stream.subarray(at[i], end))
        const oneByOne = await play([opening, ...frames])
        const together = await play([opening, ...pieces.filter(({ length }) => length > 0)])
        assert.deepEqual(together, oneByOne)
        assert.equal(together.said[0]?.at(-1), CLOSED)
        assert.equal(together.confirmed, publishes.filter(({ channel }) => channel === CONFIRMED).length)
      },
    ),
    { numRuns: 100 },
  )
})
