// Makes AMQP 0-9-1 bytes at random: tables, methods, contents, frames. Mostly valid; by hand, so that a mistake of the
// broker's encoder cannot hide. [AMQP 0-9-1 §4.2]
import type { Randomness } from '../../../src/base/random.ts'
import { METHODS, type MethodRow, type WireType } from '../../../src/protocols/amqp091/spec.ts'
import { pick } from '../fuzz-target.ts'

const TAGS = 'StbBsuIilfdDTFAxVL'
const DATA_BYTES: Readonly<Record<string, number>> = {
  t: 1,
  b: 1,
  B: 1,
  s: 2,
  u: 2,
  I: 4,
  i: 4,
  l: 8,
  L: 8,
  f: 4,
  d: 8,
  D: 5,
  T: 8,
  V: 0,
}
const NAMES = ['', 'x-match', 'x-death', 'CC', 'BCC', 'x-max-length', 'a', 'x-delay', 'capabilities', '\u00e9\u4e2d']
const FRAME_END = 0xce
const DEPTH_MAX = 70

/** One octet of length, then the text. */
export function shortstr(random: Randomness): Buffer {
  const bytes = random.below(3) === 0 ? random.bytes(random.below(40)) : Buffer.from(pick(random, NAMES))
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

function longstr(bytes: Buffer): Buffer {
  const head = Buffer.allocUnsafe(4)
  head.writeUInt32BE(bytes.length)
  return Buffer.concat([head, bytes])
}

/** A value with its tag. */
function value(random: Randomness, depth: number): Buffer {
  const tag = TAGS[random.below(depth > 3 ? TAGS.length - 5 : TAGS.length)]!
  const fixed = DATA_BYTES[tag]
  const data =
    fixed !== undefined
      ? random.bytes(fixed)
      : tag === 'F'
        ? longstr(tableFields(random, depth + 1))
        : tag === 'A'
          ? longstr(Buffer.concat(Array.from({ length: random.below(4) }, () => value(random, depth + 1))))
          : longstr(random.bytes(random.below(12)))
  return Buffer.concat([Buffer.from(tag), data])
}

/** The fields of a table, without its length. */
export function tableFields(random: Randomness, depth = 0): Buffer {
  if (depth === 0 && random.below(50) === 0) return deepTable(random)
  const parts: Buffer[] = []
  for (let left = random.below(5); left > 0; left--) parts.push(shortstr(random), value(random, depth))
  return Buffer.concat(parts)
}

/** Tables in arrays in tables, around the limit of depth. */
function deepTable(random: Randomness): Buffer {
  let inner: Buffer = Buffer.alloc(0)
  for (let depth = random.below(DEPTH_MAX); depth > 0; depth--) {
    const array = random.below(2) === 0
    const filled = array && inner.length > 0 ? Buffer.concat([Buffer.from('F'), longstr(inner)]) : inner
    inner = Buffer.concat([Buffer.from(array ? '\u0001aA' : '\u0001aF'), longstr(filled)])
  }
  return inner
}

function argument(random: Randomness, type: Exclude<WireType, 'bit'>): Buffer {
  switch (type) {
    case 'octet':
      return random.bytes(1)
    case 'short':
      return random.bytes(2)
    case 'long':
      return random.bytes(4)
    case 'longlong':
    case 'timestamp':
      return Buffer.concat([Buffer.alloc(random.below(2) * 4), random.bytes(8)]).subarray(0, 8)
    case 'shortstr':
      return shortstr(random)
    case 'longstr':
      return longstr(random.bytes(random.below(20)))
    case 'table':
      return longstr(tableFields(random))
  }
}

/** A method's payload. */
export function method(random: Randomness, row: MethodRow = pick(random, METHODS)): Buffer {
  const id: Buffer = Buffer.allocUnsafe(4)
  id.writeUInt32BE(row.id)
  const parts = [id]
  let bits = 0
  for (const name in row.args) {
    const type = row.args[name]!
    if (type !== 'bit') {
      bits = 0
      parts.push(argument(random, type))
    } else if (bits++ % 8 === 0) parts.push(random.bytes(1))
  }
  return Buffer.concat(parts)
}

/** A property list of the class basic, flags first. */
export function propertyList(random: Randomness): Buffer {
  const flags = (random.below(0x1_0000) & random.below(0x1_0000) & 0xfffe) | (random.below(60) === 0 ? 1 : 0)
  const parts: Buffer[] = [Buffer.from([flags >>> 8, flags & 0xff])]
  for (let bit = 15; bit >= 2; bit--) {
    if ((flags & (1 << bit)) === 0) continue
    if (bit === 13) parts.push(longstr(tableFields(random)))
    else if (bit === 12 || bit === 11) parts.push(random.bytes(1))
    else if (bit === 6) parts.push(random.bytes(8))
    else parts.push(shortstr(random))
  }
  return Buffer.concat(parts)
}

function header(random: Randomness): Buffer {
  const fixed = Buffer.from([0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, random.below(64)])
  return Buffer.concat([fixed, propertyList(random)])
}

/** A whole frame. */
export function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.allocUnsafe(7)
  head[0] = type
  head.writeUInt16BE(channel, 1)
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([FRAME_END])])
}

/** Some frames. */
export function frames(random: Randomness): Buffer {
  const parts: Buffer[] = []
  for (let left = 1 + random.below(4); left > 0; left--) {
    const channel = random.below(3)
    const kind = random.below(8)
    if (kind < 4) parts.push(frame(1, channel, method(random)))
    else if (kind < 6) parts.push(frame(2, channel, header(random)))
    else if (kind === 6) parts.push(frame(3, channel, random.bytes(random.below(64))))
    else parts.push(frame(8, 0, Buffer.alloc(0)))
  }
  return Buffer.concat(parts)
}
