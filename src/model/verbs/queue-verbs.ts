/**
 * Declaring, deleting and purging the queues of a vhost: the rules of RabbitMQ, in its order and words.
 *
 * Called by the vhost. Permissions are the sessions' matter and have been checked. [RabbitMQ: queues]
 */
import { uniqueName } from '../../base/random.ts'
import type { Queue, Refusal } from '../queue/queue.ts'
import type { DeleteReason, QueueKind, QueueProperties } from '../queue/queue-host.ts'
import { type Attempt, type Proposal, propose } from '../records/proposals.ts'
import { ledgerLabel, metadataKeys, type QueueRecord, type UserRecord, type VhostRecord } from '../records/records.ts'
import { RESERVED_PREFIX } from '../routing/system-exchanges.ts'
import type { Topology } from '../topology.ts'
import { type Arguments, stringValue, type TypedValue } from '../values/arguments.ts'
import { restoreArguments, storeArguments } from '../values/arguments-json.ts'
import type { World } from '../world.ts'
import { type Answer, type Answered, granted, refused } from './answer.ts'
import { differingArgument, differingProperty } from './equivalence.ts'
import {
  lockedQueue,
  notFound,
  preconditionFailed,
  queueLimitReached,
  queueText,
  refusesLength,
  reservedName,
  transientQueueDenied,
} from './refusals.ts'
import { Removal } from './removal.ts'
import { type Actor, cleanName, type DeclaredQueue, type DeleteConditions, type QueueDeclaration } from './requests.ts'
import { bindingSteps, queueSteps, stepwise } from './stepwise.ts'

const QUEUE_TYPE = 'x-queue-type'
const CLASSIC = 'classic'
const SERVER_NAME_PREFIX = 'amq.gen-'

/** A declaration with its type and name settled. */
interface Plan {
  readonly properties: QueueProperties
  readonly arguments: Arguments
  readonly kind: QueueKind
  readonly actor: Actor
}

/** Verbs on queues. */
export class QueueVerbs {
  readonly #topology: Topology
  readonly #world: World
  readonly #vhost: () => VhostRecord
  /** Declarations under way: each may make a queue, so they count against the limit. */
  #pendingCount = 0

  constructor(topology: Topology, world: World, vhost: () => VhostRecord) {
    this.#topology = topology
    this.#world = world
    this.#vhost = vhost
  }

  find(name: string, actor: Actor): Answer<Queue> {
    const queue = this.#topology.queues.get(name)
    if (queue === undefined) return refused(notFound(queueText(this.#topology.vhost, name)))
    const refusal = this.refusesActor(queue, actor)
    return refusal === undefined ? granted(queue) : refused(refusal)
  }

  /** Why this connection may not touch the queue, or undefined. */
  refusesActor({ record }: Queue, actor: Actor): Refusal | undefined {
    return record.owner === null || record.owner === actor.connectionId
      ? undefined
      : lockedQueue(record.vhost, record.name)
  }

  declare(declaration: QueueDeclaration, actor: Actor, answered: Answered<DeclaredQueue>): void {
    const plan = this.#plan(declaration, actor)
    this.#world.counters.queuesDeclared++
    if ('code' in plan) return answered(refused(plan))
    this.#pendingCount++
    propose<DeclaredQueue>(
      this.#world.metadata,
      () => this.#attemptDeclare(plan),
      (answer) => {
        this.#pendingCount--
        answered(answer)
      },
    )
  }

  delete(name: string, { ifUnused, ifEmpty }: DeleteConditions, actor: Actor, answered: Answered<number>): void {
    const attempt: Attempt<number> = () => {
      const queue = this.#topology.queues.get(name)
      if (queue === undefined) return granted(0)
      const refusal = this.refusesActor(queue, actor) ?? queue.refusesDelete(ifUnused, ifEmpty)
      if (refusal !== undefined) return refused(refusal)
      const { readyCount } = queue
      return this.#removal([queue], () => granted(readyCount))
    }
    const steps = this.#steps(name, { ifUnused, ifEmpty }, actor)
    stepwise(this.#world, steps, () => propose(this.#world.metadata, attempt, answered))
  }

  /** What goes before the queue. When a condition ceases to hold meanwhile, the queue stays without these bindings. */
  *#steps(name: string, { ifUnused, ifEmpty }: DeleteConditions, actor: Actor): Generator<Removal> {
    const queue = this.#topology.queues.get(name)
    if (queue === undefined) return
    if ((this.refusesActor(queue, actor) ?? queue.refusesDelete(ifUnused, ifEmpty)) !== undefined) return
    yield* bindingSteps(this.#topology, () => this.#topology.bindingsOf(queue))
  }

  purge(name: string, actor: Actor): Answer<number> {
    const found = this.find(name, actor)
    if (found.refusal !== null) return refused(found.refusal)
    const refusal = found.value.refusesPurge()
    return refusal === undefined ? granted(found.value.purge()) : refused(refusal)
  }

  releaseOwner(connectionId: string, done: () => void): void {
    const owned = (): Queue[] =>
      this.#topology.queuesOfOwner(connectionId).map((name) => this.#topology.queues.get(name)!)
    const attempt: Attempt<null> = () => {
      const queues = owned()
      return queues.length === 0 ? granted(null) : this.#removal(queues, () => granted(null))
    }
    stepwise(this.#world, queueSteps(this.#topology, owned()), () => propose(this.#world.metadata, attempt, done))
  }

  /** A queue asked to go. */
  requested(queue: Queue, reason: DeleteReason): void {
    const attempt: Attempt<null> = () => {
      if (this.#topology.queues.get(queue.name) !== queue) return granted(null)
      return this.#removal([queue], () => granted(null))
    }
    const answered: Answered<null> = ({ refusal }) => {
      if (refusal === null) return
      const text = `${queueText(queue.vhost, queue.name)} is ${reason} but could not be deleted: ${refusal.text}`
      this.#world.logger.child('queue').error(text)
    }
    const steps = bindingSteps(this.#topology, () => this.#topology.bindingsOf(queue))
    stepwise(this.#world, steps, () => propose(this.#world.metadata, attempt, answered))
  }

  #removal<T>(queues: readonly Queue[], answer: () => Answer<T>): Proposal<T> {
    const removal = new Removal(this.#topology)
    for (const queue of queues) removal.addQueue(queue)
    const guards = queues.map(({ vhost, name }) => ({
      key: metadataKeys.queue(vhost, name),
      expect: 'present' as const,
    }))
    return { guards, ops: removal.ops, ephemeral: removal.isEphemeral, answer }
  }

  // Declaring

  #plan(declaration: QueueDeclaration, actor: Actor): Plan | Refusal {
    const { vhost } = this.#topology
    const name = cleanName(declaration.name)
    // Also when the queue exists: server-named ones are declared again passively only.
    if (name.startsWith(RESERVED_PREFIX)) return reservedName('queue', name)
    const tooLong = refusesLength('queue', name)
    if (tooLong !== undefined) return tooLong
    const properties: QueueProperties = {
      vhost,
      name,
      durable: declaration.durable && !declaration.exclusive,
      exclusive: declaration.exclusive,
      autoDelete: declaration.autoDelete,
    }
    const typed = this.#typed(properties, declaration.arguments)
    const kind = this.#kind(typed.get(QUEUE_TYPE)!)
    if (kind === undefined) return preconditionFailed(unknownType(vhost, name, typed.get(QUEUE_TYPE)!))
    if (name !== '') return { properties, arguments: typed, kind, actor }
    if (!kind.isServerNamed) {
      return preconditionFailed(`Cannot declare a server-named queue for type rabbit_${kind.name}_queue`)
    }
    const made = uniqueName(this.#world.randomness, SERVER_NAME_PREFIX)
    return { properties: { ...properties, name: made }, arguments: typed, kind, actor }
  }

  /** The arguments with the type that applies written into them. */
  #typed(properties: QueueProperties, args: Arguments): Arguments {
    if (args.has(QUEUE_TYPE)) return args
    const preferred = this.#vhost().defaultQueueType || this.#world.settings.defaultQueueType
    const kind = this.#world.queueKinds.get(preferred)
    const fits =
      kind !== undefined &&
      (properties.name !== '' || kind.isServerNamed) &&
      kind.refusesDeclaration(properties, args) === undefined
    return new Map([...args, [QUEUE_TYPE, stringValue(fits ? preferred : CLASSIC)]])
  }

  #kind({ value }: TypedValue): QueueKind | undefined {
    return typeof value === 'string' ? this.#world.queueKinds.get(value) : undefined
  }

  #attemptDeclare(plan: Plan): Answer<DeclaredQueue> | Proposal<DeclaredQueue> {
    const { name } = plan.properties
    const existing = this.#topology.queues.get(name)
    if (existing !== undefined) {
      const refusal = this.#refusesRedeclaration(existing, plan)
      if (refusal !== undefined) return refused(refusal)
      existing.touch()
      return granted({ queue: existing, created: false })
    }
    const refusal = this.#refusesCreation(plan)
    return refusal === undefined ? this.#creation(plan) : refused(refusal)
  }

  #refusesRedeclaration(queue: Queue, { properties, arguments: args, kind, actor }: Plan): Refusal | undefined {
    const { record } = queue
    const owner = properties.exclusive ? actor.connectionId : null
    if (record.owner !== owner) return lockedQueue(record.vhost, record.name)
    const object = queueText(record.vhost, record.name)
    const stored = restoreArguments(record.arguments)
    const current = stored.has(QUEUE_TYPE) ? stored : new Map([...stored, [QUEUE_TYPE, stringValue(CLASSIC)]])
    return (
      differingProperty(object, 'durable', properties.durable, record.durable) ??
      differingProperty(object, 'auto_delete', properties.autoDelete, record.autoDelete) ??
      differingArgument(object, [QUEUE_TYPE], args, current) ??
      differingArgument(object, kind.comparedArguments, args, current)
    )
  }

  #refusesCreation({ properties, arguments: args, kind, actor }: Plan): Refusal | undefined {
    const { vhost, name, durable, exclusive } = properties
    const limit = this.#vhost().maxQueues
    if (limit >= 0 && this.#topology.queues.size + this.#pendingCount > limit) {
      this.#world.counters.limits.hit('vhost_queues')
      return queueLimitReached(name, vhost, limit)
    }
    const nodeLimit = this.#world.settings.queueCountMax
    if (this.#world.totals.queueCount >= nodeLimit) {
      this.#world.counters.limits.hit('node_queues')
      return preconditionFailed(`cannot declare queue '${name}': queue limit in cluster (${nodeLimit}) is reached`)
    }
    const refusal = this.#refusesMoreOf(actor.user, name) ?? kind.refusesDeclaration(properties, args)
    if (refusal !== undefined) return refusal
    return durable || exclusive || this.#world.settings.permitsTransientQueues ? undefined : transientQueueDenied()
  }

  #refusesMoreOf(user: string, name: string): Refusal | undefined {
    // Stored under this kind of key by the verbs on users alone.
    const record = this.#world.metadata.get(metadataKeys.user(user))?.value as UserRecord | undefined
    const limit = record?.maxQueues ?? -1
    if (limit < 0 || (this.#world.totals.queueCountByUser.get(user) ?? 0) < limit) return undefined
    this.#world.counters.limits.hit('user_queues')
    return preconditionFailed(`cannot declare queue '${name}': queue limit of user '${user}' (${limit}) is reached`)
  }

  #creation({ properties, arguments: args, kind, actor }: Plan): Proposal<DeclaredQueue> {
    const { vhost, name, durable, exclusive, autoDelete } = properties
    const key = metadataKeys.queue(vhost, name)
    const record: QueueRecord = {
      vhost,
      name,
      type: kind.name,
      durable,
      autoDelete,
      exclusive,
      arguments: storeArguments(args),
      ledgerId: this.#world.store.newLedgerId(durable ? ledgerLabel(key) : ''),
      owner: exclusive ? actor.connectionId : null,
      declaredBy: actor.user,
    }
    return {
      guards: [
        { key: metadataKeys.vhost(vhost), expect: 'present' },
        { key, expect: 'absent' },
      ],
      ops: [{ op: 'put', key, value: record }],
      ephemeral: !durable,
      answer: () => {
        const queue = this.#topology.queues.get(name)
        return queue === undefined ? refused(notFound(queueText(vhost, name))) : granted({ queue, created: true })
      },
    }
  }
}

function unknownType(vhost: string, name: string, type: TypedValue): string {
  const reason =
    typeof type.value === 'string' ? `"unsupported queue type '${type.value}'"` : `{unacceptable_type,${type.type}}`
  return `invalid arg '${QUEUE_TYPE}' for ${queueText(vhost, name)}: ${reason}`
}
