/**
 * Arbitrary values of AMQP 0-9-1 for property tests: field tables, property lists, arguments of methods.
 */
import fc from 'fast-check'
import type { MethodArguments } from '../../src/protocols/amqp091/codec.ts'
import { exactText, type FieldTable, type FieldType, type FieldValue } from '../../src/protocols/amqp091/fields.ts'
import type { BasicProperties } from '../../src/protocols/amqp091/properties.ts'
import type { MethodId, RowOf, WireType } from '../../src/protocols/amqp091/spec.ts'

/** Some bytes, not necessarily UTF-8. */
export const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))

/** Names of fields: text, or bytes that are none. */
export const anyName = fc.oneof(
  fc.string({ maxLength: 20, unit: 'grapheme' }),
  anyBytes.map((bytes) => exactText(bytes, 0, bytes.length)),
)

const integer = (type: FieldType, min: number, max: number) =>
  fc.integer({ min, max }).map((value): FieldValue => ({ type, value }))
const narrow = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

/** Any value whose tables and arrays are not too deep. */
export const { value: anyValue, table: anyTable } = fc.letrec<{ value: FieldValue; table: FieldTable }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'grapheme' }).map((value): FieldValue => ({ type: 'longstr', value })),
    fc.constant<FieldValue>({ type: 'longstr', value: Buffer.from([0xff, 0x41]) }),
    fc.boolean().map((value): FieldValue => ({ type: 'bool', value })),
    integer('byte', -128, 127),
    integer('unsignedbyte', 0, 255),
    integer('short', -0x8000, 0x7fff),
    integer('unsignedshort', 0, 0xffff),
    integer('signedint', -0x8000_0000, 0x7fff_ffff),
    integer('unsignedint', 0, 0xffff_ffff),
    fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      .map((value): FieldValue => ({ type: 'long', value: narrow(value) })),
    fc
      .bigInt({ min: 0n, max: 2n ** 64n - 1n })
      .map((value): FieldValue => ({ type: 'timestamp', value: narrow(value) })),
    fc.float().map((value): FieldValue => ({ type: 'float', value })),
    fc.double().map((value): FieldValue => ({ type: 'double', value })),
    fc
      .record({ scale: fc.nat(255), value: fc.nat(0xffff_ffff) }, { noNullPrototype: true })
      .map((value): FieldValue => ({ type: 'decimal', value })),
    anyBytes.map((value): FieldValue => ({ type: 'binary', value })),
    fc.constant<FieldValue>({ type: 'void', value: null }),
    fc.array(tie('value')).map((value): FieldValue => ({ type: 'array', value })),
    tie('table').map((value): FieldValue => ({ type: 'table', value })),
  ),
  table: fc.array(fc.tuple(anyName, tie('value'))).map((fields) => new Map(fields)),
}))

/** Texts that a short string can hold. */
export const anyShortstr = fc
  .string({ maxLength: 60, unit: 'grapheme' })
  .filter((text) => Buffer.byteLength(text) <= 255)

/** Any property list. */
export const anyProperties: fc.Arbitrary<BasicProperties> = fc.record(
  {
    contentType: anyShortstr,
    contentEncoding: anyShortstr,
    headers: anyTable,
    deliveryMode: fc.nat(255),
    priority: fc.nat(255),
    correlationId: anyName,
    replyTo: anyShortstr,
    expiration: anyShortstr,
    messageId: anyShortstr,
    timestamp: fc.maxSafeNat(),
    type: anyShortstr,
    userId: anyShortstr,
    appId: anyShortstr,
    clusterId: anyShortstr,
  },
  { requiredKeys: [], noNullPrototype: true },
)

const ARGUMENTS: Readonly<Record<WireType, fc.Arbitrary<unknown>>> = {
  octet: fc.nat(0xff),
  short: fc.nat(0xffff),
  long: fc.nat(0xffff_ffff),
  longlong: fc.maxSafeNat(),
  timestamp: fc.maxSafeNat(),
  shortstr: anyShortstr,
  longstr: anyBytes,
  bit: fc.boolean(),
  table: anyTable,
}

/** Any arguments of one method. */
export function anyArguments<Id extends MethodId>(row: RowOf<Id>): fc.Arbitrary<MethodArguments<Id>> {
  const named = Object.entries<WireType>(row.args).filter(([name]) => !name.startsWith('reserved'))
  const model = Object.fromEntries(named.map(([name, type]) => [name, ARGUMENTS[type]]))
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<MethodArguments<Id>> // Built from the same row.
}
