/**
 * Topics that were published to, with all that publishing needs: text, routing bytes, and the route as long as it holds.
 * One cache per vhost, so that an idle connection costs nothing; each connection remembers its last topic by its bytes.
 */
import { utf8Text } from '../../base/bytes.ts'
import type { MessageDraft } from '../../model/message/message.ts'
import type { ExchangeCounters } from '../../model/routing/exchange.ts'
import type { Route } from '../../model/routing/route.ts'
import type { Vhost } from '../../model/vhost.ts'
import { malformed, topicNameInvalid } from './errors.ts'
import { refusesTopicName, type TopicNames } from './topics.ts'

/** Topics of a vhost; more, and it starts over. */
const TOPICS_MAX = 16_384

/** A topic. */
export class CachedTopic {
  readonly topic: string
  /** As on the wire. Owned. */
  readonly bytes: Buffer
  readonly routingKey: string
  /** Exchange and routing key, each with its length before it. */
  readonly routing: Buffer
  route: Route | null = null
  /** Of the exchange that the last route was found through. */
  counters: ExchangeCounters | null = null

  constructor(topic: string, bytes: Buffer, exchangeName: string, routingKey: string) {
    this.topic = topic
    this.bytes = bytes
    this.routingKey = routingKey
    const exchange = Buffer.from(exchangeName)
    const key = Buffer.from(routingKey)
    this.routing = Buffer.concat([Buffer.from([exchange.length]), exchange, Buffer.from([key.length]), key])
  }

  /** Whether these bytes are this topic. */
  is(bytes: Buffer, start: number, end: number): boolean {
    const own = this.bytes
    const length = end - start
    if (own.length !== length) return false
    // The ends of topics differ more often than their beginnings.
    for (let i = length - 1; i >= 0; i--) if (own[i] !== bytes[start + i]) return false
    return true
  }
}

/** Topics of one vhost. */
export class TopicCache {
  readonly #exchangeName: string
  readonly #names: TopicNames
  readonly #vhost: Vhost
  readonly #topics = new Map<string, CachedTopic>()

  constructor(vhost: Vhost, exchangeName: string, names: TopicNames) {
    this.#vhost = vhost
    this.#exchangeName = exchangeName
    this.#names = names
  }

  /** The topic of these bytes. Throws `MqttError` for one that cannot be published to. */
  find(bytes: Buffer, start: number, end: number): CachedTopic {
    const topic = utf8Text(bytes, start, end)
    if (topic === undefined || topic.includes('\u0000')) throw malformed('topic name is not acceptable text')
    return this.#topics.get(topic) ?? this.#add(topic)
  }

  /** The topic of this text. Throws `MqttError` for one that cannot be published to. */
  named(topic: string): CachedTopic {
    return this.#topics.get(topic) ?? this.#add(topic)
  }

  /** Addresses the draft to the topic and routes it. */
  route(topic: CachedTopic, draft: MessageDraft): Route | undefined {
    const vhost = this.#vhost
    draft.exchange = this.#exchangeName
    draft.routingKey = topic.routingKey
    draft.routing = topic.routing
    draft.routingStart = 0
    draft.routingEnd = topic.routing.length
    const known = topic.route
    if (known !== null && known.revision === vhost.topologyRevision) return known
    const exchange = vhost.exchange(this.#exchangeName)
    topic.counters = exchange?.counters ?? null
    if (exchange === undefined) return undefined
    const route = vhost.routeOf(exchange, draft)
    topic.route = route.isReusable ? route : null
    return route
  }

  #add(topic: string): CachedTopic {
    const refusal = refusesTopicName(topic)
    if (refusal !== undefined) throw topicNameInvalid(refusal)
    const routingKey = this.#names.routingKey(topic)
    if (Buffer.byteLength(routingKey) > 255) throw topicNameInvalid('is too long')
    const cached = new CachedTopic(topic, Buffer.from(topic), this.#exchangeName, routingKey)
    if (this.#topics.size >= TOPICS_MAX) this.#topics.clear()
    this.#topics.set(topic, cached)
    return cached
  }
}
