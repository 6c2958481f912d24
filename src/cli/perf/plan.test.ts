import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAssertion, parseAssertion } from './assertions.ts'
import { latencyHistogram, recordLatency, summarize } from './histogram.ts'
import { parsePattern, parseSizes, patternAt } from './plan.ts'
import { PublishBatch } from './publish-batch.ts'
import type { LoadResult } from './run.ts'

test('a rate pattern adds up what is due along its ramps and goes on at its last rate', () => {
  const pattern = parsePattern('100:2s,0..50:4s')
  assert.deepEqual(patternAt(pattern, 1), { perSecond: 100, total: 100 })
  assert.deepEqual(patternAt(pattern, 4), { perSecond: 25, total: 200 + 25 })
  assert.deepEqual(patternAt(pattern, 8), { perSecond: 50, total: 200 + 100 + 100 })
})

test('patterns, sizes and assertions that make no sense are refused with a sentence', () => {
  assert.throws(() => parsePattern('fast'), /write 1000/)
  assert.throws(() => parseSizes('12 parsecs'), /is not understood/)
  assert.throws(() => parseAssertion('speed>1'), /figures: rate/)
})

test('sizes know binary and decimal units', () => {
  assert.deepEqual(parseSizes('16, 4KiB,1MB'), [16, 4096, 1_000_000])
})

test('an assertion compares in its own unit', () => {
  const histogram = latencyHistogram()
  for (let us = 1; us <= 1000; us++) recordLatency(histogram, us)
  const result = { latency: summarize(histogram), receivedPerSecond: 150_000, plan: { consumers: 1 } } as LoadResult
  assert.equal(checkAssertion(parseAssertion('p99<1ms'), result).holds, true)
  assert.equal(checkAssertion(parseAssertion('p99<900us'), result).holds, false)
  assert.equal(checkAssertion(parseAssertion('rate>=150k'), result).holds, true)
})

test('a batch holds equal messages and stamps each body', () => {
  const shape = {
    channel: 1,
    exchange: '',
    routingKey: 'q',
    persistent: true,
    mandatory: false,
    bodyBytes: 16,
    frameBytesMax: 4096,
  }
  const batch = new PublishBatch(shape, 3)
  const one = batch.first(1).length
  batch.stamp(1, 42.5)
  assert.equal(batch.first(3).length, 3 * one)
  assert.equal(batch.first(3).readDoubleLE(one + one - 1 - 16), 42.5)
  assert.equal(batch.first(3)[one - 1], 0xce)
})
