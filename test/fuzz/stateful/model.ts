// What must be in the tracked queues, whoever speaks to them in whatever protocol. A message that was confirmed and not
// settled must be there in the end; one of which nobody can know may be; any other must not.
import type { Randomness } from '../../../src/base/random.ts'
import { Defect } from '../fuzz-target.ts'

/** A queue whose messages are accounted for. */
export class TrackedQueue {
  readonly name: string
  readonly type: 'classic' | 'quorum'
  /** Confirmed, in the queue or delivered and not settled. */
  readonly must = new Set<string>()
  /** Published without an answer, or handed to somebody who went: there or not. */
  readonly may = new Set<string>()

  constructor(name: string, type: 'classic' | 'quorum') {
    this.name = name
    this.type = type
  }

  /** An answer is due, which may never come. */
  sent(id: string): void {
    this.may.add(id)
  }

  confirmed(id: string): void {
    if (this.may.delete(id)) this.must.add(id)
  }

  /** Given to somebody. Throws when it should not be there any more. */
  delivered(id: string): void {
    if (!this.must.has(id) && !this.may.has(id)) throw new Defect(`${this.name} delivers ${id}, which was settled`)
  }

  settled(id: string): void {
    this.must.delete(id)
    this.may.delete(id)
  }

  /** It was settled, perhaps: the answer is lost. */
  doubted(id: string): void {
    if (this.must.delete(id)) this.may.add(id)
  }

  /** As `doubted`, for all. */
  doubtAll(): void {
    for (const id of this.must) this.may.add(id)
    this.must.clear()
  }

  emptied(): void {
    this.must.clear()
    this.may.clear()
  }

  /** Compares with what was found. */
  verify(found: readonly string[]): void {
    const seen = new Set(found)
    if (seen.size !== found.length) throw new Defect(`${this.name} holds a message twice`)
    for (const id of found) this.delivered(id)
    for (const id of this.must) if (!seen.has(id)) throw new Defect(`${this.name} has lost ${id}, which was confirmed`)
  }
}

/** All that is tracked. */
export class Model {
  readonly queues = [
    new TrackedQueue('tracked-0', 'classic'),
    new TrackedQueue('tracked-1', 'classic'),
    new TrackedQueue('tracked-2', 'quorum'),
  ]
  #lastId = 0

  newId(): string {
    return `m${++this.#lastId}`
  }

  get messageCount(): number {
    return this.#lastId
  }
}

/** Somebody who takes steps. A step is over when the broker has answered it. */
export interface Actor {
  readonly name: string
  /** Takes one random step; returns what it was. Throws `Defect` for a wrong answer. */
  step(random: Randomness): Promise<string>
  /** Ends whatever is open. */
  close(): Promise<void>
}
