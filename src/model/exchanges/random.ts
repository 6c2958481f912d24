/**
 * Exchange types `x-random` and `x-local-random`: each message to one binding, picked at random. The local one takes
 * classic queues only, which are on this node; with one node the two route alike.
 */

import type { RoutingFacts } from '../message/message.ts'
import type { Binding, ExchangeHost, ExchangeIndex, ExchangeType, RouteSet } from '../routing/exchange.ts'

class RandomIndex implements ExchangeIndex {
  readonly usesEveryKey = false
  readonly keeper = null
  readonly #host: ExchangeHost
  readonly #bindings: Binding[] = []

  constructor(host: ExchangeHost) {
    this.#host = host
  }

  bind(binding: Binding): void {
    this.#bindings.push(binding)
  }

  unbind(binding: Binding): void {
    const at = this.#bindings.indexOf(binding)
    if (at < 0) return
    this.#bindings[at] = this.#bindings[this.#bindings.length - 1]!
    this.#bindings.pop()
  }

  route(_routingKey: string, _facts: RoutingFacts, into: RouteSet): void {
    if (this.#bindings.length > 0) into.add(this.#bindings[this.#host.random(this.#bindings.length)]!)
  }
}

function refusesLocalBinding({ record, destination }: Binding): string | undefined {
  if (record.routingKey !== '') return `Non empty binding '${record.routingKey}' key not permitted`
  if (destination.kind === 'exchange') return 'Destination not found'
  const kind = destination.queue.kind
  return kind === 'classic' ? undefined : `Queue type rabbit_${kind}_queue not valid for this exchange type`
}

export const random: ExchangeType = {
  name: 'x-random',
  description: 'Random Exchange',
  routesByKeyAlone: false,
  keepsMessages: false,
  refusesArguments: () => undefined,
  refusesBinding: () => undefined,
  create: (_record, _args, host) => new RandomIndex(host),
}

export const localRandom: ExchangeType = {
  name: 'x-local-random',
  description: 'Picks one random local binding (queue) to route via (to).',
  routesByKeyAlone: false,
  keepsMessages: false,
  refusesArguments: () => undefined,
  refusesBinding: refusesLocalBinding,
  create: (_record, _args, host) => new RandomIndex(host),
}
