import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from './histogram.ts'

test('values are counted below the first bound that is not smaller, as often as they occurred', () => {
  const histogram = new Histogram([1, 10])
  histogram.observe(0)
  histogram.observe(1, 2)
  histogram.observe(1.5)
  histogram.observe(10.1, 3)
  assert.deepEqual(histogram.counts, [3, 1, 3])
  assert.equal(Math.round(histogram.sum * 10), 338)
})
