import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyBytes, anyName, anyTable } from '../../../test/support/amqp091-arbitraries.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import { ConnectionError } from './errors.ts'
import {
  checkTable,
  decodeTable,
  decodeValue,
  encodeTable,
  exactBytes,
  exactText,
  FIELD_COUNT_MAX,
  FIELD_DEPTH_MAX,
  type FieldTable,
  type FieldValue,
  findHeader,
  sortedTable,
} from './fields.ts'

const decode = (bytes: Buffer): FieldTable => decodeTable(bytes, 0, bytes.length)
const table = (fields: Record<string, FieldValue>): FieldTable => new Map(Object.entries(fields))
/** One field named `a`, from the tag on. */
const field = (...value: (number | string)[]): Buffer =>
  Buffer.concat(
    ['\x01a', ...value].map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]))),
  )

test('decode(encode(table)) is the table, and its encoding is well-formed', () => {
  fc.assert(
    fc.property(anyTable, (original) => {
      const bytes = encodeTable(original)
      checkTable(bytes, 0, bytes.length)
      assert.deepEqual(decode(bytes), original)
      assert.deepEqual(encodeTable(decode(bytes)), bytes)
    }),
  )
})

test('every tag has its type and its range', () => {
  const cases: [Buffer, FieldValue][] = [
    [field('S\0\0\0\x02hi'), { type: 'longstr', value: 'hi' }],
    [field('S\0\0\0\x02\xc3\x28'), { type: 'longstr', value: Buffer.from([0xc3, 0x28]) }],
    [field('t\x01'), { type: 'bool', value: true }],
    [field('b\xff'), { type: 'byte', value: -1 }],
    [field('B\xff'), { type: 'unsignedbyte', value: 255 }],
    [field('s\xff\xfe'), { type: 'short', value: -2 }],
    [field('u\xff\xfe'), { type: 'unsignedshort', value: 65534 }],
    [field('I\xff\xff\xff\xfe'), { type: 'signedint', value: -2 }],
    [field('i\xff\xff\xff\xfe'), { type: 'unsignedint', value: 4294967294 }],
    [field('l\xff\xff\xff\xff\xff\xff\xff\xff'), { type: 'long', value: -1 }],
    [field('l\x7f\xff\xff\xff\xff\xff\xff\xff'), { type: 'long', value: 2n ** 63n - 1n }],
    [field('f\x3f\x80\0\0'), { type: 'float', value: 1 }],
    [field('d\x3f\xf8\0\0\0\0\0\0'), { type: 'double', value: 1.5 }],
    [field('D\x02\0\0\x01\x3b'), { type: 'decimal', value: { scale: 2, value: 315 } }],
    [field('T\0\0\0\0\x60\0\0\0'), { type: 'timestamp', value: 0x6000_0000 }],
    [field('F\0\0\0\x03\x01bV'), { type: 'table', value: table({ b: { type: 'void', value: null } }) }],
    [
      field('A\0\0\0\x02VV'),
      {
        type: 'array',
        value: [
          { type: 'void', value: null },
          { type: 'void', value: null },
        ],
      },
    ],
    [field('x\0\0\0\x01\x80'), { type: 'binary', value: Buffer.from([0x80]) }],
    [field('V'), { type: 'void', value: null }],
  ]
  for (const [bytes, value] of cases) {
    assert.deepEqual(decode(bytes).get('a'), value)
    assert.deepEqual(encodeTable(table({ a: value })), bytes)
  }
})

test('L is read as l and written as l; any octet but 0 is true', () => {
  const bytes = field('L\xff\xff\xff\xff\xff\xff\xff\xfe')
  assert.deepEqual(decode(bytes).get('a'), { type: 'long', value: -2 })
  assert.deepEqual(encodeTable(decode(bytes)), field('l\xff\xff\xff\xff\xff\xff\xff\xfe'))
  assert.deepEqual(decode(field('t\x07')).get('a'), { type: 'bool', value: true })
})

test('of equal names the first counts', () => {
  const bytes = Buffer.concat([field('t\x01'), field('t\x00')])
  assert.deepEqual(decode(bytes), table({ a: { type: 'bool', value: true } }))
  assert.equal(findHeader(bytes, 0, bytes.length, 'a'), 2)
})

test('text of any bytes comes back exactly, UTF-8 or not', () => {
  fc.assert(
    fc.property(fc.oneof(anyBytes, anyName.map(exactBytes)), (bytes) => {
      assert.deepEqual(exactBytes(exactText(bytes, 0, bytes.length)), bytes)
    }),
  )
})

test('a table goes into the model as it is', () => {
  const args: Arguments = decode(field('t\x01'))
  const back: FieldTable = args
  assert.equal(back.get('a')?.value, true)
})

test('a header is found exactly where decoding sees it', () => {
  fc.assert(
    fc.property(anyTable, anyName, fc.nat(20), (fields, name, pad) => {
      const encoded = encodeTable(fields)
      const bytes = Buffer.concat([Buffer.alloc(pad, 0x41), encoded, Buffer.alloc(8, 0x41)])
      const end = pad + encoded.length
      for (const wanted of [name, ...fields.keys()]) {
        const at = findHeader(bytes, pad, end, wanted)
        assert.deepEqual(at === -1 ? undefined : decodeValue(bytes, at, end), fields.get(wanted))
      }
    }),
  )
})

test('sorting orders fields by the bytes of their names', () => {
  fc.assert(
    fc.property(anyTable, (fields) => {
      const sorted = sortedTable(fields)
      const names = [...sorted.keys()].map(exactBytes)
      for (let i = 1; i < names.length; i++) assert.ok(Buffer.compare(names[i - 1]!, names[i]!) < 0)
      assert.deepEqual(new Map([...fields.keys()].map((name) => [name, sorted.get(name)])), fields)
    }),
  )
})

function nested(tag: 'A' | 'F', depth: number): Buffer {
  let inner = Buffer.alloc(0)
  for (let i = 1; i < depth; i++) {
    const head = Buffer.from(i === depth - 1 || tag === 'F' ? `\x01a${tag}\0\0\0\0` : `${tag}\0\0\0\0`, 'latin1')
    head.writeUInt32BE(inner.length, head.length - 4)
    inner = Buffer.concat([head, inner])
  }
  return inner
}

test('tables and arrays nest to the limit and no deeper', () => {
  for (const tag of ['A', 'F'] as const) {
    const fits = nested(tag, FIELD_DEPTH_MAX)
    checkTable(fits, 0, fits.length)
    assert.deepEqual(encodeTable(decode(fits)), fits)
    const deep = nested(tag, FIELD_DEPTH_MAX + 1)
    const text = { replyText: 'SYNTAX_ERROR - field table nests deeper than 64 levels' }
    assert.throws(() => checkTable(deep, 0, deep.length), text)
    assert.throws(() => decode(deep), text)
  }
})

test('a table has a greatest count of values', () => {
  const array = (count: number) => {
    const bytes = field('A\0\0\0\0', 'V'.repeat(count))
    bytes.writeUInt32BE(count, 3)
    return bytes
  }
  const fits = array(FIELD_COUNT_MAX - 1)
  checkTable(fits, 0, fits.length)
  decode(fits)
  const many = array(FIELD_COUNT_MAX)
  assert.throws(() => checkTable(many, 0, many.length), /more than 65536 values/)
  assert.throws(() => decode(many), /more than 65536 values/)
})

test('what is malformed is refused with 502', () => {
  const cases: [Buffer, RegExp][] = [
    [field('Z'), /^SYNTAX_ERROR - unknown type 'Z' in field table$/],
    [field(0x01), /unknown type 1 in field table/],
    [field('S\0\0\0\x09abc'), /field table is truncated/],
    [field('S\xff\xff\xff\xff'), /truncated/],
    [field('S\0\0'), /truncated/],
    [field('l\0\0'), /truncated/],
    [field(), /truncated/],
    [Buffer.from([5, 65]), /truncated/],
    [field('F\0\0\0\x02\x05a'), /truncated/],
    [field('A\0\0\0\x03S\0\0', '\0\0'), /truncated/],
  ]
  for (const [bytes, text] of cases) {
    for (const read of [() => decode(bytes), () => checkTable(bytes, 0, bytes.length)])
      assert.throws(
        read,
        (error) => error instanceof ConnectionError && error.replyCode === 502 && text.test(error.replyText),
      )
  }
})

test('noise decodes or throws ConnectionError, and checking agrees with decoding', () => {
  const outcome = (read: () => void): string => {
    try {
      read()
      return 'ok'
    } catch (error) {
      assert.ok(error instanceof ConnectionError, String(error))
      return 'refused'
    }
  }
  const spoiled = fc.tuple(anyTable, fc.nat(), fc.nat(255), fc.nat()).map(([fields, at, octet, cut]) => {
    const bytes = encodeTable(fields)
    if (bytes.length > 0) bytes[at % bytes.length] = octet
    return bytes.subarray(0, bytes.length - (cut % 3))
  })
  fc.assert(
    fc.property(fc.oneof(anyBytes, spoiled), anyName, (bytes, name) => {
      const surrounded = Buffer.concat([Buffer.alloc(3, 0x56), bytes, Buffer.alloc(300, 0x56)])
      const end = 3 + bytes.length
      assert.equal(
        outcome(() => decodeTable(surrounded, 3, end)),
        outcome(() => checkTable(surrounded, 3, end)),
      )
      outcome(() => findHeader(surrounded, 3, end, name))
    }),
    { numRuns: 500 },
  )
})

test('a value that its type cannot hold is not written', () => {
  const misfits: FieldValue[] = [
    { type: 'byte', value: 128 },
    { type: 'unsignedint', value: -1 },
    { type: 'long', value: 2n ** 63n },
    { type: 'long', value: 1.5 },
    { type: 'table', value: 'text' },
    { type: 'longstr', value: 5 },
    { type: 'void', value: 5 },
    { type: 'decimal', value: { scale: 256, value: 1 } },
    { type: 'array', value: new Map() },
  ]
  for (const value of misfits) assert.throws(() => encodeTable(table({ a: value })), RangeError)
  assert.throws(() => encodeTable(new Map([['n'.repeat(256), { type: 'void', value: null }]])), RangeError)
})
