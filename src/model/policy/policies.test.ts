import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf, TestWorld, texts, value } from '../../../test/support/model-world.ts'
import type { PolicyRecord } from '../records/records.ts'
import { refusesDefinition, withoutLegacyKeys } from './policy-keys.ts'
import { mergePolicies } from './policy-merge.ts'

function policy(
  name: string,
  definition: Readonly<Record<string, unknown>>,
  changes: Partial<PolicyRecord> = {},
): PolicyRecord {
  return { vhost: '/', name, pattern: '.*', applyTo: 'all', priority: 0, definition, ...changes }
}

function put(world: TestWorld, record: PolicyRecord, operator = false): void {
  value((answered) => world.broker.policies.put(record, operator, answered))
}

test('a policy is in force at once, on what is there and on what comes, until it is cleared', () => {
  const world = new TestWorld()
  const before = world.queue('jobs.a')
  put(world, policy('limit', { 'max-length': 5 }, { pattern: '^jobs\\.' }))
  const after = world.queue('jobs.b')
  const other = world.queue('other')
  for (const queue of [before, after]) assert.deepEqual(queue.policy.definition, { 'max-length': 5 })
  assert.equal(before.policy.policyName, 'limit')
  assert.equal(other.policy.policyName, null)
  value((answered) => world.broker.policies.clear('/', 'limit', false, answered))
  assert.deepEqual(before.policy.definition, {})
  assert.equal(
    refusalOf((answered) => world.broker.policies.clear('/', 'limit', false, answered)),
    "not-found: no policy 'limit' in vhost '/'",
  )
})

test('the highest priority applies, among the kinds it is for', () => {
  const world = new TestWorld()
  const classic = world.queue('c')
  const quorum = world.queue('q', { arguments: texts({ 'x-queue-type': 'quorum' }) })
  put(world, policy('all', { 'max-length': 1 }))
  put(world, policy('queues', { 'max-length': 2 }, { applyTo: 'queues', priority: 1 }))
  put(world, policy('quorum', { 'max-length': 3 }, { applyTo: 'quorum_queues', priority: 2 }))
  put(world, policy('exchanges', { 'alternate-exchange': 'x' }, { applyTo: 'exchanges', priority: 9 }))
  assert.deepEqual([classic.policy.policyName, quorum.policy.policyName], ['queues', 'quorum'])
  assert.equal(world.vhost.exchange('amq.direct')!.alternate, 'x')
})

test('a policy with a key that a kind cannot live with is not for it', () => {
  const world = new TestWorld()
  const classic = world.queue('c')
  const quorum = world.queue('q', { arguments: texts({ 'x-queue-type': 'quorum' }) })
  put(world, policy('limits', { 'delivery-limit': 3 }))
  assert.deepEqual([classic.policy.policyName, quorum.policy.policyName], [null, 'limits'])
})

test('an alternate exchange by policy reroutes at once; the argument stands before it', () => {
  const world = new TestWorld()
  world.exchange('x', 'direct')
  world.exchange('own', 'direct', { 'alternate-exchange': 'amq.direct' })
  world.queue('q')
  world.bind('amq.fanout', 'q')
  assert.deepEqual(world.targets({ exchange: 'x', key: 'k' }), [])
  put(world, policy('ae', { 'alternate-exchange': 'amq.fanout' }, { applyTo: 'exchanges', pattern: '^(x|own)$' }))
  assert.deepEqual(world.targets({ exchange: 'x', key: 'k' }), ['q'])
  assert.deepEqual(world.targets({ exchange: 'own', key: 'k' }), [])
})

test('a user policy and an operator policy merge, the stricter limit winning', () => {
  const user = policy('u', {
    'max-length': 10,
    expires: 100,
    'delivery-limit': -1,
    overflow: 'drop-head',
    'target-group-size': 3,
    'dead-letter-exchange': 'dlx',
  })
  const operator = policy('o', {
    'max-length': 20,
    expires: 50,
    'delivery-limit': 5,
    overflow: 'reject-publish',
    'target-group-size': 5,
    'message-ttl': 7,
  })
  assert.deepEqual(mergePolicies(user, operator), {
    policyName: 'u',
    operatorPolicyName: 'o',
    definition: {
      'max-length': 10,
      expires: 50,
      'delivery-limit': 5,
      overflow: 'reject-publish',
      'target-group-size': 5,
      'dead-letter-exchange': 'dlx',
      'message-ttl': 7,
    },
  })
  assert.deepEqual(mergePolicies(undefined, operator).definition, operator.definition)
})

test('definitions are validated in the words of RabbitMQ', () => {
  for (const [definition, text] of [
    [{}, 'no policy provided'],
    [{ nokey: 1, other: 'x' }, '[{<<"nokey">>,1},{<<"other">>,<<"x">>}] are not recognised policy settings'],
    [{ 'message-ttl': -1 }, '-1 is not a valid message TTL'],
    [{ 'message-ttl': 'x' }, '<<"x">> is not a valid message TTL'],
    [{ expires: 0 }, '0 is not a valid queue expiry'],
    [{ 'max-length': 1.5 }, '1.5 is not a valid maximum length'],
    [{ 'max-length': 0 }, undefined],
    [{ 'dead-letter-exchange': true }, 'true is not a valid dead letter exchange name'],
    [{ overflow: 'foo' }, '<<"foo">> is not a valid overflow value'],
    [{ 'max-age': '5x' }, '<<"5x">> is not a valid max age'],
    [{ 'max-age': '5D' }, undefined],
    [{ 'delivery-limit': -1 }, undefined],
    [{ 'queue-master-locator': 1 }, '1 invalid queue-master-locator value'],
    [{ 'delayed-retry-type': 'all' }, 'delayed-retry-min is required when delayed-retry-type is all'],
    [{ constructor: 1 }, '[{<<"constructor">>,1}] are not recognised policy settings'],
  ] as const) {
    assert.equal(refusesDefinition(definition, false), text)
  }
  assert.equal(
    refusesDefinition({ 'dead-letter-exchange': 'x' }, true),
    '[{<<"dead-letter-exchange">>,<<"x">>}] are not recognised policy settings',
  )
  assert.deepEqual(withoutLegacyKeys({ 'ha-mode': 'all', 'max-length': 1 }), { 'max-length': 1 })
})

test('a policy needs a valid pattern, a known apply-to and a vhost', () => {
  const world = new TestWorld()
  const refusal = (changes: Partial<PolicyRecord>): string =>
    refusalOf((answered) => world.broker.policies.put(policy('p', { 'max-length': 1 }, changes), false, answered))
  assert.match(refusal({ pattern: '^a(' }), /pattern should be regular expression but is invalid/)
  assert.match(refusal({ applyTo: 'nothing' as 'all' }), /apply-to 'nothing' unrecognised; should be 'queues'/)
  assert.equal(refusal({ vhost: 'nowhere' }), 'not-found: vhost nowhere not found')
})
