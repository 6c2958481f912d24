/**
 * The contract of an exchange type: an index of bindings and how it routes. One file per type implements it; a registry
 * (a map that the composition root fills) offers them. Alternate exchanges, exchange-to-exchange bindings and CC/BCC are
 * the router's business, once for all types.
 */
import type { Arguments } from './arguments.ts'
import type { RoutingFacts } from './message.ts'
import type { Queue } from './queue.ts'
import type { BindingRecord, ExchangeRecord } from './records.ts'

/** Where a binding leads. */
export type Destination =
  | { readonly kind: 'queue'; readonly queue: Queue }
  | { readonly kind: 'exchange'; readonly exchange: Exchange }

/** A binding in force. */
export interface Binding {
  readonly record: BindingRecord
  readonly destination: Destination
}

/** Collects what routing finds. Reused: cleared by the router, not by types. Adding twice is harmless. */
export interface RouteSet {
  add(binding: Binding): void
}

/** The index of one exchange. */
export interface ExchangeIndex {
  /** Adds a binding, which is not there yet. */
  bind(binding: Binding): void
  /** Removes a binding, which is there. */
  unbind(binding: Binding): void
  /** Adds the bindings that match one routing key. Called once per key of a message (CC, BCC). */
  route(routingKey: string, facts: RoutingFacts, into: RouteSet): void
}

/** What an exchange type needs from the world: for types that keep, delay or pick at random. */
export interface ExchangeHost {
  /** A number in [0, below). */
  random(below: number): number
}

/** An exchange type. */
export interface ExchangeType {
  readonly name: string
  /** One sentence for listings. */
  readonly description: string
  /** Whether the exchange's routes depend on the routing key and the bindings alone, so that they may be remembered. */
  readonly routesByKeyAlone: boolean
  /** Why these arguments of a declaration are not acceptable (406), or undefined. */
  refusesArguments(args: Arguments): string | undefined
  /** Why this binding is not acceptable (406), or undefined. */
  refusesBinding(record: BindingRecord, destination: Destination): string | undefined
  create(record: ExchangeRecord, host: ExchangeHost): ExchangeIndex
}

/** An exchange of a vhost. */
export interface Exchange {
  readonly record: ExchangeRecord
  readonly name: string
  readonly type: ExchangeType
  readonly index: ExchangeIndex
  /** Alternate exchange in force (argument before policy), or null. */
  readonly alternate: string | null
  /** Bindings that leave it and those that arrive from other exchanges. */
  readonly outgoing: ReadonlySet<Binding>
  readonly incoming: ReadonlySet<Binding>
}
