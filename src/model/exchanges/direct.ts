/**
 * Exchange type `direct`: the routing key equals the binding key. [AMQP 0-9-1 §3.1.3.1]
 */

import type { RoutingFacts } from '../message/message.ts'
import type { Binding, ExchangeIndex, ExchangeType, RouteSet } from '../routing/exchange.ts'

class DirectIndex implements ExchangeIndex {
  readonly usesEveryKey = true
  readonly keeper = null
  readonly #byKey = new Map<string, Set<Binding>>()

  bind(binding: Binding): void {
    const bindings = this.#byKey.get(binding.record.routingKey)
    if (bindings === undefined) this.#byKey.set(binding.record.routingKey, new Set([binding]))
    else bindings.add(binding)
  }

  unbind(binding: Binding): void {
    const bindings = this.#byKey.get(binding.record.routingKey)
    bindings?.delete(binding)
    if (bindings?.size === 0) this.#byKey.delete(binding.record.routingKey)
  }

  route(routingKey: string, _facts: RoutingFacts, into: RouteSet): void {
    const bindings = this.#byKey.get(routingKey)
    if (bindings !== undefined) for (const binding of bindings) into.add(binding)
  }
}

export const direct: ExchangeType = {
  name: 'direct',
  description: 'AMQP direct exchange, as per the AMQP specification',
  routesByKeyAlone: true,
  keepsMessages: false,
  refusesArguments: () => undefined,
  refusesBinding: () => undefined,
  create: () => new DirectIndex(),
}
