import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killRounds } from './store-kill.ts'

test('kill -9 at random moments: every confirmed message is there, in order, and nothing is invented', async () => {
  const figures = await killRounds(5, process.pid)
  assert.ok(figures.confirmedCount > 100, 'the process hardly got to confirm anything')
  assert.ok(figures.settledCount > 50)
})
