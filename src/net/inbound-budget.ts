/**
 * How much is read in one turn, by one connection and by all together, before the queues and the other connections get
 * theirs. One per broker.
 *
 * Without the common bound a few busy producers outrun a queue that hands out a bounded number of entries per turn, and a
 * backlog grows in front of consumers that have all the credit in the world. [measured: docs/amqp-0-9-1.md "Fairness"]
 */
import type { Turn } from '../base/turn.ts'

/** Bytes taken from one connection per turn; at least one chunk always is. */
export const CONNECTION_BYTES_PER_TURN = 128 * 1024
/** Bytes taken from all connections per turn, beyond one chunk from each. */
export const INBOUND_BYTES_PER_TURN = 256 * 1024

/**
 * Turns that a connection with its share used up gives to queues that lag behind, at most: their consumers'
 * acknowledgements come first. A queue lags only while it has consumers that take. [docs/amqp-0-9-1.md "Fairness"]
 */
export const LAG_TURNS_MAX = 4

/** What has been read in this turn. */
export class InboundBudget {
  readonly #turn: Turn
  #turnCount = -1
  #bytes = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Counts a chunk. False when all connections together have had their share of this turn. */
  spend(byteCount: number): boolean {
    if (this.#turnCount !== this.#turn.count) {
      this.#turnCount = this.#turn.count
      this.#bytes = 0
    }
    this.#bytes += byteCount
    return this.#bytes < INBOUND_BYTES_PER_TURN
  }
}
