import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Frame, HEADER_COUNT_MAX } from './codec.ts'
import { StompError } from './errors.ts'
import { headerLine } from './escapes.ts'
import { FrameReader } from './frame-reader.ts'
import { COMMAND_NAMES, VERSION_10, VERSION_11, VERSION_12, type Version } from './spec.ts'

interface Seen {
  readonly command: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

const FRAME_BYTES_MAX = 100_000

function seenOf(frame: Frame): Seen {
  return {
    command: frame.commandText(),
    headers: Array.from({ length: frame.headerCount }, (_, i) => [frame.nameText(i), frame.valueText(i)] as const),
    body: frame.bytes.toString('latin1', frame.bodyStart, frame.bodyEnd),
  }
}

function readAll(chunks: readonly Buffer[], version: Version = VERSION_12): Seen[] {
  const frames: Seen[] = []
  const reader = new FrameReader({ onFrame: (frame) => frames.push(seenOf(frame)) }, new Frame(), FRAME_BYTES_MAX)
  reader.version = version
  reader.trims = version === VERSION_10
  for (const chunk of chunks) reader.feed(chunk)
  return frames
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((at) => at % (bytes.length + 1)))].sort((a, b) => a - b)
  const chunks: Buffer[] = []
  let from = 0
  for (const at of [...places, bytes.length]) {
    chunks.push(Buffer.from(bytes.subarray(from, at)))
    from = at
  }
  return chunks
}

const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((each) => !each.includes('\u0000'))
const headers = fc.array(fc.tuple(text, text), { maxLength: 5 })
const frames = fc.array(
  fc.record({
    command: fc.constantFrom(...COMMAND_NAMES.slice(1)),
    headers,
    body: fc.uint8Array({ maxLength: 40 }),
    hasLength: fc.boolean(),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    filler: fc.constantFrom('', '\n', '\r\n\n'),
  }),
  { maxLength: 6 },
)

test('any cut of a stream gives the frames that were written', () => {
  fc.assert(
    fc.property(
      frames,
      fc.constantFrom(VERSION_11, VERSION_12),
      fc.array(fc.nat(), { maxLength: 12 }),
      (sketches, version, cuts) => {
        const expected: Seen[] = []
        const parts: Buffer[] = []
        for (const { command, headers, body, hasLength, lineEnd, filler } of sketches) {
          const usable = version === VERSION_12 ? headers : headers.filter((pair) => !pair.join('').includes('\r'))
          const kept = hasLength ? body : body.filter((byte) => byte !== 0)
          const all = hasLength ? [...usable, ['content-length', String(kept.length)] as const] : usable
          const named = all.filter(([name], i) => i === all.length - 1 || name !== 'content-length')
          const lines = named.map(([name, value]) => headerLine(name, value, version).replace(/\n$/, lineEnd)).join('')
          parts.push(
            Buffer.from(`${filler}${command}${lineEnd}${lines}${lineEnd}`),
            Buffer.from(kept),
            Buffer.from([0]),
          )
          expected.push({ command, headers: named, body: Buffer.from(kept).toString('latin1') })
        }
        assert.deepEqual(readAll(cut(Buffer.concat(parts), cuts), version), expected)
      },
    ),
  )
})

test('bytes at random give frames or a StompError, the same for any cut', () => {
  const fragment = fc.constantFrom(
    'SEND\n',
    'a:b\n',
    '\n',
    '\u0000',
    'content-length:3\n',
    ':',
    '\\',
    '\r',
    'x',
    'content-length:-1\n',
  )
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fragment, { maxLength: 20 }).map((each) => Buffer.from(each.join(''))),
  )
  const outcome = (chunks: readonly Buffer[]): unknown => {
    const seen: Seen[] = []
    const reader = new FrameReader({ onFrame: (frame) => seen.push(seenOf(frame)) }, new Frame(), FRAME_BYTES_MAX)
    reader.version = VERSION_12
    try {
      for (const chunk of chunks) reader.feed(chunk)
      return { seen }
    } catch (error) {
      assert.ok(error instanceof StompError, String(error))
      return { seen, error: error.detail }
    }
  }
  fc.assert(
    fc.property(noise, fc.array(fc.nat(), { maxLength: 8 }), (bytes, cuts) => {
      const whole = outcome([Buffer.from(bytes)])
      assert.deepEqual(outcome(cut(Buffer.from(bytes), cuts)), whole)
    }),
    { numRuns: 500 },
  )
})

test('a held reader hands out nothing, and the frame at hand again when asked', () => {
  const seen: string[] = []
  const reader: FrameReader = new FrameReader(
    {
      onFrame: (frame) => {
        seen.push(frame.text(3) ?? '')
        if (seen.length === 2) reader.hold(true)
        if (seen.length === 4) reader.hold(false)
      },
    },
    new Frame(),
    FRAME_BYTES_MAX,
  )
  const frame = (receipt: string): string => `BEGIN\nreceipt:${receipt}\n\n\u0000`
  reader.feed(Buffer.from(frame('1') + frame('2') + frame('3')))
  reader.feed(Buffer.from(frame('4')))
  assert.deepEqual(seen, ['1', '2'])
  reader.release()
  assert.deepEqual(seen, ['1', '2', '2', '3'])
  reader.release()
  assert.deepEqual(seen, ['1', '2', '2', '3', '4'])
})

test('limits: a frame, its headers, its command', () => {
  const refusal = (bytes: string, version: Version = VERSION_12): string | undefined => {
    try {
      readAll([Buffer.from(bytes)], version)
      return undefined
    } catch (error) {
      assert.ok(error instanceof StompError)
      return `${error.message}: ${error.detail.trim()}`
    }
  }
  const tooLarge = `Frame too large: The frame is longer than the limit of ${FRAME_BYTES_MAX} bytes`
  assert.equal(refusal(`SEND\ncontent-length:${FRAME_BYTES_MAX}\n\n`), tooLarge, 'before the body is there')
  assert.equal(refusal(`SEND\n\n${'x'.repeat(FRAME_BYTES_MAX)}`), tooLarge)
  assert.equal(refusal(`SEND\na:${'x'.repeat(FRAME_BYTES_MAX)}`), tooLarge)
  const fits = FRAME_BYTES_MAX - 'SEND\n\n\u0000'.length
  assert.equal(refusal(`SEND\n\n${'x'.repeat(fits)}\u0000`), undefined, 'the longest')
  assert.equal(refusal(`SEND\n\n${'x'.repeat(fits + 1)}\u0000`), tooLarge, 'one byte longer')
  assert.equal(refusal(`SEND\n${'a:b\n'.repeat(HEADER_COUNT_MAX)}\n\u0000`), undefined)
  assert.match(refusal(`SEND\n${'a:b\n'.repeat(HEADER_COUNT_MAX + 1)}\n\u0000`) ?? '', /more than 1000 headers/)
  assert.match(refusal('x'.repeat(40)) ?? '', /command is too long/)
  assert.match(refusal('SEND\na:b\rc\n\n\u0000') ?? '', /carriage return/)
  assert.equal(refusal('SEND\na:b\rc\n\n\u0000', VERSION_11), undefined)
})

test('version 1.0 trims values at the left and knows no escapes', () => {
  const [frame] = readAll([Buffer.from('SEND\na:  b\\c \n\n\u0000')], VERSION_10)
  assert.deepEqual(frame?.headers, [['a', 'b\\c ']])
  const [later] = readAll([Buffer.from('SEND\na:  b\\c \n\n\u0000')], VERSION_11)
  assert.deepEqual(later?.headers, [['a', '  b: ']])
})
