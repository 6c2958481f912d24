/** The end of credentials that end (tokens): tells their connection once, unless they are renewed before. */
import { TimerEntry, type TimerOwner, type TimerWheel } from '../base/timer-wheel.ts'

/** One per connection whose credentials end. */
export class CredentialExpiry implements TimerOwner {
  readonly #timers: TimerWheel
  readonly #entry = new TimerEntry(this)
  readonly #expired: () => void

  private constructor(timers: TimerWheel, expired: () => void) {
    this.#timers = timers
    this.#expired = expired
  }

  /** Starts to wait; null for credentials that do not end. */
  static at(timers: TimerWheel, expiresAtMs: number | null, expired: () => void): CredentialExpiry | null {
    if (expiresAtMs === null) return null
    const expiry = new CredentialExpiry(timers, expired)
    timers.schedule(expiry.#entry, expiresAtMs)
    return expiry
  }

  stop(): void {
    this.#timers.cancel(this.#entry)
  }

  onTimer(): void {
    this.#expired()
  }
}
