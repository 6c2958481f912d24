/**
 * The exchanges, queues and bindings of one vhost that are in force: changed by committed changes alone.
 *
 * The broker applies what the metadata store's watcher reports; the verbs and the router read. Exchanges whose names
 * start with `amq.` and the default exchange are built in: they have no record in the store.
 *
 * Invariant: both ends of every binding here exist. `revision` moves with every change that may alter a route.
 */

import type { EventFields } from './observe/events.ts'
import type { EffectivePolicy } from './policy/policy.ts'
import type { Queue } from './queue/queue.ts'
import type { QueueHost } from './queue/queue-host.ts'
import type { BindingRecord, ExchangeRecord, QueueRecord } from './records/records.ts'
import type { Binding, Destination, ExchangeHost } from './routing/exchange.ts'
import { ExchangeState } from './routing/exchange-state.ts'
import { systemExchanges } from './routing/system-exchanges.ts'
import { restoreArguments } from './values/arguments-json.ts'
import type { World } from './world.ts'

const NO_BINDINGS: ReadonlySet<Binding> = new Set()
const NO_KEYS: ReadonlySet<string> = new Set()

/** A text that two bindings share only when they are the same. */
export function bindingId(record: BindingRecord): string {
  const { source, destination, routingKey } = record
  return `${source.length},${destination.length},${routingKey.length}:${record.destinationKind}${source}${destination}${routingKey}${record.propertiesKey}`
}

/** Told what concurrent changes left behind, so that somebody cleans up. */
export interface TopologyLosses {
  /** A binding's end went without it: its record may still be in the store. */
  orphaned(record: BindingRecord): void
  /** An auto-delete exchange lost its last binding, and may go with the same change. */
  emptied(exchange: string): void
}

/** What is in force in a vhost. */
export class Topology {
  readonly vhost: string
  readonly exchanges = new Map<string, ExchangeState>()
  readonly queues = new Map<string, Queue>()
  readonly bindings = new Map<string, Binding>()
  revision = 1
  readonly #world: World
  readonly #exchangeHost: ExchangeHost
  readonly #queueHost: QueueHost
  readonly #bindingsOfQueue = new Map<string, Set<Binding>>()
  readonly #queuesOfOwner = new Map<string, Set<string>>()
  readonly #losses: TopologyLosses
  /** Until then, everything that is applied was there before the broker started. */
  #isStarted = false

  constructor(
    vhost: string,
    world: World,
    hosts: { readonly exchanges: ExchangeHost; readonly queues: QueueHost },
    losses: TopologyLosses,
  ) {
    this.vhost = vhost
    this.#world = world
    this.#exchangeHost = hosts.exchanges
    this.#queueHost = hosts.queues
    this.#losses = losses
    for (const record of systemExchanges(vhost)) this.putExchange(record)
  }

  /** Everything of before the start is applied. */
  start(): void {
    this.#isStarted = true
    for (const exchange of this.exchanges.values()) exchange.index.keeper?.start()
  }

  stop(): void {
    for (const exchange of this.exchanges.values()) exchange.index.keeper?.stop()
    for (const queue of this.queues.values()) queue.stop()
  }

  /** The vhost is deleted. */
  close(): void {
    for (const name of [...this.queues.keys()]) this.dropQueue(name)
    for (const exchange of [...this.exchanges.values()]) this.#removeExchange(exchange)
  }

  bindingsOf(queue: Queue): ReadonlySet<Binding> {
    return this.#bindingsOfQueue.get(queue.name) ?? NO_BINDINGS
  }

  /** Names of the exclusive queues of a connection. */
  queuesOfOwner(connectionId: string): readonly string[] {
    return [...(this.#queuesOfOwner.get(connectionId) ?? [])]
  }

  // Applying

  putExchange(record: ExchangeRecord): void {
    // Exchanges never change: a record that is put again is the same.
    if (this.exchanges.has(record.name)) return
    const type = this.#world.exchangeTypes.get(record.type)
    if (type === undefined) {
      this.#world.logger.error(`exchange '${record.name}' is of unknown type '${record.type}' and left out`, {
        vhost: this.vhost,
      })
      return
    }
    const exchange = new ExchangeState(record, restoreArguments(record.arguments), type, this.#exchangeHost)
    exchange.applyPolicy(this.#policyOfExchange(record.name))
    this.exchanges.set(record.name, exchange)
    this.#world.totals.exchangeCount++
    this.revision++
    if (this.#isStarted) exchange.index.keeper?.start()
    this.#announce('exchange.created', {
      name: record.name,
      type: record.type,
      durable: record.durable,
      auto_delete: record.autoDelete,
      internal: record.internal,
      arguments: exchange.arguments,
    })
  }

  dropExchange(name: string): void {
    const exchange = this.exchanges.get(name)
    if (exchange !== undefined && !exchange.isSystem) this.#removeExchange(exchange)
  }

  #removeExchange(exchange: ExchangeState): void {
    for (const binding of [...exchange.outgoing, ...exchange.incoming]) this.#orphan(binding)
    this.exchanges.delete(exchange.name)
    this.#world.totals.exchangeCount--
    this.revision++
    exchange.index.keeper?.close()
    this.#announce('exchange.deleted', { name: exchange.name })
  }

  #countQueue(user: string, by: number): void {
    const { totals } = this.#world
    totals.queueCount += by
    const count = (totals.queueCountByUser.get(user) ?? 0) + by
    if (count === 0) totals.queueCountByUser.delete(user)
    else totals.queueCountByUser.set(user, count)
  }

  putQueue(record: QueueRecord): void {
    if (this.queues.has(record.name)) return
    const kind = this.#world.queueKinds.get(record.type)
    if (kind === undefined) {
      this.#world.logger.error(`queue '${record.name}' is of unknown type '${record.type}' and left out`, {
        vhost: this.vhost,
      })
      return
    }
    const policy = this.#policyOfQueue(record.name, record.type)
    const args = restoreArguments(record.arguments)
    const queue = kind.create(record, policy, this.#queueHost)
    this.queues.set(record.name, queue)
    this.#countQueue(record.declaredBy, 1)
    if (record.owner !== null) {
      const owned = this.#queuesOfOwner.get(record.owner)
      if (owned === undefined) this.#queuesOfOwner.set(record.owner, new Set([record.name]))
      else owned.add(record.name)
    }
    this.revision++
    if (this.#isStarted) this.#world.counters.queuesCreated++
    this.#announce('queue.created', {
      name: record.name,
      type: record.type,
      durable: record.durable,
      auto_delete: record.autoDelete,
      exclusive: record.exclusive,
      arguments: args,
      user_who_performed_action: record.declaredBy,
    })
  }

  dropQueue(name: string): void {
    const queue = this.queues.get(name)
    if (queue === undefined) return
    for (const binding of [...this.bindingsOf(queue)]) this.#orphan(binding)
    this.queues.delete(name)
    this.#countQueue(queue.record.declaredBy, -1)
    const { owner } = queue.record
    if (owner !== null) {
      const owned = this.#queuesOfOwner.get(owner)
      owned?.delete(name)
      if (owned?.size === 0) this.#queuesOfOwner.delete(owner)
    }
    this.revision++
    this.#world.counters.queuesDeleted++
    queue.close('deleted')
    this.#announce('queue.deleted', { name })
  }

  /** A binding one of whose ends is missing lost a race with a deletion: it is not in force. */
  putBinding(record: BindingRecord): void {
    const id = bindingId(record)
    if (this.bindings.has(id)) return
    const source = this.exchanges.get(record.source)
    const destination = this.destination(record.destinationKind, record.destination)
    if (source === undefined || destination === undefined) return this.#losses.orphaned(record)
    const binding: Binding = { record, arguments: restoreArguments(record.arguments), destination }
    this.bindings.set(id, binding)
    source.outgoing.add(binding)
    this.#incomingOf(destination).add(binding)
    source.index.bind(binding)
    this.revision++
    if (this.#isStarted) source.index.keeper?.bound(binding)
    this.#announceBinding('binding.created', binding)
  }

  dropBinding(record: BindingRecord): void {
    const binding = this.bindings.get(bindingId(record))
    if (binding !== undefined) this.#removeBinding(binding)
  }

  #orphan(binding: Binding): void {
    this.#removeBinding(binding)
    this.#losses.orphaned(binding.record)
  }

  #removeBinding(binding: Binding): void {
    const { record, destination } = binding
    if (!this.bindings.delete(bindingId(record))) return
    const source = this.exchanges.get(record.source)
    source?.outgoing.delete(binding)
    source?.index.unbind(binding)
    if (source?.record.autoDelete === true && source.outgoing.size === 0) this.#losses.emptied(source.name)
    const incoming = this.#incomingOf(destination)
    incoming.delete(binding)
    if (incoming.size === 0 && destination.kind === 'queue') this.#bindingsOfQueue.delete(record.destination)
    this.revision++
    this.#announceBinding('binding.deleted', binding)
  }

  /** What a binding leads to, or undefined when it is missing. */
  destination(kind: 'queue' | 'exchange', name: string): Destination | undefined {
    if (kind === 'queue') {
      const queue = this.queues.get(name)
      return queue === undefined ? undefined : { kind, queue }
    }
    const exchange = this.exchanges.get(name)
    return exchange === undefined ? undefined : { kind, exchange }
  }

  #incomingOf(destination: Destination): Set<Binding> {
    // Every exchange of this vhost was made by `putExchange`.
    if (destination.kind === 'exchange') return (destination.exchange as ExchangeState).incoming
    const { name } = destination.queue
    let bindings = this.#bindingsOfQueue.get(name)
    if (bindings === undefined) {
      bindings = new Set()
      this.#bindingsOfQueue.set(name, bindings)
    }
    return bindings
  }

  // Policies

  /** Policies of the vhost changed: every object gets the one that matches it now. O(objects × policies). */
  applyPolicies(): void {
    for (const exchange of this.exchanges.values()) exchange.applyPolicy(this.#policyOfExchange(exchange.name))
    for (const queue of this.queues.values()) queue.applyPolicy(this.#policyOfQueue(queue.name, queue.record.type))
    this.revision++
  }

  #policyOfExchange(name: string): EffectivePolicy {
    return this.#world.policies.effective(this.vhost, { name, kind: 'exchange', unsupportedKeys: NO_KEYS })
  }

  #policyOfQueue(name: string, type: string): EffectivePolicy {
    const unsupportedKeys = this.#world.queueKinds.get(type)?.unsupportedPolicyKeys ?? NO_KEYS
    return this.#world.policies.effective(this.vhost, { name, kind: type, unsupportedKeys })
  }

  // Events

  #announce(event: string, fields: EventFields): void {
    if (this.#isStarted && this.#world.events.isObserved) {
      this.#world.events.announce(event, this.vhost, { vhost: this.vhost, ...fields })
    }
  }

  #announceBinding(event: string, { record, arguments: args }: Binding): void {
    if (!this.#isStarted || !this.#world.events.isObserved) return
    this.#announce(event, {
      source_name: record.source,
      source_kind: 'exchange',
      destination_name: record.destination,
      destination_kind: record.destinationKind,
      routing_key: record.routingKey,
      arguments: args,
    })
  }
}
