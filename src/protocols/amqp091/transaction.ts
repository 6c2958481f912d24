/**
 * A transaction of one channel: publishes and settlements held back until tx.commit. [AMQP 0-9-1 §1.9]
 *
 * Messages are copied while they wait, up to a bound. Commit publishes them in order, then settles; the reply follows
 * once all of it is durable. Atomic for one queue only. [RabbitMQ: transactions]
 */
import type { DurableSink, MessageStore, Position } from '../../model/message/message-store.ts'
import { ConnectionError } from './errors.ts'
import { HeldPublication, type Publication } from './publication.ts'

/** Bodies and properties that one transaction may hold. */
export const TRANSACTION_BYTES_MAX = 512 * 1024 * 1024
/** What each message costs beyond its bytes. */
const MESSAGE_OVERHEAD_BYTES = 256

/** The publishes of a channel in transaction mode. */
export class Transaction {
  #held: Publication[] = []
  #heldBytes = 0

  /** Messages waiting for commit. */
  get count(): number {
    return this.#held.length
  }

  /** Takes a copy. */
  hold(publication: Publication): void {
    const held = new HeldPublication(publication)
    this.#heldBytes += held.propertiesEnd + held.bodyEnd + MESSAGE_OVERHEAD_BYTES
    if (this.#heldBytes > TRANSACTION_BYTES_MAX) {
      const error = ConnectionError.resourceError(`transaction holds more than ${TRANSACTION_BYTES_MAX} bytes`)
      error.limit = 'transactions'
      throw error
    }
    this.#held.push(held)
  }

  /** What waits for commit, oldest first. */
  get held(): readonly Publication[] {
    return this.#held
  }

  /** Hands out what was held, oldest first; it is empty afterwards. */
  take(): readonly Publication[] {
    const held = this.#held
    this.rollback()
    return held
  }

  rollback(): void {
    this.#held = []
    this.#heldBytes = 0
  }
}

/** Calls back once everything appended so far is durable: at once when it is. */
export class DurableWait implements DurableSink {
  readonly #store: MessageStore
  readonly #position: Position
  readonly #done: () => void

  constructor(store: MessageStore, done: () => void) {
    this.#store = store
    this.#position = store.appended
    this.#done = done
  }

  /** Whether there is nothing to wait for. */
  get isOver(): boolean {
    return this.#store.durable >= this.#position
  }

  start(): void {
    this.#store.awaitDurable(this)
  }

  onDurable(upTo: Position): void {
    if (upTo >= this.#position) this.#done()
    else this.#store.awaitDurable(this)
  }
}
