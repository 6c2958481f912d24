/**
 * Exchange type `headers`: the message's headers against the arguments of bindings. [AMQP 0-9-1 §3.1.3.4]
 *
 * `x-match` says how: `all` (default) or `any` of the arguments, leaving out those that start with `x-`; `all-with-x` and
 * `any-with-x` leave out `x-match` alone. A void argument asks for presence. Values are equal when their classes of types
 * and their values are: 1 is not "1", a short 1 is a long 1.
 */

import type { RoutingFacts } from '../message/message.ts'
import type { Binding, ExchangeIndex, ExchangeType, RouteSet } from '../routing/exchange.ts'
import { type Arguments, sameValue, type TypedValue } from '../values/arguments.ts'

const MATCH = 'x-match'
const MATCH_KINDS = ['all', 'any', 'all-with-x', 'any-with-x']

/** With more conditions than these, a message's headers are decoded once; each look-up without that reads them from the start. */
const LOOKUPS_MAX = 32

/** A header of the message, or undefined. */
type HeaderOf = (name: string) => TypedValue | undefined

/** A binding with its conditions laid out. */
class HeadersRule {
  readonly binding: Binding
  readonly matchesAny: boolean
  readonly names: readonly string[]
  readonly values: readonly TypedValue[]

  constructor(binding: Binding) {
    const kind = binding.arguments.get(MATCH)?.value ?? 'all'
    const withX = kind === 'all-with-x' || kind === 'any-with-x'
    const conditions = [...binding.arguments].filter(([name]) => (withX ? name !== MATCH : !name.startsWith('x-')))
    this.binding = binding
    this.matchesAny = kind === 'any' || kind === 'any-with-x'
    this.names = conditions.map(([name]) => name)
    this.values = conditions.map(([, value]) => value)
  }

  matches(headerOf: HeaderOf): boolean {
    for (let i = 0; i < this.names.length; i++) {
      if (this.#holds(i, headerOf) === this.matchesAny) return this.matchesAny
    }
    return !this.matchesAny
  }

  #holds(condition: number, headerOf: HeaderOf): boolean {
    const header = headerOf(this.names[condition]!)
    if (header === undefined) return false
    const wanted = this.values[condition]!
    return wanted.type === 'void' || sameValue(wanted, header)
  }
}

class HeadersIndex implements ExchangeIndex {
  readonly usesEveryKey = false
  readonly keeper = null
  readonly #rules = new Map<Binding, HeadersRule>()
  /** Of all rules. */
  #conditionCount = 0

  bind(binding: Binding): void {
    this.unbind(binding)
    const rule = new HeadersRule(binding)
    this.#rules.set(binding, rule)
    this.#conditionCount += rule.names.length
  }

  unbind(binding: Binding): void {
    this.#conditionCount -= this.#rules.get(binding)?.names.length ?? 0
    this.#rules.delete(binding)
  }

  route(_routingKey: string, facts: RoutingFacts, into: RouteSet): void {
    const headerOf = this.#conditionCount > LOOKUPS_MAX ? lookUp(facts.headers()) : (name: string) => facts.header(name)
    for (const rule of this.#rules.values()) if (rule.matches(headerOf)) into.add(rule.binding)
  }
}

function lookUp(headers: Arguments): HeaderOf {
  return (name) => headers.get(name)
}

/** Why the arguments of a binding are not acceptable, or undefined. */
function refusesMatch(args: Arguments): string | undefined {
  const match = args.get(MATCH)
  if (match === undefined) return undefined
  if (match.type !== 'longstr') {
    return `Invalid x-match field type ${match.type} (value ${String(match.value)}); expected longstr`
  }
  if (typeof match.value === 'string' && MATCH_KINDS.includes(match.value)) return undefined
  return `Invalid x-match field value "${String(match.value)}"; expected all, any, all-with-x, or any-with-x`
}

export const headers: ExchangeType = {
  name: 'headers',
  description: 'AMQP headers exchange, as per the AMQP specification',
  routesByKeyAlone: false,
  keepsMessages: false,
  refusesArguments: () => undefined,
  refusesBinding: (binding) => refusesMatch(binding.arguments),
  create: () => new HeadersIndex(),
}
