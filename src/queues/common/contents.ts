/**
 * The ready entries of a queue as operators see them: browsing, taking single entries out, pausing. Both kinds of queue
 * own one; all it knows it asks of their `Entries`.
 *
 * Invariant: an entry that is held is live in the ledger and neither ready nor dead, so a crash makes it ready again.
 */
import type { MessageView } from '../../model/message/message.ts'
import type { MessageStore } from '../../model/message/message-store.ts'
import type { EntryFacts, QueueContents } from '../../model/queue/queue.ts'
import { deliveriesOf, returnsOf } from './delivery-counts.ts'
import type { Entries, EntriesOwner } from './entries.ts'

/** The queue whose entries these are. */
export interface ContentsOwner extends EntriesOwner {
  readonly store: MessageStore
  /** Entries up to here were delivered before the broker started. */
  readonly recoveredUpTo: number
  /** Entries from here on are not ready yet. */
  readonly readyEnd: number
  /** Entries were read; `damaged`: some were lost. */
  onEntriesRead(damaged: boolean): void
}

/** What operators can do with the entries of a queue. */
export class Contents implements QueueContents {
  readonly #owner: ContentsOwner
  readonly #entries: Entries
  readonly #held = new Set<number>()
  isPaused = false

  constructor(owner: ContentsOwner, entries: Entries) {
    this.#owner = owner
    this.#entries = entries
  }

  get end(): number {
    return this.#owner.ledger.nextSequence
  }

  get head(): number {
    return this.#entries.order.peek()
  }

  nextReady(from: number): number {
    const { ledger, readyEnd } = this.#owner
    const { order } = this.#entries
    if (order.count === 0) return 0
    for (let at = ledger.nextLive(from); at < readyEnd; at = ledger.nextLive(at + 1)) if (order.isReady(at)) return at
    return 0
  }

  open(sequence: number, view: MessageView): boolean {
    return this.#isReady(sequence) && this.#owner.store.open(this.#owner.ledger.addressOf(sequence), view)
  }

  load(sequence: number, done: () => void): void {
    const owner = this.#owner
    if (!this.#isReady(sequence)) return done()
    owner.store.load(owner.ledger, sequence, {
      onLoaded(failed) {
        if (failed) owner.onEntriesRead(true)
        done()
      },
    })
  }

  factsOf(sequence: number): EntryFacts {
    const counts = this.#owner.ledger.recall(sequence)
    return {
      redelivered: this.#entries.order.isReturned(sequence) || sequence <= this.#owner.recoveredUpTo,
      deliveryCount: deliveriesOf(counts),
      acquiredCount: returnsOf(counts),
    }
  }

  hold(sequence: number): boolean {
    if (!this.#isReady(sequence)) return false
    this.#entries.holdBack(sequence)
    this.#held.add(sequence)
    return true
  }

  release(sequence: number, outcome: 'accepted' | 'returned'): void {
    if (!this.#held.delete(sequence) || this.#owner.ledger.addressOf(sequence) === 0) return
    if (outcome === 'accepted') return this.#entries.settle(sequence)
    this.#entries.giveBack(sequence)
    this.#owner.wake()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.#owner.wake()
  }

  #isReady(sequence: number): boolean {
    const { ledger, readyEnd } = this.#owner
    return sequence < readyEnd && ledger.addressOf(sequence) !== 0 && this.#entries.order.isReady(sequence)
  }
}
