import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Alarms } from './alarms.ts'

test('listeners hear of each change once, after it', () => {
  const alarms = new Alarms()
  const heard: string[] = []
  alarms.listen({ onAlarms: (all, blocking) => heard.push(`${blocking} ${all.reason}`) })
  assert.equal(alarms.set('memory', true), true)
  assert.equal(alarms.set('memory', true), false)
  alarms.set('disk', true)
  alarms.set('memory', false)
  alarms.set('disk', false)
  assert.deepEqual(heard, ['true low on memory', 'true low on memory & disk', 'true low on disk', 'false '])
  assert.equal(alarms.isBlocking, false)
})

test('the reason lists alarms in a fixed order', () => {
  const alarms = new Alarms()
  alarms.set('storage', true)
  alarms.set('disk', true)
  alarms.set('memory', true)
  assert.equal(alarms.reason, 'low on memory & disk & storage')
  assert.deepEqual(alarms.raised, ['memory', 'disk', 'storage'])
})

test('a listener that leaves, also while others are being told, hears no more', () => {
  const alarms = new Alarms()
  let count = 0
  const second = { onAlarms: () => count++ }
  alarms.listen({ onAlarms: () => alarms.unlisten(second) })
  alarms.listen(second)
  alarms.set('disk', true)
  assert.equal(count, 0)
})
