// A few rounds of kill -9 under MQTT load; `npm run test:crash` runs thirty.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killMqttBrokers } from './mqtt-kill.ts'

test('kill -9 under MQTT load: nothing acknowledged is lost, QoS 2 comes exactly once, wills and retained messages stay', async () => {
  const figures = await killMqttBrokers(3, process.pid, 400)
  assert.equal(figures.kills, 3)
  assert.equal(figures.wills, 3)
  assert.ok(figures.acknowledged1 > 20 && figures.acknowledged2 > 20, JSON.stringify(figures))
})
