/**
 * Exchange type `x-modulus-hash`: each message to one destination, number "hash of the routing key modulo the number of
 * destinations" of the sorted destinations. Stable over restarts; adding a destination moves most keys.
 */

import type { RoutingFacts } from '../message/message.ts'
import type { Binding, ExchangeIndex, ExchangeType, RouteSet } from '../routing/exchange.ts'
import { hashText } from './hash.ts'

class ModulusHashIndex implements ExchangeIndex {
  readonly usesEveryKey = false
  readonly keeper = null
  /** Bindings by destination, sorted; several bindings to one destination count once. */
  #sorted: readonly Binding[] = []
  readonly #bindings = new Set<Binding>()

  bind(binding: Binding): void {
    this.#bindings.add(binding)
    this.#sort()
  }

  unbind(binding: Binding): void {
    this.#bindings.delete(binding)
    this.#sort()
  }

  route(routingKey: string, _facts: RoutingFacts, into: RouteSet): void {
    if (this.#sorted.length > 0) into.add(this.#sorted[hashText(routingKey) % this.#sorted.length]!)
  }

  #sort(): void {
    const byDestination = new Map<string, Binding>()
    for (const binding of this.#bindings) {
      byDestination.set(`${binding.record.destinationKind} ${binding.record.destination}`, binding)
    }
    this.#sorted = [...byDestination.keys()].sort().map((name) => byDestination.get(name)!)
  }
}

export const modulusHash: ExchangeType = {
  name: 'x-modulus-hash',
  description: 'Modulus Hashing Exchange',
  routesByKeyAlone: true,
  keepsMessages: false,
  refusesArguments: () => undefined,
  refusesBinding: () => undefined,
  create: () => new ModulusHashIndex(),
}
