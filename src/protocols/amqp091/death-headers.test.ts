import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Annotations } from '../../model/message/annotations.ts'
import { withBrokerHeaders } from './death-headers.ts'
import { toPlain } from './field-values.ts'
import type { FieldValue } from './fields.ts'

const NONE = { deliveryCount: 0, acquiredCount: 0 }
const DEAD: Annotations = {
  deaths: [
    {
      queue: 'q',
      reason: 'expired',
      count: 2,
      firstAtMs: 1_700_000_000_999,
      lastAtMs: 1_700_000_009_000,
      exchange: 'x',
      routingKeys: ['k'],
      originalExpirationMs: 50,
    },
  ],
  firstDeath: { reason: 'expired', queue: 'q', exchange: 'x' },
  lastDeath: { reason: 'expired', queue: 'q', exchange: 'x' },
}

test('nothing to add leaves the headers alone', () => {
  const headers = new Map([['b', { type: 'longstr', value: '1' } as FieldValue]])
  assert.equal(withBrokerHeaders(headers, { cc: ['k'], bcc: [] }, NONE), headers)
})

test('deaths are shown as x-death, the table in the order of names', () => {
  const headers = new Map([['z', { type: 'longstr', value: '1' } as FieldValue]])
  const shown = withBrokerHeaders(headers, DEAD, NONE)
  assert.deepEqual(toPlain(shown), {
    'x-death': [
      {
        'original-expiration': '50',
        count: 2,
        reason: 'expired',
        queue: 'q',
        time: 1_700_000_000,
        exchange: 'x',
        'routing-keys': ['k'],
      },
    ],
    'x-first-death-exchange': 'x',
    'x-first-death-queue': 'q',
    'x-first-death-reason': 'expired',
    'x-last-death-exchange': 'x',
    'x-last-death-queue': 'q',
    'x-last-death-reason': 'expired',
    z: '1',
  })
  assert.deepEqual([...shown.keys()], [...shown.keys()].sort())
})

test('counts of the queue are shown before those a dead letter brought', () => {
  const brought = { ...DEAD, deliveryCount: 9, acquiredCount: 9 }
  assert.equal(withBrokerHeaders(new Map(), brought, NONE).get('x-delivery-count')?.value, 9)
  const counted = withBrokerHeaders(new Map(), brought, { deliveryCount: 1, acquiredCount: 2 })
  assert.equal(counted.get('x-delivery-count')?.value, 1)
  assert.equal(counted.get('x-acquired-count')?.value, 2)
})

test('a publisher’s own x-death is replaced, never read', () => {
  const forged = new Map([['x-death', { type: 'longstr', value: 'forged' } as FieldValue]])
  assert.equal(withBrokerHeaders(forged, DEAD, NONE).get('x-death')?.type, 'array')
})
