/**
 * The broker's model: all virtual hosts, who is connected, what everybody may do. One per process or test.
 *
 * It applies every change of the metadata store, and nothing else changes the topology. The composition root makes it;
 * sessions ask it for their vhost and their permissions; the HTTP API lists and administers through it.
 *
 * Invariant: of one change, what goes is applied before what comes, bindings first and vhosts last; what comes is applied
 * the other way round. So both ends of a binding are there, however the store orders its keys.
 */

import { AccessEpoch } from './access/access-epoch.ts'
import { AskedPermissions } from './access/asked-permissions.ts'
import type { SessionLogin } from './access/authorization.ts'
import { ConnectionRegistry } from './connections.ts'
import { RateLimits } from './limits/rate-limits.ts'
import type { UnclaimedLedger } from './message/message-store.ts'
import { BrokerCounters } from './observe/counters.ts'
import { EventExchange } from './observe/event-exchange.ts'
import { Events } from './observe/events.ts'
import type { MessageObserver } from './observe/tracing.ts'
import { PermissionTable, type SessionPermissions } from './permissions.ts'
import { Parameters } from './policy/parameters.ts'
import { Policies } from './policy/policies.ts'
import type { DeadLetterRouter } from './queue/dead-letter.ts'
import { DEAD_LETTER_UNROUTED } from './queue/dead-letter.ts'
import { DeadLetters } from './queue/dead-letters.ts'
import type { Refusal } from './queue/queue.ts'
import { KEPT } from './records/keeper.ts'
import type { MetadataOp } from './records/metadata.ts'
import { RecordEvents } from './records/record-events.ts'
import {
  type BindingRecord,
  type ExchangeRecord,
  ledgerOwnerText,
  type MetadataKey,
  metadataKeys,
  type QueueRecord,
  type UserRecord,
  type VhostRecord,
} from './records/records.ts'
import { Publisher } from './routing/publisher.ts'
import { type Answered, granted, refused } from './verbs/answer.ts'
import { preconditionFailed, unavailable } from './verbs/refusals.ts'
import type { Removal } from './verbs/removal.ts'
import { stepwise, vhostSteps } from './verbs/stepwise.ts'
import { Vhost } from './vhost.ts'
import type { World, WorldOptions } from './world.ts'

/** Kinds of records that belong to a vhost: all go with it. */
const KINDS_OF_VHOST = [
  'binding',
  'queue',
  'exchange',
  'policy',
  'operator-policy',
  'parameter',
  'permission',
  'topic-permission',
  KEPT,
]
/** Lines of the log about messages without a queue. */
const TOLD_MAX = 20
const DROP_ORDER = ['binding', 'queue', 'exchange', 'vhost']
const PUT_ORDER = ['vhost', 'exchange', 'queue', 'binding']

/** All of one broker's model. */
export class Broker {
  readonly connections: ConnectionRegistry
  readonly permissions = new PermissionTable()
  readonly policies: Policies
  readonly parameters: Parameters
  readonly events = new Events()
  readonly counters = new BrokerCounters()
  readonly rates: RateLimits
  readonly world: World
  readonly #vhosts = new Map<string, Vhost>()
  readonly #recordEvents = new RecordEvents(this.events, (name) => this.#vhosts.get(name)?.record)
  readonly #accessEpoch: AccessEpoch
  #isStarted = false
  #observer: MessageObserver | null = null

  constructor(options: WorldOptions) {
    this.connections = new ConnectionRegistry(options.randomness.bytes(8).toString('hex'), this.events)
    this.#accessEpoch = new AccessEpoch(options.timers)
    this.rates = new RateLimits(options.timers)
    this.policies = new Policies(options.metadata)
    this.parameters = new Parameters(options.metadata)
    const router: DeadLetterRouter = {
      publishDeadLetter: (vhost, draft, filter) =>
        this.#vhosts.get(vhost)?.publishDeadLetter(draft, filter) ?? DEAD_LETTER_UNROUTED,
    }
    const { clock, formats, logger, turn, encoder } = options
    const log = logger.child('queue')
    this.events.observe(new EventExchange({ turn, clock, encoder, log, vhost: (name) => this.#vhosts.get(name) }))
    this.world = {
      ...options,
      publisher: new Publisher(options.store),
      policies: this.policies,
      events: this.events,
      counters: this.counters,
      deadLetters: new DeadLetters({ router, formats, log }),
      totals: { queueCount: 0, exchangeCount: 0, queueCountByUser: new Map() },
    }
  }

  /** The observer follows the messages of all vhosts, those to come included. */
  observeMessages(observer: MessageObserver): void {
    this.#observer = observer
    for (const vhost of this.#vhosts.values()) vhost.observeMessages(observer)
  }

  /** Applies what the metadata store holds: queues find their entries again. Afterwards sessions may come. */
  start(): void {
    this.world.metadata.watch((_revision, ops) => this.#apply(ops))
    this.#isStarted = true
    for (const vhost of this.#vhosts.values()) vhost.topology.start()
    this.#tellKept(this.world.store.dropUnclaimed())
  }

  #tellKept(kept: readonly UnclaimedLedger[]): void {
    const log = this.world.logger.child('queue')
    for (const { label, liveCount } of kept.slice(0, TOLD_MAX)) {
      log.error(
        `${liveCount} messages ${ledgerOwnerText(label)} are kept: its record is missing; declare it again to have them back`,
      )
    }
    if (kept.length > TOLD_MAX)
      log.error(`and messages of ${kept.length - TOLD_MAX} others; 'warren check' lists them all`)
  }

  /** Queues and exchanges stop; nothing is settled. */
  stop(): void {
    this.#accessEpoch.stop()
    for (const vhost of this.#vhosts.values()) vhost.topology.stop()
  }

  // Vhosts

  vhost(name: string): Vhost | undefined {
    return this.#vhosts.get(name)
  }

  vhosts(): Iterable<Vhost> {
    return this.#vhosts.values()
  }

  /** Makes a vhost, or changes the description, tags, limits, … of one that is there. */
  putVhost(record: VhostRecord, answered: Answered<Vhost>): void {
    const { metadata, settings } = this.world
    if (!this.#vhosts.has(record.name) && this.#vhosts.size >= settings.vhostCountMax) {
      this.counters.limits.hit('vhosts')
      const text = `cannot create vhost '${record.name}': vhost limit of ${settings.vhostCountMax} is reached`
      return answered(refused(preconditionFailed(text)))
    }
    metadata.transact([], [{ op: 'put', key: metadataKeys.vhost(record.name), value: record }], (result) => {
      if (result.ok) return answered(granted(this.#vhosts.get(record.name)!))
      const error = result.reason === 'unavailable' ? result.error : new Error('conflict')
      answered(refused(unavailable(error)))
    })
  }

  /** Deletes a vhost with all that is in it, and closes its connections. */
  deleteVhost(name: string, answered: Answered<null>): void {
    const key = metadataKeys.vhost(name)
    const vhost = this.#vhosts.get(name)
    if (vhost?.record.protectedFromDeletion === true) {
      const text = `Refusing to delete virtual host '${name}' because it is protected from deletion`
      return answered(refused(preconditionFailed(text)))
    }
    const ops: MetadataOp[] = KINDS_OF_VHOST.map((kind) => ({ op: 'drop-prefix', key: [kind, name] }))
    ops.push({ op: 'drop', key })
    stepwise(this.world, this.#emptying(vhost), () => {
      this.world.metadata.transact([{ key, expect: 'present' }], ops, (result) => {
        if (result.ok) answered(granted(null))
        else if (result.reason === 'unavailable') answered(refused(unavailable(result.error)))
        else answered(refused({ code: 'not-found', text: `vhost ${name} not found` }))
      })
    })
  }

  /** Takes out of a vhost what is too much for one transaction. Those who come again meanwhile are closed at the end. */
  *#emptying(vhost: Vhost | undefined): Generator<Removal> {
    if (vhost === undefined) return
    let isFirst = true
    for (const step of vhostSteps(vhost.topology)) {
      if (isFirst) this.#closeConnectionsTo(vhost.name)
      isFirst = false
      yield step
    }
  }

  // Who may come

  /** What a user may do in a vhost: one per session. */
  sessionPermissions({ user, authorization }: SessionLogin, vhost: string, clientId?: string): SessionPermissions {
    if (authorization === null) return this.permissions.session(user, vhost, clientId)
    return new AskedPermissions({ user, vhost, clientId, authorization, epoch: this.#accessEpoch })
  }

  /** Why a connection with these permissions may not enter their vhost, or undefined. Asked before it is registered. */
  refusesConnection(permissions: SessionPermissions): Refusal | undefined {
    const { user, vhost: vhostName } = permissions
    const nodeLimit = this.world.settings.connectionCountMax
    if (this.connections.count >= nodeLimit) {
      this.counters.limits.hit('node_connections')
      return notAllowed(`connection refused: node connection limit (${nodeLimit}) is reached`)
    }
    const vhost = this.#vhosts.get(vhostName)
    if (vhost === undefined) return notAllowed(`vhost ${vhostName} not found`)
    const { maxConnections } = vhost.record
    if (maxConnections >= 0 && this.connections.countOfVhost(vhostName) >= maxConnections) {
      this.counters.limits.hit('vhost_connections')
      const why = `connection limit (${maxConnections}) is reached`
      return notAllowed(`access to vhost '${vhostName}' refused for user '${user}': ${why}`)
    }
    const userLimit = this.#user(user)?.maxConnections ?? -1
    if (userLimit >= 0 && this.connections.countOfUser(user) >= userLimit) {
      this.counters.limits.hit('user_connections')
      return notAllowed(`connection refused for user '${user}': user connection limit (${userLimit}) is reached`)
    }
    return permissions.mayEnter() ? undefined : notAllowed(`access to vhost '${vhostName}' refused for user '${user}'`)
  }

  /** Why this user may not open one more channel, or undefined. */
  refusesChannel(user: string): Refusal | undefined {
    const limit = this.#user(user)?.maxChannels ?? -1
    if (limit < 0 || this.connections.channelCountOfUser(user) < limit) return undefined
    this.counters.limits.hit('user_channels')
    return notAllowed(
      `number of channels opened for user '${user}' has reached the maximum allowed user limit of ${limit}`,
    )
  }

  #user(name: string): UserRecord | undefined {
    // Stored under this kind of key by the verbs on users alone.
    return this.world.metadata.get(metadataKeys.user(name))?.value as UserRecord | undefined
  }

  // Applying

  #apply(ops: readonly MetadataOp[]): void {
    const repolicied = new Set<string>()
    for (const op of ops) {
      if (op.op !== 'put') continue
      if (op.key[0] === 'policy' || op.key[0] === 'operator-policy') this.#applyPolicy(op, repolicied)
    }
    for (const kind of DROP_ORDER) {
      for (const op of ops) if (op.op !== 'put' && (op.key[0] ?? kind) === kind) this.#drop(kind, op)
    }
    for (const op of ops) {
      const kind = op.key[0]
      if (op.op !== 'put' && (kind === 'policy' || kind === 'operator-policy')) this.#applyPolicy(op, repolicied)
      else if (kind === 'permission' || kind === 'topic-permission') this.permissions.apply(op)
      else if (kind === 'user' && op.op === 'drop') this.#closeConnectionsOf(op.key[1]!)
      this.#applyRates(op)
      this.#recordEvents.apply(op, this.#isStarted)
    }
    for (const kind of PUT_ORDER) {
      for (const op of ops) if (op.op === 'put' && op.key[0] === kind) this.#put(kind, op.value)
    }
    for (const name of repolicied) this.#vhosts.get(name)?.topology.applyPolicies()
  }

  #applyRates(op: MetadataOp): void {
    const [kind, name] = op.key
    if ((kind !== 'user' && kind !== 'vhost') || name === undefined) return
    // Records under a kind's keys are of that kind.
    const rates = op.op === 'put' ? (op.value as UserRecord | VhostRecord).rates : undefined
    this.rates.apply(kind, name, rates)
  }

  #applyPolicy(op: MetadataOp, repolicied: Set<string>): void {
    this.policies.apply(op)
    if (op.key[1] !== undefined) repolicied.add(op.key[1])
    else for (const name of this.#vhosts.keys()) repolicied.add(name)
  }

  /** Values under a kind's keys were written by the verbs of that kind. */
  #put(kind: string, value: unknown): void {
    switch (kind) {
      case 'vhost':
        return this.#putVhost(value as VhostRecord)
      case 'exchange':
        return this.#vhosts.get((value as ExchangeRecord).vhost)?.topology.putExchange(value as ExchangeRecord)
      case 'queue':
        return this.#vhosts.get((value as QueueRecord).vhost)?.topology.putQueue(value as QueueRecord)
      case 'binding':
        return this.#vhosts.get((value as BindingRecord).vhost)?.topology.putBinding(value as BindingRecord)
    }
  }

  #putVhost(record: VhostRecord): void {
    const existing = this.#vhosts.get(record.name)
    if (existing !== undefined) return existing.update(record)
    const vhost = new Vhost(record, this.world)
    this.#vhosts.set(record.name, vhost)
    if (this.#observer !== null) vhost.observeMessages(this.#observer)
    if (this.#isStarted) vhost.topology.start()
  }

  #drop(kind: string, { op, key }: MetadataOp): void {
    const [, vhostName, name] = key
    if (kind === 'vhost') {
      if (vhostName === undefined) for (const each of [...this.#vhosts.keys()]) this.#closeVhost(each)
      else this.#closeVhost(vhostName)
      return
    }
    if (vhostName === undefined) {
      for (const vhost of this.#vhosts.values()) dropFrom(vhost, kind, [kind, vhost.name])
      return
    }
    const vhost = this.#vhosts.get(vhostName)
    if (vhost === undefined) return
    if (op === 'drop-prefix') dropFrom(vhost, kind, key)
    else if (kind === 'queue') vhost.topology.dropQueue(name!)
    else if (kind === 'exchange') vhost.topology.dropExchange(name!)
    else vhost.topology.dropBinding(bindingOfKey(key))
  }

  #closeVhost(name: string): void {
    const vhost = this.#vhosts.get(name)
    if (vhost === undefined) return
    this.#vhosts.delete(name)
    vhost.topology.close()
    this.#closeConnectionsTo(name)
  }

  #closeConnectionsTo(vhost: string): void {
    this.connections.closeWhere((each) => each.vhost === vhost, 'vhost-deleted', `vhost '${vhost}' is deleted`)
  }

  #closeConnectionsOf(user: string): void {
    this.connections.closeWhere((each) => each.user === user, 'user-gone', `user '${user}' was deleted`)
  }
}

/** What a binding's key says of it: all that identifies it. */
function bindingOfKey([
  ,
  vhost,
  source,
  destinationKind,
  destination,
  routingKey,
  propertiesKey,
]: MetadataKey): BindingRecord {
  return {
    vhost: vhost!,
    source: source!,
    destination: destination!,
    destinationKind: destinationKind === 'queue' ? 'queue' : 'exchange',
    routingKey: routingKey!,
    arguments: [],
    propertiesKey: propertiesKey!,
  }
}

/** Drops what lies below a prefix. */
function dropFrom({ topology }: Vhost, kind: string, prefix: MetadataKey): void {
  const isBelow = (key: MetadataKey): boolean => prefix.every((element, i) => key[i] === element)
  if (kind === 'binding') {
    for (const { record } of [...topology.bindings.values()]) {
      if (isBelow(metadataKeys.binding(record))) topology.dropBinding(record)
    }
  } else if (kind === 'queue') {
    for (const name of [...topology.queues.keys()]) {
      if (isBelow(metadataKeys.queue(topology.vhost, name))) topology.dropQueue(name)
    }
  } else {
    for (const name of [...topology.exchanges.keys()]) {
      if (isBelow(metadataKeys.exchange(topology.vhost, name))) topology.dropExchange(name)
    }
  }
}

function notAllowed(text: string): Refusal {
  return { code: 'not-allowed', text }
}
