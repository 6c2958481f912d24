/**
 * Binding and unbinding within a vhost: the rules of RabbitMQ, in its order and words.
 *
 * A binding is identified by source, destination, routing key and arguments. Called by the vhost; permissions are the
 * sessions' matter and have been checked. [RabbitMQ: queue.bind, exchange.bind]
 */
import { createHash } from 'node:crypto'
import type { Refusal } from '../queue/queue.ts'
import type { Guard } from '../records/metadata.ts'
import { type Proposal, propose } from '../records/proposals.ts'
import { type BindingRecord, metadataKeys, type StoredArguments } from '../records/records.ts'
import type { Destination } from '../routing/exchange.ts'
import type { ExchangeState } from '../routing/exchange-state.ts'
import { isReplyName } from '../routing/reply-to.ts'
import { DEFAULT_EXCHANGE } from '../routing/system-exchanges.ts'
import { bindingId, type Topology } from '../topology.ts'
import type { Arguments } from '../values/arguments.ts'
import { storeArguments } from '../values/arguments-json.ts'
import type { World } from '../world.ts'
import { type Answer, type Answered, granted, refused } from './answer.ts'
import {
  defaultExchangeRefusal,
  exchangeText,
  lockedQueue,
  notFound,
  preconditionFailed,
  queueText,
  refusesLength,
  volatileQueueRefusal,
} from './refusals.ts'
import { Removal } from './removal.ts'
import { type Actor, type BindingRequest, cleanName } from './requests.ts'

const NO_ARGUMENTS_KEY = '~'
const HASH_LENGTH = 22

/** Tells bindings of the same ends and key apart: `~` without arguments, else a hash of them, whatever their order. */
export function propertiesKeyOf(args: StoredArguments): string {
  if (args.length === 0) return NO_ARGUMENTS_KEY
  const sorted = [...args].sort(([left], [right]) => (left < right ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, HASH_LENGTH)
}

interface Ends {
  readonly source: ExchangeState
  readonly destination: Destination
}

/** Verbs on bindings. */
export class BindingVerbs {
  readonly #topology: Topology
  readonly #world: World

  constructor(topology: Topology, world: World) {
    this.#topology = topology
    this.#world = world
  }

  bind(request: BindingRequest, actor: Actor, answered: Answered<null>): void {
    const record = this.#record(request)
    const refusal = refusesNames(record) ?? refusesLength('routing key', record.routingKey)
    if (refusal !== undefined) return answered(refused(refusal))
    propose(this.#world.metadata, () => this.#attemptBind(record, request.arguments, actor), answered)
  }

  unbind(request: BindingRequest, actor: Actor, answered: Answered<null>): void {
    const record = this.#record(request)
    const refusal = refusesNames(record)
    if (refusal !== undefined) return answered(refused(refusal))
    propose(this.#world.metadata, () => this.#attemptUnbind(record, actor), answered)
  }

  #record(request: BindingRequest): BindingRecord {
    const stored = storeArguments(request.arguments)
    return {
      vhost: this.#topology.vhost,
      source: cleanName(request.source),
      destination: cleanName(request.destination),
      destinationKind: request.destinationKind,
      routingKey: request.routingKey,
      arguments: stored,
      propertiesKey: propertiesKeyOf(stored),
    }
  }

  #attemptBind(record: BindingRecord, args: Arguments, actor: Actor): Answer<null> | Proposal<null> {
    const ends = this.#ends(record)
    if ('code' in ends) return refused(ends)
    const locked = refusesActor(ends.destination, actor)
    if (locked !== undefined) return refused(locked)
    if (this.#topology.bindings.has(bindingId(record))) return granted(null)
    const text = ends.source.type.refusesBinding(
      { record, arguments: args, destination: ends.destination },
      ends.source,
    )
    if (text !== undefined) return refused(preconditionFailed(text))
    const key = metadataKeys.binding(record)
    return {
      guards: this.#guards(record, ends),
      ops: [{ op: 'put', key, value: record }],
      ephemeral: !(ends.source.record.durable && endRecord(ends.destination).durable),
      answer: () => granted(null),
    }
  }

  #attemptUnbind(record: BindingRecord, actor: Actor): Answer<null> | Proposal<null> {
    const binding = this.#topology.bindings.get(bindingId(record))
    if (binding === undefined) return granted(null)
    const locked = refusesActor(binding.destination, actor)
    if (locked !== undefined) return refused(locked)
    const removal = new Removal(this.#topology)
    removal.addBinding(binding)
    return { guards: [], ops: removal.ops, ephemeral: removal.isEphemeral, answer: () => granted(null) }
  }

  #ends(record: BindingRecord): Ends | Refusal {
    const { vhost } = this.#topology
    const source = this.#topology.exchanges.get(record.source)
    if (source === undefined) return notFound(exchangeText(vhost, record.source))
    const destination = this.#topology.destination(record.destinationKind, record.destination)
    if (destination !== undefined) return { source, destination }
    const object = record.destinationKind === 'queue' ? queueText : exchangeText
    return notFound(object(vhost, record.destination))
  }

  /** Both ends have to be there still; built-in exchanges always are. */
  #guards({ vhost }: BindingRecord, { source, destination }: Ends): Guard[] {
    const guards: Guard[] = []
    if (!source.isSystem) guards.push({ key: metadataKeys.exchange(vhost, source.name), expect: 'present' })
    if (destination.kind === 'queue') {
      guards.push({ key: metadataKeys.queue(vhost, destination.queue.name), expect: 'present' })
    } else if (this.#topology.exchanges.get(destination.exchange.name)?.isSystem === false) {
      guards.push({ key: metadataKeys.exchange(vhost, destination.exchange.name), expect: 'present' })
    }
    return guards
  }
}

function refusesNames({ source, destination, destinationKind }: BindingRecord): Refusal | undefined {
  if (source === DEFAULT_EXCHANGE) return defaultExchangeRefusal()
  if (destinationKind === 'exchange') return destination === DEFAULT_EXCHANGE ? defaultExchangeRefusal() : undefined
  return isReplyName(destination) ? volatileQueueRefusal() : undefined
}

function refusesActor(destination: Destination, actor: Actor): Refusal | undefined {
  if (destination.kind === 'exchange') return undefined
  const { owner, vhost, name } = destination.queue.record
  return owner === null || owner === actor.connectionId ? undefined : lockedQueue(vhost, name)
}

function endRecord(destination: Destination): { readonly durable: boolean } {
  return destination.kind === 'queue' ? destination.queue.record : destination.exchange.record
}
