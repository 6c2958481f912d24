/**
 * A virtual host: the one object by which sessions and the HTTP API reach exchanges, queues and bindings.
 *
 * It holds together the applied topology, the router, and the verbs that propose changes. Verbs build transactions of the
 * metadata store and answer when the change is applied; nothing changes at the call site, only from the store's watcher
 * (the broker applies to `topology`). Verbs that touch transient and exclusive objects only answer before they return.
 *
 * Publishing: `routeOf`, then `publishTo`. [docs/exchanges.md]
 */

import { type MessageDraft, MessageView } from './message/message.ts'
import { restoreDraft } from './message/restore.ts'
import { type MessageObserver, Tracer, type TraceTap } from './observe/tracing.ts'
import {
  DEAD_LETTER_LOGGED,
  DEAD_LETTER_REFUSED,
  DEAD_LETTER_TAKEN,
  DEAD_LETTER_UNROUTED,
  type DeadLetterOutcome,
  type RouteFilter,
} from './queue/dead-letter.ts'
import type { Queue } from './queue/queue.ts'
import type { QueueHost } from './queue/queue-host.ts'
import type { BindingRecord, VhostRecord } from './records/records.ts'
import type { Exchange, ExchangeHost } from './routing/exchange.ts'
import type { ExchangeState } from './routing/exchange-state.ts'
import { Flows } from './routing/flows.ts'
import type { Publisher } from './routing/publisher.ts'
import { ReplyQueues } from './routing/reply-to.ts'
import { PUBLISH_REFUSED, PUBLISH_UNROUTED, type PublishOutcome, Route } from './routing/route.ts'
import { Router } from './routing/router.ts'
import { DEFAULT_EXCHANGE, TRACE_EXCHANGE } from './routing/system-exchanges.ts'
import { Topology } from './topology.ts'
import type { Answer, Answered } from './verbs/answer.ts'
import { BindingVerbs } from './verbs/binding-verbs.ts'
import { ExchangeVerbs } from './verbs/exchange-verbs.ts'
import { Leftovers } from './verbs/leftovers.ts'
import { QueueVerbs } from './verbs/queue-verbs.ts'
import type {
  Actor,
  BindingRequest,
  DeclaredQueue,
  DeleteConditions,
  ExchangeDeclaration,
  QueueDeclaration,
} from './verbs/requests.ts'
import type { World } from './world.ts'

/** One virtual host. */
export class Vhost {
  readonly name: string
  readonly topology: Topology
  readonly publisher: Publisher
  /** Direct reply-to: sessions open their reply queues here. */
  readonly replies: ReplyQueues
  readonly tracer: Tracer
  /** What went from which exchange to which queue. */
  readonly flows: Flows
  /** Whether publishes and deliveries are copied to `amq.rabbitmq.trace` or to taps: sessions ask before they call the tracer. */
  isTraced: boolean
  record: VhostRecord
  readonly #world: World
  readonly #router: Router
  readonly #queueVerbs: QueueVerbs
  readonly #exchangeVerbs: ExchangeVerbs
  readonly #bindingVerbs: BindingVerbs
  readonly #leftovers: Leftovers

  constructor(record: VhostRecord, world: World) {
    this.name = record.name
    this.record = record
    this.isTraced = record.tracing
    this.publisher = world.publisher
    this.replies = new ReplyQueues(world.store, world.randomness)
    this.#world = world
    const hosts = { exchanges: this.#exchangeHost(), queues: this.#queueHost() }
    this.topology = new Topology(record.name, world, hosts, {
      orphaned: (binding) => this.#leftovers.addBinding(binding),
      emptied: (exchange) => this.#leftovers.addExchange(exchange),
    })
    this.#leftovers = new Leftovers(this.topology, world)
    this.flows = new Flows(this.topology)
    this.#router = new Router(this.topology, this.replies, world.publisher, this.flows)
    this.#queueVerbs = new QueueVerbs(this.topology, world, () => this.record)
    this.#exchangeVerbs = new ExchangeVerbs(this.topology, world)
    this.#bindingVerbs = new BindingVerbs(this.topology, world)
    this.tracer = new Tracer({
      vhost: record.name,
      nodeName: world.settings.nodeName,
      encoder: world.encoder,
      formats: world.formats,
      publishes: () => this.record.tracing,
      nowMs: () => world.clock.nowMs(),
      publish: (draft) => this.publishInternally(TRACE_EXCHANGE, draft),
    })
  }

  // Looking up: what is in force now

  /** Moves with every change that may alter a route. */
  get topologyRevision(): number {
    return this.topology.revision
  }

  /** `''` is the default exchange. */
  exchange(name: string): Exchange | undefined {
    return this.topology.exchanges.get(name)
  }

  queue(name: string): Queue | undefined {
    return this.topology.queues.get(name)
  }

  exchanges(): Iterable<Exchange> {
    return this.topology.exchanges.values()
  }

  queues(): Iterable<Queue> {
    return this.topology.queues.values()
  }

  get exchangeCount(): number {
    return this.topology.exchanges.size
  }

  get queueCount(): number {
    return this.topology.queues.size
  }

  /** All bindings, the implicit ones of the default exchange first. */
  *bindings(): Iterable<BindingRecord> {
    for (const queue of this.topology.queues.values()) yield implicitBinding(queue)
    for (const binding of this.topology.bindings.values()) yield binding.record
  }

  /** Bindings that lead to a queue, the implicit one first. */
  *bindingsOf(queue: Queue): Iterable<BindingRecord> {
    yield implicitBinding(queue)
    for (const binding of this.topology.bindingsOf(queue)) yield binding.record
  }

  // Publishing

  /** Where the draft goes when it is published to this exchange of this vhost. */
  routeOf(exchange: Exchange, draft: MessageDraft): Route {
    // Every exchange of a vhost is a state.
    return this.#router.route(exchange as ExchangeState, draft)
  }

  /** Publishes a routed draft. Afterwards `mustWait` tells whether its confirm waits for the log. */
  publishTo(route: Route, draft: MessageDraft): PublishOutcome {
    if (route.published++ === 0) this.flows.onUsed(route)
    return this.publisher.publish(route, draft)
  }

  /** Whether the last publish wrote a durable record: its confirm waits until `store.durable` reaches `store.appended` as of now. */
  get mustWait(): boolean {
    return this.publisher.isDurable
  }

  /** Publishes a message of the broker's own to one of its exchanges; nobody is told how it went. */
  publishInternally(exchangeName: string, draft: MessageDraft): void {
    const exchange = this.topology.exchanges.get(exchangeName)
    if (exchange !== undefined) this.publisher.publish(this.#router.route(exchange, draft), draft)
  }

  /** Publishes a dead letter to `draft.exchange`, to the targets that the filter accepts. */
  publishDeadLetter(draft: MessageDraft, filter: RouteFilter | null): DeadLetterOutcome {
    const letterRoute = this.#router.routeOfLetter(draft)
    if (letterRoute === null) return DEAD_LETTER_UNROUTED
    const route = filtered(letterRoute, filter)
    const outcome = this.publisher.publish(route, draft)
    this.#world.counters.deadLettered++
    if (outcome === PUBLISH_UNROUTED) return DEAD_LETTER_UNROUTED
    if (outcome === PUBLISH_REFUSED) return DEAD_LETTER_REFUSED
    return this.publisher.isDurable ? DEAD_LETTER_LOGGED : DEAD_LETTER_TAKEN
  }

  // Queues

  /** Declares a queue: makes it, or finds that the one that is there is equivalent. */
  declareQueue(declaration: QueueDeclaration, actor: Actor, answered: Answered<DeclaredQueue>): void {
    this.#queueVerbs.declare(declaration, actor, answered)
  }

  /** The queue, when it exists (404) and this connection may use it (405): for passive declare, consume, get, … */
  findQueue(name: string, actor: Actor): Answer<Queue> {
    return this.#queueVerbs.find(name, actor)
  }

  /** Answers with the number of messages that were ready. A missing queue counts as deleted. */
  deleteQueue(name: string, conditions: DeleteConditions, actor: Actor, answered: Answered<number>): void {
    this.#queueVerbs.delete(name, conditions, actor, answered)
  }

  /** Answers with the number of messages that were ready. */
  purgeQueue(name: string, actor: Actor): Answer<number> {
    return this.#queueVerbs.purge(name, actor)
  }

  /** Deletes the exclusive queues of a connection, which is closing. `done` when they are gone. */
  releaseOwner(connectionId: string, done: () => void): void {
    this.#queueVerbs.releaseOwner(connectionId, done)
  }

  // Exchanges

  /** Declares an exchange: makes it, or finds that the one that is there is equivalent. */
  declareExchange(declaration: ExchangeDeclaration, answered: Answered<Exchange>): void {
    this.#exchangeVerbs.declare(declaration, answered)
  }

  /** The exchange, when it exists (404). */
  findExchange(name: string): Answer<Exchange> {
    return this.#exchangeVerbs.find(name)
  }

  /** A missing exchange counts as deleted. */
  deleteExchange(name: string, ifUnused: boolean, answered: Answered<null>): void {
    this.#exchangeVerbs.delete(name, ifUnused, answered)
  }

  // Bindings

  /** Binds; a binding that is there already is fine. */
  bind(request: BindingRequest, actor: Actor, answered: Answered<null>): void {
    this.#bindingVerbs.bind(request, actor, answered)
  }

  /** Unbinds; a binding that is not there is fine. An auto-delete exchange goes with its last binding. */
  unbind(request: BindingRequest, actor: Actor, answered: Answered<null>): void {
    this.#bindingVerbs.unbind(request, actor, answered)
  }

  // The broker's side

  /** The vhost's record changed. */
  update(record: VhostRecord): void {
    this.record = record
    this.#judgeTracing()
  }

  /** The tap sees every copy that the tracer makes, from now on, whether or not the vhost is traced. */
  tap(tap: TraceTap): void {
    this.tracer.taps.add(tap)
    this.#judgeTracing()
  }

  untap(tap: TraceTap): void {
    this.tracer.taps.delete(tap)
    this.#judgeTracing()
  }

  /** The observer follows every message from now on. */
  observeMessages(observer: MessageObserver): void {
    this.tracer.observer = observer
    this.#judgeTracing()
  }

  #judgeTracing(): void {
    this.isTraced = this.record.tracing || this.tracer.taps.size > 0 || this.tracer.observer !== null
  }

  // What exchanges and queues get

  #queueHost(): QueueHost {
    const { turn, clock, timers, store, deadLetters, events, counters, logger, settings } = this.#world
    return {
      turn,
      clock,
      timers,
      store,
      deadLetters,
      defaults: settings.queueDefaults,
      events,
      waitMs: counters.queueWaitMs,
      deaths: counters.deaths,
      log: logger.child('queue'),
      requestDelete: (queue, reason) => this.#queueVerbs.requested(queue, reason),
    }
  }

  #exchangeHost(): ExchangeHost {
    const { store, turn, timers, randomness, clock, formats } = this.#world
    const view = new MessageView()
    return {
      store,
      turn,
      timers,
      random: (below) => randomness.below(below),
      publishThrough: (record, draft) => this.publishInternally(record.name, draft),
      publishTo: (destination, draft) => {
        this.publisher.publish(this.#router.routeTo({ destination }, draft), draft)
      },
      restore: (address, into) => {
        if (!store.open(address, view)) return false
        restoreDraft(view, formats, clock.nowMs(), into)
        return true
      },
    }
  }
}

/** The route without the targets that the filter does not accept. */
function filtered(route: Route, filter: RouteFilter | null): Route {
  if (filter === null) return route
  const { targets } = route
  let acceptedCount = 0
  while (acceptedCount < targets.length && filter.accepts(targets[acceptedCount]!)) acceptedCount++
  if (acceptedCount === targets.length) return route
  const rest = targets.slice(acceptedCount + 1).filter((target) => filter.accepts(target))
  return new Route([...targets.slice(0, acceptedCount), ...rest], route.revision, false)
}

/** The binding by which the default exchange leads to every queue. */
function implicitBinding(queue: Queue): BindingRecord {
  return {
    vhost: queue.vhost,
    source: DEFAULT_EXCHANGE,
    destination: queue.name,
    destinationKind: 'queue',
    routingKey: queue.name,
    arguments: [],
    propertiesKey: '~',
  }
}
