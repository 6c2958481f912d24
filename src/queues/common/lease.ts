/**
 * The lease of a queue (`x-expires`): a queue that nobody consumes from or touches for that long asks to be deleted.
 * A queue with consumers never expires. [RabbitMQ: queue TTL]
 */
import { type Clock, NEVER } from '../../base/clock.ts'
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'

/** The queue that holds the lease. */
export interface LeaseHolder {
  readonly hasConsumers: boolean
  onLeaseEnded(): void
}

/** A lease that use renews. */
export class Lease implements TimerOwner {
  readonly #clock: Clock
  readonly #timers: TimerWheel
  readonly #holder: LeaseHolder
  /** Null as long as there was no lease. */
  #timer: TimerEntry | null = null
  #leaseMs = NEVER
  /** When it was used last. */
  usedAtMs: number

  constructor(timers: TimerWheel, holder: LeaseHolder) {
    this.#clock = timers.clock
    this.#timers = timers
    this.#holder = holder
    this.usedAtMs = this.#clock.nowMs()
  }

  /** Sets the length of the lease, which starts anew; NEVER is no lease. */
  setLength(leaseMs: number): void {
    if (leaseMs === this.#leaseMs) return
    this.#leaseMs = leaseMs
    this.renew()
  }

  /** The queue was used now. */
  renew(): void {
    this.usedAtMs = this.#clock.nowMs()
    // The timer is moved when it fires, not at every use.
    if (this.#leaseMs === NEVER) return this.stop()
    this.#timer ??= new TimerEntry(this)
    if (!this.#timer.isScheduled || this.#timer.atMs > this.#endMs) this.#timers.schedule(this.#timer, this.#endMs)
  }

  stop(): void {
    if (this.#timer !== null) this.#timers.cancel(this.#timer)
  }

  onTimer(nowMs: number, timer: TimerEntry): void {
    // Its last consumer renews the lease when it goes.
    if (this.#holder.hasConsumers) return
    if (nowMs >= this.#endMs) this.#holder.onLeaseEnded()
    else this.#timers.schedule(timer, this.#endMs)
  }

  get #endMs(): number {
    return this.usedAtMs + this.#leaseMs
  }
}
