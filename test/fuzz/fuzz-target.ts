// What a fuzzer needs to know of a codec, and what the targets share: random chunk boundaries that the input itself
// decides, names of outcomes, and the error that says the codec is wrong.
import { type Randomness, SeededRandomness } from '../../src/base/random.ts'

/** One codec under test. */
export interface FuzzTarget {
  readonly name: string
  /** Valid inputs, from which others are made. */
  readonly seeds: readonly Buffer[]
  /** Words that mean something to the codec. */
  readonly dictionary: readonly Buffer[]
  /** A new input by the codec's grammar, valid or nearly so. */
  generate(random: Randomness): Buffer
  /**
   * Feeds the input and checks everything that has to hold. Returns a short name of what happened: inputs with new names
   * are mutated further. Throws for a defect; depends on nothing but the input.
   */
  check(input: Buffer): string | Promise<string>
  /** What memory may grow by, where a target holds more than a codec. */
  readonly growthBytesMax?: number
  /** Gives back what the target holds. */
  close?(): Promise<void>
}

/** The codec does what it must not. */
export class Defect extends Error {}

/** Throws a defect unless it holds. */
export function holds(condition: boolean, text: string): asserts condition {
  if (!condition) throw new Defect(text)
}

const SHOWN_CHARACTERS_MAX = 48

/** The name of an error's outcome: its text up to what differs from input to input. */
export function outcomeOf(error: Error): string {
  return error.message
    .replace(/['"<{(].*$/s, '')
    .replace(/\d+/g, '#')
    .slice(0, SHOWN_CHARACTERS_MAX)
}

/** Runs what may throw an error of this kind; any other error is a defect and passes. */
export function refusalOf<E extends Error>(kind: abstract new (...args: never[]) => E, run: () => void): E | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof kind) return error
    throw error
  }
}

/** A number that depends on every byte. FNV-1a. */
export function hashOf(bytes: Uint8Array, start = 0, end = bytes.length, basis = 0x811c9dc5): number {
  let hash = basis
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash >>> 0
}

const SINGLE_BYTES_MAX = 64
/** A letter: text that is read where a chunk was shows it. */
const OVERWRITTEN = 0x61

/**
 * The input in chunks of random size, the same for the same input. Each is a buffer of its own that is overwritten
 * afterwards: a codec that keeps what it was lent is found out.
 */
export function inChunks(input: Buffer, feed: (chunk: Buffer) => void): void {
  const random = new SeededRandomness(hashOf(input))
  const isByByte = input.length <= SINGLE_BYTES_MAX && random.below(8) === 0
  const step = 1 + (random.below(8) === 0 ? random.below(8) : input.length >>> random.below(3))
  for (let at = 0; at < input.length; ) {
    const end = Math.min(input.length, at + (isByByte ? 1 : 1 + random.below(step)))
    const chunk = Buffer.from(input.subarray(at, end))
    feed(chunk)
    chunk.fill(OVERWRITTEN)
    at = end
  }
}

/** One of these. */
export function pick<T>(random: Randomness, from: readonly T[]): T {
  return from[random.below(from.length)]!
}

/** Texts as buffers. */
export function words(...texts: readonly string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text, 'latin1'))
}
