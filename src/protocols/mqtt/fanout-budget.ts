/**
 * How many queues the publishes of one turn may reach before the other connections get theirs. One per broker.
 *
 * Bytes alone do not bound a turn: a chunk of short publishes to a thousand subscribers is a million deliveries.
 */
import type { Turn } from '../../base/turn.ts'

/** Queues that publishes reach in one turn, beyond those of the publish that goes past it. */
export const FANOUT_PER_TURN = 32_768

/** What has been published in this turn. */
export class FanoutBudget {
  readonly #turn: Turn
  #turnCount = -1
  #reached = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Counts a publish by the queues it reaches. */
  spend(queueCount: number): void {
    if (this.#turnCount !== this.#turn.count) {
      this.#turnCount = this.#turn.count
      this.#reached = 0
    }
    this.#reached += queueCount
  }

  /** Whether whoever has published should let the others come first. */
  get isSpent(): boolean {
    return this.#reached >= FANOUT_PER_TURN && this.#turnCount === this.#turn.count
  }
}
