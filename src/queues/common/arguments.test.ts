import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TypedValue } from '../../model/values/arguments.ts'
import { queueKinds } from '../registry.ts'
import { knownArguments } from './arguments.ts'
import { argumentsOf } from './test-bed.ts'

const PROPERTIES = { vhost: '/', name: 'q', durable: true, exclusive: false, autoDelete: false }

function refusal(kind: string, args: ReadonlyMap<string, TypedValue>, properties = {}): string | undefined {
  return queueKinds.get(kind)!.refusesDeclaration({ ...PROPERTIES, ...properties }, args)?.text
}

/** Argument, value, reason: as RabbitMQ prints it after `invalid arg '…' for queue 'q' in vhost '/': `. */
const REFUSED: readonly (readonly [kind: string, name: string, value: string | number | boolean, reason: string])[] = [
  ['classic', 'x-message-ttl', -1, '{value_negative,-1}'],
  ['classic', 'x-message-ttl', 'soon', '"expected integer, got longstr"'],
  ['classic', 'x-message-ttl', 315_360_000_001, '{value_too_large,315360000001}'],
  ['classic', 'x-expires', 0, '{value_zero,0}'],
  ['classic', 'x-expires', -1, '{value_negative,-1}'],
  ['classic', 'x-max-length', -5, '{value_negative,-5}'],
  ['classic', 'x-max-length-bytes', true, '"expected integer, got bool"'],
  ['classic', 'x-max-priority', 256, '{max_value_exceeded,256}'],
  ['classic', 'x-max-priority', -1, '{value_negative,-1}'],
  ['classic', 'x-overflow', 'explode', 'invalid_overflow'],
  ['classic', 'x-overflow', 1, '{unacceptable_type,long}'],
  ['classic', 'x-dead-letter-routing-key', 'k', 'routing_key_but_no_dlx_defined'],
  ['classic', 'x-dead-letter-routing-key', 'k'.repeat(256), 'routing_key_too_long'],
  ['classic', 'x-single-active-consumer', 1, '{unacceptable_type,long}'],
  ['classic', 'x-queue-version', 1, `"unsupported queue version '1'"`],
  ['classic', 'x-queue-mode', 'odd', `"unsupported queue mode 'odd'"`],
  ['classic', 'x-queue-type', 'magic', `"unsupported queue type 'magic'"`],
  ['classic', 'x-queue-leader-locator', 'here', 'invalid_queue_locator_arg'],
  ['quorum', 'x-dead-letter-strategy', 'maybe', 'invalid_dlx_strategy'],
  ['quorum', 'x-quorum-initial-group-size', 0, '{value_zero,0}'],
  ['quorum', 'x-delivery-limit', 'few', '"expected integer, got longstr"'],
  ['stream', 'x-max-age', '7 days', 'invalid_max_age'],
]

for (const [kind, name, value, reason] of REFUSED) {
  test(`${kind}: ${name}=${value} is refused`, () => {
    assert.equal(
      refusal(kind, argumentsOf({ [name]: value })),
      `invalid arg '${name}' for queue 'q' in vhost '/': ${reason}`,
    )
  })
}

test('the bounds themselves are accepted', () => {
  const args = {
    'x-message-ttl': 0,
    'x-expires': 315_360_000_000,
    'x-max-length': 0,
    'x-max-priority': 255,
    'x-overflow': 'reject-publish-dlx',
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': '',
    'x-single-active-consumer': false,
    'x-queue-mode': 'lazy',
    'x-queue-version': 2,
    'x-something-else': 'ignored',
  }
  assert.equal(refusal('classic', argumentsOf(args)), undefined)
  const quorum = { 'x-delivery-limit': -1, 'x-delayed-retry-type': 'failed', 'x-consumer-timeout': 0 }
  assert.equal(refusal('quorum', argumentsOf(quorum)), undefined)
})

test('a dead letter exchange that is no text has a refusal of its own', () => {
  const expected = "invalid type 'long' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'"
  assert.equal(refusal('classic', argumentsOf({ 'x-dead-letter-exchange': 1 })), expected)
})

test('an argument of another kind is refused by name', () => {
  const expected = (name: string, kind: string): string =>
    `invalid arg '${name}' for queue 'q' in vhost '/' of queue type rabbit_${kind}_queue`
  assert.equal(refusal('quorum', argumentsOf({ 'x-max-priority': 5 })), expected('x-max-priority', 'quorum'))
  assert.equal(refusal('classic', argumentsOf({ 'x-delivery-limit': 5 })), expected('x-delivery-limit', 'classic'))
  assert.equal(refusal('classic', argumentsOf({ 'x-max-age': 'wrong, too' })), expected('x-max-age', 'classic'))
  assert.equal(refusal('stream', argumentsOf({ 'x-message-ttl': 5 })), expected('x-message-ttl', 'stream'))
})

test('quorum queues are durable and shared', () => {
  const expected = (property: string): string => `invalid property '${property}' for queue 'q' in vhost '/'`
  assert.equal(refusal('quorum', new Map(), { durable: false }), expected('non-durable'))
  assert.equal(refusal('quorum', new Map(), { autoDelete: true }), expected('auto-delete'))
  assert.equal(refusal('quorum', new Map(), { exclusive: true, durable: false }), expected('exclusive-owner'))
  assert.equal(refusal('classic', new Map(), { durable: false, autoDelete: true, exclusive: true }), undefined)
})

test('a kind compares the arguments that it knows', () => {
  assert.ok(knownArguments('classic').includes('x-max-priority'))
  assert.ok(!knownArguments('classic').includes('x-delivery-limit'))
  assert.ok(knownArguments('quorum').includes('x-delivery-limit'))
  assert.ok(!knownArguments('stream').includes('x-message-ttl'))
})
