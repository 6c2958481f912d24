/**
 * How many messages went from which exchange to which queue: for details of exchanges and queues. One per vhost.
 *
 * A publish counts at its route, which is one field; what routes counted is brought to the pairs of exchange and queue when
 * somebody looks, at latest with every tick of the statistics. Messages that the broker publishes itself (dead letters,
 * kept messages) are not counted. Invariant: at most `FLOWS_MAX` pairs are told apart; messages of others count only in sums.
 */
import type { MessageTarget, Queue } from '../queue/queue.ts'
import type { Topology } from '../topology.ts'
import type { Route } from './route.ts'

const FLOWS_MAX = 20_000
/** Routes with counts that nobody has looked at. */
const USED_MAX = 65_536

/** Messages from one exchange to one queue, since one of the two was made or the broker started. */
export class Flow {
  readonly exchange: string
  readonly queue: string
  published = 0

  constructor(exchange: string, queue: string) {
    this.exchange = exchange
    this.queue = queue
  }
}

/** The flows of a vhost. */
export class Flows {
  readonly #topology: Topology
  #used: Route[] = []
  /** Routes that are not kept, one per level of nesting: always looked at. */
  readonly borrowed: Route[] = []
  #count = 0
  #prunedRevision = 0

  constructor(topology: Topology) {
    this.#topology = topology
  }

  /** The route counted its first message since `collect`. */
  onUsed(route: Route): void {
    this.#used.push(route)
    if (this.#used.length >= USED_MAX) this.collect()
  }

  /** All flows, brought up to date. */
  *all(): Iterable<Flow> {
    this.collect()
    for (const { flows } of this.#topology.exchanges.values()) yield* flows.values()
  }

  /** Flows from an exchange. */
  from(exchange: string): Iterable<Flow> {
    this.collect()
    return this.#topology.exchanges.get(exchange)?.flows.values() ?? []
  }

  /** Flows to a queue. */
  to(queue: Queue): Flow[] {
    this.collect()
    const found: Flow[] = []
    for (const { flows } of this.#topology.exchanges.values()) {
      const flow = flows.get(queue)
      if (flow !== undefined) found.push(flow)
    }
    return found
  }

  /** Brings what routes counted to the flows. */
  collect(): void {
    this.#prune()
    const used = this.#used
    this.#used = []
    for (const route of used) this.credit(route)
    for (const route of this.borrowed) this.credit(route)
  }

  /** Brings what this route counted to the flows: its targets are about to change. */
  credit(route: Route): void {
    const { exchange } = route
    const none = route.isReusable ? 0 : 1
    const published = route.published - none
    if (published === 0) return
    route.published = none
    if (exchange === null) return
    exchange.counters.publishedOut += published * route.targets.length
    for (const target of route.targets) {
      const flow = exchange.flows.get(target) ?? this.#add(route, target)
      if (flow !== undefined) flow.published += published
    }
  }

  #add({ exchange }: Route, target: MessageTarget): Flow | undefined {
    if (exchange === null || this.#count >= FLOWS_MAX) return undefined
    const { exchanges, queues } = this.#topology
    // Either may be gone since, and a target may be what an exchange keeps, or a requester.
    if (exchanges.get(exchange.name) !== exchange || queues.get(target.name) !== target) return undefined
    const flow = new Flow(exchange.name, target.name)
    exchange.flows.set(target, flow)
    this.#count++
    return flow
  }

  /** Forgets the flows of what is gone. */
  #prune(): void {
    const { exchanges, queues, revision } = this.#topology
    if (revision === this.#prunedRevision) return
    this.#prunedRevision = revision
    this.#count = 0
    for (const { flows } of exchanges.values()) {
      for (const target of flows.keys()) if (queues.get(target.name) !== target) flows.delete(target)
      this.#count += flows.size
    }
  }
}
