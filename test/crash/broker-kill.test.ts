// A few rounds of kill -9 of the real broker; `npm run test:crash` runs fifty.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killBrokers } from './broker-kill.ts'

test('kill -9 of the broker under load: what was answered is there, in order, once; nothing is invented', async () => {
  const figures = await killBrokers(3, process.pid, 500)
  assert.equal(figures.kills, 3)
  assert.ok(figures.confirmedCount > 100, `only ${figures.confirmedCount} confirms`)
  assert.ok(figures.foundCount > 10 && figures.sealedCount > 10 && figures.topologyChanges > 5, JSON.stringify(figures))
})
