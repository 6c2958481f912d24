/**
 * Time: the one home of reading it and of waiting for it. Everything else gets a `Clock` handed in.
 *
 * Two readings. `nowMs` is the time of day, for timestamps and deadlines (TTL, delays, the timer wheel); unlike the
 * system's it never goes back. `monotonicMs` measures durations (how long a peer has been silent, how long a sync took).
 * An alarm is the one timer that a wheel arms; nobody else should need it.
 */

/** A moment that never comes. */
export const NEVER = Number.POSITIVE_INFINITY

/** Rings once, at the delay last set. */
export interface Alarm {
  /** Rings after this many ms (at least one tick of the event loop later); replaces what was set before. */
  set(delayMs: number): void
  clear(): void
}

/** Reads time. Several brokers of a process may share one. */
export interface Clock {
  /** Milliseconds since 1970, whole, never less than before. */
  nowMs(): number
  /** Milliseconds since some moment (of the machine's clock: the start of the process), fractional, at an even pace. */
  monotonicMs(): number
  /** An alarm that is not set. A set alarm keeps the process alive. */
  alarm(ring: () => void): Alarm
}

/** How often the time of day is compared with the system's. */
const COMPARE_EVERY_MS = 1_000
/** A system clock further ahead than this has been set, or the machine slept: follow at once. */
const LEAP_MS = 10_000
/** Smaller differences, and a clock that was set back, are worked off at this rate. Erlang's rate, too. */
const SLEW_PER_MS = 0.01
/** Longest delay that `setTimeout` takes. */
const DELAY_MS_MAX = 0x7fff_ffff

/** What `SystemClock` reads; replaced in its test. */
export interface TimeSource {
  wallMs(): number
  monotonicMs(): number
}

const SYSTEM_TIME: TimeSource = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }

class SystemAlarm implements Alarm {
  readonly #ring: () => void
  #timeout: NodeJS.Timeout | null = null

  constructor(ring: () => void) {
    this.#ring = () => {
      this.#timeout = null
      ring()
    }
  }

  set(delayMs: number): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout)
    this.#timeout = setTimeout(this.#ring, Math.min(Math.max(Math.ceil(delayMs), 0), DELAY_MS_MAX))
  }

  clear(): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout)
    this.#timeout = null
  }
}

/** The machine's time. */
export class SystemClock implements Clock {
  readonly #source: TimeSource
  #offsetMs: number
  #comparedAtMs: number

  constructor(source: TimeSource = SYSTEM_TIME) {
    this.#source = source
    this.#comparedAtMs = source.monotonicMs()
    this.#offsetMs = source.wallMs() - this.#comparedAtMs
  }

  nowMs(): number {
    const monotonicMs = this.#source.monotonicMs()
    if (monotonicMs - this.#comparedAtMs >= COMPARE_EVERY_MS) this.#compare(monotonicMs)
    return Math.floor(monotonicMs + this.#offsetMs)
  }

  monotonicMs(): number {
    return this.#source.monotonicMs()
  }

  alarm(ring: () => void): Alarm {
    return new SystemAlarm(ring)
  }

  #compare(monotonicMs: number): void {
    const aheadMs = this.#source.wallMs() - (monotonicMs + this.#offsetMs)
    const stepMsMax = (monotonicMs - this.#comparedAtMs) * SLEW_PER_MS
    if (aheadMs > LEAP_MS) this.#offsetMs += aheadMs
    else this.#offsetMs += Math.min(Math.max(aheadMs, -stepMsMax), stepMsMax)
    this.#comparedAtMs = monotonicMs
  }
}

class ManualAlarm implements Alarm {
  readonly ring: () => void
  readonly #clock: ManualClock
  readonly #armed: Set<ManualAlarm>
  atMs = NEVER

  constructor(clock: ManualClock, armed: Set<ManualAlarm>, ring: () => void) {
    this.#clock = clock
    this.#armed = armed
    this.ring = ring
  }

  set(delayMs: number): void {
    this.atMs = this.#clock.nowMs() + Math.max(Math.ceil(delayMs), 0)
    this.#armed.delete(this)
    this.#armed.add(this)
  }

  clear(): void {
    this.atMs = NEVER
    this.#armed.delete(this)
  }
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  readonly #startMs: number
  readonly #armed = new Set<ManualAlarm>()
  #nowMs: number

  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs
  }

  alarm(ring: () => void): Alarm {
    return new ManualAlarm(this, this.#armed, ring)
  }

  /** Moves time forward and rings, in order and each at its own moment, every alarm on the way, also those set by alarms. */
  advance(ms: number): void {
    const targetMs = this.#nowMs + ms
    for (let due = this.#due(targetMs); due !== null; due = this.#due(targetMs)) {
      this.#nowMs = Math.max(this.#nowMs, due.atMs)
      due.clear()
      due.ring()
    }
    this.#nowMs = targetMs
  }

  #due(targetMs: number): ManualAlarm | null {
    let first: ManualAlarm | null = null
    for (const alarm of this.#armed) {
      if (alarm.atMs <= targetMs && (first === null || alarm.atMs < first.atMs)) first = alarm
    }
    return first
  }
}
