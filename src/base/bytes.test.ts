import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, BytesEnded, ByteWriter, copyRange, copySpan, isSameRange, type Span, utf8Text } from './bytes.ts'

test('a reader gives back what a writer took, and ends where it should', () => {
  const writer = new ByteWriter()
  writer.u8(200)
  writer.u16(60_000)
  writer.u32(4_000_000_000)
  writer.u64(2 ** 53 - 1)
  writer.bytes(Buffer.from('tail'))
  writer.patchU32(7, 3)
  const reader = new ByteReader(writer.finish(), 0, writer.length)
  assert.deepEqual([reader.u8(), reader.u16(), reader.u32(), reader.u64()], [200, 60_000, 7, 2 ** 53 - 1])
  assert.equal(reader.copy(4).toString(), 'tail')
  assert.throws(() => reader.u8(), BytesEnded)
})

test('a writer grows and keeps what it has', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (parts) => {
      const writer = new ByteWriter()
      for (const part of parts) writer.bytes(part)
      assert.deepEqual(writer.finish(), Buffer.concat(parts))
    }),
  )
})

test('a reader never passes the end of its range, though the buffer goes on', () => {
  const bytes = Buffer.alloc(16, 1)
  for (const read of ['u8', 'u16', 'u32', 'u64'] as const) {
    const reader = new ByteReader(bytes, 4, 4)
    assert.throws(() => reader[read](), BytesEnded)
    assert.equal(reader.at, 4)
  }
})

test('short and long ranges are copied alike', () => {
  for (const length of [0, 1, 48, 49, 500]) {
    const from = Buffer.from(Array.from({ length: length + 2 }, (_, i) => i & 0xff))
    const to = Buffer.alloc(length + 2)
    copyRange(from, 1, 1 + length, to, 1)
    assert.deepEqual(to.subarray(1, 1 + length), from.subarray(1, 1 + length))
    assert.equal(to[1 + length], 0)
  }
})

test('text is given for UTF-8 only', () => {
  assert.equal(utf8Text(Buffer.from('xplain'), 1, 6), 'plain')
  assert.equal(utf8Text(Buffer.from('aé€😀'), 0, 10), 'aé€😀')
  assert.equal(utf8Text(Buffer.from([0x61, 0xc3, 0x28]), 0, 3), undefined)
  assert.equal(utf8Text(Buffer.from('é'), 0, 1), undefined)
})

function spanOf(bytes: Buffer): Span {
  return { bytes, data: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }
}

test('a span is copied whole, and nothing beside it is touched', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), fc.nat(9), fc.nat(9), (array, start, at) => {
      const from = spanOf(Buffer.concat([Buffer.alloc(start, 1), Buffer.from(array), Buffer.alloc(8, 2)]))
      const to = spanOf(Buffer.alloc(at + array.length + 8, 0xaa))
      copySpan(from, start, start + array.length, to, at)
      assert.deepEqual(to.bytes, Buffer.concat([Buffer.alloc(at, 0xaa), Buffer.from(array), Buffer.alloc(8, 0xaa)]))
    }),
  )
})

test('ranges are the same when each byte is', () => {
  for (let count = 4; count < 14; count++) {
    const { bytes, data } = spanOf(Buffer.alloc(2 * count + 1, 7))
    assert.ok(isSameRange(data, 0, count + 1, count))
    for (let i = 0; i < count; i++) {
      bytes[i] = 8
      assert.ok(!isSameRange(data, 0, count + 1, count), `byte ${i} of ${count}`)
      bytes[i] = 7
    }
  }
})
