/**
 * Which entries of a quorum queue are committed: those whose records survive a power loss. Only they are delivered.
 *
 * One mark per turn in which something was entered: the log's position then, and the last sequence. When the log is
 * durable up to a mark, the entries before it are committed. [RabbitMQ: quorum queues; docs/queues.md]
 *
 * Invariant: `uncommittedBytes` is the weight of the entries after `committedUpTo`.
 */
import type { DurableSink, Ledger, MessageStore, Position } from '../../model/message/message-store.ts'
import { Ring } from '../common/ring.ts'

interface Mark {
  readonly position: Position
  readonly sequence: number
}

/** The queue that waits for its log. */
export interface CommitOwner {
  readonly store: MessageStore
  readonly ledger: Ledger
  /** An entry is committed. Called in the order of sequences. */
  onCommitted(sequence: number): void
  /** There may be more to commit. */
  wake(): void
}

/** The entries that wait for the log. */
export class CommitLine implements DurableSink {
  readonly #owner: CommitOwner
  readonly #marks = new Ring<Mark>()
  #markedUpTo: number
  #isAwaiting = false
  /** Entries up to here are committed. */
  committedUpTo: number
  uncommittedBytes = 0

  constructor(owner: CommitOwner) {
    this.#owner = owner
    this.committedUpTo = owner.ledger.nextSequence - 1
    this.#markedUpTo = this.committedUpTo
  }

  get uncommittedCount(): number {
    return this.#owner.ledger.nextSequence - 1 - this.committedUpTo
  }

  /** Commits what is durable, and waits for what was entered since the last call. */
  advance(): void {
    const { store, ledger } = this.#owner
    const lastSequence = ledger.nextSequence - 1
    if (lastSequence > this.#markedUpTo) {
      this.#markedUpTo = lastSequence
      this.#marks.push({ position: store.appended, sequence: lastSequence })
    }
    let upTo = this.committedUpTo
    for (
      let mark = this.#marks.peek();
      mark !== undefined && mark.position <= store.durable;
      mark = this.#marks.peek()
    ) {
      upTo = mark.sequence
      this.#marks.shift()
    }
    if (upTo > this.committedUpTo) this.#commit(upTo)
    if (this.#marks.count > 0 && !this.#isAwaiting) {
      this.#isAwaiting = true
      store.awaitDurable(this)
    }
  }

  onDurable(): void {
    this.#isAwaiting = false
    this.#owner.wake()
  }

  #commit(upTo: number): void {
    const ledger = this.#owner.ledger
    const from = this.committedUpTo + 1
    this.committedUpTo = upTo
    for (let sequence = ledger.nextLive(from); sequence <= upTo; sequence = ledger.nextLive(sequence + 1)) {
      this.uncommittedBytes -= ledger.weightOf(sequence)
      this.#owner.onCommitted(sequence)
    }
    if (this.uncommittedCount === 0) this.uncommittedBytes = 0
  }
}
