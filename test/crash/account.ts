/**
 * What the world outside knows of a queue's messages, and therefore what must, may and must not be in the queue after its
 * broker died. Clients tell it what they sent and what they were told; after a restart it judges what is there.
 * [docs/durability.md]
 */
import assert from 'node:assert/strict'

/** Slots of ids: which publisher sent a message. Messages of one publisher keep their order. */
export const PUBLISHERS_MAX = 16

/** Sent: may be there. Due: must be there. Settled: may come back. Gone: must never come back. */
type State = 'sent' | 'due' | 'settled' | 'gone'

/** What a restart does to a message that is not settled. A transient message is lost by classic queues. */
export type Fate = 'kept' | 'lost'

interface Known {
  state: State
  readonly fate: Fate
  /** Was delivered, and a later confirm says that the broker's disk knows. */
  flagDue: boolean
  wasSeen: boolean
}

/** One message as it was found after a restart. */
export interface Found {
  readonly id: number
  readonly redelivered: boolean
}

/** What all verifications together saw. */
export interface AccountFigures {
  sentCount: number
  confirmedCount: number
  settledCount: number
  /** Settled with a later confirm: for good. */
  sealedCount: number
  foundCount: number
  /** Settled without a later confirm, and there again. */
  returnedCount: number
  /** Delivered without a later confirm, and there without the flag. */
  flagMissedCount: number
  /** Not confirmed, and there all the same. */
  unconfirmedFoundCount: number
}

/** All zero. */
export function noFigures(): AccountFigures {
  return {
    sentCount: 0,
    confirmedCount: 0,
    settledCount: 0,
    sealedCount: 0,
    foundCount: 0,
    returnedCount: 0,
    flagMissedCount: 0,
    unconfirmedFoundCount: 0,
  }
}

/** The account of one queue. */
export class QueueAccount {
  readonly queue: string
  /** Quorum queues keep transient messages like the others. */
  readonly keepsTransient: boolean
  readonly #figures: AccountFigures
  readonly #known = new Map<number, Known>()
  #liveCount = 0

  constructor(queue: string, keepsTransient: boolean, figures: AccountFigures) {
    this.queue = queue
    this.keepsTransient = keepsTransient
    this.#figures = figures
  }

  /** Messages that are in the queue, as far as known. */
  get liveCount(): number {
    return this.#liveCount
  }

  sent(id: number, fate: Fate): void {
    this.#figures.sentCount++
    this.#liveCount++
    this.#known.set(id, { state: 'sent', fate, flagDue: false, wasSeen: false })
  }

  /** The broker took responsibility. */
  confirmed(id: number): void {
    this.#figures.confirmedCount++
    const known = this.#known.get(id)
    if (known?.state === 'sent') known.state = 'due'
  }

  /** A consumer has it. Throws when it should not: never sent, or settled earlier in the same life. */
  delivered(id: number): void {
    const known = this.#known.get(id)
    assert.ok(known !== undefined, `${this.queue}: message ${id} was never published`)
    assert.ok(
      known.state === 'sent' || known.state === 'due',
      `${this.queue}: message ${id} is delivered after it was ${known.state}`,
    )
    known.wasSeen = true
  }

  /** A consumer has sent its acknowledgement. */
  settled(id: number): void {
    const known = this.#known.get(id)!
    if (known.state === 'settled' || known.state === 'gone') return
    known.state = 'settled'
    this.#liveCount--
    this.#figures.settledCount++
  }

  /** A publish that followed the delivery on the same connection is confirmed: the disk knows of the delivery. */
  flagSealed(id: number): void {
    this.#known.get(id)!.flagDue = true
  }

  /** A publish that followed the settlement on the same connection is confirmed: it is settled for good. */
  settledSealed(id: number): void {
    const known = this.#known.get(id)!
    assert.ok(known.state === 'settled' || known.state === 'gone', `${this.queue}: ${id} is ${known.state}`)
    if (known.state === 'settled') this.#figures.sealedCount++
    known.state = 'gone'
  }

  /** Compares with everything that is in the queue after a restart, in its order; then that is what is known. */
  verify(found: readonly Found[]): void {
    const lastOf = new Array<number>(PUBLISHERS_MAX).fill(-1)
    const present = new Set<number>()
    for (const { id, redelivered } of found) {
      const known = this.#known.get(id)
      assert.ok(known !== undefined, `${this.queue}: message ${id} was never published`)
      assert.ok(!present.has(id), `${this.queue}: message ${id} is there twice`)
      assert.ok(known.state !== 'gone', `${this.queue}: message ${id} came back, settled with a later confirm`)
      assert.ok(known.fate !== 'lost', `${this.queue}: transient message ${id} survived a restart`)
      assert.ok(redelivered || !known.flagDue, `${this.queue}: message ${id} lost its redelivered flag`)
      const publisher = id % PUBLISHERS_MAX
      assert.ok(id > lastOf[publisher]!, `${this.queue}: message ${id} is behind ${lastOf[publisher]}`)
      lastOf[publisher] = id
      present.add(id)
      this.#found(known, redelivered)
    }
    for (const [id, known] of this.#known) {
      if (present.has(id)) continue
      assert.ok(known.state !== 'due' || known.fate !== 'kept', `${this.queue}: confirmed message ${id} is lost`)
      known.state = 'gone'
    }
    this.#liveCount = present.size
    this.#figures.foundCount += present.size
  }

  #found(known: Known, redelivered: boolean): void {
    if (known.state === 'settled') this.#figures.returnedCount++
    if (known.state === 'sent') this.#figures.unconfirmedFoundCount++
    if (known.wasSeen && !redelivered) this.#figures.flagMissedCount++
    known.state = 'due'
    known.wasSeen = true
  }
}
