import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyTable, anyValue } from '../../../test/support/amqp091-arbitraries.ts'
import { fieldsEqual, fromPlain, type PlainValue, plainValue, toPlain, typedValue } from './field-values.ts'
import { decodeTable, encodeTable, type FieldType, type FieldValue } from './fields.ts'

const value = (type: FieldType, content: FieldValue['value']): FieldValue => ({ type, value: content })

test('a value equals itself, re-read from its bytes, unless it is not a number', () => {
  fc.assert(
    fc.property(anyValue, (one) => {
      const bytes = encodeTable(new Map([['a', one]]))
      const other = decodeTable(bytes, 0, bytes.length).get('a')!
      const hasNaN = JSON.stringify(one, (_key, item) =>
        Number.isNaN(item) ? 'NaN' : typeof item === 'bigint' ? 0 : item instanceof Map ? [...item] : item,
      ).includes('"NaN"')
      assert.equal(fieldsEqual(one, other), !hasNaN)
    }),
  )
})

test('equality is that of values, whatever the width', () => {
  assert.ok(fieldsEqual(value('byte', 1), value('long', 1)))
  assert.ok(fieldsEqual(value('signedint', 1), value('double', 1)))
  assert.ok(fieldsEqual(value('timestamp', 1), value('long', 1)))
  assert.ok(fieldsEqual(value('long', 2n ** 60n), value('double', 2 ** 60)))
  assert.ok(fieldsEqual(value('longstr', 'é'), value('binary', Buffer.from('é'))))
  assert.ok(fieldsEqual(value('decimal', { scale: 1, value: 5 }), value('decimal', { scale: 1, value: 5 })))
})

test('what is of another kind is not equal', () => {
  const kinds = [
    value('longstr', '1'),
    value('long', 1),
    value('bool', true),
    value('void', null),
    value('array', [value('long', 1)]),
    value('table', new Map([['1', value('long', 1)]])),
    value('decimal', { scale: 0, value: 1 }),
    value('long', 2n ** 60n + 1n),
    value('double', 2 ** 60),
  ]
  for (const a of kinds) for (const b of kinds) assert.equal(fieldsEqual(a, b), a === b)
})

test('inside arrays and tables types and order count', () => {
  const list = (...items: FieldValue[]) => value('array', items)
  assert.ok(fieldsEqual(list(value('long', 1)), list(value('long', 1))))
  assert.ok(!fieldsEqual(list(value('long', 1)), list(value('byte', 1))))
  assert.ok(!fieldsEqual(list(value('long', 1), value('long', 2)), list(value('long', 2), value('long', 1))))
  assert.ok(!fieldsEqual(list(value('long', 1)), list()))
  const fields = (...names: string[]) => value('table', new Map(names.map((name) => [name, value('void', null)])))
  assert.ok(fieldsEqual(fields('a', 'b'), fields('a', 'b')))
  assert.ok(!fieldsEqual(fields('a', 'b'), fields('b', 'a')))
  assert.ok(!fieldsEqual(fields('a'), fields('a', 'b')))
})

test('plain values survive the way to fields, to bytes and back', () => {
  const { plain } = fc.letrec<{ plain: PlainValue; object: Record<string, PlainValue> }>((tie) => ({
    plain: fc.oneof(
      { depthSize: 'small' },
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.array(tie('plain')),
      tie('object'),
    ),
    object: fc.dictionary(fc.string({ maxLength: 20 }), tie('plain'), { noNullPrototype: true }),
  }))
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 20 }), plain, { noNullPrototype: true }), (object) => {
      const bytes = encodeTable(fromPlain(object))
      assert.deepEqual(toPlain(decodeTable(bytes, 0, bytes.length)), object)
    }),
  )
})

test('any table has a plain form', () => {
  fc.assert(fc.property(anyTable, (fields) => assert.equal(Object.keys(toPlain(fields)).length, fields.size)))
})

test('plain values get the types RabbitMQ gives to JSON', () => {
  const types = { text: 'a', whole: 5, part: 1.5, yes: true, none: null, list: [], object: {}, bytes: Buffer.alloc(1) }
  assert.deepEqual(
    [...fromPlain({ ...types, absent: undefined })].map(([name, field]) => `${name}:${field.type}`),
    'text:longstr whole:long part:double yes:bool none:void list:array object:table bytes:binary'.split(' '),
  )
  assert.equal(plainValue(value('decimal', { scale: 2, value: 315 })), 3.15)
})

test('values too large or too deep are refused', () => {
  assert.throws(() => typedValue(2n ** 63n), RangeError)
  const cycle: PlainValue[] = []
  cycle.push(cycle)
  assert.throws(() => typedValue(cycle), RangeError)
  const loop: Record<string, PlainValue> = {}
  loop.loop = loop
  assert.throws(() => fromPlain(loop), RangeError)
  let deep: PlainValue = 1
  for (let i = 1; i < 64; i++) deep = [deep]
  encodeTable(fromPlain({ deep }))
})
