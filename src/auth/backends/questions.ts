/**
 * Every question to a system outside of this process goes through here: it is answered within its time limit, or given up;
 * too many at once are refused unasked; all are counted. One per broker, shared by its back ends.
 *
 * That a back end is in trouble is logged when it begins and when it is over, not with every question.
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { TimerEntry, type TimerWheel } from '../../base/timer-wheel.ts'

/** Questions under way at most, of all back ends. */
export const QUESTIONS_MAX = 4096

/** Counters of one back end. */
export interface BackendCounters {
  /** Under way. */
  waiting: number
  answered: number
  failed: number
  timedOut: number
  /** Not asked: too many were under way. */
  dropped: number
  /** Time of all answers together. */
  answeredMs: number
}

/** What questions need. */
export interface QuestionsOptions {
  readonly timers: TimerWheel
  readonly clock: Clock
  readonly logger: Logger
}

/** Asks, within bounds. */
export class Questions {
  readonly #timers: TimerWheel
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #counters = new Map<string, BackendCounters>()
  readonly #troubled = new Set<string>()
  #waiting = 0

  constructor({ timers, clock, logger }: QuestionsOptions) {
    this.#timers = timers
    this.#clock = clock
    this.#logger = logger
  }

  /** By back end. */
  get counters(): ReadonlyMap<string, Readonly<BackendCounters>> {
    return this.#counters
  }

  /** Runs a question. Rejects when it fails, takes too long, or is one too many; `signal` tells it to give up. */
  async ask<T>(backend: string, timeoutMs: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const counters = this.countersOf(backend)
    if (this.#waiting >= QUESTIONS_MAX) {
      counters.dropped++
      throw new Error(`${QUESTIONS_MAX} questions to back ends are waiting already`)
    }
    const startedMs = this.#clock.monotonicMs()
    this.#waiting++
    counters.waiting++
    try {
      const answer = await this.#withinTime(timeoutMs, counters, run)
      counters.answered++
      counters.answeredMs += this.#clock.monotonicMs() - startedMs
      if (this.#troubled.delete(backend)) this.#logger.notice(`back end ${backend} answers again`)
      return answer
    } catch (error) {
      counters.failed++
      this.#complain(backend, error)
      throw error
    } finally {
      this.#waiting--
      counters.waiting--
    }
  }

  /** Counters of one back end, made at first use. */
  countersOf(backend: string): BackendCounters {
    let counters = this.#counters.get(backend)
    if (counters === undefined) {
      counters = { waiting: 0, answered: 0, failed: 0, timedOut: 0, dropped: 0, answeredMs: 0 }
      this.#counters.set(backend, counters)
    }
    return counters
  }

  async #withinTime<T>(
    timeoutMs: number,
    counters: BackendCounters,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const abort = new AbortController()
    let giveUp: (error: Error) => void = () => undefined
    const tooLate = new Promise<never>((_resolve, reject) => {
      giveUp = reject
    })
    const onTimer = (): void => {
      counters.timedOut++
      const error = new Error(`no answer within ${timeoutMs} ms`)
      giveUp(error)
      abort.abort(error)
    }
    const timer = new TimerEntry({ onTimer })
    this.#timers.schedule(timer, this.#clock.nowMs() + timeoutMs)
    try {
      return await Promise.race([run(abort.signal), tooLate])
    } finally {
      this.#timers.cancel(timer)
    }
  }

  #complain(backend: string, error: unknown): void {
    if (this.#troubled.has(backend)) return
    this.#troubled.add(backend)
    const reason = error instanceof Error ? error.message : String(error)
    this.#logger.error(`back end ${backend} cannot answer: ${reason}; what it decides is refused until it does`)
  }
}
