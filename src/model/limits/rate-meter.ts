/**
 * What one connection publishes and gets, measured against the rates of its user and virtual host; it holds the
 * connection while one of them is overdrawn.
 *
 * Sessions ask `isLimited` before they call: it is false for almost everybody. Each direction is held by one deadline of
 * the wheel; buckets are shared, so a deadline may find that others have taken what was hoped for, and waits again.
 */
import { TimerEntry, type TimerOwner } from '../../base/timer-wheel.ts'
import type { TokenBucket } from '../../base/token-bucket.ts'
import type { RateLimit } from './limits.ts'
import type { RateLimits } from './rate-limits.ts'

/** `in`: what the client publishes; `out`: what it gets. */
export type RateDirection = 'in' | 'out'

/** The connection's side. Calls come in pairs per direction. */
export interface RateGates {
  /** `in`: nothing more is read and handled; `out`: nothing more is delivered. */
  holdRate(direction: RateDirection): void
  releaseRate(direction: RateDirection): void
}

/** Buckets of user and virtual host for one direction. */
class Lane {
  readonly direction: RateDirection
  readonly timer: TimerEntry
  messages: readonly TokenBucket[] = []
  bytes: readonly TokenBucket[] = []
  isHeld = false

  constructor(direction: RateDirection, owner: TimerOwner) {
    this.direction = direction
    this.timer = new TimerEntry(owner)
  }

  take(byteCount: number, nowMs: number): number {
    let waitMs = 0
    for (const bucket of this.messages) waitMs = Math.max(waitMs, bucket.take(1, nowMs))
    for (const bucket of this.bytes) waitMs = Math.max(waitMs, bucket.take(byteCount, nowMs))
    return waitMs
  }

  waitMs(nowMs: number): number {
    let waitMs = 0
    for (const bucket of this.messages) waitMs = Math.max(waitMs, bucket.waitMs(nowMs))
    for (const bucket of this.bytes) waitMs = Math.max(waitMs, bucket.waitMs(nowMs))
    return waitMs
  }
}

/** One per connection. */
export class RateMeter implements TimerOwner {
  readonly user: string
  readonly vhost: string
  /** Whether there is any limit at all: ask before every call. */
  isLimited = false
  readonly #limits: RateLimits
  readonly #gates: RateGates
  // Made for the first limit: connections may be many, and almost none has one.
  #lanes: Readonly<Record<RateDirection, Lane>> | null = null

  constructor(limits: RateLimits, user: string, vhost: string, gates: RateGates) {
    this.#limits = limits
    this.user = user
    this.vhost = vhost
    this.#gates = gates
    this.refresh()
  }

  /** The client published a message. */
  published(bodyBytes: number): void {
    this.#take('in', bodyBytes)
  }

  /** The client got a message by a subscription. */
  delivered(bodyBytes: number): void {
    this.#take('out', bodyBytes)
  }

  /** The client fetched a message itself: it is not read before the next one may go out. */
  got(bodyBytes: number): void {
    const lane = this.#lanes?.out
    if (lane === undefined) return
    const waitMs = lane.take(bodyBytes, this.#nowMs())
    if (waitMs > 0) this.#hold('in', waitMs)
  }

  isHeld(direction: RateDirection): boolean {
    return this.#lanes?.[direction].isHeld ?? false
  }

  /** The limits of the user or the virtual host have changed. */
  refresh(): void {
    const owners = [this.#limits.bucketsOf('user', this.user), this.#limits.bucketsOf('vhost', this.vhost)]
    this.isLimited = owners.some((buckets) => buckets !== undefined)
    if (!this.isLimited && this.#lanes === null) return
    this.#lanes ??= { in: new Lane('in', this), out: new Lane('out', this) }
    const those = (name: RateLimit) => owners.flatMap((buckets) => buckets?.[name] ?? [])
    this.#lanes.in.messages = those('max-publish-rate')
    this.#lanes.in.bytes = those('max-publish-bytes-rate')
    this.#lanes.out.messages = those('max-delivery-rate')
    this.#lanes.out.bytes = those('max-delivery-bytes-rate')
    for (const lane of Object.values(this.#lanes)) if (lane.isHeld) this.#wait(lane)
  }

  /** The connection ends: nothing is held or released any more. */
  close(): void {
    this.#limits.forget(this)
    this.isLimited = false
    if (this.#lanes === null) return
    for (const { timer } of Object.values(this.#lanes)) this.#limits.wheel.cancel(timer)
    this.#lanes = null
  }

  onTimer(_nowMs: number, entry: TimerEntry): void {
    if (this.#lanes === null) return
    this.#wait(entry === this.#lanes.in.timer ? this.#lanes.in : this.#lanes.out)
  }

  #take(direction: RateDirection, byteCount: number): void {
    const waitMs = this.#lanes?.[direction].take(byteCount, this.#nowMs()) ?? 0
    if (waitMs > 0) this.#hold(direction, waitMs)
  }

  #hold(direction: RateDirection, waitMs: number): void {
    const lane = this.#lanes?.[direction]
    if (lane === undefined || lane.isHeld) return
    lane.isHeld = true
    if (direction === 'in') this.#limits.heldPublishersCount++
    else this.#limits.heldConsumersCount++
    this.#limits.wheel.schedule(lane.timer, this.#nowMs() + waitMs)
    this.#gates.holdRate(direction)
  }

  /** Releases the lane when nothing is overdrawn, else waits on. A fetch holds the input for the other lane's sake. */
  #wait(lane: Lane): void {
    const nowMs = this.#nowMs()
    const waitMs = lane.waitMs(nowMs)
    if (waitMs > 0) {
      this.#limits.wheel.schedule(lane.timer, nowMs + waitMs)
      return
    }
    this.#limits.wheel.cancel(lane.timer)
    lane.isHeld = false
    this.#gates.releaseRate(lane.direction)
  }

  #nowMs(): number {
    return this.#limits.wheel.clock.nowMs()
  }
}
