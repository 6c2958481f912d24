// STOMP 1.0, 1.1 and 1.2: the first byte of an input chooses the version and its rules, the rest is what a client sends.
// Held: the chunks do not matter; headers written again read as the same.
import type { Randomness } from '../../../src/base/random.ts'
import { Frame } from '../../../src/protocols/stomp/codec.ts'
import { StompError } from '../../../src/protocols/stomp/errors.ts'
import { headerLine } from '../../../src/protocols/stomp/escapes.ts'
import { FrameReader, type FrameSink } from '../../../src/protocols/stomp/frame-reader.ts'
import {
  COMMAND_NAMES,
  HEADER_NAMES,
  VERSION_10,
  VERSION_11,
  VERSION_12,
  type Version,
} from '../../../src/protocols/stomp/spec.ts'
import { type FuzzTarget, hashOf, holds, inChunks, outcomeOf, pick, refusalOf, words } from '../fuzz-target.ts'

const FRAME_BYTES_MAX = 3_000
const VERSIONS: readonly Version[] = [VERSION_10, VERSION_11, VERSION_12]
const END = Buffer.from('\n\n\0')
const SHARED_FRAME = new Frame()
const AGAIN_FRAME = new Frame()

class Trace implements FrameSink {
  readonly #isLooking: boolean
  hash = 0
  count = 0
  outcome = ''

  constructor(isLooking: boolean) {
    this.#isLooking = isLooking
  }

  onFrame(frame: Frame): void {
    this.count++
    const { bytes, start, end } = frame
    this.hash = hashOf(bytes, start, end, this.hash ^ frame.command)
    if (!this.#isLooking) return
    holds(frame.bodyStart <= frame.bodyEnd && frame.bodyEnd < end && start <= frame.commandEnd, 'ranges out of order')
    let headers = new Map<string, string>()
    const error = refusalOf(StompError, () => {
      headers = frame.headers()
    })
    this.outcome = `${frame.command} ${error === undefined ? headers.size : outcomeOf(error)}`
    if (error === undefined && frame.version !== VERSION_10) writtenAgain(frame, headers)
  }
}

/** Writes the frame as its version would, reads that, and compares. */
function writtenAgain(frame: Frame, headers: ReadonlyMap<string, string>): void {
  const { version } = frame
  // A carriage return has no escape in 1.1.
  if (version === VERSION_11 && [...headers].some(([name, value]) => `${name}${value}`.includes('\r'))) return
  const body = Buffer.from(frame.bytes.subarray(frame.bodyStart, frame.bodyEnd))
  const lines = [...headers].filter(([name]) => name !== 'content-length')
  const head = lines.map(([name, value]) => headerLine(name, value, version)).join('')
  const text = Buffer.concat([Buffer.from(`SEND\n${head}content-length:${body.length}\n\n`), body, Buffer.from([0])])
  let seen = 0
  const rules = new FrameReader(
    {
      onFrame: (again) => {
        seen++
        const read = again.headers()
        read.delete('content-length')
        for (const [name, value] of lines)
          holds(read.get(name) === value, `the header ${JSON.stringify(name)} is another`)
        holds(read.size === lines.length, 'other headers')
        holds(again.bytes.subarray(again.bodyStart, again.bodyEnd).equals(body), 'another body')
      },
    },
    AGAIN_FRAME,
    4 * FRAME_BYTES_MAX,
  )
  rules.version = version
  rules.feed(text)
  holds(seen === 1, `${seen} frames from one`)
}

function feedAll(input: Buffer, choice: number, trace: Trace, chunked: boolean): StompError | undefined {
  const reader = new FrameReader(trace, SHARED_FRAME, FRAME_BYTES_MAX)
  reader.version = VERSIONS[choice % 3]!
  reader.trims = choice % 3 === 0 && (choice & 0x40) !== 0
  return refusalOf(StompError, () => {
    if (chunked) inChunks(input, (chunk) => reader.feed(chunk))
    else reader.feed(input)
  })
}

function check(input: Buffer): string {
  const choice = input[0] ?? 0
  // An end for what has none: a fault in a line may be met when the line ends.
  const bytes = Buffer.concat([input.subarray(1), END])
  const whole = new Trace(true)
  const wholeError = feedAll(bytes, choice, whole, false)
  const cut = new Trace(false)
  const cutError = feedAll(bytes, choice, cut, true)
  holds(whole.count === cut.count && whole.hash === cut.hash, 'other frames in chunks')
  // Which of two faults is met first depends on what is there.
  holds(
    (wholeError === undefined) === (cutError === undefined),
    `in chunks: ${cutError?.detail}, not ${wholeError?.detail}`,
  )
  const named = wholeError === undefined ? '' : outcomeOf(new Error(wholeError.detail))
  return `${choice % 3} ${whole.count} ${whole.outcome} ${named}`
}

const VALUES = [
  '/queue/a',
  '0',
  '5',
  '1.0,1.1,1.2',
  'a\\cb\\n\\\\',
  'a\\r',
  'a\\t',
  ' a ',
  'é中',
  '',
  'x:y',
  '-1',
  '99999999999999999999',
]

function stompFrame(random: Randomness): Buffer {
  const end = random.below(3) === 0 ? '\r\n' : '\n'
  const lines = Array.from(
    { length: random.below(5) },
    () => `${random.below(4) === 0 ? pick(random, VALUES) : pick(random, HEADER_NAMES)}:${pick(random, VALUES)}${end}`,
  )
  const body = random.bytes(random.below(20))
  if (random.below(2) === 0)
    lines.push(`content-length:${body.length + (random.below(5) === 0 ? random.below(5) - 2 : 0)}${end}`)
  const filler = random.below(3) === 0 ? '\n'.repeat(random.below(4)) : ''
  return Buffer.concat([
    Buffer.from(`${filler}${pick(random, COMMAND_NAMES)}${end}${lines.join('')}${end}`),
    body,
    Buffer.from([0]),
  ])
}

function stream(random: Randomness): Buffer {
  const frames = Array.from({ length: 1 + random.below(3) }, () => stompFrame(random))
  return Buffer.concat([random.bytes(1), ...frames])
}

/** The target. */
export function stompTarget(random: Randomness): FuzzTarget {
  return {
    name: 'stomp',
    seeds: [
      ...Array.from({ length: 40 }, () => stream(random)),
      Buffer.from('\x02SEND\ndestination:/queue/a\ncontent-length:3\n\nabc\0\n\nACK\nid:1\n\n\0'),
    ],
    dictionary: words(
      '\n',
      '\r\n',
      '\0',
      '\n\n',
      ':',
      '\\c',
      '\\n',
      '\\',
      'content-length:',
      'SEND\n',
      'MESSAGE\n',
      '\xed\xa0\x80',
      '\xff',
      '18446744073709551616',
    ),
    generate: stream,
    check,
  }
}
