import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readU32, readU64, setU64, writeU32, writeU64 } from './u64.ts'

test('a u64 is read as it was written, at any offset', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(5), (value, at) => {
      const bytes = Buffer.alloc(16, 0xaa)
      writeU64(bytes, value, at)
      assert.equal(readU64(bytes, at), value)
      const data = new DataView(new ArrayBuffer(16))
      setU64(data, value, at)
      assert.equal(data.getBigUint64(at), BigInt(value))
      assert.equal(bytes.readBigUInt64BE(at), BigInt(value))
      assert.equal(bytes[at + 8], 0xaa)
    }),
  )
})

test('a u32 is read as it was written', () => {
  for (const value of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    const bytes = Buffer.alloc(4)
    writeU32(bytes, value, 0)
    assert.equal(readU32(bytes, 0), value)
    assert.equal(bytes.readUInt32BE(0), value)
  }
})

test('a u64 from 2^53 on comes out rounded and unsafe', () => {
  const bytes = Buffer.alloc(8, 0xff)
  assert.equal(readU64(bytes, 0), 2 ** 64)
  bytes.writeBigUInt64BE(2n ** 53n)
  assert.equal(Number.isSafeInteger(readU64(bytes, 0)), false)
})

test('what is no u64 below 2^53 is not written', () => {
  for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) {
    assert.throws(() => writeU64(Buffer.alloc(8), value, 0), RangeError)
    assert.throws(() => setU64(new DataView(new ArrayBuffer(8)), value, 0), RangeError)
  }
})
