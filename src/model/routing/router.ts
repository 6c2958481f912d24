/**
 * Finds the targets of a message: through the exchange's bindings, from exchange to exchange, by further keys (CC, BCC),
 * and by alternate exchanges where nothing matched. One per vhost.
 *
 * Each exchange is visited once and each target found once, so cycles of bindings and of alternate exchanges end.
 * Routes that depend on exchange and key alone are remembered until the topology changes. [RabbitMQ: e2e, ae, sender-selected]
 */

import type { MessageDraft } from '../message/message.ts'
import type { MessageTarget } from '../queue/queue.ts'
import type { Topology } from '../topology.ts'
import type { Binding, RouteSet } from './exchange.ts'
import type { ExchangeState } from './exchange-state.ts'
import type { Flows } from './flows.ts'
import type { Publisher } from './publisher.ts'
import type { ReplyQueues } from './reply-to.ts'
import { Route } from './route.ts'

/** Remembered routes weigh their targets and one; beyond this, some 20 MB for a vhost, all are forgotten. */
const REMEMBERED_WEIGHT_MAX = 1 << 16

/** Routes messages of one vhost. */
export class Router implements RouteSet {
  readonly #topology: Topology
  readonly #replies: ReplyQueues
  readonly #publisher: Publisher
  readonly #flows: Flows
  // The search under way. Searching never nests; publishing does, so routes that are not kept come one per level.
  readonly #visited = new Set<ExchangeState>()
  readonly #targets = new Set<MessageTarget>()
  #foundAny = false
  #isReusable = false
  readonly #waiting: ExchangeState[] = []
  readonly #passing: Route[] = []
  /** Exchanges that remember routes, the revision of those, and what they weigh. */
  #remembering: ExchangeState[] = []
  #rememberedRevision = 0
  #rememberedWeight = 0
  #lastLetter: { readonly exchange: string; readonly routingKey: string; readonly route: Route } | null = null

  constructor(topology: Topology, replies: ReplyQueues, publisher: Publisher, flows: Flows) {
    this.#topology = topology
    this.#replies = replies
    this.#publisher = publisher
    this.#flows = flows
  }

  /** The route of a draft that is published to this exchange. */
  route(exchange: ExchangeState, draft: MessageDraft): Route {
    const { revision } = this.#topology
    if (draft.extraKeys === null) {
      const known = exchange.routes.get(draft.routingKey)
      if (known !== undefined && known.revision === revision) return known
    }
    this.#search(exchange, draft)
    const route = this.#isReusable ? this.#remember(exchange, draft.routingKey) : this.#passingRoute(exchange)
    this.#targets.clear()
    return route
  }

  /** The route of a draft that is published to `draft.exchange`; null when that is gone. Letters come in runs of one address. */
  routeOfLetter(draft: MessageDraft): Route | null {
    const last = this.#lastLetter
    if (
      last !== null &&
      last.route.revision === this.#topology.revision &&
      draft.extraKeys === null &&
      last.exchange === draft.exchange &&
      last.routingKey === draft.routingKey
    ) {
      return last.route
    }
    const exchange = this.#topology.exchanges.get(draft.exchange)
    if (exchange === undefined) return null
    const route = this.route(exchange, draft)
    const { exchange: name, routingKey } = draft
    this.#lastLetter = route.isReusable && draft.extraKeys === null ? { exchange: name, routingKey, route } : null
    return route
  }

  /** The route to one destination, for messages that an exchange kept. */
  routeTo(binding: Pick<Binding, 'destination'>, draft: MessageDraft): Route {
    const { destination } = binding
    // Every exchange of the vhost is a state.
    if (destination.kind === 'exchange') return this.route(destination.exchange as ExchangeState, draft)
    this.#targets.add(destination.queue)
    const route = this.#passingRoute(null)
    this.#targets.clear()
    return route
  }

  // Called by exchange types

  add({ destination }: Binding): void {
    this.#foundAny = true
    if (destination.kind === 'queue') this.#targets.add(destination.queue)
    // Every exchange of the vhost is a state.
    else this.#visitLater(destination.exchange as ExchangeState)
  }

  addTarget(target: MessageTarget): void {
    this.#foundAny = true
    this.#targets.add(target)
  }

  // Searching

  #search(exchange: ExchangeState, draft: MessageDraft): void {
    this.#isReusable = draft.extraKeys === null
    this.#visitLater(exchange)
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) this.#visit(next, draft)
    this.#visited.clear()
  }

  #visitLater(exchange: ExchangeState): void {
    if (this.#visited.has(exchange)) return
    this.#visited.add(exchange)
    this.#waiting.push(exchange)
  }

  #visit(exchange: ExchangeState, draft: MessageDraft): void {
    const { extraKeys, facts } = draft
    this.#foundAny = false
    if (!exchange.type.routesByKeyAlone) this.#isReusable = false
    if (exchange.isDefault) {
      this.#addByName(draft.routingKey)
      if (extraKeys !== null) for (const key of extraKeys) this.#addByName(key)
    } else {
      exchange.index.route(draft.routingKey, facts, this)
      if (extraKeys !== null && exchange.index.usesEveryKey) {
        for (const key of extraKeys) exchange.index.route(key, facts, this)
      }
    }
    if (this.#foundAny || exchange.alternate === null) return
    const alternate = this.#topology.exchanges.get(exchange.alternate)
    if (alternate !== undefined) this.#visitLater(alternate)
  }

  #addByName(name: string): void {
    const queue = this.#topology.queues.get(name)
    if (queue !== undefined) return this.addTarget(queue)
    const reply = this.#replies.target(name)
    if (reply === undefined) return
    // Requesters come and go without a change of the topology.
    this.#isReusable = false
    this.addTarget(reply)
  }

  // Keeping

  #passingRoute(exchange: ExchangeState | null): Route {
    const level = this.#publisher.depth
    let route = this.#passing[level]
    if (route === undefined) {
      route = new Route([], 0, false)
      this.#passing[level] = route
      this.#flows.borrowed.push(route)
    }
    this.#flows.credit(route)
    route.exchange = exchange
    route.revision = this.#topology.revision
    route.targets.length = 0
    for (const target of this.#targets) route.targets.push(target)
    return route
  }

  #remember(exchange: ExchangeState, routingKey: string): Route {
    const { revision } = this.#topology
    const route = new Route([...this.#targets], revision, true, exchange)
    const weight = route.targets.length + 1
    if (this.#rememberedRevision !== revision || this.#rememberedWeight + weight > REMEMBERED_WEIGHT_MAX) this.#forget()
    if (exchange.routes.size === 0) this.#remembering.push(exchange)
    exchange.routes.set(routingKey, route)
    this.#rememberedWeight += weight
    return route
  }

  #forget(): void {
    for (const exchange of this.#remembering) exchange.routes.clear()
    this.#remembering = []
    this.#rememberedWeight = 0
    this.#rememberedRevision = this.#topology.revision
  }
}
