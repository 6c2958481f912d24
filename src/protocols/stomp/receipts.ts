/**
 * RECEIPT frames of one connection, in the order of the frames that they answer: a receipt also says that everything
 * before it was handled. One that promises a persistent message waits until the log is safe up to it; what is behind
 * it waits, too. [STOMP 1.2 "RECEIPT"]
 *
 * Invariant: positions in the line never fall, so the log's progress releases receipts from its head.
 */
import type { Clock } from '../../base/clock.ts'
import type { MessageStore, Position, SafeSink } from '../../model/message/message-store.ts'
import type { ProtocolTraffic } from '../../model/observe/traffic.ts'
import type { Outbox } from '../../net/outbox.ts'
import { encodeFrame } from './frame-writer.ts'
import type { Version } from './spec.ts'

const COMPACT_COUNT = 1024
const NO_MESSAGE = -1

/** What receipts need of their connection. */
export interface ReceiptWorld {
  readonly store: MessageStore
  readonly outbox: Outbox
  readonly version: Version
  readonly trailingLineFeed: boolean
  readonly clock: Clock
  readonly traffic: ProtocolTraffic
}

/** One per connection. */
export class Receipts implements SafeSink {
  readonly #world: ReceiptWorld
  readonly #ids: string[] = []
  readonly #positions: Position[] = []
  /** When the frame came, for those that answer a message; else `NO_MESSAGE`. */
  readonly #sinceMs: number[] = []
  #head = 0
  #isWaiting = false
  #isClosed = false
  #onEmpty: (() => void) | null = null

  constructor(world: ReceiptWorld) {
    this.#world = world
  }

  /** Receipts that wait. */
  get count(): number {
    return this.#ids.length - this.#head
  }

  /** Answers a frame. `mustWait`: once everything written to the log so far is safe. */
  add(id: string, mustWait: boolean): void {
    this.#add(id, mustWait, NO_MESSAGE)
  }

  /** Answers a message: how long that takes is noted. */
  addForPublish(id: string, mustWait: boolean): void {
    this.#add(id, mustWait, this.#world.clock.monotonicMs())
  }

  #add(id: string, mustWait: boolean, sinceMs: number): void {
    const { store } = this.#world
    const waits = mustWait && store.safe < store.appended
    if (!waits && this.count === 0) return this.#send(id, sinceMs)
    this.#ids.push(id)
    this.#sinceMs.push(sinceMs)
    this.#positions.push(waits ? store.appended : this.#lastPosition())
    this.#await()
  }

  /** Calls back once nothing waits: at once, as a rule. */
  whenEmpty(done: () => void): void {
    if (this.count === 0) done()
    else this.#onEmpty = done
  }

  /** The connection is gone. */
  close(): void {
    this.#isClosed = true
    this.#onEmpty = null
    this.#clear()
  }

  onSafe(upTo: Position): void {
    this.#isWaiting = false
    if (this.#isClosed) return
    for (; this.#head < this.#ids.length && this.#positions[this.#head]! <= upTo; this.#head++) {
      this.#send(this.#ids[this.#head]!, this.#sinceMs[this.#head]!)
    }
    if (this.#head < this.#ids.length) {
      if (this.#head >= COMPACT_COUNT) this.#compact()
      this.#await()
      return
    }
    this.#clear()
    const done = this.#onEmpty
    this.#onEmpty = null
    done?.()
  }

  #lastPosition(): Position {
    return this.#positions[this.#positions.length - 1]!
  }

  #await(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#world.store.awaitSafe(this)
  }

  #send(id: string, sinceMs: number): void {
    const { outbox, version, trailingLineFeed, clock, traffic } = this.#world
    if (sinceMs !== NO_MESSAGE) {
      traffic.confirmed++
      traffic.confirmWaitMs.observe(clock.monotonicMs() - sinceMs)
    }
    outbox.write(encodeFrame('RECEIPT', [['receipt-id', id]], '', { version, trailingLineFeed }))
  }

  #clear(): void {
    this.#ids.length = 0
    this.#sinceMs.length = 0
    this.#positions.length = 0
    this.#head = 0
  }

  #compact(): void {
    this.#ids.splice(0, this.#head)
    this.#sinceMs.splice(0, this.#head)
    this.#positions.splice(0, this.#head)
    this.#head = 0
  }
}
