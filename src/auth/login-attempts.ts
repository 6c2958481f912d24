/**
 * Counts logins, and makes guessing slow: from the fourth failure within a minute, an address waits longer and longer for
 * each refusal. A right password is never made to wait, so a misconfigured client cannot lock out its neighbours.
 *
 * Peers on this machine do not wait: they have shorter ways in, and behind a local proxy everybody looks like them.
 * Bounds: addresses remembered, and refusals waiting per address; more attempts than that are refused unread.
 */
import { TimerEntry, type TimerOwner, type TimerWheel } from '../base/timer-wheel.ts'
import type { LoginSource } from './identity.ts'

const FREE_FAILURES = 3
const DELAY_MS_FIRST = 100
const DELAY_MS_MAX = 5_000
const FORGET_AFTER_MS = 60_000
const ADDRESSES_MAX = 10_000
const WAITING_MAX = 50
const OF_THIS_MACHINE = /^(?:127\.|::1$)/

/** Logins of one protocol since the broker started. */
export interface LoginCounters {
  attempts: number
  succeeded: number
  failed: number
}

interface Address {
  failures: number
  lastFailureMs: number
  waiting: number
}

class Waiting implements TimerOwner {
  readonly entry = new TimerEntry(this)
  readonly #resume: () => void

  constructor(resume: () => void) {
    this.#resume = resume
  }

  onTimer(): void {
    this.#resume()
  }
}

/** The attempts of one broker. */
export class LoginAttempts {
  readonly #wheel: TimerWheel
  readonly #addresses = new Map<string, Address>()
  readonly #counters = new Map<string, LoginCounters>()

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel
  }

  /** Attempts that were not looked at. */
  exhaustedCount = 0

  /** By protocol. */
  get counters(): ReadonlyMap<string, Readonly<LoginCounters>> {
    return this.#counters
  }

  /** Starts all counters anew. */
  resetCounters(): void {
    this.#counters.clear()
  }

  /** Whether this address has so many refusals waiting that another attempt is not even looked at. */
  isExhausted(source: LoginSource): boolean {
    const isExhausted = (this.#addresses.get(source.remoteAddress)?.waiting ?? 0) >= WAITING_MAX
    if (isExhausted) this.exhaustedCount++
    return isExhausted
  }

  succeeded(source: LoginSource): void {
    const counters = this.#countersOf(source.protocol)
    counters.attempts++
    counters.succeeded++
  }

  /** Counts a failure; resolves when the peer may hear of it. */
  failed(source: LoginSource): Promise<void> {
    const counters = this.#countersOf(source.protocol)
    counters.attempts++
    counters.failed++
    // Also of requests that a proxy on this machine relays: everybody behind it has its address.
    if (source.isLoopback || OF_THIS_MACHINE.test(source.remoteAddress)) return Promise.resolve()
    const address = this.#noteFailure(source.remoteAddress)
    const past = address.failures - FREE_FAILURES
    if (past <= 0) return Promise.resolve()
    address.waiting++
    return new Promise((resolve) => {
      const waiting = new Waiting(() => {
        address.waiting--
        resolve()
      })
      const delayMs = Math.min(DELAY_MS_FIRST * 2 ** (past - 1), DELAY_MS_MAX)
      this.#wheel.schedule(waiting.entry, this.#wheel.clock.nowMs() + delayMs)
    })
  }

  #noteFailure(remoteAddress: string): Address {
    const nowMs = this.#wheel.clock.nowMs()
    const known = this.#addresses.get(remoteAddress)
    const isRecent = known !== undefined && nowMs - known.lastFailureMs < FORGET_AFTER_MS
    const address = known ?? { failures: 0, lastFailureMs: nowMs, waiting: 0 }
    address.failures = isRecent ? address.failures + 1 : 1
    address.lastFailureMs = nowMs
    // Last in the map is the latest failure, so the first is the one to forget.
    this.#addresses.delete(remoteAddress)
    this.#addresses.set(remoteAddress, address)
    for (const [oldest, { lastFailureMs }] of this.#addresses) {
      if (this.#addresses.size <= ADDRESSES_MAX && nowMs - lastFailureMs < FORGET_AFTER_MS) break
      this.#addresses.delete(oldest)
    }
    return address
  }

  #countersOf(protocol: string): LoginCounters {
    let counters = this.#counters.get(protocol)
    if (counters === undefined) {
      counters = { attempts: 0, succeeded: 0, failed: 0 }
      this.#counters.set(protocol, counters)
    }
    return counters
  }
}
