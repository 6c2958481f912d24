/**
 * Watches the file descriptors of the process, and raises and clears their alarm. One per broker; started at boot.
 *
 * A process without descriptors can neither accept clients nor open files of the log, so new clients are refused before that point:
 * listeners ask `admits`. Publishers are not blocked. Between readings descriptors are reckoned from the number of connections. Where
 * the system does not tell, there is no alarm. [docs/alarms.md]
 */
import type { Logger } from '../../base/log.ts'
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'
import type { Alarms } from './alarms.ts'

const INTERVAL_MS = 10_000
const INTERVAL_NEAR_MS = 1_000
/** Above this part of the watermark readings are more frequent. */
const NEAR = 0.5

/** Descriptors in use, and how many there may be. */
export interface OpenDescriptors {
  readonly used: number
  readonly max: number
}

/** What a watch looks at, and how. */
export interface DescriptorWatchOptions {
  readonly alarms: Alarms
  /** Undefined: the system does not tell. */
  readonly read: () => Promise<OpenDescriptors | undefined>
  /** Connections of clients now. */
  readonly connectionCount: () => number
  readonly wheel: TimerWheel
  readonly logger: Logger
  /** The alarm is raised at this part of the maximum. */
  readonly watermark: number
}

/** Watches one process on behalf of its broker. */
export class DescriptorWatch implements TimerOwner {
  readonly #options: DescriptorWatchOptions
  readonly #logger: Logger
  readonly #timer = new TimerEntry(this)
  #watermark: number
  #max = Number.POSITIVE_INFINITY
  /** Of the last reading: those that belong to no client. */
  #otherCount = 0
  #readingFails = false
  #stopped = false

  constructor(options: DescriptorWatchOptions) {
    this.#options = options
    this.#logger = options.logger.child('alarm')
    this.#watermark = options.watermark
  }

  /** Reads for the first time, and goes on by itself. Resolves when the alarm is right. */
  start(): Promise<void> {
    return this.#read()
  }

  stop(): void {
    this.#stopped = true
    this.#options.wheel.cancel(this.#timer)
  }

  /** Changes the watermark of the running broker; it counts at once. */
  setWatermark(watermark: number): void {
    this.#watermark = watermark
    this.#judge()
  }

  /** Whether a new client may come in. Costs two comparisons. */
  admits(): boolean {
    if (this.#used() >= this.#limit() && !this.#options.alarms.isRaised('file_descriptors')) this.#judge()
    return !this.#options.alarms.isRaised('file_descriptors')
  }

  /** In use and at most, as reckoned now; undefined where the system does not tell. */
  status(): OpenDescriptors | undefined {
    return Number.isFinite(this.#max) ? { used: this.#used(), max: this.#max } : undefined
  }

  onTimer(): void {
    // Handles failures itself.
    void this.#read()
  }

  async #read(): Promise<void> {
    const { read, connectionCount, wheel } = this.#options
    try {
      const found = await read()
      if (found === undefined) return
      this.#max = found.max
      this.#otherCount = Math.max(found.used - connectionCount(), 0)
      this.#readingFails = false
    } catch (error) {
      if (!this.#readingFails) this.#logger.error('cannot read the number of open files', { error })
      this.#readingFails = true
    }
    if (this.#stopped) return
    this.#judge()
    const isNear = this.#used() > this.#limit() * NEAR
    wheel.schedule(this.#timer, wheel.clock.nowMs() + (isNear ? INTERVAL_NEAR_MS : INTERVAL_MS))
  }

  #judge(): void {
    const used = this.#used()
    const limit = this.#limit()
    if (!this.#options.alarms.set('file_descriptors', used >= limit)) return
    const isRaised = this.#options.alarms.isRaised('file_descriptors')
    const what = isRaised ? 'set: new connections are refused until it clears' : 'cleared'
    this.#logger.warning(`file descriptor limit alarm ${what}`, { used, limit, max: this.#max })
  }

  #used(): number {
    return this.#otherCount + this.#options.connectionCount()
  }

  #limit(): number {
    return this.#max * this.#watermark
  }
}
