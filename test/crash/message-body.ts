/** Bodies of the crash tests' messages: an id, a length, a checksum, and bytes that follow from the id. */
import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import type { SeededRandomness } from '../../src/base/random.ts'

/** Of the id, the length and the checksum. */
export const BODY_BYTES_MIN = 16

/** A length as applications have them: mostly small, at times large, once in a while many frames. */
export function randomLength(random: SeededRandomness): number {
  const kind = random.below(500)
  if (kind === 0) return BODY_BYTES_MIN + random.below(300_000)
  return BODY_BYTES_MIN + random.below(kind < 10 ? 20_000 : 400)
}

/** The body of a message. */
export function bodyOf(id: number, bytes: number): Buffer {
  const body = Buffer.allocUnsafe(bytes).fill(id % 251)
  body.writeDoubleLE(id, 0)
  body.writeUInt32LE(bytes, 8)
  body.writeUInt32LE(0, 12)
  body.writeUInt32LE(crc32(body), 12)
  return body
}

/** The id that a body carries. Throws when a byte of it is not what was published. */
export function idOf(body: Buffer): number {
  const sum = body.readUInt32LE(12)
  assert.equal(body.readUInt32LE(8), body.length, 'a body is cut')
  body.writeUInt32LE(0, 12)
  assert.equal(crc32(body), sum, 'a body is not what was published')
  return body.readDoubleLE(0)
}
