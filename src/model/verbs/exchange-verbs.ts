/**
 * Declaring and deleting the exchanges of a vhost: the rules of RabbitMQ, in its order and words.
 *
 * Called by the vhost. Permissions are the sessions' matter and have been checked. [RabbitMQ: exchanges]
 */

import type { Refusal } from '../queue/queue.ts'
import { type Attempt, type Proposal, propose } from '../records/proposals.ts'
import { type ExchangeRecord, ledgerLabel, metadataKeys } from '../records/records.ts'
import type { Exchange, ExchangeType } from '../routing/exchange.ts'
import { ALTERNATE_EXCHANGE, type ExchangeState } from '../routing/exchange-state.ts'
import { DEFAULT_EXCHANGE, RESERVED_PREFIX } from '../routing/system-exchanges.ts'
import type { Topology } from '../topology.ts'
import { storeArguments } from '../values/arguments-json.ts'
import type { World } from '../world.ts'
import { type Answer, type Answered, granted, refused } from './answer.ts'
import { differingArgument, differingProperty } from './equivalence.ts'
import {
  accessRefused,
  defaultExchangeRefusal,
  exchangeText,
  inUse,
  notFound,
  preconditionFailed,
  refusesLength,
  reservedName,
} from './refusals.ts'
import { Removal } from './removal.ts'
import { cleanName, type ExchangeDeclaration } from './requests.ts'
import { bindingSteps, stepwise } from './stepwise.ts'

/** Verbs on exchanges. */
export class ExchangeVerbs {
  readonly #topology: Topology
  readonly #world: World

  constructor(topology: Topology, world: World) {
    this.#topology = topology
    this.#world = world
  }

  find(name: string): Answer<ExchangeState> {
    const exchange = this.#topology.exchanges.get(name)
    return exchange === undefined ? refused(notFound(exchangeText(this.#topology.vhost, name))) : granted(exchange)
  }

  declare(request: ExchangeDeclaration, answered: Answered<Exchange>): void {
    const declaration = { ...request, name: cleanName(request.name) }
    const type = this.#world.exchangeTypes.get(declaration.type)
    if (type === undefined) return answered(refused(preconditionFailed(`unknown exchange type '${declaration.type}'`)))
    if (declaration.name === DEFAULT_EXCHANGE) return answered(refused(defaultExchangeRefusal()))
    const tooLong = refusesLength('exchange', declaration.name)
    if (tooLong !== undefined) return answered(refused(tooLong))
    propose(this.#world.metadata, () => this.#attemptDeclare(declaration, type), answered)
  }

  delete(name: string, ifUnused: boolean, answered: Answered<null>): void {
    const { vhost } = this.#topology
    if (name === DEFAULT_EXCHANGE) return answered(refused(defaultExchangeRefusal()))
    if (name.startsWith(RESERVED_PREFIX)) {
      const text = `deletion of system ${exchangeText(vhost, name)} not allowed`
      return answered(refused(accessRefused(text)))
    }
    const attempt: Attempt<null> = () => {
      const exchange = this.#topology.exchanges.get(name)
      if (exchange === undefined) return granted(null)
      if (ifUnused && exchange.outgoing.size > 0) return refused(inUse(exchangeText(vhost, name)))
      const removal = new Removal(this.#topology)
      removal.addExchange(exchange)
      return {
        guards: [{ key: metadataKeys.exchange(vhost, name), expect: 'present' }],
        ops: removal.ops,
        ephemeral: removal.isEphemeral,
        answer: () => granted(null),
      }
    }
    stepwise(this.#world, this.#steps(name, ifUnused), () => propose(this.#world.metadata, attempt, answered))
  }

  /** What goes before the exchange. One that must be unused has nothing that leaves it. */
  *#steps(name: string, ifUnused: boolean): Generator<Removal> {
    const exchange = this.#topology.exchanges.get(name)
    if (exchange === undefined || (ifUnused && exchange.outgoing.size > 0)) return
    if (!ifUnused) yield* bindingSteps(this.#topology, () => exchange.outgoing)
    yield* bindingSteps(this.#topology, () => exchange.incoming)
  }

  #attemptDeclare(declaration: ExchangeDeclaration, type: ExchangeType): Answer<Exchange> | Proposal<Exchange> {
    const existing = this.#topology.exchanges.get(declaration.name)
    if (existing !== undefined) {
      const refusal = this.#refusesRedeclaration(existing, declaration)
      return refusal === undefined ? granted(existing) : refused(refusal)
    }
    const refusal = this.#refusesCreation(declaration, type)
    return refusal === undefined ? this.#creation(declaration, type) : refused(refusal)
  }

  #refusesRedeclaration(
    { record, arguments: args }: ExchangeState,
    declared: ExchangeDeclaration,
  ): Refusal | undefined {
    const object = exchangeText(record.vhost, record.name)
    return (
      differingProperty(object, 'type', declared.type, record.type) ??
      differingProperty(object, 'durable', declared.durable, record.durable) ??
      differingProperty(object, 'auto_delete', declared.autoDelete, record.autoDelete) ??
      differingProperty(object, 'internal', declared.internal, record.internal) ??
      differingArgument(object, [ALTERNATE_EXCHANGE], declared.arguments, args)
    )
  }

  #refusesCreation({ name, arguments: args }: ExchangeDeclaration, type: ExchangeType): Refusal | undefined {
    if (name.startsWith(RESERVED_PREFIX)) return reservedName('exchange', name)
    const alternate = args.get(ALTERNATE_EXCHANGE)
    if (alternate !== undefined && alternate.type !== 'longstr') {
      const object = exchangeText(this.#topology.vhost, name)
      return preconditionFailed(`invalid type '${alternate.type}' for arg '${ALTERNATE_EXCHANGE}' in ${object}`)
    }
    const limit = this.#world.settings.exchangeCountMax
    if (this.#world.totals.exchangeCount >= limit) {
      this.#world.counters.limits.hit('exchanges')
      return preconditionFailed(`cannot declare exchange '${name}': exchange limit of ${limit} is reached`)
    }
    const text = type.refusesArguments(args)
    return text === undefined ? undefined : preconditionFailed(text)
  }

  #creation(declaration: ExchangeDeclaration, type: ExchangeType): Proposal<Exchange> {
    const { vhost } = this.#topology
    const { name, durable, autoDelete, internal } = declaration
    const key = metadataKeys.exchange(vhost, name)
    const label = durable ? ledgerLabel(key) : ''
    const record: ExchangeRecord = {
      vhost,
      name,
      type: type.name,
      durable,
      autoDelete,
      internal,
      arguments: storeArguments(declaration.arguments),
      ledgerId: type.keepsMessages ? this.#world.store.newLedgerId(label) : 0,
    }
    return {
      guards: [
        { key: metadataKeys.vhost(vhost), expect: 'present' },
        { key, expect: 'absent' },
      ],
      ops: [{ op: 'put', key, value: record }],
      ephemeral: !durable,
      answer: () => this.find(name),
    }
  }
}
