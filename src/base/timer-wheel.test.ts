import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ManualClock, NEVER, SystemClock } from './clock.ts'
import { TimerEntry, type TimerOwner, TimerWheel } from './timer-wheel.ts'

const START_MS = 1_700_000_000_123
const DAY_MS = 86_400_000

function rethrow(error: unknown): never {
  throw error
}

class Recorder implements TimerOwner {
  readonly fired: string[] = []
  readonly entries: TimerEntry[] = []
  readonly #clock: ManualClock

  constructor(clock: ManualClock, count: number) {
    this.#clock = clock
    for (let i = 0; i < count; i++) this.entries.push(new TimerEntry(this))
  }

  onTimer(nowMs: number, entry: TimerEntry): void {
    assert.equal(nowMs, this.#clock.nowMs())
    this.fired.push(`${this.entries.indexOf(entry)}@${nowMs - START_MS}`)
  }
}

function setUp(count: number): { clock: ManualClock; wheel: TimerWheel; recorder: Recorder } {
  const clock = new ManualClock(START_MS)
  return { clock, wheel: new TimerWheel(clock, rethrow), recorder: new Recorder(clock, count) }
}

/** What the wheel must equal: a list, sorted at every step. */
class NaiveTimers {
  readonly fired: string[] = []
  nowMs = 0
  #plans: { index: number; atMs: number; order: number }[] = []
  #order = 0

  schedule(index: number, atMs: number): void {
    this.cancel(index)
    this.#plans.push({ index, atMs, order: this.#order++ })
  }

  cancel(index: number): void {
    this.#plans = this.#plans.filter((plan) => plan.index !== index)
  }

  advance(ms: number): void {
    this.nowMs += ms
    const due = this.#plans.filter((plan) => plan.atMs <= this.nowMs)
    due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
    for (const plan of due) this.fired.push(`${plan.index}@${plan.atMs}`)
    this.#plans = this.#plans.filter((plan) => plan.atMs > this.nowMs)
  }
}

const delay = fc.oneof(
  fc.integer({ min: 1, max: 200 }),
  fc.integer({ min: 1, max: 20_000 }),
  fc.integer({ min: 1, max: 40 * DAY_MS }),
  fc.constantFrom(63, 64, 65, 4_095, 4_096, 4_097, 2 ** 30 - 1, 2 ** 30, 2 ** 30 + 1, 366 * DAY_MS),
)
const step = fc.oneof(
  fc.record({ verb: fc.constant('schedule' as const), index: fc.nat(9), ms: delay }),
  fc.record({ verb: fc.constant('cancel' as const), index: fc.nat(9), ms: fc.constant(0) }),
  fc.record({ verb: fc.constant('advance' as const), index: fc.constant(0), ms: delay }),
)

test('the wheel equals a sorted list under random schedules, cancellations and passing time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, wheel, recorder } = setUp(10)
      const naive = new NaiveTimers()
      for (const { verb, index, ms } of steps) {
        if (verb === 'schedule') {
          wheel.schedule(recorder.entries[index]!, clock.nowMs() + ms)
          naive.schedule(index, naive.nowMs + ms)
        } else if (verb === 'cancel') {
          wheel.cancel(recorder.entries[index]!)
          naive.cancel(index)
        } else {
          clock.advance(ms)
          naive.advance(ms)
        }
        assert.deepEqual(recorder.fired, naive.fired)
      }
    }),
    { numRuns: 300 },
  )
})

test('an entry fires at its deadline, not before, and only once', () => {
  const { clock, wheel, recorder } = setUp(1)
  wheel.schedule(recorder.entries[0]!, START_MS + 99.5)
  clock.advance(99)
  assert.deepEqual(recorder.fired, [])
  clock.advance(1)
  assert.deepEqual(recorder.fired, ['0@100'])
  clock.advance(10 * DAY_MS)
  assert.equal(recorder.fired.length, 1)
  assert.equal(wheel.count, 0)
})

test('a deadline in the past fires soon, but not within the call, whatever else waits', () => {
  fc.assert(
    fc.property(fc.array(delay, { maxLength: 3 }), delay, fc.nat(1_000), (others, passedMs, pastMs) => {
      const { clock, wheel, recorder } = setUp(4)
      for (const [i, ms] of others.entries()) wheel.schedule(recorder.entries[i + 1]!, START_MS + ms)
      clock.advance(passedMs)
      const before = recorder.fired.length
      wheel.schedule(recorder.entries[0]!, clock.nowMs() - pastMs)
      assert.equal(recorder.fired.length, before)
      clock.advance(1)
      assert.equal(recorder.entries[0]!.isScheduled, false)
      assert.ok(recorder.fired.slice(before).some((line) => line.startsWith('0@')))
    }),
  )
})

test('NEVER cancels, and what is not a time is refused', () => {
  const { clock, wheel, recorder } = setUp(1)
  const entry = recorder.entries[0]!
  wheel.schedule(entry, START_MS + 10)
  wheel.schedule(entry, NEVER)
  assert.equal(entry.isScheduled, false)
  assert.throws(() => wheel.schedule(entry, Number.NaN), RangeError)
  clock.advance(100)
  assert.deepEqual(recorder.fired, [])
})

test('an owner may schedule itself again and cancel its neighbour of the same millisecond', () => {
  const clock = new ManualClock(START_MS)
  const wheel = new TimerWheel(clock, rethrow)
  const fired: number[] = []
  const neighbour = new TimerEntry({ onTimer: () => assert.fail('was cancelled') })
  const first = new TimerEntry({
    onTimer: (nowMs, entry) => {
      fired.push(nowMs - START_MS)
      wheel.cancel(neighbour)
      if (fired.length < 3) wheel.schedule(entry, nowMs)
    },
  })
  wheel.schedule(first, START_MS + 64)
  wheel.schedule(neighbour, START_MS + 64)
  clock.advance(200)
  assert.deepEqual(fired, [64, 65, 66])
})

test('an error of one owner reaches the supervisor and the others still fire', () => {
  const clock = new ManualClock(START_MS)
  const errors: unknown[] = []
  const wheel = new TimerWheel(clock, (error) => errors.push(error))
  const recorder = new Recorder(clock, 1)
  const bug = new Error('bug')
  const broken = new TimerEntry({
    onTimer: () => {
      throw bug
    },
  })
  wheel.schedule(broken, START_MS + 5)
  wheel.schedule(recorder.entries[0]!, START_MS + 5)
  clock.advance(5)
  assert.deepEqual(errors, [bug])
  assert.deepEqual(recorder.fired, ['0@5'])
})

test('stop forgets everything', () => {
  const { clock, wheel, recorder } = setUp(3)
  wheel.schedule(recorder.entries[0]!, START_MS + 1)
  wheel.schedule(recorder.entries[1]!, START_MS + 5_000)
  wheel.schedule(recorder.entries[2]!, START_MS + 400 * DAY_MS)
  wheel.stop()
  clock.advance(500 * DAY_MS)
  assert.deepEqual(recorder.fired, [])
  assert.equal(wheel.count, 0)
})

test('the same wheel runs on the system clock', async () => {
  const clock = new SystemClock()
  const wheel = new TimerWheel(clock, rethrow)
  const startMs = clock.nowMs()
  const firedAtMs = await new Promise<number>((resolve) => {
    wheel.schedule(new TimerEntry({ onTimer: resolve }), startMs + 20)
  })
  assert.ok(firedAtMs >= startMs + 20)
})
