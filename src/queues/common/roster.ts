/**
 * The consumers of a queue and whose turn it is: round-robin among those with credit, higher `x-priority` first; with a
 * single active consumer, that one alone. Owned by a queue.
 *
 * Invariant: a subscription that has credit and was told so (`wake`) stands in its level's line; one without credit leaves
 * the line when its turn comes. [docs/queues.md "Consumers"]
 */
import type { Refusal } from '../../model/queue/queue.ts'
import { inExclusiveUse } from './refusals.ts'
import { Ring } from './ring.ts'
import type { Subscription } from './subscription.ts'

/** `shared`: all receive · `single`: one receives until it goes · `single-by-priority`: a higher priority takes over. */
export type SharingMode = 'shared' | 'single' | 'single-by-priority'

interface Level {
  readonly priority: number
  readonly line: Ring<Subscription>
  members: number
}

/** Most queues have no consumer most of the time: these stand for what they do not have. Never changed. */
const NO_LEVELS: Level[] = []
const NOBODY: Subscription[] = []

/** All consumers of one queue. */
export class Roster {
  readonly #mode: SharingMode
  #levels = NO_LEVELS
  #all = NOBODY
  /** The one that receives, when only one does. */
  active: Subscription | null = null
  #exclusive: Subscription | null = null
  #lastId = 0

  constructor(mode: SharingMode) {
    this.#mode = mode
  }

  /** In the order of their registration. */
  get all(): readonly Subscription[] {
    return this.#all
  }

  get count(): number {
    return this.#all.length
  }

  get isSingle(): boolean {
    return this.#mode !== 'shared'
  }

  /** An id for a new subscription. */
  nextId(): number {
    return ++this.#lastId
  }

  /** Why an exclusive consumer excludes this one, or this exclusive one comes too late; or undefined. */
  refuses(queue: { name: string; vhost: string }, exclusive: boolean): Refusal | undefined {
    const isRefused = this.#exclusive !== null || (exclusive && (this.count > 0 || this.isSingle))
    return isRefused ? inExclusiveUse(queue) : undefined
  }

  add(subscription: Subscription): void {
    if (this.#all === NOBODY) this.#all = []
    this.#all.push(subscription)
    if (subscription.spec.exclusive && !this.isSingle) this.#exclusive = subscription
    this.#levelOf(subscription.priority).members++
    this.wake(subscription)
    if (this.isSingle) this.elect()
  }

  remove(subscription: Subscription): void {
    const index = this.#all.indexOf(subscription)
    if (index < 0) return
    this.#all.splice(index, 1)
    const level = this.#levelOf(subscription.priority)
    if (subscription.isWaiting) level.line.remove(subscription)
    subscription.isWaiting = false
    if (--level.members === 0) this.#levels.splice(this.#levels.indexOf(level), 1)
    if (this.#all.length === 0) this.#forgetAll()
    if (this.#exclusive === subscription) this.#exclusive = null
    if (this.active === subscription) this.active = null
    if (this.isSingle) this.elect()
  }

  /** Removes all, and returns them. */
  clear(): Subscription[] {
    const all = this.#all
    this.#forgetAll()
    for (const subscription of all) subscription.isWaiting = false
    this.#exclusive = null
    this.active = null
    return all
  }

  /** The subscription may have credit. */
  wake(subscription: Subscription): void {
    if (subscription.isWaiting) return
    subscription.isWaiting = true
    this.#levelOf(subscription.priority).line.push(subscription)
  }

  /** Whose turn it is; null when nobody has credit. */
  next(): Subscription | null {
    if (this.#mode !== 'shared') return this.#nextSingle()
    const levels = this.#levels
    for (let i = 0; i < levels.length; i++) {
      const line = levels[i]!.line
      for (let first = line.peek(); first !== undefined; first = line.peek()) {
        if (first.sink.hasCredit) return first
        first.isWaiting = false
        line.shift()
      }
    }
    return null
  }

  /** The subscription whose turn it was has been served: the others of its level come first now. */
  served(subscription: Subscription): void {
    if (!subscription.isWaiting || this.#all.length === 1) return
    const line = this.#levelOf(subscription.priority).line
    if (line.peek() === subscription) line.rotate()
  }

  /** Chooses the single active consumer. Returns whether that changed. */
  elect(): boolean {
    const before = this.active
    if (this.#mode === 'single') this.active ??= this.#all[0] ?? null
    else if (before === null || (before.unackedCount === 0 && this.#isOutranked(before))) this.active = this.#highest()
    return this.active !== before
  }

  // Helpers

  #forgetAll(): void {
    this.#all = NOBODY
    this.#levels = NO_LEVELS
  }

  #nextSingle(): Subscription | null {
    const active = this.active
    if (active === null || !active.sink.hasCredit) return null
    // One of lower priority gets nothing more, and hands over when it has settled everything.
    return this.#mode === 'single-by-priority' && this.#isOutranked(active) ? null : active
  }

  #isOutranked(active: Subscription): boolean {
    return this.#levels.length > 1 && this.#levels[0]!.priority > active.priority
  }

  /** The first registered one of the highest priority. */
  #highest(): Subscription | null {
    if (this.#levels.length === 0) return null
    const priority = this.#levels[0]!.priority
    return this.#all.find((each) => each.priority === priority) ?? null
  }

  #levelOf(priority: number): Level {
    const levels = this.#levels
    let at = 0
    while (at < levels.length && levels[at]!.priority > priority) at++
    const found = levels[at]
    if (found !== undefined && found.priority === priority) return found
    const level: Level = { priority, line: new Ring<Subscription>(), members: 0 }
    if (levels === NO_LEVELS) this.#levels = [level]
    else levels.splice(at, 0, level)
    return level
  }
}
