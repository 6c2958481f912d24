/**
 * One MQTT session: what belongs to a client id, with or without a connection. The one place that knows which queues,
 * bindings and records a session has.
 *
 * A lasting session (expiry above zero) has a durable queue, a record in the keeper and two ledgers, and is found again
 * after a restart. Others have exclusive queues of their connection and leave nothing. [MQTT 5.0 §4.1]
 *
 * Invariant: a record that is kept names every subscription that was acknowledged.
 */
import { TimerEntry, type TimerOwner } from '../../base/timer-wheel.ts'
import type { Ledger } from '../../model/message/message-store.ts'
import type { Vhost } from '../../model/vhost.ts'
import { Deliveries, type DeliveryPeer, OWN_SINK, PASSING_SINK, type QueueSink } from './deliveries.ts'
import { type LedgerIds, ReceivedIds, ReleasedIds } from './exactly-once.ts'
import { SessionWill } from './session-will.ts'
import { SESSION_NEVER_EXPIRES } from './spec.ts'
import { Subscription, type SubscriptionOptions, SubscriptionSet } from './subscriptions.ts'
import type { Will, WillAuthor, WillRecord } from './will.ts'
import type { Member, MqttWorld } from './world.ts'

/** A lasting session as kept. */
export interface SessionRecord {
  readonly user: string
  /** `SESSION_NEVER_EXPIRES` for ever. */
  readonly expirySeconds: number
  readonly ledgers: LedgerIds
  readonly subscriptions: readonly SubscriptionOptions[]
  /** A will with a delay; null: none. */
  readonly will: WillRecord | null
}

/** A connection, as its session sees it. */
export interface SessionPeer extends DeliveryPeer {
  readonly connectionId: string
  readonly name: string
  readonly member: Member
  /** Another connection takes the session, to go on with it or to end it: says so and closes. */
  onTakenOver(isResumed: boolean): void
}

/** A shared subscription of a session. */
export interface SharedSubscription {
  readonly options: SubscriptionOptions
  readonly subscriptions: SubscriptionSet
  sink: QueueSink | null
}

/** What a session asks of the registry of sessions. */
export interface SessionHost {
  readonly world: MqttWorld
  /** Writes the session's record. */
  store(session: MqttSession, done: (error: Error | null) => void): void
  /** The session's life without a connection is over. */
  onExpired(session: MqttSession): void
}

/** What a session is made of. */
export interface SessionIdentity {
  readonly vhostName: string
  readonly clientId: string
  readonly user: string
  /** Null: it does not last. */
  readonly ledgers: LedgerIds | null
}

/** A timer's owner that calls one function. */
class Call implements TimerOwner {
  readonly onTimer: () => void

  constructor(call: () => void) {
    this.onTimer = call
  }
}

/** One session. */
export class MqttSession {
  readonly vhostName: string
  readonly clientId: string
  readonly user: string
  readonly ledgers: LedgerIds | null
  /** 0: ends with the connection. */
  expirySeconds = 0
  peer: SessionPeer | null = null
  /** A record of it is in the store, or on its way. */
  isKept = false
  isEnded = false
  readonly #host: SessionHost
  // Made when they are needed: most sessions only publish, and there are many of them.
  #deliveries: Deliveries | null = null
  #passing: SubscriptionSet | null = null
  #queued: SubscriptionSet | null = null
  #expiry: TimerEntry | null = null
  #will: SessionWill | null = null
  #shared: Map<string, SharedSubscription> | null = null
  #received: ReceivedIds | null = null
  #released: ReleasedIds | null = null
  #clientIdBytes: Buffer | null = null

  constructor(host: SessionHost, identity: SessionIdentity) {
    this.#host = host
    this.vhostName = identity.vhostName
    this.clientId = identity.clientId
    this.user = identity.user
    this.ledgers = identity.ledgers
  }

  get world(): MqttWorld {
    return this.#host.world
  }

  get deliveries(): Deliveries {
    if (this.#deliveries === null) {
      this.#deliveries = new Deliveries(this)
      if (this.peer !== null) this.#deliveries.attach(this.peer)
    }
    return this.#deliveries
  }

  /** Filters with QoS 0 … */
  get passing(): SubscriptionSet {
    this.#passing ??= new SubscriptionSet()
    return this.#passing
  }

  /** … and all others. */
  get queued(): SubscriptionSet {
    this.#queued ??= new SubscriptionSet()
    return this.#queued
  }

  /** Identifiers of QoS 2 publishes that wait for PUBREL. */
  get received(): ReceivedIds {
    this.#received ??= new ReceivedIds(this.#ledger('received'))
    return this.#received
  }

  get receivedCount(): number {
    return this.#received?.count ?? 0
  }

  /** Identifiers of QoS 2 deliveries that wait for PUBCOMP. */
  get released(): ReleasedIds {
    this.#released ??= new ReleasedIds(this.#ledger('released'), this.world.broker.world.publisher)
    return this.#released
  }

  get clientIdBytes(): Buffer {
    this.#clientIdBytes ??= Buffer.from(this.clientId)
    return this.#clientIdBytes
  }

  get shared(): Map<string, SharedSubscription> {
    this.#shared ??= new Map()
    return this.#shared
  }

  get sharedCount(): number {
    return this.#shared?.size ?? 0
  }

  get lasts(): boolean {
    return this.ledgers !== null
  }

  /** The vhost as it is now; undefined when it was deleted. */
  get vhost(): Vhost | undefined {
    return this.world.broker.vhost(this.vhostName)
  }

  /** Its own queue: entries with QoS 1 and 2. The name is RabbitMQ's. */
  get queueName(): string {
    return `mqtt-subscription-${this.clientId}qos1`
  }

  /** The queue of filters with QoS 0; only while it has a connection. */
  get passingQueueName(): string {
    return `mqtt-subscription-${this.clientId}qos0`
  }

  get subscriptionCount(): number {
    return (this.#passing?.all.length ?? 0) + (this.#queued?.all.length ?? 0) + this.sharedCount
  }

  // Subscriptions

  has(filter: string): boolean {
    const isIt = ({ options }: Subscription): boolean => options.filter === filter
    return this.passing.all.some(isIt) || this.queued.all.some(isIt) || this.shared.has(filter)
  }

  /** Takes a subscription into the books, instead of the one with its filter; binding is another matter. */
  note(options: SubscriptionOptions): Subscription {
    const hadNoLocal = this.hasNoLocal
    const subscription = new Subscription(options, this.world.names)
    const [to, from] = options.qos === 0 ? [this.passing, this.queued] : [this.queued, this.passing]
    from.remove(options.filter)
    to.add(subscription)
    this.#countNoLocal(hadNoLocal)
    return subscription
  }

  /** Takes a subscription out of the books. */
  forget(filter: string): void {
    const hadNoLocal = this.hasNoLocal
    this.passing.remove(filter)
    this.queued.remove(filter)
    this.#countNoLocal(hadNoLocal)
  }

  /** Takes a shared subscription into the books. `filter`: without `$share` and the group. */
  noteShared(options: SubscriptionOptions, filter: string): SharedSubscription {
    const before = this.shared.get(options.filter)
    const subscriptions = before?.subscriptions ?? new SubscriptionSet()
    subscriptions.add(new Subscription({ ...options, filter }, this.world.names))
    const shared: SharedSubscription = { options, subscriptions, sink: before?.sink ?? null }
    this.shared.set(options.filter, shared)
    return shared
  }

  get hasNoLocal(): boolean {
    return this.#passing?.hasNoLocal === true || this.#queued?.hasNoLocal === true
  }

  #countNoLocal(before: boolean): void {
    const now = this.hasNoLocal
    if (before !== now) this.world.noLocalCount += now ? 1 : -1
  }

  /** The record of a lasting session. */
  record(): SessionRecord {
    const { ledgers, expirySeconds, user } = this
    if (ledgers === null) throw new Error('a session that does not last has no record')
    const subscriptions = [...this.passing.all, ...this.queued.all, ...this.shared.values()].map(
      ({ options }) => options,
    )
    return { user, expirySeconds, ledgers, subscriptions, will: this.#will?.record() ?? null }
  }

  // Connections

  /** A connection has the session; its queues are declared. */
  attach(peer: SessionPeer): void {
    const { timers } = this.world.broker.world
    if (this.#expiry !== null) timers.cancel(this.#expiry)
    this.peer = peer
    this.#deliveries?.attach(peer)
  }

  /** The connection's outbox has too much unsent, or that is over. */
  onPressure(): void {
    this.#deliveries?.onPressure()
  }

  /** The connection is going: it gets nothing more. */
  stopDelivering(): void {
    this.#deliveries?.detach()
  }

  /** The connection is gone. What happens to the session then is the registry's decision. */
  detach(): void {
    this.peer = null
    this.stopDelivering()
  }

  /** Starts the session's life without a connection. */
  startExpiry(): void {
    if (this.expirySeconds === SESSION_NEVER_EXPIRES) return
    const { timers, clock } = this.world.broker.world
    this.#expiry ??= new TimerEntry(new Call(() => this.#host.onExpired(this)))
    timers.schedule(this.#expiry, clock.nowMs() + this.expirySeconds * 1000)
  }

  /** The will of the client that has connected, instead of the one before. With a delay it is kept with a session that lasts. */
  setWill(will: Will | null): void {
    const kept = will !== null && will.delaySeconds > 0 && this.lasts ? will : null
    if (kept === null && this.#will === null) return
    this.#will?.stop()
    this.#will = kept === null ? null : new SessionWill(this, kept)
    this.#host.store(this, () => undefined)
  }

  /** Leaves a will to be published later, unless a connection comes first. */
  delayWill(will: Will, author: WillAuthor): void {
    this.#will ??= new SessionWill(this, will)
    const { clock } = this.world.broker.world
    this.#will.wait(author, clock.nowMs() + will.delaySeconds * 1000)
    if (this.lasts) this.#host.store(this, () => undefined)
  }

  /** The will's delay is over, or the session. */
  publishPendingWill(): void {
    const will = this.#will
    if (will === null || !will.isPending) return
    this.#will = null
    will.publish()
    if (this.lasts && !this.isEnded) this.#host.store(this, () => undefined)
  }

  /** After a restart, before the session is used: its will as kept. */
  recoverWill(record: WillRecord): void {
    this.#will = SessionWill.recovered(this, record)
  }

  /** The broker has started: lives without a connection begin. */
  start(): void {
    this.startExpiry()
    this.#will?.start()
  }

  /** After a restart: claims both ledgers, and finds what they say. */
  recover(): void {
    this.#received = new ReceivedIds(this.#ledger('received'))
    this.deliveries.recover()
  }

  #ledger(which: keyof LedgerIds): Ledger | null {
    return this.ledgers === null ? null : this.world.broker.world.store.ledger(this.ledgers[which], true)
  }

  /** Whether the record is in the store; else how to be called when it is. For what relies on the session after a restart. */
  keep(): ((stored: () => void) => void) | null {
    if (!this.lasts || this.isKept) return null
    return (stored) => this.#host.store(this, () => stored())
  }

  /** The session is over: timers stop, ledgers go. */
  end(): void {
    this.isEnded = true
    const { timers } = this.world.broker.world
    if (this.#expiry !== null) timers.cancel(this.#expiry)
    this.publishPendingWill()
    if (this.hasNoLocal) this.world.noLocalCount--
    this.#received?.delete()
    this.#released?.delete()
  }

  /** The broker stops: nothing is deleted, nothing is said. */
  stop(): void {
    const { timers } = this.world.broker.world
    if (this.#expiry !== null) timers.cancel(this.#expiry)
    this.#will?.stop()
  }

  /** The sink of its own queue, or of its QoS 0 queue. */
  sink(isPassing: boolean): QueueSink {
    return isPassing
      ? this.deliveries.sinkAt(PASSING_SINK, this.passing)
      : this.deliveries.sinkAt(OWN_SINK, this.queued)
  }
}
