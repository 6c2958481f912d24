import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Frame, parseFrame } from './codec.ts'
import { headerLine } from './escapes.ts'
import { VERSION_11, VERSION_12, type Version } from './spec.ts'
import { encodeStoredHeaders, FLAG_ESCAPED, readStoredHeaders, StoredHeadersWriter } from './stored-headers.ts'

function frameOf(lines: string, version: Version): Frame {
  const bytes = Buffer.from(`SEND\n${lines}\n\u0000`)
  const frame = new Frame()
  assert.ok(parseFrame(bytes, 0, bytes.length, frame, { version, trims: false, frameBytesMax: bytes.length }))
  return frame
}

function stored(frame: Frame): Buffer {
  const writer = new StoredHeadersWriter()
  writer.begin()
  for (let i = 0; i < frame.headerCount; i++) writer.copy(frame, i)
  return Buffer.from(writer.bytes.subarray(0, writer.length))
}

test('headers are read as they were sent, the first of each name', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', '\\', '\n', 'é') })
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          text.filter((name) => name !== ''),
          text,
        ),
        { maxLength: 8 },
      ),
      fc.constantFrom(VERSION_11, VERSION_12),
      (pairs, version) => {
        const frame = frameOf(pairs.map(([name, value]) => headerLine(name, value, version)).join(''), version)
        const bytes = stored(frame)
        const expected = new Map<string, string>()
        for (const [name, value] of pairs) if (!expected.has(name)) expected.set(name, value)
        assert.deepEqual(readStoredHeaders(bytes, 0, bytes.length), expected)
        assert.equal(bytes[0] === FLAG_ESCAPED, bytes.includes('\\'), 'older versions are warned of escapes')
        assert.deepEqual(
          readStoredHeaders(encodeStoredHeaders(expected), 0, encodeStoredHeaders(expected).length),
          expected,
        )
      },
    ),
  )
})

test('a plain header is copied byte by byte; a bare colon becomes canonical', () => {
  assert.equal(stored(frameOf('a: b \n', VERSION_12)).toString('latin1', 1), 'a: b \n')
  assert.equal(stored(frameOf('a:b:c\n', VERSION_12)).toString('latin1', 1), 'a:b\\cc\n')
  assert.equal(stored(frameOf(':x\n', VERSION_12)).length, 1, 'a header without a name is left out')
})
