/**
 * Unsigned 64-bit integers as numbers: two 32-bit halves, big-endian, without BigInt.
 *
 * Numbers are exact below 2⁵³. What we write always is; what a peer sends may be larger and then comes out rounded,
 * so a reader who needs the exact value asks `Number.isSafeInteger`.
 */

const HIGH = 0x1_0000_0000

/** Reads eight bytes. Exact below 2⁵³, the nearest number above. The caller has checked the bounds. */
export function readU64(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at) * HIGH + readU32(bytes, at + 4)
}

/** Writes eight bytes. Throws RangeError unless `value` is an integer from 0 to 2⁵³ - 1. */
export function writeU64(bytes: Uint8Array, value: number, at: number): void {
  if ((value | 0) === value && value >= 0) {
    writeU32(bytes, 0, at)
    writeU32(bytes, value, at + 4)
    return
  }
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not an integer from 0 to 2^53 - 1`)
  writeU32(bytes, Math.floor(value / HIGH), at)
  writeU32(bytes, value >>> 0, at + 4)
}

/** Writes eight bytes. Throws RangeError unless `value` is an integer from 0 to 2⁵³ - 1. */
export function setU64(data: DataView, value: number, at: number): void {
  if ((value | 0) === value && value >= 0) {
    data.setInt32(at, 0)
    data.setInt32(at + 4, value)
    return
  }
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not an integer from 0 to 2^53 - 1`)
  data.setUint32(at, Math.floor(value / HIGH))
  data.setUint32(at + 4, value >>> 0)
}

/** Reads four bytes. The caller has checked the bounds. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** Writes the low 32 bits of `value`. The caller has reserved the space. */
export function writeU32(bytes: Uint8Array, value: number, at: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
