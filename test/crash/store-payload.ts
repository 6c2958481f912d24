/**
 * Messages of the crash tests: a number, a length, and bytes that follow from both.
 */

/** Small blocks: rolls, snapshots and compaction happen within a second. */
export const BLOCK_BYTES = 65_536
export const RESIDENT_BYTES = 16 * BLOCK_BYTES
export const LEDGER_IDS: readonly number[] = [1, 2, 3]

/** Writes a message of `bytes` bytes, at least 16. */
export function fillPayload(buffer: Buffer, words: Uint32Array, at: number, number: number, bytes: number): void {
  words[at >>> 2] = number
  words[(at >>> 2) + 1] = bytes
  buffer.fill(number % 251, at + 8, at + bytes)
}

/** Weight of a message. */
export function weighPayload(_bytes: Buffer, words: Uint32Array, at: number): number {
  return words[(at >>> 2) + 1]!
}

/** Reads a message back; -1 as number when its bytes are not what was written. */
export class PayloadView {
  number = 0

  at(bytes: Buffer, words: Uint32Array, at: number): void {
    this.number = words[at >>> 2]!
    const end = at + words[(at >>> 2) + 1]!
    for (let i = at + 8; i < end; i++) if (bytes[i] !== this.number % 251) this.number = -1
  }
}
