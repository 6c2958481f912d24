/**
 * Dead letters that may not get lost (`dead-letter-strategy: at-least-once`): an entry is settled only when its letter
 * is safe with the target. Owned by a quorum queue, in place of the `DeadLetterLine`.
 *
 * At most `LETTERS_MAX` letters are under way: published and waiting for the log, or waiting to be tried again because
 * the exchange or a queue is missing, or a target is full. They are tried again for ever, ever less often. A letter that
 * one target refused goes to all targets again. Why an entry died is remembered in the ledger, so that a restart resumes here.
 */
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'
import type { DurableSink, Position } from '../../model/message/message-store.ts'
import {
  DEAD_LETTER_LOGGED,
  DEAD_LETTER_TAKEN,
  type DeadLetterOutcome,
  type DeadLetterTarget,
  type DeathReason,
} from '../../model/queue/dead-letter.ts'
import type { QueueHost } from '../../model/queue/queue-host.ts'
import type { LetterHost, LetterLine } from '../common/dead-letter-line.ts'
import { reasonOf, withReason } from '../common/delivery-counts.ts'
import { EntryReader } from '../common/entry-reader.ts'
import { Ring } from '../common/ring.ts'

/** Letters under way at once. RabbitMQ's prefetch of its internal consumer. */
const LETTERS_MAX = 32
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 30_000

/** The quorum queue as its courier sees it. */
export interface CourierHost extends LetterHost {
  readonly kind: string
  readonly host: Pick<QueueHost, 'deaths'>
  readonly timers: TimerWheel
  wake(): void
}

interface Posted {
  readonly sequence: number
  readonly position: Position
}

/** Carries dead letters until they are safe. */
export class LetterCourier implements LetterLine, DurableSink, TimerOwner {
  readonly strategy = 'at_least_once'
  readonly #host: CourierHost
  readonly #reader: EntryReader
  readonly #timer = new TimerEntry(this)
  readonly #waiting = new Ring<number>()
  readonly #posted = new Ring<Posted>()
  #untaken: number[] = []
  #retryMs = RETRY_MS_MIN
  #isAwaiting = false
  bytes = 0
  target: DeadLetterTarget | null

  constructor(host: CourierHost, target: DeadLetterTarget) {
    this.#host = host
    this.#reader = new EntryReader(host.store, host.ledger, host)
    this.target = target
  }

  get count(): number {
    return this.#waiting.count + this.#posted.count + this.#untaken.length
  }

  push(sequence: number, reason: DeathReason): void {
    const ledger = this.#host.ledger
    ledger.remember(sequence, withReason(ledger.recall(sequence), reason))
    this.bytes += ledger.weightOf(sequence)
    this.#waiting.push(sequence)
  }

  run(): boolean {
    this.#settleSafe()
    while (this.#posted.count + this.#untaken.length < LETTERS_MAX) {
      const sequence = this.#waiting.peek()
      if (sequence === undefined) break
      if (this.#host.ledger.addressOf(sequence) !== 0 && !this.#reader.open(sequence)) break
      this.#waiting.shift()
      this.#post(sequence)
    }
    if (this.#posted.count > 0 && !this.#isAwaiting) {
      this.#isAwaiting = true
      this.#host.store.awaitDurable(this)
    }
    return true
  }

  clear(): number {
    const count = this.count
    for (let sequence = this.#waiting.shift(); sequence !== undefined; sequence = this.#waiting.shift()) {
      this.#settle(sequence)
    }
    for (let posted = this.#posted.shift(); posted !== undefined; posted = this.#posted.shift()) {
      this.#settle(posted.sequence)
    }
    for (const sequence of this.#untaken.splice(0)) this.#settle(sequence)
    this.stop()
    return count
  }

  stop(): void {
    this.#host.timers.cancel(this.#timer)
  }

  onDurable(): void {
    this.#isAwaiting = false
    this.#host.wake()
  }

  onTimer(): void {
    const untaken = this.#untaken
    this.#untaken = []
    for (const sequence of untaken) this.#waiting.push(sequence)
    this.#host.wake()
  }

  /** Publishes the entry that the reader has opened. */
  #post(sequence: number): void {
    const { store, ledger, deadLetters } = this.#host
    const target = this.target
    if (target === null || ledger.addressOf(sequence) === 0) return this.#settle(sequence)
    const word = ledger.recall(sequence)
    const counts = this.#host.countsOf(sequence)
    const { address, view } = this.#reader
    store.pin(address)
    const outcome: DeadLetterOutcome = deadLetters.deadLetter(
      this.#host,
      view,
      reasonOf(word) ?? 'rejected',
      target,
      counts.deliveries,
      counts.returns,
      this.#host.clock.nowMs(),
    )
    store.unpin(address)
    if (outcome === DEAD_LETTER_TAKEN) this.#safe(sequence)
    else if (outcome === DEAD_LETTER_LOGGED) this.#posted.push({ sequence, position: store.appended })
    else this.#tryLater(sequence)
  }

  #settleSafe(): void {
    const durable = this.#host.store.durable
    for (
      let first = this.#posted.peek();
      first !== undefined && first.position <= durable;
      first = this.#posted.peek()
    ) {
      this.#posted.shift()
      this.#safe(first.sequence)
    }
  }

  #safe(sequence: number): void {
    this.#retryMs = RETRY_MS_MIN
    this.#host.host.deaths.countConfirmed(this.#host.kind)
    this.#settle(sequence)
  }

  #tryLater(sequence: number): void {
    this.#untaken.push(sequence)
    if (this.#timer.isScheduled) return
    const timers = this.#host.timers
    timers.schedule(this.#timer, timers.clock.nowMs() + this.#retryMs)
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX)
  }

  #settle(sequence: number): void {
    this.bytes -= this.#host.ledger.weightOf(sequence)
    this.#host.settleDead(sequence)
  }
}
