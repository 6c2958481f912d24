/**
 * Spans of messages that carry a W3C trace context: one for the publish, one for the time in the queue, one for the delivery.
 * The parent of all is the context in the message's headers `traceparent` and `tracestate`, which stay as they are:
 * consumers go on from the publisher's span. [W3C Trace Context; docs/tracing.md]
 */
import type { Attributes, Context, createTraceState, ROOT_CONTEXT, SpanKind, Tracer, trace } from '@opentelemetry/api'
import type { MessageDraft, MessageView, RoutingFacts } from '../../model/message/message.ts'
import type { MessageFormats } from '../../model/message/message-format.ts'
import type { MessageObserver, TraceContext } from '../../model/observe/tracing.ts'

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/

/** What is used of the API, which is loaded when it is wanted. */
export interface TelemetryApi {
  readonly trace: typeof trace
  readonly createTraceState: typeof createTraceState
  readonly ROOT_CONTEXT: typeof ROOT_CONTEXT
  readonly SpanKind: typeof SpanKind
}

/** Makes spans of messages. One per broker. */
export class MessageSpans implements MessageObserver {
  readonly #api: TelemetryApi
  readonly #tracer: Tracer
  readonly #formats: MessageFormats
  readonly #nowMs: () => number

  constructor(api: TelemetryApi, tracer: Tracer, formats: MessageFormats, nowMs: () => number) {
    this.#api = api
    this.#tracer = tracer
    this.#formats = formats
    this.#nowMs = nowMs
  }

  onPublished(draft: MessageDraft, vhost: string, context: TraceContext): void {
    const parent = this.#parentOf(draft.facts)
    if (parent === undefined) return
    const nowMs = this.#nowMs()
    const attributes = attributesOf('receive', draft.exchange, draft.routingKey, draft.bodyBytes, vhost, context)
    const kind = this.#api.SpanKind.CONSUMER
    const name = `publish ${draft.exchange === '' ? 'amq.default' : draft.exchange}`
    this.#tracer.startSpan(name, { kind, attributes, startTime: nowMs }, parent).end(nowMs)
  }

  onDelivered(view: MessageView, queue: string, redelivered: boolean, vhost: string, context: TraceContext): void {
    const facts = this.#formats.get(view.protocol)?.facts(view)
    const parent = facts === undefined ? undefined : this.#parentOf(facts)
    if (parent === undefined) return
    const { SpanKind, trace } = this.#api
    const nowMs = this.#nowMs()
    const attributes = {
      ...attributesOf('send', queue, view.routingKey(), view.bodyBytes, vhost, context),
      'warrenmq.redelivered': redelivered,
    }
    const startTime = Math.min(view.publishedAtMs, nowMs)
    const waiting = this.#tracer.startSpan(`queue ${queue}`, { kind: SpanKind.INTERNAL, attributes, startTime }, parent)
    const within = trace.setSpan(parent, waiting)
    const options = { kind: SpanKind.PRODUCER, attributes, startTime: nowMs }
    this.#tracer.startSpan(`deliver ${queue}`, options, within).end(nowMs)
    waiting.end(nowMs)
  }

  /** The context that a message carries; undefined without a valid one. */
  #parentOf(facts: RoutingFacts): Context | undefined {
    const [, traceId, spanId, flags] = TRACEPARENT.exec(textOf(facts, 'traceparent') ?? '') ?? []
    if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
    if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
    const { trace, createTraceState, ROOT_CONTEXT } = this.#api
    const state = textOf(facts, 'tracestate')
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId,
      spanId,
      traceFlags: Number.parseInt(flags, 16),
      isRemote: true,
      ...(state === undefined ? {} : { traceState: createTraceState(state) }),
    })
  }
}

function textOf(facts: RoutingFacts, name: string): string | undefined {
  const value = facts.header(name)
  return value?.type === 'longstr' ? String(value.value) : undefined
}

/** Names of OpenTelemetry's conventions for messaging, and two of our own. */
function attributesOf(
  operation: string,
  destination: string,
  routingKey: string,
  bodyBytes: number,
  vhost: string,
  { connection, user }: TraceContext,
): Attributes {
  return {
    'messaging.system': 'rabbitmq',
    'messaging.operation.type': operation,
    'messaging.destination.name': destination,
    'messaging.rabbitmq.destination.routing_key': routingKey,
    'messaging.message.body.size': bodyBytes,
    'messaging.client.id': connection,
    'warrenmq.vhost': vhost,
    'enduser.id': user,
  }
}
