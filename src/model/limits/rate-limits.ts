/**
 * Rates of users and virtual hosts: how much their connections may publish and be delivered per second, all together.
 *
 * A limit is back-pressure, never an error: a connection that publishes too much is not read for a while, one that gets
 * too much gets no more for a while. Connections share the buckets of their user and their virtual host through a
 * `RateMeter` each. Without limits a meter costs one test per message. [docs/limits.md]
 *
 * The broker applies changes of records; meters of connections that are there take them up at once.
 */
import type { TimerWheel } from '../../base/timer-wheel.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { RATE_LIMITS, type RateLimit, type Rates } from './limits.ts'
import { type RateDirection, type RateGates, RateMeter } from './rate-meter.ts'

/** Slowest rate there is, per second: a limit of 0 lets one through now and then instead of stalling connections for good. */
const RATE_MIN = 0.01

/** Limits of messages and of bytes. */
const BUCKETS = {
  in: ['max-publish-rate', 'max-publish-bytes-rate'],
  out: ['max-delivery-rate', 'max-delivery-bytes-rate'],
} as const

type Owner = 'user' | 'vhost'

/** Buckets of one user or virtual host. */
export type RateBuckets = Readonly<Partial<Record<RateLimit, TokenBucket>>>

/** All rates of a broker. */
export class RateLimits {
  readonly wheel: TimerWheel
  readonly #buckets: Readonly<Record<Owner, Map<string, RateBuckets>>> = { user: new Map(), vhost: new Map() }
  readonly #meters = new Set<RateMeter>()
  /** How often a connection was held, since the start. */
  heldPublishersCount = 0
  heldConsumersCount = 0

  constructor(wheel: TimerWheel) {
    this.wheel = wheel
  }

  /** The meter of a new connection, which closes it. */
  open(user: string, vhost: string, gates: RateGates): RateMeter {
    const meter = new RateMeter(this, user, vhost, gates)
    this.#meters.add(meter)
    return meter
  }

  /** For meters that close. */
  forget(meter: RateMeter): void {
    this.#meters.delete(meter)
  }

  /** How long who has no connection (a request of the HTTP API) may neither publish (`in`) nor get (`out`) messages; 0: now. */
  owedMs(user: string, vhost: string, direction: RateDirection): number {
    const nowMs = this.wheel.clock.nowMs()
    return Math.max(0, ...this.#of(user, vhost, BUCKETS[direction]).map((bucket) => bucket.waitMs(nowMs)))
  }

  /** A message went without a connection. */
  spend(user: string, vhost: string, direction: RateDirection, bodyBytes: number): void {
    const nowMs = this.wheel.clock.nowMs()
    const [messages, bytes] = BUCKETS[direction]
    for (const bucket of this.#of(user, vhost, [messages])) bucket.take(1, nowMs)
    for (const bucket of this.#of(user, vhost, [bytes])) bucket.take(bodyBytes, nowMs)
  }

  #of(user: string, vhost: string, names: readonly RateLimit[]): TokenBucket[] {
    const owners = [this.bucketsOf('user', user), this.bucketsOf('vhost', vhost)]
    return owners.flatMap((buckets) => names.flatMap((name) => buckets?.[name] ?? []))
  }

  bucketsOf(owner: Owner, name: string): RateBuckets | undefined {
    return this.#buckets[owner].get(name)
  }

  /** Connections that are held now: O(connections). */
  heldNow(): { readonly publishers: number; readonly consumers: number } {
    let publishers = 0
    let consumers = 0
    for (const meter of this.#meters) {
      if (meter.isHeld('in')) publishers++
      if (meter.isHeld('out')) consumers++
    }
    return { publishers, consumers }
  }

  /** Applies the rates of a record; undefined: it has none, or is gone. Buckets whose rate stays keep their level. */
  apply(owner: Owner, name: string, rates: Rates | undefined): void {
    const present = this.#buckets[owner].get(name)
    const next = this.#bucketsFor(present, rates)
    if (next === undefined && present === undefined) return
    if (next === undefined) this.#buckets[owner].delete(name)
    else this.#buckets[owner].set(name, next)
    for (const meter of this.#meters) if (meter[owner] === name) meter.refresh()
  }

  #bucketsFor(present: RateBuckets | undefined, rates: Rates | undefined): RateBuckets | undefined {
    if (rates === undefined) return undefined
    const buckets: Partial<Record<RateLimit, TokenBucket>> = {}
    for (const name of RATE_LIMITS) {
      const rate = rates[name]
      if (rate === undefined) continue
      const perSecond = Math.max(rate, RATE_MIN)
      const known = present?.[name]
      buckets[name] = known?.perSecond === perSecond ? known : new TokenBucket(perSecond, this.wheel.clock.nowMs())
    }
    return Object.keys(buckets).length === 0 ? undefined : buckets
  }
}
