/**
 * The firehose: copies of what is published and delivered in a vhost, sent to its exchange `amq.rabbitmq.trace`, and to taps
 * (traces to file) that see the same copies without a queue.
 *
 * Routing keys are `publish.<exchange>` and `deliver.<queue>`; headers tell the circumstances; the body is the original.
 * Sessions ask `vhost.isTraced` before they call. Messages that are published to the trace exchange are not traced.
 * [RabbitMQ: firehose]
 */

import { MessageDraft, type MessageView, NO_EXPIRATION, NO_FACTS, type RoutingFacts } from '../message/message.ts'
import type { MessageFormats } from '../message/message-format.ts'
import type { Route } from '../routing/route.ts'
import { TRACE_EXCHANGE } from '../routing/system-exchanges.ts'
import { type Arguments, integerValue, stringValue, type TypedValue } from '../values/arguments.ts'
import type { PropertiesEncoder } from '../world.ts'

const KEY_BYTES_MAX = 255

/** Properties as the trace shows them, in RabbitMQ's spelling. */
const PROPERTIES = [
  'content_type',
  'content_encoding',
  'correlation_id',
  'reply_to',
  'expiration',
  'message_id',
  'timestamp',
  'type',
  'user_id',
  'app_id',
  'cluster_id',
]

/** Where something was published or delivered. */
export interface TraceContext {
  readonly connection: string
  readonly channel: number
  readonly user: string
}

/** Sees every copy, whether or not the exchange gets it. */
export interface TraceTap {
  /** `copy` has the routing key and the body; both are borrowed until return. Must neither throw nor publish. */
  onTrace(copy: MessageDraft, headers: Arguments): void
}

/** Follows messages themselves, not copies of them. Must neither throw nor publish; everything is borrowed until return. */
export interface MessageObserver {
  onPublished(draft: MessageDraft, vhost: string, context: TraceContext): void
  onDelivered(view: MessageView, queue: string, redelivered: boolean, vhost: string, context: TraceContext): void
}

/** What the tracer needs of its vhost. */
export interface TraceHost {
  readonly vhost: string
  readonly nodeName: string
  readonly encoder: PropertiesEncoder
  readonly formats: MessageFormats
  /** Whether copies go to the trace exchange. */
  publishes(): boolean
  nowMs(): number
  publish(draft: MessageDraft): void
}

/** Copies messages to the trace exchange. */
export class Tracer {
  readonly #host: TraceHost
  readonly #draft = new MessageDraft()
  /** Changed by the vhost, which keeps `isTraced` current. */
  readonly taps = new Set<TraceTap>()
  /** Changed by the vhost, too. */
  observer: MessageObserver | null = null

  constructor(host: TraceHost) {
    this.#host = host
  }

  /** Before the publish; the route is still the draft's. */
  published(draft: MessageDraft, route: Route, context: TraceContext): void {
    if (draft.exchange === TRACE_EXCHANGE) return
    this.observer?.onPublished(draft, this.#host.vhost, context)
    if (!this.#isCopied) return
    const keys = [draft.routingKey, ...(draft.extraKeys ?? [])]
    const queues = route.targets.filter((target) => target.name !== '').map((target) => stringValue(target.name))
    const headers = this.#headers(draft.exchange, keys, draft.facts, draft.persistent, context)
    headers.set('routed_queues', { type: 'array', value: queues })
    const copy = this.#draft
    copy.body = draft.body
    copy.bodyStart = draft.bodyStart
    copy.bodyEnd = draft.bodyEnd
    copy.bodyParts = draft.bodyParts
    copy.bodyBytes = draft.bodyBytes
    this.#send(`publish.${draft.exchange}`, headers)
  }

  /** `view` is what is delivered from the queue. */
  delivered(view: MessageView, queue: string, redelivered: boolean, context: TraceContext): void {
    const exchange = view.exchange()
    if (exchange === TRACE_EXCHANGE) return
    this.observer?.onDelivered(view, queue, redelivered, this.#host.vhost, context)
    if (!this.#isCopied) return
    const format = this.#host.formats.get(view.protocol)
    const keys = [view.routingKey(), ...(format?.extraKeys(view).cc ?? [])]
    const headers = this.#headers(exchange, keys, format?.facts(view), view.persistent, context)
    headers.set('redelivered', { type: 'signedint', value: redelivered ? 1 : 0 })
    const copy = this.#draft
    copy.body = view.bytes
    copy.bodyStart = view.bodyStart
    copy.bodyEnd = view.bodyEnd
    copy.bodyParts = null
    copy.bodyBytes = view.bodyBytes
    this.#send(`deliver.${queue}`, headers)
  }

  get #isCopied(): boolean {
    return this.taps.size > 0 || this.#host.publishes()
  }

  #headers(
    exchange: string,
    keys: readonly string[],
    facts: RoutingFacts | undefined,
    persistent: boolean,
    context: TraceContext,
  ): Map<string, TypedValue> {
    return new Map<string, TypedValue>([
      ['exchange_name', stringValue(exchange)],
      ['routing_keys', { type: 'array', value: keys.map(stringValue) }],
      ['properties', { type: 'table', value: propertiesTable(facts, persistent) }],
      ['node', stringValue(this.#host.nodeName)],
      ['vhost', stringValue(this.#host.vhost)],
      ['connection', stringValue(context.connection)],
      ['channel', integerValue(context.channel)],
      ['user', stringValue(context.user)],
    ])
  }

  #send(routingKey: string, headers: Arguments): void {
    const draft = this.#draft
    const { encoder } = this.#host
    const nowMs = this.#host.nowMs()
    draft.address(TRACE_EXCHANGE, cut(routingKey))
    draft.protocol = encoder.protocol
    draft.properties = encoder.encode(headers, false, 0)
    draft.propertiesStart = 0
    draft.propertiesEnd = draft.properties.length
    draft.expirationMs = NO_EXPIRATION
    draft.publishedAtMs = nowMs
    draft.facts = { ...NO_FACTS, header: (name) => headers.get(name), headers: () => headers }
    for (const tap of this.taps) tap.onTrace(draft, headers)
    if (this.#host.publishes()) this.#host.publish(draft)
  }
}

/** A routing key has at most 255 bytes; the name behind the prefix may have as many. */
function cut(routingKey: string): string {
  if (Buffer.byteLength(routingKey) <= KEY_BYTES_MAX) return routingKey
  // A character that is cut in two decodes to U+FFFD.
  return Buffer.from(routingKey)
    .subarray(0, KEY_BYTES_MAX)
    .toString()
    .replace(/\ufffd$/, '')
}

function propertiesTable(facts: RoutingFacts | undefined, persistent: boolean): Arguments {
  const table = new Map<string, TypedValue>()
  if (facts === undefined) return table
  for (const name of PROPERTIES) {
    const value = facts.property(name)
    if (value !== undefined) table.set(name, stringValue(value))
  }
  const headers = facts.headers()
  if (headers.size > 0) table.set('headers', { type: 'table', value: headers })
  table.set('delivery_mode', { type: 'signedint', value: persistent ? 2 : 1 })
  return table
}
