/**
 * The numbers of one queue at one time, as the history on disk has them: only those that changed since the entry before.
 *
 * An entry is a mask of the changed numbers (16 bits), then each difference as a varint (sign in the lowest bit). Before
 * the first entry of a segment all numbers are zero, so every segment can be read alone. Owned by the segments.
 */
import type { ByteReader, ByteWriter } from '../../../base/bytes.ts'
import { QUEUE_FIELDS, type Row } from '../fields.ts'

/** What is stored; `deliver_get` and `messages` are sums. */
const STORED = [
  'publish',
  'deliver',
  'deliver_no_ack',
  'get',
  'get_no_ack',
  'get_empty',
  'ack',
  'redeliver',
  'messages_ready',
  'messages_unacknowledged',
] as const satisfies readonly (typeof QUEUE_FIELDS)[number][]
/** Numbers of an entry. */
export const STORED_COUNT = STORED.length

const PLACES = STORED.map((name) => QUEUE_FIELDS.indexOf(name))
const DELIVERIES = (['deliver', 'deliver_no_ack', 'get', 'get_no_ack'] as const).map((name) => STORED.indexOf(name))
const DELIVER_GET = QUEUE_FIELDS.indexOf('deliver_get')
const READY = STORED.indexOf('messages_ready')
const UNACKED = STORED.indexOf('messages_unacknowledged')
const MESSAGES = QUEUE_FIELDS.indexOf('messages')

/** Which numbers of a row (`QUEUE_FIELDS`) are others than in `last`, from `at`: bits in the order of `STORED`. */
export function changedMask(row: Row, last: Float64Array, at: number): number {
  let mask = 0
  for (let i = 0; i < STORED_COUNT; i++) if (row[PLACES[i]!] !== last[at + i]) mask |= 1 << i
  return mask
}

/** Writes the changes of a row, and remembers the row in `last`. */
export function writeChanges(into: ByteWriter, mask: number, row: Row, last: Float64Array, at: number): void {
  into.u16(mask)
  for (let i = 0; i < STORED_COUNT; i++) {
    if ((mask & (1 << i)) === 0) continue
    const value = row[PLACES[i]!]!
    const change = value - last[at + i]!
    writeVarint(into, change >= 0 ? change * 2 : -change * 2 - 1)
    last[at + i] = value
  }
}

/** Applies the changes of an entry to `last`. Throws when the bytes end too early. */
export function readChanges(from: ByteReader, last: Float64Array, at: number): void {
  const mask = from.u16()
  for (let i = 0; i < STORED_COUNT; i++) {
    if ((mask & (1 << i)) === 0) continue
    const coded = readVarint(from)
    last[at + i]! += coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2
  }
}

/** The row (`QUEUE_FIELDS`) that stored numbers stand for. */
export function rowOf(stored: Float64Array): Row {
  const row = new Float64Array(QUEUE_FIELDS.length)
  PLACES.forEach((place, i) => {
    row[place] = stored[i]!
  })
  for (const i of DELIVERIES) row[DELIVER_GET]! += stored[i]!
  row[MESSAGES] = stored[READY]! + stored[UNACKED]!
  return row
}

/** Writes an integer from 0 to 2⁵³, seven bits per byte. */
export function writeVarint(into: ByteWriter, value: number): void {
  let left = value
  while (left >= 0x80) {
    into.u8((left % 0x80) | 0x80)
    left = Math.floor(left / 0x80)
  }
  into.u8(left)
}

/** Reads what `writeVarint` wrote. */
export function readVarint(from: ByteReader): number {
  let value = 0
  for (let scale = 1; ; scale *= 0x80) {
    const byte = from.u8()
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
  }
}
