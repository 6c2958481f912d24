/**
 * Exchange type `fanout`: every binding, whatever the key. [AMQP 0-9-1 §3.1.3.2]
 */

import type { RoutingFacts } from '../message/message.ts'
import type { Binding, ExchangeIndex, ExchangeType, RouteSet } from '../routing/exchange.ts'

class FanoutIndex implements ExchangeIndex {
  readonly usesEveryKey = false
  readonly keeper = null
  readonly #bindings = new Set<Binding>()

  bind(binding: Binding): void {
    this.#bindings.add(binding)
  }

  unbind(binding: Binding): void {
    this.#bindings.delete(binding)
  }

  route(_routingKey: string, _facts: RoutingFacts, into: RouteSet): void {
    for (const binding of this.#bindings) into.add(binding)
  }
}

export const fanout: ExchangeType = {
  name: 'fanout',
  description: 'AMQP fanout exchange, as per the AMQP specification',
  routesByKeyAlone: true,
  keepsMessages: false,
  refusesArguments: () => undefined,
  refusesBinding: () => undefined,
  create: () => new FanoutIndex(),
}
