/**
 * Heartbeats of one connection, both ways, on the broker's timer wheel. One entry, which fires twice per interval.
 *
 * It compares counters of bytes and never reads a clock: traffic costs nothing. Nothing sent during half an interval: the
 * owner sends a heartbeat. Nothing received for two whole intervals: the peer is gone. [AMQP 0-9-1 §4.2.7]
 */
import { TimerEntry, type TimerOwner, type TimerWheel } from '../base/timer-wheel.ts'

/** Half intervals without a byte after which a peer is gone. */
const SILENT_HALVES_MAX = 4

/** The connection whose heart beats. */
export interface HeartbeatOwner {
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Silence is nobody's fault now: we are not reading. */
  readonly isDeaf: boolean
  sendHeartbeat(): void
  onSilence(): void
}

/** One per connection that agreed on an interval. */
export class Heartbeat implements TimerOwner {
  readonly #wheel: TimerWheel
  readonly #owner: HeartbeatOwner
  readonly #halfMs: number
  readonly #entry = new TimerEntry(this)
  #receivedBytes: number
  #sentBytes: number
  #silentHalves = 0

  constructor(wheel: TimerWheel, owner: HeartbeatOwner, intervalMs: number) {
    this.#wheel = wheel
    this.#owner = owner
    this.#halfMs = intervalMs / 2
    this.#receivedBytes = owner.receivedBytes
    this.#sentBytes = owner.sentBytes
    wheel.schedule(this.#entry, wheel.clock.nowMs() + this.#halfMs)
  }

  stop(): void {
    this.#wheel.cancel(this.#entry)
  }

  onTimer(nowMs: number): void {
    const owner = this.#owner
    if (owner.receivedBytes !== this.#receivedBytes || owner.isDeaf) this.#silentHalves = 0
    else this.#silentHalves++
    this.#receivedBytes = owner.receivedBytes
    if (this.#silentHalves >= SILENT_HALVES_MAX) {
      owner.onSilence()
      return
    }
    if (owner.sentBytes === this.#sentBytes) owner.sendHeartbeat()
    // The heartbeat just sent counts as traffic from the next flush on, so an idle peer hears one per interval.
    this.#sentBytes = owner.sentBytes
    this.#wheel.schedule(this.#entry, nowMs + this.#halfMs)
  }
}
