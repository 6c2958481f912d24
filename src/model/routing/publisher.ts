/**
 * Publishes a draft to the targets of a route: asks each, writes one record, enters it into each. One per broker.
 *
 * This is the path of every message: no allocation, no closure, one record however many targets. A target that drops
 * older entries while it is asked may publish them elsewhere (dead letters), so publishing nests; entering does not.
 *
 * Invariant: between `reserve` and the last `enter` of a record nothing else is reserved.
 */
import { type MessageDraft, writeMessage } from '../message/message.ts'
import { type MessageStore, OWNERS_MAX } from '../message/message-store.ts'
import { ADMIT_DROPPED, ADMIT_PASSING, ADMIT_REFUSED, ADMIT_STORED, type MessageTarget } from '../queue/queue.ts'
import { PUBLISH_REFUSED, PUBLISH_ROUTED, PUBLISH_UNROUTED, type PublishOutcome, type Route } from './route.ts'

/** Full queues that push each other's entries out: deeper than this nothing is taken any more. */
export const NESTING_MAX = 16
const ADMISSIONS_INITIAL = 64

/** Publishes routed messages. */
export class Publisher {
  readonly #store: MessageStore
  /** Answers of `admit`, one array per level of nesting, reused. */
  readonly #admissions: Uint8Array[] = []
  /** Publishes under way: 0 outside, 1 within one, … */
  depth = 0
  #entering = false
  /** Whether the last publish wrote a durable record: its confirm waits for `store.durable` to reach `store.appended`. */
  isDurable = false

  constructor(store: MessageStore) {
    this.#store = store
  }

  /** Publishes to every target of the route. Buffers of the draft are free again when it returns. */
  publish(route: Route, draft: MessageDraft): PublishOutcome {
    const targets = route.targets
    if (this.#entering) throw new Error('a target published while it was entered')
    this.isDurable = false
    if (targets.length === 0) return PUBLISH_UNROUTED
    const depth = this.depth
    if (depth === NESTING_MAX) return PUBLISH_REFUSED
    try {
      return targets.length === 1 ? this.#publishToOne(targets[0]!, draft) : this.#publishToMany(targets, draft)
    } finally {
      this.depth = depth
      this.#entering = false
    }
  }

  #publishToOne(target: MessageTarget, draft: MessageDraft): PublishOutcome {
    this.depth++
    const admission = target.admit(draft)
    this.depth--
    // What nested publishes wrote is not this message's matter.
    this.isDurable = false
    if (admission === ADMIT_REFUSED) return PUBLISH_REFUSED
    if (admission === ADMIT_DROPPED) return PUBLISH_ROUTED
    const isStored = admission === ADMIT_STORED
    const isDurable = isStored && target.keeps(draft.persistent)
    const store = this.#store
    const address = store.reserve(isDurable, isStored ? 1 : 0, draft.payloadBytes())
    writeMessage(draft, store.bytes, store.words, store.payloadAt)
    this.#entering = true
    target.enter(draft, isStored ? 0 : -1, address)
    this.#entering = false
    this.isDurable = isDurable
    return PUBLISH_ROUTED
  }

  #publishToMany(targets: readonly MessageTarget[], draft: MessageDraft): PublishOutcome {
    const count = targets.length
    const admissions = this.#admissionsFor(count)
    let outcome: PublishOutcome = PUBLISH_ROUTED
    this.depth++
    for (let i = 0; i < count; i++) {
      const admission = targets[i]!.admit(draft)
      admissions[i] = admission
      if (admission === ADMIT_REFUSED) outcome = PUBLISH_REFUSED
    }
    this.depth--
    this.isDurable = false
    for (let from = 0; from < count; ) from = this.#writeRecord(targets, admissions, from, draft)
    return outcome
  }

  /** Writes one record for as many targets, from `from` on, as fit; returns the first that did not. */
  #writeRecord(targets: readonly MessageTarget[], admissions: Uint8Array, from: number, draft: MessageDraft): number {
    let storedCount = 0
    let takers = 0
    let isDurable = false
    let to = from
    for (; to < targets.length && storedCount < OWNERS_MAX; to++) {
      const admission = admissions[to]
      if (admission === ADMIT_STORED) {
        storedCount++
        if (!isDurable && targets[to]!.keeps(draft.persistent)) isDurable = true
      } else if (admission === ADMIT_PASSING) takers++
    }
    if (storedCount + takers === 0) return to
    const store = this.#store
    const address = store.reserve(isDurable, storedCount, draft.payloadBytes())
    writeMessage(draft, store.bytes, store.words, store.payloadAt)
    if (isDurable) this.isDurable = true
    this.#entering = true
    let slot = 0
    for (let i = from; i < to; i++) {
      const admission = admissions[i]
      if (admission === ADMIT_STORED) targets[i]!.enter(draft, slot++, address)
      else if (admission === ADMIT_PASSING) targets[i]!.enter(draft, -1, address)
    }
    this.#entering = false
    return to
  }

  #admissionsFor(count: number): Uint8Array {
    let admissions = this.#admissions[this.depth]
    if (admissions === undefined || admissions.length < count) {
      let length = ADMISSIONS_INITIAL
      while (length < count) length *= 2
      admissions = new Uint8Array(length)
      this.#admissions[this.depth] = admissions
    }
    return admissions
  }
}
