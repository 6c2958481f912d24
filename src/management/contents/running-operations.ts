/**
 * The operations on queues' contents that are under way. They go on when their client has left, so the end of the broker asks them to
 * stop, and waits: what they moved is then in one place, not in two.
 *
 * One per broker; the endpoints run theirs, the management ends them.
 */
import type { Clock } from '../../base/clock.ts'
import { ApiError } from '../http/api-error.ts'

/** What moved is safe in any case, perhaps in both places. */
const PATIENCE_MS = 5_000
/** The broker stops: the rest is not done. */
const ENDING = new ApiError(503, 'service_unavailable', 'the broker stops; what was moved so far is moved')

/** The operations of one broker. */
export class RunningOperations {
  readonly #running = new Set<Promise<unknown>>()
  #isEnding = false

  /** Runs an operation, which calls `check` between batches. */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    this.check()
    const running = operation()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Throws a 503 when the broker stops. */
  check(): void {
    if (this.#isEnding) throw ENDING
  }

  /** Resolves when none runs any more, whatever became of them, or after a while: a disk that is full may hold them up. */
  async end(clock: Clock): Promise<void> {
    this.#isEnding = true
    if (this.#running.size === 0) return
    await new Promise<void>((resolve) => {
      const alarm = clock.alarm(resolve)
      alarm.set(PATIENCE_MS)
      void Promise.allSettled(this.#running).then(() => {
        alarm.clear()
        resolve()
      })
    })
  }
}
