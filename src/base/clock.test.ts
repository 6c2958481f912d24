import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock, SystemClock } from './clock.ts'

class FakeTime {
  wall = 1_000_000
  monotonic = 500
  wallMs(): number {
    return this.wall
  }
  monotonicMs(): number {
    return this.monotonic
  }
  pass(ms: number): void {
    this.wall += ms
    this.monotonic += ms
  }
}

test('the system clock starts at the time of day and keeps its pace', () => {
  const time = new FakeTime()
  const clock = new SystemClock(time)
  assert.equal(clock.nowMs(), 1_000_000)
  time.pass(1_234)
  assert.equal(clock.nowMs(), 1_001_234)
})

test('a clock that was set back is followed slowly, never backwards', () => {
  const time = new FakeTime()
  const clock = new SystemClock(time)
  time.wall -= 60_000
  let last = clock.nowMs()
  for (let second = 0; second < 7_000; second++) {
    time.pass(1_000)
    const now = clock.nowMs()
    assert.ok(now >= last + 989, `${now} after ${last}`)
    last = now
  }
  assert.equal(last, time.wall)
})

test('a leap forward is followed within a second', () => {
  const time = new FakeTime()
  const clock = new SystemClock(time)
  time.wall += 8 * 3_600_000
  time.pass(1_000)
  assert.equal(clock.nowMs(), time.wall)
})

test('a manual clock rings alarms in order, each at its own moment', () => {
  const clock = new ManualClock(1_000)
  const rung: string[] = []
  const late = clock.alarm(() => rung.push(`late ${clock.nowMs()}`))
  const early = clock.alarm(() => {
    rung.push(`early ${clock.nowMs()}`)
    again.set(5)
  })
  const again = clock.alarm(() => rung.push(`again ${clock.nowMs()}`))
  const cleared = clock.alarm(() => rung.push('cleared'))
  late.set(100)
  early.set(10)
  cleared.set(20)
  cleared.clear()
  clock.advance(99)
  assert.deepEqual(rung, ['early 1010', 'again 1015'])
  clock.advance(1)
  assert.deepEqual(rung, ['early 1010', 'again 1015', 'late 1100'])
  assert.equal(clock.monotonicMs(), 100)
})
