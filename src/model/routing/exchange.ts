/**
 * The contract of an exchange type: an index of bindings and how it routes. One file per type implements it; a registry
 * (a map that the composition root fills) offers them. Alternate exchanges, exchange-to-exchange bindings and CC/BCC are
 * the router's business, once for all types.
 *
 * A type that keeps messages (delayed, recent history) gives its index a `keeper`: that is a message target of its own,
 * which `route` may add beside or instead of bindings, so that kept messages are stored like those of queues.
 */
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Turn } from '../../base/turn.ts'
import type { MessageDraft, RoutingFacts } from '../message/message.ts'
import type { Address, MessageStore } from '../message/message-store.ts'
import type { MessageTarget, Queue } from '../queue/queue.ts'
import type { BindingRecord, ExchangeRecord } from '../records/records.ts'
import type { Arguments } from '../values/arguments.ts'

/** Where a binding leads. */
export type Destination =
  | { readonly kind: 'queue'; readonly queue: Queue }
  | { readonly kind: 'exchange'; readonly exchange: Exchange }

/** A binding in force. */
export interface Binding {
  readonly record: BindingRecord
  readonly arguments: Arguments
  readonly destination: Destination
}

/** Collects what routing finds. Reused: cleared by the router, not by types. Adding twice is harmless. */
export interface RouteSet {
  add(binding: Binding): void
  /** Adds a target that is not bound: the exchange's own keeper. */
  addTarget(target: MessageTarget): void
}

/** The index of one exchange. */
export interface ExchangeIndex {
  /** Whether every key of a message (CC, BCC) is routed by; otherwise `route` is called once, with the first. */
  readonly usesEveryKey: boolean
  /** What the exchange keeps, or null. */
  readonly keeper: ExchangeKeeper | null
  /** Adds a binding, which is not there yet. */
  bind(binding: Binding): void
  /** Removes a binding, which is there. */
  unbind(binding: Binding): void
  /** Adds the bindings that match one routing key. */
  route(routingKey: string, facts: RoutingFacts, into: RouteSet): void
}

/** Messages that an exchange keeps, and its life beyond routing. */
export interface ExchangeKeeper extends MessageTarget {
  /** Messages kept now. */
  readonly keptCount: number
  /** All bindings are rebuilt after a start, or the exchange is new: finds in the ledger what is kept. */
  start(): void
  /** A binding was made (not: rebuilt after a restart). */
  bound(binding: Binding): void
  /** The broker stops: nothing is settled. */
  stop(): void
  /** The exchange is deleted, and what it keeps with it. */
  close(): void
}

/** What an exchange type needs from the world: for types that keep, delay or pick at random. */
export interface ExchangeHost {
  readonly store: MessageStore
  readonly turn: Turn
  readonly timers: TimerWheel
  /** A number in [0, below). */
  random(below: number): number
  /** Routes a kept message as if it had just been published to this exchange. */
  publishThrough(record: ExchangeRecord, draft: MessageDraft): void
  /** Publishes a kept message to one destination. */
  publishTo(destination: Destination, draft: MessageDraft): void
  /**
   * Fills the draft with a stored message, facts and extra keys included; false when its bytes are not in memory. The
   * draft borrows the store's bytes: publish it before the next is restored.
   */
  restore(address: Address, into: MessageDraft): boolean
}

/** An exchange type. */
export interface ExchangeType {
  readonly name: string
  /** One sentence for listings. */
  readonly description: string
  /** Whether the exchange's routes depend on the routing key and the bindings alone, so that they may be remembered. */
  readonly routesByKeyAlone: boolean
  /** Whether exchanges of this type need a ledger. */
  readonly keepsMessages: boolean
  /** Why these arguments of a declaration are not acceptable (406), or undefined. */
  refusesArguments(args: Arguments): string | undefined
  /** Why this binding is not acceptable (406), or undefined. */
  refusesBinding(binding: Binding, source: Exchange): string | undefined
  create(record: ExchangeRecord, args: Arguments, host: ExchangeHost): ExchangeIndex
}

/** An exchange of a vhost. */
export interface Exchange {
  readonly record: ExchangeRecord
  readonly name: string
  readonly arguments: Arguments
  readonly type: ExchangeType
  readonly index: ExchangeIndex
  /** Alternate exchange in force (argument before policy), or null. */
  readonly alternate: string | null
  /** Name of the policy in force, or null. */
  readonly policyName: string | null
  /** Bindings that leave it and those that arrive from other exchanges. */
  readonly outgoing: ReadonlySet<Binding>
  readonly incoming: ReadonlySet<Binding>
  readonly counters: ExchangeCounters
}

/** Plain counters of an exchange, since it was created or the broker started. Sessions count. */
export interface ExchangeCounters {
  /** Messages published to it, and how many of those found no target. */
  publishedIn: number
  /** Copies that it gave to queues, as of the last look (`Flows.collect`). */
  publishedOut: number
  /** Of the unroutable ones, those that went back to their publisher. */
  returned: number
  unroutable: number
}
