/** How old answers of other systems may become before they are asked for again: a count that moves once a minute. */
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'

/** Granted permissions are asked for anew after this long, while they go on to count. */
const EPOCH_MS = 60_000

/** One per broker. Stands still until somebody needs it. */
export class AccessEpoch implements TimerOwner {
  /** Of answers that are fresh. */
  count = 0
  readonly #timers: TimerWheel
  readonly #timer = new TimerEntry(this)
  #isRunning = false

  constructor(timers: TimerWheel) {
    this.#timers = timers
  }

  nowMs(): number {
    return this.#timers.clock.nowMs()
  }

  /** From now on the count moves. */
  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#schedule()
  }

  stop(): void {
    this.#timers.cancel(this.#timer)
  }

  onTimer(): void {
    this.count++
    this.#schedule()
  }

  #schedule(): void {
    this.#timers.schedule(this.#timer, this.#timers.clock.nowMs() + EPOCH_MS)
  }
}
