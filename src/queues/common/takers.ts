/**
 * Those who wait for `take`: served in order, at once or when the entry has been read. Owned by a queue.
 */
import { MessageView } from '../../model/message/message.ts'
import type { Taken, TakeSink } from '../../model/queue/queue.ts'
import { deliveriesOf, returnsOf } from './delivery-counts.ts'
import type { Entries, EntriesOwner } from './entries.ts'
import { Ring } from './ring.ts'

/** The queue that entries are taken from. */
export interface TakersOwner extends EntriesOwner {
  /** Entries up to here were delivered before the broker started. */
  readonly recoveredUpTo: number
  /** An entry has been handed over; it is unacked now, or done with. */
  onTaken(sequence: number, noAck: boolean): void
}

interface Taker {
  readonly noAck: boolean
  readonly sink: TakeSink
}

/** Hands single entries over. */
export class Takers {
  readonly #owner: TakersOwner
  readonly #entries: Entries
  readonly #line = new Ring<Taker>()

  constructor(owner: TakersOwner, entries: Entries) {
    this.#owner = owner
    this.#entries = entries
  }

  take(noAck: boolean, sink: TakeSink): void {
    this.#line.push({ noAck, sink })
    this.serve()
  }

  /** Serves as many as can be. */
  serve(): void {
    for (let taker = this.#line.peek(); taker !== undefined; taker = this.#line.peek()) {
      const sequence = this.#entries.order.peek()
      if (sequence === 0) {
        this.#line.shift()
        this.#owner.counters.getEmpty++
        taker.sink.onTaken(null)
      } else if (!this.#hand(sequence, taker)) return
    }
  }

  /** Answers everybody that there is nothing. */
  close(): void {
    for (let taker = this.#line.shift(); taker !== undefined; taker = this.#line.shift()) taker.sink.onTaken(null)
  }

  /** Hands the head over, or lets it expire; false when it has to be read first. */
  #hand(sequence: number, taker: Taker): boolean {
    const owner = this.#owner
    const entries = this.#entries
    const view = new MessageView()
    const address = owner.ledger.addressOf(sequence)
    // The reader's own view moves on; it is asked to fetch.
    if (!owner.host.store.open(address, view)) return owner.reader.open(sequence)
    if (entries.expiry?.hasExpired(view, owner.host.clock.nowMs()) === true) {
      entries.onExpired(sequence)
      return true
    }
    this.#line.shift()
    const isReturned = entries.order.isHeadReturned
    entries.shift(view.bodyBytes)
    const counts = owner.ledger.recall(sequence)
    const taken: Taken = {
      view,
      sequence,
      address,
      redelivered: isReturned || sequence <= owner.recoveredUpTo,
      deliveryCount: deliveriesOf(counts),
      acquiredCount: returnsOf(counts),
      readyCount: entries.readyCount,
    }
    const { clock, waitMs } = owner.host
    waitMs.observe(Math.max(clock.nowMs() - taken.view.publishedAtMs, 0))
    if (taken.redelivered) owner.counters.redelivered++
    if (taker.noAck) owner.counters.gotNoAck++
    else owner.counters.got++
    taker.sink.onTaken(taken)
    owner.onTaken(sequence, taker.noAck)
    return true
  }
}
