/**
 * Counts logins, and makes guessing slow: from the fourth failure within a minute, an address waits longer and longer for
 * each refusal. A right password is never made to wait, so a misconfigured client cannot lock out its neighbours.
 *
 * Of IPv6 the network of 64 bits counts: one machine has all of its addresses.
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
const SOURCES_MAX = 10_000
const OF_THIS_MACHINE = /^(?:127\.|::1$)/

/** Logins of one protocol since the broker started. */
export interface LoginCounters {
  attempts: number
  succeeded: number
  failed: number
}

/** Logins of one user from one address over one protocol, since sources are tracked. */
export interface SourceCounters extends LoginCounters {
  readonly remoteAddress: string
  /** Empty when the credentials name nobody. */
  readonly user: string
  readonly protocol: string
}

/** Hears of an attempt; the user is empty when the credentials name nobody. */
export type AttemptObserver = (source: LoginSource, user: string, hasSucceeded: boolean) => void

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
  /** By address of IPv4, by network of IPv6. */
  readonly #addresses = new Map<string, Address>()
  readonly #counters = new Map<string, LoginCounters>()
  /** The oldest first; null while sources are not tracked. */
  #sources: Map<string, SourceCounters> | null = null

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel
  }

  #onAttempt: AttemptObserver | null = null

  /** Attempts that were not looked at. */
  exhaustedCount = 0

  /** By protocol. */
  get counters(): ReadonlyMap<string, Readonly<LoginCounters>> {
    return this.#counters
  }

  /** Starts all counters anew. */
  resetCounters(): void {
    this.#counters.clear()
    this.#sources?.clear()
  }

  /** By address, user and protocol; the newest 10,000, and none unless they are tracked. */
  get sources(): Iterable<Readonly<SourceCounters>> {
    return this.#sources?.values() ?? []
  }

  get isTrackingSources(): boolean {
    return this.#sources !== null
  }

  /** Begins or ends to tell sources apart; what was counted of them is forgotten at the end. */
  trackSources(isTracked: boolean): void {
    if (isTracked !== this.isTrackingSources) this.#sources = isTracked ? new Map() : null
  }

  /** Whether this address has so many refusals waiting that another attempt is not even looked at. */
  isExhausted(source: LoginSource): boolean {
    const isExhausted = (this.#addresses.get(networkOf(source.remoteAddress))?.waiting ?? 0) >= WAITING_MAX
    if (isExhausted) this.exhaustedCount++
    return isExhausted
  }

  /** Whoever wants to hear of every attempt but those over HTTP, which come with each request. At most one. */
  observe(onAttempt: AttemptObserver): void {
    this.#onAttempt = onAttempt
  }

  succeeded(source: LoginSource, user: string): void {
    if (source.protocol !== 'http') this.#onAttempt?.(source, user, true)
    for (const counters of this.#countersFor(source, user)) {
      counters.attempts++
      counters.succeeded++
    }
  }

  /** Counts a failure; resolves when the peer may hear of it. */
  failed(source: LoginSource, user: string): Promise<void> {
    if (source.protocol !== 'http') this.#onAttempt?.(source, user, false)
    for (const counters of this.#countersFor(source, user)) {
      counters.attempts++
      counters.failed++
    }
    // Also of requests that a proxy on this machine relays: everybody behind it has its address.
    if (source.isLoopback || OF_THIS_MACHINE.test(source.remoteAddress)) return Promise.resolve()
    const address = this.#noteFailure(networkOf(source.remoteAddress))
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

  #noteFailure(network: string): Address {
    const nowMs = this.#wheel.clock.nowMs()
    const known = this.#addresses.get(network)
    const isRecent = known !== undefined && nowMs - known.lastFailureMs < FORGET_AFTER_MS
    const address = known ?? { failures: 0, lastFailureMs: nowMs, waiting: 0 }
    address.failures = isRecent ? address.failures + 1 : 1
    address.lastFailureMs = nowMs
    // Last in the map is the latest failure, so the first is the one to forget.
    this.#addresses.delete(network)
    this.#addresses.set(network, address)
    for (const [oldest, { lastFailureMs }] of this.#addresses) {
      if (this.#addresses.size <= ADDRESSES_MAX && nowMs - lastFailureMs < FORGET_AFTER_MS) break
      this.#addresses.delete(oldest)
    }
    return address
  }

  #countersFor(source: LoginSource, user: string): LoginCounters[] {
    const counters = this.#countersOf(source.protocol)
    return this.#sources === null ? [counters] : [counters, sourceCounters(this.#sources, source, user)]
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

const IPV6_GROUPS = 8
const NETWORK_GROUPS = 4

/** Whose failures an address's are. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head, tail] = address.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const zeros = tail === undefined ? 0 : Math.max(IPV6_GROUPS - head!.length - tail.length, 0)
  const groups = [...head!, ...Array.from({ length: zeros }, () => '0'), ...(tail ?? [])]
  return groups.slice(0, NETWORK_GROUPS).join(':')
}

function sourceCounters(
  sources: Map<string, SourceCounters>,
  { remoteAddress, protocol }: LoginSource,
  user: string,
): SourceCounters {
  const key = JSON.stringify([remoteAddress, user, protocol])
  const known = sources.get(key) ?? { remoteAddress, user, protocol, attempts: 0, succeeded: 0, failed: 0 }
  // Last in the map is the latest attempt, so the first is the one to forget.
  sources.delete(key)
  sources.set(key, known)
  for (const oldest of sources.keys()) {
    if (sources.size <= SOURCES_MAX) break
    sources.delete(oldest)
  }
  return known
}
