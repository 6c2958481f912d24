import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Heartbeat, type HeartbeatOwner } from './heartbeat.ts'

class Owner implements HeartbeatOwner {
  receivedBytes = 0
  sentBytes = 0
  isDeaf = false
  sent = 0
  silences = 0

  sendHeartbeat(): void {
    this.sent++
  }

  onSilence(): void {
    this.silences++
  }
}

function bed() {
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock, (error) => {
    throw error
  })
  const owner = new Owner()
  return { clock, owner, heartbeat: new Heartbeat(wheel, owner, 10_000) }
}

test('an idle connection sends a heartbeat after half an interval', () => {
  const { clock, owner } = bed()
  clock.advance(4_999)
  assert.equal(owner.sent, 0)
  clock.advance(1)
  assert.equal(owner.sent, 1)
})

test('traffic replaces heartbeats', () => {
  const { clock, owner } = bed()
  for (let i = 0; i < 10; i++) {
    owner.sentBytes++
    clock.advance(5_000)
  }
  assert.equal(owner.sent, 0)
})

test('a peer may be silent for less than two intervals', () => {
  const { clock, owner } = bed()
  clock.advance(19_999)
  owner.receivedBytes++
  clock.advance(19_999)
  assert.equal(owner.silences, 0)
})

test('a peer that is silent for two intervals is gone', () => {
  const { clock, owner } = bed()
  clock.advance(20_000)
  assert.equal(owner.silences, 1)
  clock.advance(100_000)
  assert.equal(owner.silences, 1)
})

test('silence does not count while nobody reads', () => {
  const { clock, owner } = bed()
  owner.isDeaf = true
  clock.advance(100_000)
  assert.equal(owner.silences, 0)
})

test('a stopped heartbeat is still', () => {
  const { clock, owner, heartbeat } = bed()
  heartbeat.stop()
  clock.advance(100_000)
  assert.equal(owner.sent + owner.silences, 0)
})
