import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { StoredArguments } from '../records/records.ts'
import { textOf } from '../verbs/equivalence.ts'
import { type Arguments, sameValue, type TypedValue } from './arguments.ts'
import { argumentsFromJson, argumentsToJson, restoreArguments, storeArguments } from './arguments-json.ts'

const { value: typedValue } = fc.letrec<{ value: TypedValue; table: Arguments }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ type: fc.constant('longstr' as const), value: fc.string({ unit: 'grapheme' }) }),
    fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
    fc.record({ type: fc.constantFrom('byte' as const, 'signedint' as const), value: fc.integer() }),
    fc.record({ type: fc.constant('long' as const), value: fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }) }),
    fc.record({ type: fc.constant('double' as const), value: fc.double({ noNaN: true }).map((each) => each + 0) }),
    fc.record({ type: fc.constant('timestamp' as const), value: fc.nat() }),
    fc.record({ type: fc.constant('void' as const), value: fc.constant(null) }),
    fc.record({ type: fc.constant('decimal' as const), value: fc.record({ scale: fc.nat(9), value: fc.nat() }) }),
    fc.record({
      type: fc.constantFrom('binary' as const, 'longstr' as const),
      value: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    }),
    fc.record({ type: fc.constant('array' as const), value: fc.array(tie('value'), { maxLength: 3 }) }),
    fc.record({ type: fc.constant('table' as const), value: tie('table') }),
  ),
  table: fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }).map((each) => new Map(Object.entries(each))),
}))

test('arguments come back from the store with their types and order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), typedValue), { maxLength: 5 }), (entries) => {
      const args = new Map(entries)
      const json = JSON.stringify(storeArguments(args))
      const back = restoreArguments(JSON.parse(json) as StoredArguments)
      assert.deepEqual([...back.keys()], [...args.keys()])
      for (const [name, value] of args) {
        assert.equal(back.get(name)!.type, value.type)
        assert(sameValue(back.get(name)!, value), json)
      }
    }),
  )
})

test('plain JSON gets the types that RabbitMQ gives it, and comes back', () => {
  const json = { text: 'x', whole: 5, part: 1.5, yes: true, nothing: null, list: [1, 'a'], table: { a: 1 } }
  const args = argumentsFromJson(json)
  assert.deepEqual(
    [...args.values()].map(({ type }) => type),
    ['longstr', 'long', 'double', 'bool', 'void', 'array', 'table'],
  )
  assert.deepEqual(argumentsToJson(args), json)
})

test('integers are alike, floats are alike, and nothing else', () => {
  const same = (left: TypedValue, right: TypedValue): boolean => sameValue(left, right)
  assert.equal(same({ type: 'byte', value: 1 }, { type: 'long', value: 1 }), true)
  assert.equal(same({ type: 'long', value: 1n }, { type: 'long', value: 1 }), true)
  assert.equal(same({ type: 'float', value: 1 }, { type: 'double', value: 1 }), true)
  assert.equal(same({ type: 'float', value: 1 }, { type: 'long', value: 1 }), false)
  assert.equal(same({ type: 'longstr', value: '1' }, { type: 'long', value: 1 }), false)
  assert.equal(same({ type: 'void', value: null }, { type: 'void', value: null }), true)
})

test('values in reply texts', () => {
  assert.equal(textOf({ type: 'longstr', value: 'a' }), 'a')
  assert.equal(textOf({ type: 'bool', value: true }), 'true')
  assert.equal(textOf({ type: 'array', value: [{ type: 'long', value: 1 }] }), '[1]')
})
