/**
 * What the model asks of a message's encoding when it has only the stored bytes: one format per protocol.
 *
 * Protocols implement it beside their codec (`convert`); the composition root puts the formats into a map by protocol
 * number. Dead-lettering, kept messages, tracing, the HTTP API and deliveries over another protocol use it; the path of
 * a message that is published and delivered over the same protocol does not.
 */
import type { Arguments, TypedValue } from '../values/arguments.ts'
import type { MessageView, RoutingFacts } from './message.ts'

/** Further routing keys that the publisher gave. Those of `bcc` are never shown to consumers. */
export interface ExtraKeys {
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
}

/** No further keys. */
export const NO_EXTRA_KEYS: ExtraKeys = { cc: [], bcc: [] }

/** Reads the stored messages of one protocol. */
export interface MessageFormat {
  /** `PROTOCOL_…` of `message.ts`. */
  readonly protocol: number
  /** Headers and properties, to route by. Borrowed like the view: read before the view moves. */
  facts(view: MessageView): RoutingFacts
  /** The keys in the message's own properties (CC, BCC). Dead letters have theirs in the annotations, which come first. */
  extraKeys(view: MessageView): ExtraKeys
  /**
   * The properties without the expiration and without what only routing needed (BCC). Owned by the caller. Asked only
   * when one of both is there.
   */
  withoutExpiration(view: MessageView): Buffer
  /** The message in the form that other protocols encode from. Buffers are borrowed like the view. */
  neutral(view: MessageView): NeutralMessage
}

/** Formats by protocol number. */
export type MessageFormats = ReadonlyMap<number, MessageFormat>

/** How the body is to be understood. `value` and `sequence` bodies are AMQP 1.0's own encoding of those sections. */
export type NeutralBodyKind = 'data' | 'value' | 'sequence'

/**
 * A message decoded once, for another protocol to encode: AMQP 1.0's sections by name, because they are the superset.
 * Absent is undefined. Broker annotations (deaths) are not in here: they are read with `readAnnotations`.
 */
export interface NeutralMessage {
  readonly durable: boolean
  readonly priority: number | undefined
  readonly ttlMs: number | undefined
  /** Text, ulong, uuid or binary, as the publisher typed it. */
  readonly messageId: TypedValue | undefined
  readonly correlationId: TypedValue | undefined
  readonly userId: string | undefined
  readonly to: string | undefined
  readonly subject: string | undefined
  readonly replyTo: string | undefined
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly absoluteExpiryMs: number | undefined
  readonly creationTimeMs: number | undefined
  readonly groupId: string | undefined
  readonly groupSequence: number | undefined
  readonly replyToGroupId: string | undefined
  /** AMQP 0-9-1's `type`, `app_id` and `cluster_id`. */
  readonly type: string | undefined
  readonly appId: string | undefined
  readonly clusterId: string | undefined
  /** The application's headers. */
  readonly headers: Arguments
  /** Headers in the name space of brokers and protocols (`x-…`), kept apart from the application's. */
  readonly annotations: Arguments
  readonly bodyKind: NeutralBodyKind
  /** One buffer per section; borrowed. */
  readonly body: readonly Buffer[]
}
