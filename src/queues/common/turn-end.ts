/**
 * A queue's place at the end of the turn: marked at most once, called again in the next turn when its budget ended first.
 */
import { TURN_DELIVER, type Turn, type TurnTask } from '../../base/turn.ts'

/** The queue that works at the turn's end. */
export interface Worker {
  /** Expires, delivers, dead-letters; false when a budget ended before the work. */
  work(): boolean
}

/** Calls a queue at the end of the turns in which it has something to do. */
export class TurnEnd implements TurnTask {
  readonly #turn: Turn
  readonly #worker: Worker
  /** Whether the queue will be called. */
  isMarked = false
  isStopped = false

  constructor(turn: Turn, worker: Worker) {
    this.#turn = turn
    this.#worker = worker
  }

  /** There is something to do. */
  mark(): void {
    if (this.isMarked || this.isStopped) return
    this.isMarked = true
    this.#turn.mark(TURN_DELIVER, this)
  }

  /** Does now what was to be done at the end of the turn, for someone who must see the result. */
  catchUp(): void {
    if (this.isMarked && !this.isStopped) this.#worker.work()
  }

  onTurnEnd(): void {
    this.isMarked = false
    if (this.isStopped || this.#worker.work() || this.isMarked) return
    this.isMarked = true
    this.#turn.again(TURN_DELIVER, this)
  }
}
