/**
 * Heart-beats of one connection, each way with an interval of its own, on the broker's timer wheel.
 *
 * Counters of bytes are compared, so traffic costs nothing. Both ways are looked at twice per interval: nothing sent since
 * the last look sends a line feed; nothing received for two whole intervals means that the peer is gone. [STOMP 1.2 "Heart-beating"]
 */
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'
import { StompError } from './errors.ts'

/** Half intervals without a byte after which a peer is gone. */
const SILENT_HALVES_MAX = 4
/** Shorter intervals are a burden without a use. */
const INTERVAL_MS_MIN = 1000
const INTERVAL_MS_MAX = 2 ** 31 - 1

/** What both sides agreed on; 0 is none. */
export interface HeartbeatPlan {
  /** We send at least one byte per … */
  readonly sendMs: number
  /** … and expect one per. */
  readonly receiveMs: number
}

/** The plan for a `heart-beat` header: `<what the client can send>,<what it wants>`. */
export function planHeartbeats(header: string | undefined): HeartbeatPlan {
  if (header === undefined) return { sendMs: 0, receiveMs: 0 }
  const match = /^\s*(-?\d+)\s*,\s*(-?\d+)\s*$/.exec(header)
  if (match === null) throw new StompError('Invalid header', `'${header}' is not a valid 'heart-beat' header\n`)
  return { sendMs: granted(Number(match[2])), receiveMs: granted(Number(match[1])) }
}

function granted(ms: number): number {
  return ms <= 0 ? 0 : Math.min(Math.max(ms, INTERVAL_MS_MIN), INTERVAL_MS_MAX)
}

/** The connection whose heart beats. */
export interface HeartbeatOwner {
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Silence is nobody's fault now: we are not reading. */
  readonly isDeaf: boolean
  sendHeartbeat(): void
  onSilence(): void
}

/** One per connection that agreed on any. */
export class Heartbeats implements TimerOwner {
  readonly #wheel: TimerWheel
  readonly #owner: HeartbeatOwner
  readonly #plan: HeartbeatPlan
  readonly #sending = new TimerEntry(this)
  readonly #receiving = new TimerEntry(this)
  #sentBytes: number
  #receivedBytes: number
  #silentHalves = 0

  constructor(wheel: TimerWheel, owner: HeartbeatOwner, plan: HeartbeatPlan) {
    this.#wheel = wheel
    this.#owner = owner
    this.#plan = plan
    this.#sentBytes = owner.sentBytes
    this.#receivedBytes = owner.receivedBytes
    const nowMs = wheel.clock.nowMs()
    if (plan.sendMs > 0) wheel.schedule(this.#sending, nowMs + plan.sendMs / 2)
    if (plan.receiveMs > 0) wheel.schedule(this.#receiving, nowMs + plan.receiveMs / 2)
  }

  stop(): void {
    this.#wheel.cancel(this.#sending)
    this.#wheel.cancel(this.#receiving)
  }

  onTimer(nowMs: number, entry: TimerEntry): void {
    if (entry === this.#sending) this.#send(nowMs)
    else this.#receive(nowMs)
  }

  #send(nowMs: number): void {
    const owner = this.#owner
    if (owner.sentBytes === this.#sentBytes) owner.sendHeartbeat()
    // The heart-beat just sent counts as traffic from the next flush on, so an idle peer hears one per interval.
    this.#sentBytes = owner.sentBytes
    this.#wheel.schedule(this.#sending, nowMs + this.#plan.sendMs / 2)
  }

  #receive(nowMs: number): void {
    const owner = this.#owner
    if (owner.receivedBytes !== this.#receivedBytes || owner.isDeaf) this.#silentHalves = 0
    else this.#silentHalves++
    this.#receivedBytes = owner.receivedBytes
    if (this.#silentHalves >= SILENT_HALVES_MAX) return owner.onSilence()
    this.#wheel.schedule(this.#receiving, nowMs + this.#plan.receiveMs / 2)
  }
}
