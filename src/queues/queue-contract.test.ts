import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contentsSuite } from './common/queue-contents-suite.ts'
import { expirySuite, limitSuite } from './common/queue-limits-suite.ts'
import { queueSuite } from './common/queue-suite.ts'
import { queueKinds } from './registry.ts'

for (const name of ['classic', 'quorum']) queueSuite(queueKinds.get(name)!, contentsSuite, expirySuite, limitSuite)

test('the registry knows the kinds by their x-queue-type', () => {
  for (const name of ['classic', 'quorum', 'stream']) assert.equal(queueKinds.get(name)?.name, name)
})

test('streams are refused in words', () => {
  const properties = { vhost: '/', name: 's', durable: true, exclusive: false, autoDelete: false }
  assert.deepEqual(queueKinds.get('stream')!.refusesDeclaration(properties, new Map()), {
    code: 'precondition-failed',
    text: "cannot declare queue 's' in vhost '/': queues of type stream are not available in this version",
  })
})
