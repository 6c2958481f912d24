// Makes inputs from inputs: flipped bits, lies in length fields, words of the dictionary, cuts, doublings and splices.
// The same randomness makes the same inputs.
import type { Randomness } from '../../src/base/random.ts'
import { pick } from './fuzz-target.ts'

/** No input is longer. */
export const INPUT_BYTES_MAX = 4096
const STEPS_MAX = 6
/** Bounds of fields of one, two and four octets, and their neighbours. */
const LIES = [
  0, 1, 2, 3, 4, 7, 8, 0x7f, 0x80, 0xfe, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x1_0000, 0x1f_ffff, 0x7fff_ffff,
  0x8000_0000, 0xffff_fffe, 0xffff_ffff,
]

type Step = (bytes: Buffer, random: Randomness, mutator: Mutator) => Buffer

const STEPS: readonly Step[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  lie,
  lie,
  insertWord,
  overwriteWord,
  insertBytes,
  removeRange,
  doubleRange,
  cutEnd,
  spliceOther,
]

/** One per run. */
export class Mutator {
  readonly dictionary: readonly Buffer[]
  /** Inputs to take parts from; grows with the run. */
  readonly pool: Buffer[]

  constructor(seeds: readonly Buffer[], dictionary: readonly Buffer[]) {
    this.pool = [...seeds]
    this.dictionary = dictionary
  }

  /** A new input made of one of the pool. */
  mutate(random: Randomness, from: Buffer = pick(random, this.pool)): Buffer {
    let bytes = Buffer.from(from)
    for (let left = 1 + random.below(STEPS_MAX); left > 0; left--) {
      bytes = Buffer.from(pick(random, STEPS)(bytes, random, this))
    }
    return bytes.length > INPUT_BYTES_MAX ? Buffer.from(bytes.subarray(0, INPUT_BYTES_MAX)) : bytes
  }
}

function flipBit(bytes: Buffer, random: Randomness): Buffer {
  if (bytes.length > 0) bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
  return bytes
}

function setByte(bytes: Buffer, random: Randomness): Buffer {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256)
  return bytes
}

/** Writes a bound over one, two or four octets, where a length may stand. */
function lie(bytes: Buffer, random: Randomness): Buffer {
  const width = 1 << random.below(3)
  if (bytes.length < width) return bytes
  const at = random.below(bytes.length - width + 1)
  const near = random.below(3) === 0 ? bytes.length - at - width + random.below(5) - 2 : pick(random, LIES)
  const value = Math.max(near, 0) % 2 ** (8 * width)
  bytes.writeUIntBE(value, at, width)
  return bytes
}

function insertWord(bytes: Buffer, random: Randomness, { dictionary }: Mutator): Buffer {
  if (dictionary.length === 0) return bytes
  return insertAt(bytes, random.below(bytes.length + 1), pick(random, dictionary))
}

function overwriteWord(bytes: Buffer, random: Randomness, { dictionary }: Mutator): Buffer {
  if (dictionary.length > 0 && bytes.length > 0) pick(random, dictionary).copy(bytes, random.below(bytes.length))
  return bytes
}

function insertBytes(bytes: Buffer, random: Randomness): Buffer {
  return insertAt(bytes, random.below(bytes.length + 1), random.bytes(1 + random.below(16)))
}

function removeRange(bytes: Buffer, random: Randomness): Buffer {
  const [start, end] = rangeOf(bytes, random)
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
}

function doubleRange(bytes: Buffer, random: Randomness): Buffer {
  const [start, end] = rangeOf(bytes, random)
  return insertAt(bytes, end, bytes.subarray(start, end))
}

function cutEnd(bytes: Buffer, random: Randomness): Buffer {
  return bytes.subarray(0, random.below(bytes.length + 1))
}

function spliceOther(bytes: Buffer, random: Randomness, { pool }: Mutator): Buffer {
  const other = pick(random, pool)
  return Buffer.concat([
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ])
}

function insertAt(bytes: Buffer, at: number, what: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at)])
}

function rangeOf(bytes: Buffer, random: Randomness): [start: number, end: number] {
  const start = random.below(bytes.length + 1)
  return [start, Math.min(bytes.length, start + random.below(64))]
}
