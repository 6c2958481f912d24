import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_POLICY } from '../../model/policy/policy.ts'
import { QUEUE_DEFAULTS } from '../../model/queue/queue-host.ts'
import { argumentsOf, policyOf } from '../common/test-bed.ts'
import { NO_DELAY } from './delayed-retry.ts'
import { type QuorumSettings, quorumSettings, UNLIMITED_DELIVERIES } from './quorum-settings.ts'

type Values = Readonly<Record<string, string | number | boolean>>

function settingsOf(args: Values, policy?: Readonly<Record<string, unknown>>): QuorumSettings {
  return quorumSettings(argumentsOf(args), policy === undefined ? NO_POLICY : policyOf(policy), QUEUE_DEFAULTS)
}

test('without anything the defaults apply', () => {
  const settings = settingsOf({})
  assert.deepEqual(
    [settings.limit, settings.target, settings.deliveryLimit, settings.ackTimeoutMs],
    [null, null, 20, 1_800_000],
  )
  assert.equal(settings.delay, NO_DELAY)
  assert.deepEqual(settings.effective, { 'delivery-limit': 20 })
})

test('delivery limits: the smaller, unless one is unlimited', () => {
  const limit = (argument: number, policy: number): number =>
    settingsOf({ 'x-delivery-limit': argument }, { 'delivery-limit': policy }).deliveryLimit
  assert.deepEqual([limit(5, 9), limit(9, 5), limit(-1, 5), limit(5, -1)], [5, 5, 5, 5])
  assert.equal(limit(-1, -1), UNLIMITED_DELIVERIES)
})

test('overflow and the type of retries come from the policy, the target from the arguments', () => {
  const settings = settingsOf(
    {
      'x-overflow': 'drop-head',
      'x-max-length': 9,
      'x-dead-letter-exchange': 'mine',
      'x-delayed-retry-type': 'all',
      'x-delayed-retry-min': 10,
    },
    {
      overflow: 'reject-publish',
      'dead-letter-exchange': 'theirs',
      'dead-letter-routing-key': 'k',
      'delayed-retry-type': 'failed',
    },
  )
  assert.equal(settings.limit!.overflow, 'reject-publish')
  assert.deepEqual(settings.target, { exchange: 'mine', routingKey: 'k' })
  assert.deepEqual(settings.delay, { type: 'failed', minMs: 10, maxMs: 10 })
})

test('letters are kept only with a target and reject-publish', () => {
  const strategy = { 'x-dead-letter-strategy': 'at-least-once' }
  const kept = (more: Values): [boolean, number] => {
    const settings = settingsOf({ ...strategy, ...more })
    return [settings.keepsLetters, settings.warnings.length]
  }
  assert.deepEqual(kept({}), [false, 1])
  assert.deepEqual(kept({ 'x-dead-letter-exchange': 'dlx' }), [false, 1])
  assert.deepEqual(kept({ 'x-dead-letter-exchange': 'dlx', 'x-overflow': 'reject-publish' }), [true, 0])
})
