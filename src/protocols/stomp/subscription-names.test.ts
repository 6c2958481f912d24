import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durableQueueName } from './subscription-names.ts'

// Both recorded from rabbitmq_stomp 3.10.8.
test('a durable subscription has the queue that RabbitMQ gives it', () => {
  assert.equal(durableQueueName('xx1', 'd1'), 'stomp-subscription-Mi74OfNPmUuDlfKLv0Godg')
  assert.equal(durableQueueName('k', 'd1'), 'stomp-subscription-uGKwgGKLQDIu_fDUhFIkIg')
})
