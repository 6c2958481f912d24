/**
 * What an import changes: compares definitions with the metadata as it is, and makes a transaction of the difference, or
 * several for one that is large and must not hold others up.
 *
 * Users, vhosts, permissions, policies and parameters are created or changed; queues, exchanges and bindings are created
 * or left as they are; nothing is deleted. What exists already as described costs nothing: a second import plans no op.
 * Whatever an object refers to must exist or be in the file: else it is a problem, and nothing is changed.
 */
import { isDeepStrictEqual } from 'node:util'
import { hashPassword, isHashingAlgorithm, refusesHash, verifyPassword } from '../../auth/passwords.ts'
import { type Hashing, limitedVhost, plainVhost, type VhostDefaults, vhostDefaultOps } from '../../auth/seeding.ts'
import { laterLimits, refusesTags } from '../../auth/users.ts'
import { withUserLimits, withVhostLimits } from '../../model/limits/limits.ts'
import type { Guard, Metadata, MetadataOp } from '../../model/records/metadata.ts'
import {
  type BindingRecord,
  type ExchangeRecord,
  type MetadataKey,
  metadataKeys,
  type QueueRecord,
  type UserRecord,
  type VhostRecord,
} from '../../model/records/records.ts'
import { DEFAULT_EXCHANGE, isSystemExchange, systemExchanges } from '../../model/routing/system-exchanges.ts'
import type { Answer } from '../../model/verbs/answer.ts'
import type { BindingRequest, ExchangeDeclaration, QueueDeclaration } from '../../model/verbs/requests.ts'
import { type Definitions, InvalidDefinitions, type UserDefinition, type VhostDefinition } from './definitions.ts'
import { Problems } from './field-reader.ts'

/** Where a binding leads. */
export type BindingEnd =
  | { readonly kind: 'queue'; readonly record: QueueRecord }
  | { readonly kind: 'exchange'; readonly record: ExchangeRecord }

/** Makes records of declarations by the rules of the model: types, arguments, ids. */
export interface TopologyBuilders {
  /** `defaultType`: of the vhost, empty for the node's. */
  queue(vhost: string, declaration: QueueDeclaration, defaultType: string, declaredBy: string): Answer<QueueRecord>
  exchange(vhost: string, declaration: ExchangeDeclaration): Answer<ExchangeRecord>
  /** The ends are there already, or about to be; the source's type judges the binding. */
  binding(vhost: string, request: BindingRequest, source: ExchangeRecord, to: BindingEnd): Answer<BindingRecord>
}

/** What planning needs beyond definitions and metadata. */
export interface ImportContext {
  readonly builders: TopologyBuilders
  readonly hashing: Hashing
  /** Stands as declarer of the queues. */
  readonly actingUser: string
  /** What new virtual hosts are given before the file has its say. */
  readonly vhostDefaults?: VhostDefaults
}

/** Kinds of objects, for counting. */
export type DefinitionKind =
  | 'vhosts'
  | 'users'
  | 'permissions'
  | 'topic_permissions'
  | 'global_parameters'
  | 'policies'
  | 'parameters'
  | 'exchanges'
  | 'queues'
  | 'bindings'

/** What is to be done, and what it means. */
export interface ImportPlan {
  /** What the plan relies on, by key. */
  readonly guards: ReadonlyMap<string, Guard>
  readonly ops: readonly MetadataOp[]
  /** Of transient objects: applied after the others, not stored. */
  readonly ephemeralOps: readonly MetadataOp[]
  /** Objects created or changed. */
  readonly changed: ReadonlyMap<DefinitionKind, number>
}

/**
 * Plans an import, with a pause now and then for whoever wants one. Throws `InvalidDefinitions` with everything that is
 * wrong.
 */
export function planImport(
  definitions: Definitions,
  metadata: Metadata,
  context: ImportContext,
): Generator<void, ImportPlan> {
  return new Planner(definitions, metadata, context).plan()
}

/** Objects that are planned between two pauses. */
const SLICE_COUNT = 1_000

/** One object of a list of definitions. */
type Item<K extends keyof Definitions> = Definitions[K][number]

class Planner {
  readonly #definitions: Definitions
  readonly #metadata: Metadata
  readonly #context: ImportContext
  readonly #problems = new Problems()
  readonly #guards = new Map<string, Guard>()
  readonly #ops: MetadataOp[] = []
  #seenCount = 0
  readonly #ephemeralOps: MetadataOp[] = []
  readonly #changed = new Map<DefinitionKind, number>()
  /** Values as they will be, by key: those of the file over those of the store. */
  readonly #planned = new Map<string, unknown>()

  constructor(definitions: Definitions, metadata: Metadata, context: ImportContext) {
    this.#definitions = definitions
    this.#metadata = metadata
    this.#context = context
  }

  /** In this order objects may refer to those before. */
  *plan(): Generator<void, ImportPlan> {
    const { vhosts, vhostLimits, users, permissions, topicPermissions } = this.#definitions
    const { globalParameters, policies, parameters, exchanges, queues, bindings } = this.#definitions
    yield* this.#each(vhosts, (definition) => this.#vhost(definition))
    yield* this.#each(vhostLimits, (limits) => this.#vhostLimits(limits))
    yield* this.#each(users, (definition) => this.#user(definition))
    yield* this.#each(permissions, (record) => this.#permission(record))
    yield* this.#each(topicPermissions, (record) => this.#topicPermission(record))
    yield* this.#each(globalParameters, ({ name, value }) =>
      this.#put('global_parameters', metadataKeys.globalParameter(name), value),
    )
    yield* this.#each(policies, (policy) => this.#policy(policy))
    yield* this.#each(parameters, (record) => this.#parameter(record))
    yield* this.#each(exchanges, (exchange) => this.#exchange(exchange))
    yield* this.#each(queues, (queue) => this.#queue(queue))
    yield* this.#each(bindings, (binding) => this.#bindingOf(binding))
    if (this.#problems.texts.length > 0) throw new InvalidDefinitions(this.#problems.texts)
    return { guards: this.#guards, ops: this.#ops, ephemeralOps: this.#ephemeralOps, changed: this.#changed }
  }

  *#each<T>(items: readonly T[], handle: (item: T) => void): Generator<void> {
    for (const item of items) {
      handle(item)
      if (++this.#seenCount % SLICE_COUNT === 0) yield
    }
  }

  // One function per kind

  #vhost(definition: VhostDefinition): void {
    const key = metadataKeys.vhost(definition.name)
    const present = this.#value<VhostRecord>(key)
    if (present === undefined) this.#vhostDefaults(definition.name)
    const { limits = [] } = this.#context.vhostDefaults ?? {}
    const base = present ?? limitedVhost(plainVhost(definition.name, ''), limits)
    this.#put('vhosts', key, vhostRecord(definition, base))
  }

  #vhostLimits({ vhost, maxConnections, maxQueues, rates }: Item<'vhostLimits'>): void {
    const present = this.#value<VhostRecord>(metadataKeys.vhost(vhost))
    if (present === undefined) return this.#problems.note(`limits of vhost '${vhost}': there is no such vhost`)
    const limits = {
      ...rates,
      'max-connections': maxConnections ?? present.maxConnections,
      'max-queues': maxQueues ?? present.maxQueues,
    }
    this.#put('vhosts', metadataKeys.vhost(vhost), withVhostLimits(present, limits))
  }

  #vhostDefaults(vhost: string): void {
    const { vhostDefaults, hashing } = this.#context
    if (vhostDefaults === undefined) return
    for (const op of vhostDefaultOps(this.#metadata, vhost, vhostDefaults, hashing)) {
      const kind = op.key[0] === 'user' ? 'users' : op.key[0] === 'permission' ? 'permissions' : 'policies'
      if (op.op === 'put') this.#put(kind, op.key, op.value)
    }
  }

  #user(definition: UserDefinition): void {
    const key = metadataKeys.user(definition.name)
    const record = this.#userRecord(definition, this.#value<UserRecord>(key))
    if (typeof record === 'string') this.#problems.note(`user '${definition.name}': ${record}`)
    else this.#put('users', key, record)
  }

  #permission(record: Item<'permissions'>): void {
    const what = `permission of user '${record.user}' in vhost '${record.vhost}'`
    if (this.#hasVhost(record.vhost, what) && this.#hasUser(record.user, what)) {
      this.#put('permissions', metadataKeys.permission(record.vhost, record.user), record)
    }
  }

  #topicPermission(record: Item<'topicPermissions'>): void {
    const what = `topic permission of user '${record.user}' in vhost '${record.vhost}'`
    if (this.#hasVhost(record.vhost, what) && this.#hasUser(record.user, what)) {
      const key = metadataKeys.topicPermission(record.vhost, record.user, record.exchange)
      this.#put('topic_permissions', key, record)
    }
  }

  #policy({ record, operator }: Item<'policies'>): void {
    const { vhost, name } = record
    const key = operator ? metadataKeys.operatorPolicy(vhost, name) : metadataKeys.policy(vhost, name)
    if (this.#hasVhost(vhost, `policy '${name}'`)) this.#put('policies', key, record)
  }

  #parameter(record: Item<'parameters'>): void {
    const { vhost, component, name } = record
    const key = metadataKeys.parameter(vhost, component, name)
    if (this.#hasVhost(vhost, `parameter '${name}' of ${component}`)) this.#put('parameters', key, record)
  }

  #exchange({ vhost, declaration }: Item<'exchanges'>): void {
    const { name } = declaration
    const key = metadataKeys.exchange(vhost, name)
    if (isSystemExchange(vhost, name) || this.#has(key)) return
    const what = `exchange '${name}' in vhost '${vhost}'`
    if (!this.#hasVhost(vhost, what)) return
    const answer = this.#context.builders.exchange(vhost, declaration)
    if (answer.refusal === null) this.#create('exchanges', key, answer.value, declaration.durable)
    else this.#problems.note(`${what}: ${answer.refusal.text}`)
  }

  #queue({ vhost, declaration }: Item<'queues'>): void {
    const { builders, actingUser } = this.#context
    const { name } = declaration
    const key = metadataKeys.queue(vhost, name)
    if (this.#has(key)) return
    const what = `queue '${name}' in vhost '${vhost}'`
    if (!this.#hasVhost(vhost, what)) return
    const defaultType = this.#value<VhostRecord>(metadataKeys.vhost(vhost))?.defaultQueueType ?? ''
    const answer = builders.queue(vhost, declaration, defaultType, actingUser)
    if (answer.refusal === null) this.#create('queues', key, answer.value, answer.value.durable)
    else this.#problems.note(`${what}: ${answer.refusal.text}`)
  }

  #bindingOf({ vhost, declaration }: Item<'bindings'>): void {
    // Those of the default exchange are implied by the queues.
    if (declaration.source === DEFAULT_EXCHANGE) return
    const { source, destination, destinationKind } = declaration
    const what = `binding from '${source}' to '${destination}' in vhost '${vhost}'`
    if (!this.#hasVhost(vhost, what)) return
    const from = this.#exchangeRecord(vhost, source)
    const to = this.#end(vhost, destinationKind, destination)
    if (from === undefined) this.#problems.note(`${what}: there is no exchange '${source}'`)
    if (to === undefined) this.#problems.note(`${what}: there is no ${destinationKind} '${destination}'`)
    if (from !== undefined && to !== undefined) this.#binding(vhost, declaration, [from, to], what)
  }

  #binding(vhost: string, request: BindingRequest, ends: readonly [ExchangeRecord, BindingEnd], what: string): void {
    const [from, to] = ends
    const answer = this.#context.builders.binding(vhost, request, from, to)
    if (answer.refusal !== null) {
      this.#problems.note(`${what}: ${answer.refusal.text}`)
      return
    }
    const key = metadataKeys.binding(answer.value)
    if (this.#has(key)) return
    // An end that is there must not be deleted meanwhile.
    this.#guardPresent(metadataKeys.exchange(vhost, request.source))
    const { destination, destinationKind } = request
    if (destinationKind === 'queue') this.#guardPresent(metadataKeys.queue(vhost, destination))
    else this.#guardPresent(metadataKeys.exchange(vhost, destination))
    this.#create('bindings', key, answer.value, from.durable && to.record.durable)
  }

  // Records

  /** A record, or why there can be none. */
  #userRecord(definition: UserDefinition, present: UserRecord | undefined): UserRecord | string {
    const { algorithm, randomness } = this.#context.hashing
    const hashingAlgorithm: string = definition.hashingAlgorithm ?? algorithm
    if (!isHashingAlgorithm(hashingAlgorithm)) return `unknown hashing algorithm '${hashingAlgorithm}'`
    const problem = refusesTags(definition.tags) ?? refusesHash(definition.passwordHash ?? '', hashingAlgorithm)
    if (problem !== undefined) return problem
    const password = definition.password ?? ''
    // A new salt for the same password would be a change.
    const isUnchanged = present !== undefined && verifyPassword(password, present.passwordHash, hashingAlgorithm)
    const passwordHash =
      definition.passwordHash ??
      (isUnchanged ? present.passwordHash : hashPassword(password, hashingAlgorithm, randomness))
    const record: UserRecord = {
      name: definition.name,
      passwordHash,
      hashingAlgorithm,
      tags: definition.tags,
      maxConnections: definition.maxConnections ?? present?.maxConnections ?? -1,
      maxChannels: definition.maxChannels ?? present?.maxChannels ?? -1,
      ...laterLimits(present),
    }
    return withUserLimits(record, definition.laterLimits)
  }

  #end(vhost: string, kind: 'queue' | 'exchange', name: string): BindingEnd | undefined {
    if (kind === 'exchange') {
      const record = this.#exchangeRecord(vhost, name)
      return record === undefined ? undefined : { kind, record }
    }
    const record = this.#value<QueueRecord>(metadataKeys.queue(vhost, name))
    return record === undefined ? undefined : { kind, record }
  }

  #exchangeRecord(vhost: string, name: string): ExchangeRecord | undefined {
    return systemExchange(vhost, name) ?? this.#value<ExchangeRecord>(metadataKeys.exchange(vhost, name))
  }

  // The transaction

  /** Creates or changes an object that is stored. */
  #put(kind: DefinitionKind, key: MetadataKey, value: unknown): void {
    if (isDeepStrictEqual(this.#value(key), value)) return
    this.#guard(key)
    this.#ops.push({ op: 'put', key, value })
    this.#plan(kind, key, value)
  }

  /** Creates an object that is not there. */
  #create(kind: DefinitionKind, key: MetadataKey, value: unknown, durable: boolean): void {
    if (durable) {
      this.#guard(key)
      this.#ops.push({ op: 'put', key, value })
    } else this.#ephemeralOps.push({ op: 'put', key, value })
    this.#plan(kind, key, value)
  }

  #plan(kind: DefinitionKind, key: MetadataKey, value: unknown): void {
    const text = JSON.stringify(key)
    if (!this.#planned.has(text)) this.#changed.set(kind, (this.#changed.get(kind) ?? 0) + 1)
    this.#planned.set(text, value)
  }

  /** The object is as it was when the plan was made. */
  #guard(key: MetadataKey): void {
    const text = JSON.stringify(key)
    if (this.#guards.has(text) || this.#planned.has(text)) return
    this.#guards.set(text, { key, expect: this.#metadata.get(key)?.revision ?? 'absent' })
  }

  #guardPresent(key: MetadataKey): void {
    const text = JSON.stringify(key)
    if (this.#guards.has(text) || this.#planned.has(text) || this.#metadata.get(key) === undefined) return
    this.#guards.set(text, { key, expect: 'present' })
  }

  // Looking up

  /** The value under a key as it will be. Kinds of values go with kinds of keys. */
  #value<T>(key: MetadataKey): T | undefined {
    const text = JSON.stringify(key)
    return (this.#planned.has(text) ? this.#planned.get(text) : this.#metadata.get(key)?.value) as T | undefined
  }

  #has(key: MetadataKey): boolean {
    return this.#value(key) !== undefined
  }

  #hasVhost(vhost: string, what: string): boolean {
    const key = metadataKeys.vhost(vhost)
    if (this.#has(key)) this.#guardPresent(key)
    else this.#problems.note(`${what}: there is no vhost '${vhost}'`)
    return this.#has(key)
  }

  #hasUser(user: string, what: string): boolean {
    const key = metadataKeys.user(user)
    if (this.#has(key)) this.#guardPresent(key)
    else this.#problems.note(`${what}: there is no user '${user}'`)
    return this.#has(key)
  }
}

function vhostRecord(definition: VhostDefinition, base: VhostRecord): VhostRecord {
  return {
    ...base,
    description: definition.description ?? base.description,
    tags: definition.tags ?? base.tags,
    defaultQueueType: definition.defaultQueueType ?? base.defaultQueueType,
    tracing: definition.tracing ?? base.tracing,
    protectedFromDeletion: definition.protectedFromDeletion ?? base.protectedFromDeletion,
  }
}

function systemExchange(vhost: string, name: string): ExchangeRecord | undefined {
  return isSystemExchange(vhost, name) ? systemExchanges(vhost).find((record) => record.name === name) : undefined
}
