import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from './api-error.ts'
import { readJson } from './schema.ts'

const SCHEMA = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string' },
    count: { type: 'integer', minimum: 0, maximum: 10 },
    durable: { type: 'boolean' },
    mode: { type: 'string', enum: ['a', 'b'] },
    tags: { type: 'union', anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }] },
    any: { type: 'any' },
    free: { type: 'object', additionalProperties: true },
  },
} as const

function reason(json: unknown): unknown {
  try {
    readJson(SCHEMA, json)
  } catch (error) {
    assert.ok(error instanceof ApiError)
    return error.reason
  }
  return undefined
}

test('reads what fits, and leaves out what is unknown or null', () => {
  const read = readJson(SCHEMA, {
    name: 'n',
    count: '7',
    durable: 'true',
    tags: ['x'],
    any: [1],
    free: { a: 1 },
    more: 1,
  })
  assert.deepEqual(read, { name: 'n', count: 7, durable: true, tags: ['x'], any: [1], free: { a: 1 } })
  assert.deepEqual(readJson(SCHEMA, { name: 'n', count: null }), { name: 'n' })
  assert.deepEqual(readJson(SCHEMA, { name: 'n', tags: 'x,y', free: [] }), { name: 'n', tags: 'x,y', free: {} })
})

test('refuses in the words of the reference', () => {
  assert.equal(reason({}), '[{key_missing,name}]')
  assert.equal(reason({ name: null }), '[{key_missing,name}]')
  assert.deepEqual(reason({ name: 1 }), ['not_string', 'name'])
  assert.deepEqual(reason({ name: 'n', durable: 'maybe' }), ['not_boolean', 'maybe'])
  assert.deepEqual(reason({ name: 'n', count: 'x' }), ['not_int', 'count'])
  assert.deepEqual(reason({ name: 'n', mode: 'c' }), ['unknown', 'c'])
  assert.equal(reason({ name: 'n', count: 11 }), 'count must be at most 10')
  assert.equal(reason({ name: 'n', count: -1 }), 'count must be at least 0')
})

test('names of Object.prototype are names like others', () => {
  assert.equal(reason(JSON.parse('{"__proto__": {"name": "n"}}')), '[{key_missing,name}]')
})
