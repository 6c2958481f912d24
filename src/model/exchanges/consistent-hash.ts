/**
 * Exchange type `x-consistent-hash`: each message to one destination, by a hash of its routing key, of a header or of a
 * property; destinations share the hashes in proportion to their weights, the binding keys.
 *
 * Every destination draws a lot from the message's hash and its own name, and the highest weighted lot wins (weighted
 * rendezvous). So the spread is exact, and a destination that comes or goes moves only the messages it gains or loses.
 * O(destinations) for each message.
 * RabbitMQ: same arguments, errors and proportions, but another hash: which destination a key goes to differs.
 */

import type { RoutingFacts } from '../message/message.ts'
import type { Binding, ExchangeIndex, ExchangeType, RouteSet } from '../routing/exchange.ts'
import { type Arguments, stringArgument, type TypedValue } from '../values/arguments.ts'
import { hashText, mix32 } from './hash.ts'

const WEIGHT_MAX = 10_000
const PROPERTIES = ['correlation_id', 'message_id', 'timestamp']

/** One destination. Its first binding gives the weight; the others stand by. */
class Contender {
  readonly seed: number
  readonly bindings: Binding[] = []
  weight = 0

  constructor(seed: number) {
    this.seed = seed
  }

  update(): void {
    this.weight = this.bindings.length === 0 ? 0 : Number(this.bindings[0]!.record.routingKey)
  }
}

class ConsistentHashIndex implements ExchangeIndex {
  readonly usesEveryKey = false
  readonly keeper = null
  readonly #byDestination = new Map<string, Contender>()
  #contenders: readonly Contender[] = []
  #weightsDiffer = false
  readonly #header: string | undefined
  readonly #property: string | undefined

  constructor(args: Arguments) {
    this.#header = stringArgument(args, 'hash-header')
    this.#property = stringArgument(args, 'hash-property')
  }

  bind(binding: Binding): void {
    const name = destinationName(binding)
    const contender = this.#byDestination.get(name) ?? new Contender(hashText(name))
    contender.bindings.push(binding)
    contender.update()
    this.#byDestination.set(name, contender)
    this.#arrange()
  }

  unbind(binding: Binding): void {
    const name = destinationName(binding)
    const contender = this.#byDestination.get(name)
    if (contender === undefined) return
    const at = contender.bindings.indexOf(binding)
    if (at >= 0) contender.bindings.splice(at, 1)
    contender.update()
    if (contender.bindings.length === 0) this.#byDestination.delete(name)
    this.#arrange()
  }

  route(routingKey: string, facts: RoutingFacts, into: RouteSet): void {
    if (this.#contenders.length === 0) return
    const hash = hashText(this.#textOf(routingKey, facts))
    const winner = this.#weightsDiffer ? this.#weighted(hash) : this.#equal(hash)
    into.add(winner.bindings[0]!)
  }

  #textOf(routingKey: string, facts: RoutingFacts): string {
    if (this.#header !== undefined) return textOf(facts.header(this.#header))
    return this.#property === undefined ? routingKey : (facts.property(this.#property) ?? '')
  }

  #arrange(): void {
    this.#contenders = [...this.#byDestination.values()]
    const weight = this.#contenders[0]?.weight
    this.#weightsDiffer = this.#contenders.some((contender) => contender.weight !== weight)
  }

  #equal(hash: number): Contender {
    let winner = this.#contenders[0]!
    let highest = -1
    for (const contender of this.#contenders) {
      const lot = mix32(hash ^ contender.seed)
      if (lot > highest) {
        highest = lot
        winner = contender
      }
    }
    return winner
  }

  #weighted(hash: number): Contender {
    let winner = this.#contenders[0]!
    let highest = Number.NEGATIVE_INFINITY
    for (const contender of this.#contenders) {
      // ln(u)/w orders by u^(1/w), whose largest is each contender's with a chance in proportion to its weight.
      const lot = Math.log((mix32(hash ^ contender.seed) + 1) / 2 ** 32) / contender.weight
      if (lot > highest) {
        highest = lot
        winner = contender
      }
    }
    return winner
  }
}

function destinationName({ record }: Binding): string {
  return `${record.destinationKind} ${record.destination}`
}

function textOf(value: TypedValue | undefined): string {
  if (value === undefined) return ''
  return typeof value.value === 'object' ? JSON.stringify(value.value) : String(value.value)
}

function refusesArguments(args: Arguments): string | undefined {
  const property = args.get('hash-property')
  if (property === undefined) return undefined
  if (args.has('hash-header')) return 'hash-header and hash-property are mutually exclusive'
  const name = String(property.value)
  return PROPERTIES.includes(name) ? undefined : `Unsupported property: ${name}`
}

function refusesWeight(key: string): string | undefined {
  if (!/^[+-]?\d+$/.test(key)) return `The binding key must be an integer: <<"${key}">>`
  const weight = Number(key)
  if (weight < 1) return 'The binding key must be greater than 0'
  return weight > WEIGHT_MAX ? `The binding key must not exceed ${WEIGHT_MAX}` : undefined
}

export const consistentHash: ExchangeType = {
  name: 'x-consistent-hash',
  description: 'Consistent Hashing Exchange',
  routesByKeyAlone: false,
  keepsMessages: false,
  refusesArguments,
  refusesBinding: ({ record }) => refusesWeight(record.routingKey),
  create: (_record, args) => new ConsistentHashIndex(args),
}
