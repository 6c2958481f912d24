import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { StompError } from './errors.ts'
import { type HeartbeatOwner, Heartbeats, planHeartbeats } from './heartbeats.ts'

class Peer implements HeartbeatOwner {
  receivedBytes = 0
  sentBytes = 0
  isDeaf = false
  readonly log: string[] = []

  sendHeartbeat(): void {
    this.sentBytes++
    this.log.push('beat')
  }

  onSilence(): void {
    this.log.push('silence')
  }
}

test('the header: what we send is what the client wants, at most one per second', () => {
  assert.deepEqual(planHeartbeats('5000,7000'), { sendMs: 7000, receiveMs: 5000 })
  assert.deepEqual(planHeartbeats('100,0'), { sendMs: 0, receiveMs: 1000 })
  assert.deepEqual(planHeartbeats(undefined), { sendMs: 0, receiveMs: 0 })
  assert.throws(() => planHeartbeats('5'), StompError)
})

test('an idle connection beats; one that sends does not', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock, (error) => {
    throw error
  })
  const peer = new Peer()
  const beats = new Heartbeats(wheel, peer, { sendMs: 1000, receiveMs: 0 })
  clock.advance(3000)
  assert.ok(peer.log.length >= 3, 'one per second at least')
  const before = peer.log.length
  for (let i = 0; i < 6; i++) {
    peer.sentBytes++
    clock.advance(500)
  }
  assert.equal(peer.log.length, before)
  beats.stop()
  clock.advance(5000)
  assert.equal(peer.log.length, before)
})

test('two silent intervals are too many, unless we do not listen', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock, (error) => {
    throw error
  })
  const peer = new Peer()
  new Heartbeats(wheel, peer, { sendMs: 0, receiveMs: 1000 })
  peer.isDeaf = true
  clock.advance(5000)
  assert.deepEqual(peer.log, [])
  peer.isDeaf = false
  clock.advance(1500)
  peer.receivedBytes++
  clock.advance(1999)
  assert.deepEqual(peer.log, [])
  clock.advance(1000)
  assert.deepEqual(peer.log, ['silence'])
})
