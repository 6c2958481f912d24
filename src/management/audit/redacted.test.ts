import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { redacted } from './redacted.ts'

test('values under names of secrets are hidden, at any depth, others stay', () => {
  const sent = {
    password: 'x',
    password_hash: 'x',
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags: 'administrator',
    value: { 'src-uri': 'amqp://user:x@host', 'src-queue': 'q', list: [{ access_token: 'x' }] },
    routing_key: 'k',
  }
  assert.deepEqual(redacted(sent), {
    password: '***',
    password_hash: '***',
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags: 'administrator',
    value: { 'src-uri': '***', 'src-queue': 'q', list: [{ access_token: '***' }] },
    routing_key: 'k',
  })
})

test('what is recorded is bounded, whatever was sent', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 10 }), (value) => {
      assert.ok(JSON.stringify(redacted(value) ?? null).length < 200_000)
    }),
  )
  assert.equal((redacted('x'.repeat(10_000)) as string).length, 201)
  assert.equal((redacted(new Array(1_000).fill(1)) as unknown[]).length, 21)
})
