import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  address,
  boolean,
  bytes,
  choice,
  integer,
  milliseconds,
  port,
  ratio,
  seconds,
  type ValueType,
  words,
} from './value-type.ts'

const CASES: readonly [string, ValueType<unknown>, readonly (readonly [string, unknown])[]][] = [
  [
    'integer',
    integer({ max: 10 }),
    [
      ['0', 0],
      ['10', 10],
      ['11', undefined],
      ['-1', undefined],
      ['1.5', undefined],
      ['', undefined],
    ],
  ],
  [
    'negative integer',
    integer({ min: -1 }),
    [
      ['-1', -1],
      ['-2', undefined],
    ],
  ],
  [
    'infinite integer',
    integer({ infinite: true }),
    [
      ['infinity', Number.POSITIVE_INFINITY],
      ['Infinity', undefined],
    ],
  ],
  [
    'number',
    ratio({ max: 1 }),
    [
      ['0.6', 0.6],
      ['1', 1],
      ['1.1', undefined],
      ['.5', undefined],
    ],
  ],
  [
    'bytes',
    bytes(),
    [
      ['1', 1],
      ['50MB', 50_000_000],
      ['1GiB', 2 ** 30],
      ['2k', 2048],
      ['3 kB', 3000],
      ['1TB', 1e12],
      ['5XB', undefined],
    ],
  ],
  [
    'ms',
    milliseconds({ min: 100 }),
    [
      ['100', 100],
      ['2s', 2_000],
      ['1m', 60_000],
      ['99', undefined],
      ['1 day', undefined],
    ],
  ],
  [
    's',
    seconds(),
    [
      ['60', 60],
      ['2m', 120],
      ['1500ms', undefined],
      ['1d', 86_400],
    ],
  ],
  [
    'boolean',
    boolean,
    [
      ['true', true],
      ['off', false],
      ['yes', undefined],
    ],
  ],
  [
    'choice',
    choice(['a', 'b']),
    [
      ['a', 'a'],
      ['A', undefined],
    ],
  ],
  ['list', words, [['a, b c', ['a', 'b', 'c']]]],
  [
    'port',
    port,
    [
      ['0', 0],
      ['65535', 65_535],
      ['65536', undefined],
    ],
  ],
  [
    'address',
    address,
    [
      ['5672', { name: '', host: null, port: 5672 }],
      ['127.0.0.1:0', { name: '', host: '127.0.0.1', port: 0 }],
      ['::1:5672', { name: '', host: '::1', port: 5672 }],
      ['[::1]:5672', { name: '', host: '::1', port: 5672 }],
      ['localhost:5672', { name: '', host: 'localhost', port: 5672 }],
      ['127.0.0.1:70000', undefined],
      ['127.0.0.1', undefined],
    ],
  ],
]

for (const [name, type, cases] of CASES) {
  test(`${name}: reads what it accepts, and what it writes`, () => {
    for (const [text, value] of cases) {
      const parsed = type.parse(text)
      assert.deepEqual(parsed, value, text)
      if (parsed !== undefined) assert.deepEqual(type.parse(type.format(parsed)), parsed, text)
    }
  })
}
