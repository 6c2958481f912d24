/**
 * What ends an MQTT connection: a reason code of MQTT 5.0 and a sentence. Thrown by the codec and the session, caught in
 * one place of the connection, which says goodbye as the client's protocol level allows.
 */
import { MALFORMED_PACKET, PACKET_TOO_LARGE, PROTOCOL_ERROR, TOPIC_FILTER_INVALID, TOPIC_NAME_INVALID } from './spec.ts'

/** Closes the connection it is thrown in. */
export class MqttError extends Error {
  readonly reasonCode: number

  constructor(reasonCode: number, text: string) {
    super(text)
    this.reasonCode = reasonCode
  }
}

/** The bytes are no packet of this protocol. */
export function malformed(text: string): MqttError {
  return new MqttError(MALFORMED_PACKET, text)
}

/** A packet that is well formed and not allowed here. */
export function protocolError(text: string): MqttError {
  return new MqttError(PROTOCOL_ERROR, text)
}

/** A packet beyond the limit. */
export function tooLarge(byteCount: number, byteCountMax: number): MqttError {
  return new MqttError(PACKET_TOO_LARGE, `packet of ${byteCount} bytes exceeds the limit of ${byteCountMax}`)
}

/** The limit that an error is about, as counted; null when it is about none. [docs/limits.md] */
export function limitOf({ reasonCode, message }: MqttError): 'mqtt_packets' | 'topics' | null {
  if (reasonCode === PACKET_TOO_LARGE) return 'mqtt_packets'
  const isOfTopic = reasonCode === TOPIC_NAME_INVALID || reasonCode === TOPIC_FILTER_INVALID
  return isOfTopic && /is too long|is longer|has more than/.test(message) ? 'topics' : null
}

/** A topic that cannot be published to. */
export function topicNameInvalid(why: string): MqttError {
  return new MqttError(TOPIC_NAME_INVALID, `topic name ${why}`)
}

/** A filter that cannot be subscribed to. */
export function topicFilterInvalid(why: string): MqttError {
  return new MqttError(TOPIC_FILTER_INVALID, `topic filter ${why}`)
}
