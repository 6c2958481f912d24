/**
 * A virtual host: the one object by which sessions and the HTTP API reach exchanges, queues and bindings.
 *
 * It holds together the applied topology, the router, and the verbs that propose changes. Verbs build transactions of the
 * metadata store and answer when the change is applied; nothing changes at the call site, only from the store's watcher
 * (the broker calls `apply…`). Verbs on transient and exclusive objects answer before they return.
 *
 * Publishing: `routeOf`, then `publishTo`. [docs/exchanges.md]
 */
import type { Answer, Answered } from './answer.ts'
import { BindingVerbs } from './binding-verbs.ts'
import type { Exchange } from './exchange.ts'
import { ExchangeVerbs } from './exchange-verbs.ts'
import type { MessageDraft } from './message.ts'
import type { Publisher } from './publisher.ts'
import type { Queue } from './queue.ts'
import { QueueVerbs } from './queue-verbs.ts'
import type { BindingRecord, VhostRecord } from './records.ts'
import type { ReplyQueues } from './reply-to.ts'
import type {
  Actor,
  BindingRequest,
  DeclaredQueue,
  DeleteConditions,
  ExchangeDeclaration,
  QueueDeclaration,
} from './requests.ts'
import type { PublishOutcome, Route } from './route.ts'
import { Router } from './router.ts'
import { Topology } from './topology.ts'
import type { Tracer } from './tracing.ts'
import type { World } from './world.ts'

/** One virtual host. */
export class Vhost {
  readonly name: string
  readonly topology: Topology
  readonly router: Router
  readonly publisher: Publisher
  /** Direct reply-to: sessions add and remove their reply queue here. */
  readonly replies: ReplyQueues
  readonly tracer: Tracer
  /** Whether publishes and deliveries are copied to `amq.rabbitmq.trace`: sessions ask before they call the tracer. */
  isTraced: boolean
  record: VhostRecord
  readonly #queueVerbs: QueueVerbs
  readonly #exchangeVerbs: ExchangeVerbs
  readonly #bindingVerbs: BindingVerbs

  // Looking up: synchronous, what is applied now.

  /** Moves with every change that may alter a route. */
  get topologyRevision(): number {
    return this.topology.revision
  }

  /** `''` is the default exchange. */
  exchange(name: string): Exchange | undefined
  queue(name: string): Queue | undefined
  exchanges(): Iterable<Exchange>
  queues(): Iterable<Queue>
  get exchangeCount(): number
  get queueCount(): number
  /** All bindings, the implicit ones of the default exchange included. */
  bindings(): Iterable<BindingRecord>

  // Publishing

  /** Where the draft goes when it is published to this exchange, which the session looked up and found permitted. */
  routeOf(exchange: Exchange, draft: MessageDraft): Route
  /** Publishes a routed draft. Afterwards `mustWait` tells whether the confirm waits for the log. */
  publishTo(route: Route, draft: MessageDraft): PublishOutcome
  /** Whether the last publish wrote a durable record: its confirm waits until `store.durable` ≥ `store.appended` as of now. */
  get mustWait(): boolean

  // Queues

  /** Declares a queue: makes it, or finds that the one that is there is equivalent. */
  declareQueue(declaration: QueueDeclaration, actor: Actor, answered: Answered<DeclaredQueue>): void
  /** The queue when it exists (404) and this connection may use it (405): passive declare, consume, get, purge, … */
  findQueue(name: string, actor: Actor): Answer<Queue>
  /** Answers with the number of messages that were ready. A missing queue counts as deleted. */
  deleteQueue(name: string, conditions: DeleteConditions, actor: Actor, answered: Answered<number>): void
  /** Answers with the number of messages that were ready. */
  purgeQueue(name: string, actor: Actor): Answer<number>
  /** Deletes the exclusive queues of a connection, which is closing. `done` when they are gone. */
  releaseOwner(connectionId: string, done: () => void): void

  // Exchanges

  declareExchange(declaration: ExchangeDeclaration, answered: Answered<Exchange>): void
  /** The exchange when it exists (404): passive declare. */
  findExchange(name: string): Answer<Exchange>
  /** A missing exchange counts as deleted. */
  deleteExchange(name: string, ifUnused: boolean, answered: Answered<null>): void

  // Bindings

  bind(request: BindingRequest, actor: Actor, answered: Answered<null>): void
  unbind(request: BindingRequest, actor: Actor, answered: Answered<null>): void
}
