/**
 * Exchange type `topic`: words of the routing key against patterns with `*` and `#`. [AMQP 0-9-1 §3.1.3.3]
 */

import type { RoutingFacts } from '../message/message.ts'
import type { Binding, ExchangeIndex, ExchangeType, RouteSet } from '../routing/exchange.ts'
import { refusesTopicPattern, type TopicSink, TopicTrie } from '../routing/topic-trie.ts'

class TopicIndex implements ExchangeIndex, TopicSink<Binding> {
  readonly usesEveryKey = true
  readonly keeper = null
  readonly #trie = new TopicTrie<Binding>()
  #into: RouteSet | null = null

  bind(binding: Binding): void {
    this.#trie.add(binding.record.routingKey, binding)
  }

  unbind(binding: Binding): void {
    this.#trie.remove(binding.record.routingKey, binding)
  }

  route(routingKey: string, _facts: RoutingFacts, into: RouteSet): void {
    this.#into = into
    this.#trie.match(routingKey, this)
    this.#into = null
  }

  onMatch(binding: Binding): void {
    this.#into?.add(binding)
  }
}

export const topic: ExchangeType = {
  name: 'topic',
  description: 'AMQP topic exchange, as per the AMQP specification',
  routesByKeyAlone: true,
  keepsMessages: false,
  refusesArguments: () => undefined,
  refusesBinding: ({ record }) => refusesTopicPattern(record.routingKey),
  create: () => new TopicIndex(),
}
