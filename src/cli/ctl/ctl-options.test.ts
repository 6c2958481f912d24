import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsed } from './ctl-options.ts'

test('-d is a duration only before a number', () => {
  const folder = parsed(['-d', '/data', 'log_tail_stream', '-d', '5']).values
  assert.deepEqual([folder['data-dir'], folder.duration], ['/data', '5'])
  assert.equal(parsed(['consume_event_stream', '-d', '0.5']).values.duration, '0.5')
  assert.equal(parsed(['list_queues', '-d', '5']).values['data-dir'], '5')
})
