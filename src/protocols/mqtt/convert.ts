/**
 * MQTT messages for everybody else, and everybody else's for MQTT: routing facts, and the neutral form both ways.
 * Deliveries of messages that came over MQTT copy the publisher's properties and never pass here.
 *
 *   MQTT 5.0                  neutral
 *   QoS above 0               durable
 *   content type              content type
 *   correlation data          correlation id: text when it is UTF-8, else binary
 *   response topic            annotation x-reply-to-topic
 *   user properties           headers, `x-…` ones annotations; of one name the last counts
 *   payload format 1          annotation x-opt-mqtt-payload-format
 */
import { ByteReader, ByteWriter, utf8Text } from '../../base/bytes.ts'
import { type MessageView, NO_EXPIRATION, PROTOCOL_MQTT, type RoutingFacts } from '../../model/message/message.ts'
import { type MessageFormat, type NeutralMessage, NO_EXTRA_KEYS } from '../../model/message/message-format.ts'
import { type Arguments, NO_ARGUMENTS, stringValue, type TypedValue } from '../../model/values/arguments.ts'
import { encodeProperties, type Properties, readProperties, writeVarint } from './properties.ts'
import { PUBLISH } from './spec.ts'
import { annotatedClientId, blockStart, FLAG_PROPERTIES, QOS_MASK } from './stored-properties.ts'

const REPLY_TO_TOPIC = 'x-reply-to-topic'
const CLIENT_ID = 'x-opt-mqtt-client-id'
const PAYLOAD_FORMAT = 'x-opt-mqtt-payload-format'
const VALUE_CONTENT_TYPE = 'message/vnd.rabbitmq.amqp'
/** Longest correlation data shown as text: that of an AMQP 0-9-1 property. */
const CORRELATION_TEXT_BYTES_MAX = 255
const TEXT_BYTES_MAX = 0xffff

/** Stored messages that came over MQTT. */
export const MQTT_FORMAT: MessageFormat = {
  protocol: PROTOCOL_MQTT,
  facts: (view) => factsOf(propertiesOf(view)),
  extraKeys: () => NO_EXTRA_KEYS,
  withoutExpiration: (view) => Buffer.from(view.bytes.subarray(view.propertiesStart, view.propertiesEnd)),
  neutral,
}

/** The facts of a property block, decoded when they are asked for. `block` is borrowed until then. */
export class BlockFacts implements RoutingFacts {
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0

  header(name: string): TypedValue | undefined {
    return this.headers().get(name)
  }

  headers(): Arguments {
    return this.start === this.end ? NO_ARGUMENTS : factsOf(this.#properties()).headers()
  }

  property(name: string): string | undefined {
    return this.start === this.end ? undefined : factsOf(this.#properties()).property(name)
  }

  #properties(): Properties {
    return decodeBlock(this.bytes, this.start, this.end)
  }
}

/** Decodes the property block of a PUBLISH. */
export function decodeBlock(bytes: Buffer, start: number, end: number): Properties {
  const block = new ByteWriter()
  writeVarint(block, end - start)
  block.bytes(bytes.subarray(start, end))
  const whole = block.finish()
  return readProperties(new ByteReader(whole, 0, whole.length), PUBLISH)
}

function propertiesOf(view: MessageView): Properties {
  if ((view.bytes[view.propertiesStart]! & FLAG_PROPERTIES) === 0) return {}
  return decodeBlock(view.bytes, blockStart(view), view.propertiesEnd)
}

function factsOf(properties: Properties): RoutingFacts {
  const headers = headersOf(properties)
  return {
    header: (name) => headers.get(name),
    headers: () => headers,
    property: (name) => {
      if (name === 'content_type') return properties.contentType
      if (name !== 'correlation_id') return undefined
      const id = correlationOf(properties)
      return typeof id?.value === 'string' ? id.value : undefined
    },
  }
}

function headersOf({ userProperties, responseTopic }: Properties): Map<string, TypedValue> {
  const headers = new Map<string, TypedValue>()
  for (const [name, value] of userProperties ?? []) headers.set(name, stringValue(value))
  if (responseTopic !== undefined) headers.set(REPLY_TO_TOPIC, stringValue(responseTopic))
  return headers
}

function correlationOf({ correlationData }: Properties): TypedValue | undefined {
  if (correlationData === undefined) return undefined
  const text =
    correlationData.length <= CORRELATION_TEXT_BYTES_MAX
      ? utf8Text(correlationData, 0, correlationData.length)
      : undefined
  return text === undefined ? { type: 'binary', value: correlationData } : stringValue(text)
}

function neutral(view: MessageView): NeutralMessage {
  const properties = propertiesOf(view)
  const headers = headersOf(properties)
  if (properties.payloadFormatIndicator === 1) headers.set(PAYLOAD_FORMAT, { type: 'unsignedbyte', value: 1 })
  const clientId = annotatedClientId(view)
  if (clientId !== undefined) headers.set(CLIENT_ID, stringValue(clientId))
  return {
    ...NOTHING_SAID,
    durable: (view.bytes[view.propertiesStart]! & QOS_MASK) > 0,
    ttlMs: view.expirationMs === NO_EXPIRATION ? undefined : view.expirationMs,
    correlationId: correlationOf(properties),
    contentType: properties.contentType,
    headers: new Map([...headers].filter(([name]) => !name.startsWith('x-'))),
    annotations: new Map([...headers].filter(([name]) => name.startsWith('x-'))),
    body: [view.bytes.subarray(view.bodyStart, view.bodyEnd)],
  }
}

const NOTHING_SAID = {
  priority: undefined,
  messageId: undefined,
  userId: undefined,
  to: undefined,
  subject: undefined,
  replyTo: undefined,
  contentEncoding: undefined,
  absoluteExpiryMs: undefined,
  creationTimeMs: undefined,
  groupId: undefined,
  groupSequence: undefined,
  replyToGroupId: undefined,
  type: undefined,
  appId: undefined,
  clusterId: undefined,
  bodyKind: 'data',
} as const

/** A message of another protocol, as a PUBLISH of MQTT 5.0 carries it. */
export interface ForeignContent {
  /** The property block without its length. */
  readonly properties: Buffer
  readonly body: Buffer
}

/** Converts. `topicOf` turns a routing key into a topic. Allocates: off the path of MQTT's own messages. */
export function contentOfNeutral(message: NeutralMessage, topicOf: (key: string) => string): ForeignContent {
  const properties: Properties = {}
  const contentType = message.bodyKind === 'data' ? message.contentType : VALUE_CONTENT_TYPE
  if (contentType !== undefined && fits(contentType)) properties.contentType = contentType
  const correlation = bytesOf(message.correlationId)
  if (correlation !== undefined && correlation.length <= TEXT_BYTES_MAX) properties.correlationData = correlation
  const responseTopic = responseTopicOf(message, topicOf)
  if (responseTopic !== undefined) properties.responseTopic = responseTopic
  if (message.annotations.get(PAYLOAD_FORMAT)?.value === 1) properties.payloadFormatIndicator = 1
  const pairs: [string, string][] = []
  for (const [name, value] of [...message.headers, ...message.annotations]) {
    if (name === REPLY_TO_TOPIC || name === PAYLOAD_FORMAT) continue
    const text = textOf(value)
    if (text !== undefined && fits(name) && fits(text)) pairs.push([name, text])
  }
  if (pairs.length > 0) properties.userProperties = pairs
  const writer = new ByteWriter()
  encodeProperties(writer, properties)
  const body = message.body.length === 1 ? message.body[0]! : Buffer.concat(message.body)
  return { properties: writer.finish(), body }
}

function responseTopicOf({ annotations }: NeutralMessage, topicOf: (key: string) => string): string | undefined {
  const topic = annotations.get(REPLY_TO_TOPIC)?.value
  if (typeof topic !== 'string' || topic === '' || /[+#]/.test(topic)) return undefined
  const translated = topicOf(topic)
  return fits(translated) ? translated : undefined
}

/** Whether the text may stand in a packet. */
function fits(text: string): boolean {
  return Buffer.byteLength(text) <= TEXT_BYTES_MAX && !text.includes('\u0000')
}

function bytesOf(id: TypedValue | undefined): Buffer | undefined {
  if (id === undefined) return undefined
  if (id.value instanceof Uint8Array) return Buffer.from(id.value)
  return typeof id.value === 'object' ? undefined : Buffer.from(String(id.value))
}

/** Simple values as text; tables, arrays and the like have none. */
function textOf({ value }: TypedValue): string | undefined {
  if (typeof value === 'object') return undefined
  return String(value)
}
