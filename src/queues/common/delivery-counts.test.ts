import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deliveriesOf, reasonOf, returnsOf, withFailure, withReason, withReturn } from './delivery-counts.ts'

test('counts and the reason of a death share a word', () => {
  let word = withReturn(withReturn(0, true), false)
  assert.deepEqual([deliveriesOf(word), returnsOf(word), reasonOf(word)], [1, 2, null])
  word = withReason(withFailure(word), 'delivery_limit')
  assert.deepEqual([deliveriesOf(word), returnsOf(word), reasonOf(word)], [2, 2, 'delivery_limit'])
  assert.ok(word >= 0 && word < 2 ** 32)
})

test('counts stop at their maximum', () => {
  let word = 0
  for (let i = 0; i < 40_000; i++) word = withReturn(word, true)
  assert.deepEqual([deliveriesOf(word), returnsOf(word), reasonOf(word)], [16_383, 32_767, null])
})
