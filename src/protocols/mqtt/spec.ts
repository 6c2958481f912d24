/**
 * MQTT's numbers: packet types, reason codes, and the table of properties with the packets that may carry them.
 * Read by the codec and the connection. [MQTT 3.1 §2, MQTT 3.1.1 §2, MQTT 5.0 §2]
 */

export const CONNECT = 1
export const CONNACK = 2
export const PUBLISH = 3
export const PUBACK = 4
export const PUBREC = 5
export const PUBREL = 6
export const PUBCOMP = 7
export const SUBSCRIBE = 8
export const SUBACK = 9
export const UNSUBSCRIBE = 10
export const UNSUBACK = 11
export const PINGREQ = 12
export const PINGRESP = 13
export const DISCONNECT = 14
export const AUTH = 15

/** Protocol levels. */
export const LEVEL_31 = 3
export const LEVEL_311 = 4
export const LEVEL_5 = 5
export type ProtocolLevel = typeof LEVEL_31 | typeof LEVEL_311 | typeof LEVEL_5

/** Reason codes of MQTT 5.0. Earlier levels know a few of them under other numbers. */
export const SUCCESS = 0x00
export const DISCONNECT_WITH_WILL = 0x04
export const NO_MATCHING_SUBSCRIBERS = 0x10
export const NO_SUBSCRIPTION_EXISTED = 0x11
export const UNSPECIFIED_ERROR = 0x80
export const MALFORMED_PACKET = 0x81
export const PROTOCOL_ERROR = 0x82
export const IMPLEMENTATION_ERROR = 0x83
export const UNSUPPORTED_PROTOCOL_VERSION = 0x84
export const CLIENT_ID_NOT_VALID = 0x85
export const BAD_USER_NAME_OR_PASSWORD = 0x86
export const NOT_AUTHORIZED = 0x87
export const SERVER_UNAVAILABLE = 0x88
export const SERVER_SHUTTING_DOWN = 0x8b
export const BAD_AUTHENTICATION_METHOD = 0x8c
/** In AUTH, of a client. */
export const RE_AUTHENTICATE = 0x19
export const KEEP_ALIVE_TIMEOUT = 0x8d
export const SESSION_TAKEN_OVER = 0x8e
export const TOPIC_FILTER_INVALID = 0x8f
export const TOPIC_NAME_INVALID = 0x90
export const PACKET_ID_NOT_FOUND = 0x92
export const RECEIVE_MAXIMUM_EXCEEDED = 0x93
export const TOPIC_ALIAS_INVALID = 0x94
export const PACKET_TOO_LARGE = 0x95
export const QUOTA_EXCEEDED = 0x97
export const ADMINISTRATIVE_ACTION = 0x98
export const MAXIMUM_CONNECT_TIME = 0xa0

/** Return codes of CONNACK before 5.0. [MQTT-3.2.2.3] */
export const RETURN_UNACCEPTABLE_LEVEL = 1
export const RETURN_IDENTIFIER_REJECTED = 2
export const RETURN_SERVER_UNAVAILABLE = 3
export const RETURN_BAD_CREDENTIALS = 4
export const RETURN_NOT_AUTHORIZED = 5

/** The return code that says nearest what a reason code says. */
export function returnCodeOf(reasonCode: number): number {
  switch (reasonCode) {
    case UNSUPPORTED_PROTOCOL_VERSION:
      return RETURN_UNACCEPTABLE_LEVEL
    case CLIENT_ID_NOT_VALID:
      return RETURN_IDENTIFIER_REJECTED
    case SERVER_UNAVAILABLE:
    case BAD_AUTHENTICATION_METHOD:
    case SERVER_SHUTTING_DOWN:
      return RETURN_SERVER_UNAVAILABLE
    case BAD_USER_NAME_OR_PASSWORD:
      return RETURN_BAD_CREDENTIALS
    default:
      return RETURN_NOT_AUTHORIZED
  }
}

/** Packet identifiers are 16 bits and never 0. */
export const PACKET_ID_MAX = 0xffff
/** Remaining length is at most four bytes of seven bits. */
export const REMAINING_LENGTH_MAX = 268_435_455
/** Of clients that set no limit: the longest packet there is. */
export const PACKET_BYTES_UNLIMITED = REMAINING_LENGTH_MAX + 5
/** Half keep alive intervals without a byte after which a client is gone. [MQTT-3.1.2-22] */
export const SILENT_HALVES_MAX = 3
/** Session expiry that means never. */
export const SESSION_NEVER_EXPIRES = 0xffff_ffff

/** Property identifiers. [MQTT 5.0 §2.2.2.2] */
export const PAYLOAD_FORMAT_INDICATOR = 0x01
export const MESSAGE_EXPIRY_INTERVAL = 0x02
export const CONTENT_TYPE = 0x03
export const RESPONSE_TOPIC = 0x08
export const CORRELATION_DATA = 0x09
export const SUBSCRIPTION_IDENTIFIER = 0x0b
export const SESSION_EXPIRY_INTERVAL = 0x11
export const ASSIGNED_CLIENT_IDENTIFIER = 0x12
export const SERVER_KEEP_ALIVE = 0x13
export const AUTHENTICATION_METHOD = 0x15
export const AUTHENTICATION_DATA = 0x16
export const REQUEST_PROBLEM_INFORMATION = 0x17
export const WILL_DELAY_INTERVAL = 0x18
export const REQUEST_RESPONSE_INFORMATION = 0x19
export const RESPONSE_INFORMATION = 0x1a
export const SERVER_REFERENCE = 0x1c
export const REASON_STRING = 0x1f
export const RECEIVE_MAXIMUM = 0x21
export const TOPIC_ALIAS_MAXIMUM = 0x22
export const TOPIC_ALIAS = 0x23
export const MAXIMUM_QOS = 0x24
export const RETAIN_AVAILABLE = 0x25
export const USER_PROPERTY = 0x26
export const MAXIMUM_PACKET_SIZE = 0x27
export const WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28
export const SUBSCRIPTION_IDENTIFIER_AVAILABLE = 0x29
export const SHARED_SUBSCRIPTION_AVAILABLE = 0x2a

/** Wire types of property values. */
export type PropertyType = 'byte' | 'u16' | 'u32' | 'varint' | 'text' | 'binary' | 'pair'

/** Will properties are a place of their own, not a packet type: 0 is free. */
export const WILL = 0

/** A property: its type, and the packets (and the will) that may carry it. */
export interface PropertySpec {
  readonly id: number
  readonly name: string
  readonly type: PropertyType
  readonly places: readonly number[]
}

const ACKS = [PUBACK, PUBREC, PUBREL, PUBCOMP]
const ANSWERS = [CONNACK, ...ACKS, SUBACK, UNSUBACK, DISCONNECT, AUTH]

/** Every property there is. */
export const PROPERTY_TABLE: readonly PropertySpec[] = [
  { id: PAYLOAD_FORMAT_INDICATOR, name: 'payloadFormatIndicator', type: 'byte', places: [PUBLISH, WILL] },
  { id: MESSAGE_EXPIRY_INTERVAL, name: 'messageExpiryInterval', type: 'u32', places: [PUBLISH, WILL] },
  { id: CONTENT_TYPE, name: 'contentType', type: 'text', places: [PUBLISH, WILL] },
  { id: RESPONSE_TOPIC, name: 'responseTopic', type: 'text', places: [PUBLISH, WILL] },
  { id: CORRELATION_DATA, name: 'correlationData', type: 'binary', places: [PUBLISH, WILL] },
  { id: SUBSCRIPTION_IDENTIFIER, name: 'subscriptionIdentifier', type: 'varint', places: [PUBLISH, SUBSCRIBE] },
  { id: SESSION_EXPIRY_INTERVAL, name: 'sessionExpiryInterval', type: 'u32', places: [CONNECT, CONNACK, DISCONNECT] },
  { id: ASSIGNED_CLIENT_IDENTIFIER, name: 'assignedClientIdentifier', type: 'text', places: [CONNACK] },
  { id: SERVER_KEEP_ALIVE, name: 'serverKeepAlive', type: 'u16', places: [CONNACK] },
  { id: AUTHENTICATION_METHOD, name: 'authenticationMethod', type: 'text', places: [CONNECT, CONNACK, AUTH] },
  { id: AUTHENTICATION_DATA, name: 'authenticationData', type: 'binary', places: [CONNECT, CONNACK, AUTH] },
  { id: REQUEST_PROBLEM_INFORMATION, name: 'requestProblemInformation', type: 'byte', places: [CONNECT] },
  { id: WILL_DELAY_INTERVAL, name: 'willDelayInterval', type: 'u32', places: [WILL] },
  { id: REQUEST_RESPONSE_INFORMATION, name: 'requestResponseInformation', type: 'byte', places: [CONNECT] },
  { id: RESPONSE_INFORMATION, name: 'responseInformation', type: 'text', places: [CONNACK] },
  { id: SERVER_REFERENCE, name: 'serverReference', type: 'text', places: [CONNACK, DISCONNECT] },
  { id: REASON_STRING, name: 'reasonString', type: 'text', places: ANSWERS },
  { id: RECEIVE_MAXIMUM, name: 'receiveMaximum', type: 'u16', places: [CONNECT, CONNACK] },
  { id: TOPIC_ALIAS_MAXIMUM, name: 'topicAliasMaximum', type: 'u16', places: [CONNECT, CONNACK] },
  { id: TOPIC_ALIAS, name: 'topicAlias', type: 'u16', places: [PUBLISH] },
  { id: MAXIMUM_QOS, name: 'maximumQos', type: 'byte', places: [CONNACK] },
  { id: RETAIN_AVAILABLE, name: 'retainAvailable', type: 'byte', places: [CONNACK] },
  {
    id: USER_PROPERTY,
    name: 'userProperty',
    type: 'pair',
    places: [CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, WILL, ...ANSWERS],
  },
  { id: MAXIMUM_PACKET_SIZE, name: 'maximumPacketSize', type: 'u32', places: [CONNECT, CONNACK] },
  { id: WILDCARD_SUBSCRIPTION_AVAILABLE, name: 'wildcardSubscriptionAvailable', type: 'byte', places: [CONNACK] },
  { id: SUBSCRIPTION_IDENTIFIER_AVAILABLE, name: 'subscriptionIdentifierAvailable', type: 'byte', places: [CONNACK] },
  { id: SHARED_SUBSCRIPTION_AVAILABLE, name: 'sharedSubscriptionAvailable', type: 'byte', places: [CONNACK] },
]

/** Properties by identifier; undefined where there is none. */
export const PROPERTY_BY_ID: readonly (PropertySpec | undefined)[] = Array.from({ length: 0x2b }, (_, id) =>
  PROPERTY_TABLE.find((spec) => spec.id === id),
)
