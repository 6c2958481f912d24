/**
 * The turn: one iteration of the event loop, and what happens at its end.
 *
 * Sockets deliver chunks and sessions change state at any moment of an iteration; whatever they touch marks
 * itself here, and once per iteration the marked tasks run, phase by phase: queues deliver, sessions send what
 * they collected (confirms), logs write, outboxes flush. Batches therefore grow with load by themselves.
 * Costs one `setImmediate` per iteration that did something. [ARCHITECTURE.md "The turn"]
 *
 * Invariant: a task marked in phase p runs in the current turn when p has not passed yet, else in the next one.
 * A task keeps its own "marked" flag, so that it is listed at most once; it clears the flag before it works.
 */

/** Something that has work to do at the end of a turn. */
export interface TurnTask {
  onTurnEnd(): void
}

/** The phases of a turn's end, in order. */
export const TURN_DELIVER = 0
export const TURN_SESSIONS = 1
export const TURN_LOGS = 2
export const TURN_FLUSH = 3
const PHASE_COUNT = 4

/** Runs a function once, soon, after pending input has been handled: `setImmediate` outside tests. */
export type TurnScheduler = (run: () => void) => void

/** Called with an error that a task let escape: a bug. The task's owner is lost; the turn goes on. */
export type TurnSupervisor = (error: unknown, task: TurnTask) => void

/** One per broker; several brokers in a process have several turns. */
export class Turn {
  readonly #schedule: TurnScheduler
  readonly #supervisor: TurnSupervisor
  readonly #run: () => void
  #lists: TurnTask[][] = [[], [], [], []]
  #next: TurnTask[][] = [[], [], [], []]
  #phase = PHASE_COUNT
  #armed = false
  /** Number of turns that ended, for statistics and tests. */
  count = 0
  #laggedIn = -1

  constructor(supervisor: TurnSupervisor, schedule: TurnScheduler = setImmediate) {
    this.#supervisor = supervisor
    this.#schedule = schedule
    this.#run = () => this.end()
  }

  /** Lists a task for this turn's end; for the next one's when its phase has already passed. */
  mark(phase: number, task: TurnTask): void {
    if (this.#phase !== PHASE_COUNT && phase < this.#phase) this.#next[phase]!.push(task)
    else this.#lists[phase]!.push(task)
    this.#arm()
  }

  /** Lists a task for the next turn: for work that stopped at its budget and lets others run first. */
  again(phase: number, task: TurnTask): void {
    if (this.#phase === PHASE_COUNT) this.#lists[phase]!.push(task)
    else this.#next[phase]!.push(task)
    this.#arm()
  }

  /** A queue handed out entries in this turn and still has many: those who bring more should let it catch up. */
  lag(): void {
    this.#laggedIn = this.count
  }

  /** Whether a queue lags behind its publishers in this turn; true from the first phase on. */
  get isLagging(): boolean {
    return this.#laggedIn === this.count
  }

  /** Whether a queue lagged in the turn before this one: for those who are about to bring more. */
  get hasLagged(): boolean {
    return this.#laggedIn >= 0 && this.#laggedIn >= this.count - 1
  }

  /** Runs all phases before any more input, unless they run already: for whoever has held up the loop. */
  endNow(): void {
    if (this.#phase === PHASE_COUNT) this.end()
  }

  /** Runs all phases now. Called by the scheduler; tests with a manual scheduler call it themselves. */
  end(): void {
    this.#armed = false
    for (let phase = 0; phase < PHASE_COUNT; phase++) {
      this.#phase = phase
      const tasks = this.#lists[phase]!
      for (let i = 0; i < tasks.length; i++) {
        try {
          tasks[i]!.onTurnEnd()
        } catch (error) {
          this.#supervisor(error, tasks[i]!)
        }
      }
      tasks.length = 0
    }
    this.#phase = PHASE_COUNT
    this.count++
    const done = this.#lists
    this.#lists = this.#next
    this.#next = done
    if (this.#lists.some((tasks) => tasks.length > 0)) this.#arm()
  }

  #arm(): void {
    if (this.#armed || (this.#phase !== PHASE_COUNT && !this.#hasNext())) return
    this.#armed = true
    this.#schedule(this.#run)
  }

  #hasNext(): boolean {
    for (let phase = 0; phase < PHASE_COUNT; phase++) if (this.#next[phase]!.length > 0) return true
    return false
  }
}
