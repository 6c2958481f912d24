/**
 * The subscriptions of one session: filters with their options, and which of them a message matches.
 *
 * Filters with QoS 0 live in one queue, all others in another, so each queue's messages are matched against its own
 * filters only. Where the exchange has decided exactly what the filter means, the one filter of a queue needs no matching.
 */
import { type FilterWord, isExactInExchange, matchesWords, type TopicNames } from './topics.ts'

/** Matches remembered per queue of a session. */
const REMEMBERED_MAX = 64
const KEY_SEPARATOR = '.'

/** Options of a subscription, as kept in the session's record. */
export interface SubscriptionOptions {
  readonly filter: string
  readonly qos: number
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0: none. */
  readonly identifier: number
}

/** A subscription that is not shared. */
export class Subscription {
  readonly options: SubscriptionOptions
  readonly bindingKey: string
  readonly words: readonly FilterWord[]
  readonly isExact: boolean

  constructor(options: SubscriptionOptions, names: TopicNames) {
    this.options = options
    this.bindingKey = names.bindingKey(options.filter)
    this.words = names.words(options.filter)
    this.isExact = isExactInExchange(this.words)
  }
}

/** What the subscriptions that match say together. */
export interface Match {
  readonly qos: number
  readonly retainAsPublished: boolean
  /** Every one of them is No Local. */
  readonly noLocal: boolean
  readonly identifiers: readonly number[]
}

/** Most sessions that only publish have nothing else. Never changed. */
const NONE: Subscription[] = []

/** The subscriptions of one queue. */
export class SubscriptionSet {
  #all: Subscription[] = NONE
  #only: Match | null = null
  /** Made when a message has to be looked at. */
  #remembered: Map<string, Match | null> | null = null

  get all(): readonly Subscription[] {
    return this.#all
  }

  get hasNoLocal(): boolean {
    return this.#all.some(({ options }) => options.noLocal)
  }

  add(subscription: Subscription): void {
    this.remove(subscription.options.filter)
    this.#all = [...this.#all, subscription]
    this.#changed()
  }

  remove(filter: string): void {
    const kept = this.#all.filter(({ options }) => options.filter !== filter)
    if (kept.length === this.#all.length) return
    this.#all = kept
    this.#changed()
  }

  /** Whether another subscription of the set has this binding key. */
  binds(bindingKey: string): boolean {
    return this.#all.some((subscription) => subscription.bindingKey === bindingKey)
  }

  /** The match that every message has, when there is but one; null when messages have to be looked at. */
  get only(): Match | null {
    return this.#only
  }

  /** What a message with this routing key matches; null: nothing. */
  match(routingKey: string): Match | null {
    this.#remembered ??= new Map()
    const known = this.#remembered.get(routingKey)
    if (known !== undefined) return known
    const words = routingKey.split(KEY_SEPARATOR)
    const found = matchOf(this.#all.filter((subscription) => matchesWords(subscription.words, words)))
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    this.#remembered.set(routingKey, found)
    return found
  }

  #changed(): void {
    this.#remembered = null
    const [first] = this.#all
    this.#only = this.#all.length === 1 && first!.isExact ? matchOf(this.#all) : null
  }
}

function matchOf(subscriptions: readonly Subscription[]): Match | null {
  if (subscriptions.length === 0) return null
  const options = subscriptions.map((subscription) => subscription.options)
  return {
    qos: Math.max(...options.map(({ qos }) => qos)),
    retainAsPublished: options.some(({ retainAsPublished }) => retainAsPublished),
    noLocal: options.every(({ noLocal }) => noLocal),
    identifiers: options.map(({ identifier }) => identifier).filter((identifier) => identifier > 0),
  }
}
