/**
 * Randomness: its one home. The system's is unpredictable; the seeded one repeats itself, for tests and simulations.
 */
import { randomFillSync } from 'node:crypto'

/** A source of random numbers. */
export interface Randomness {
  /** Fresh bytes, owned by the caller. */
  bytes(count: number): Buffer
  /** A whole number in [0, below); `below` is at most 2³². */
  below(below: number): number
}

const POOL_BYTES = 4096

/** Unpredictable: from the system, a pool at a time. */
export class SystemRandomness implements Randomness {
  readonly #pool = Buffer.alloc(POOL_BYTES)
  #used = POOL_BYTES

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count)
    if (count > POOL_BYTES) return randomFillSync(bytes)
    this.#refill(count)
    this.#pool.copy(bytes, 0, this.#used, this.#used + count)
    this.#pool.fill(0, this.#used, this.#used + count)
    this.#used += count
    return bytes
  }

  below(below: number): number {
    this.#refill(4)
    const word = this.#pool.readUInt32LE(this.#used)
    this.#used += 4
    return Math.floor((word / 2 ** 32) * below)
  }

  #refill(count: number): void {
    if (this.#used + count <= POOL_BYTES) return
    randomFillSync(this.#pool)
    this.#used = 0
  }
}

/** Repeatable: the same seed gives the same numbers (splitmix32). Not for secrets. */
export class SeededRandomness implements Randomness {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count)
    for (let i = 0; i < count; i++) bytes[i] = this.#word() & 0xff
    return bytes
  }

  below(below: number): number {
    return Math.floor((this.#word() / 2 ** 32) * below)
  }

  #word(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let word = this.#state
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return (word ^ (word >>> 15)) >>> 0
  }
}

const NAME_BYTES = 16

/** A name nobody else has: the prefix and 22 characters of URL-safe base64, as in `amq.gen-…` and `amq.ctag-…`. */
export function uniqueName(randomness: Randomness, prefix: string): string {
  return `${prefix}${randomness.bytes(NAME_BYTES).toString('base64url')}`
}
