/**
 * What CONNECT asks for and CONNACK grants: session expiry, keep alive, the will, and the broker's own limits.
 */
import type { ConnectPacket, WillPacket } from './codec.ts'
import { topicNameInvalid } from './errors.ts'
import type { Properties } from './properties.ts'
import type { MqttSession } from './session.ts'
import { LEVEL_5, PACKET_ID_MAX, type ProtocolLevel, SESSION_NEVER_EXPIRES } from './spec.ts'
import { refusesTopicName } from './topics.ts'
import { Will } from './will.ts'
import type { Member, MqttSettings } from './world.ts'

/** What was granted to one client. */
export interface Grant {
  /** Null: it brought its own. */
  readonly assignedClientId: string | null
  readonly keepAliveSeconds: number
  readonly expirySeconds: number
}

/** Whether a CONNECT goes on with the session: not with one that ends with its connection, nor with one of another user. */
export function isResumed(
  { cleanStart }: ConnectPacket,
  { expirySeconds, user }: MqttSession,
  member: Member,
): boolean {
  return !cleanStart && expirySeconds > 0 && user === member.identity.user
}

/** Session expiry of a CONNECT. Before 5.0 a session that is not clean lasts as long as any may. */
export function requestedExpiry(settings: MqttSettings, { level, cleanStart, properties }: ConnectPacket): number {
  if (level === LEVEL_5) return grantedExpiry(settings, properties.sessionExpiryInterval ?? 0)
  return cleanStart ? 0 : grantedExpiry(settings, SESSION_NEVER_EXPIRES)
}

/** Session expiry within the limit. */
export function grantedExpiry({ sessionExpirySecondsMax }: MqttSettings, seconds: number): number {
  return Math.min(seconds, sessionExpirySecondsMax, SESSION_NEVER_EXPIRES)
}

/** Keep alive within the limit, which only clients of 5.0 can be told. 0: none. */
export function grantedKeepAlive({ keepAliveSecondsMax }: MqttSettings, level: ProtocolLevel, seconds: number): number {
  const isCapped = level === LEVEL_5 && keepAliveSecondsMax > 0 && (seconds === 0 || seconds > keepAliveSecondsMax)
  return isCapped ? keepAliveSecondsMax : seconds
}

/** Properties of a CONNACK that says yes. What is as the client asked, or as the specification assumes, is left out. */
export function connackProperties(settings: MqttSettings, packet: ConnectPacket, grant: Grant): Properties {
  const { receiveMax, packetBytesMax, topicAliasMax } = settings
  const { assignedClientId, keepAliveSeconds, expirySeconds } = grant
  const { authenticationMethod } = packet.properties
  return {
    sessionExpiryInterval: expirySeconds,
    ...(receiveMax < PACKET_ID_MAX && { receiveMaximum: receiveMax }),
    maximumPacketSize: packetBytesMax,
    ...(assignedClientId !== null && { assignedClientIdentifier: assignedClientId }),
    topicAliasMaximum: topicAliasMax,
    ...(authenticationMethod !== undefined && { authenticationMethod }),
    ...(keepAliveSeconds !== packet.keepAliveSeconds && { serverKeepAlive: keepAliveSeconds }),
  }
}

/** The will, when its topic can be published to. Whether the client may is asked when it is published. */
export function acceptedWill(packet: WillPacket): Will {
  const refusal = refusesTopicName(packet.topic)
  if (refusal !== undefined) throw topicNameInvalid(`of the will ${refusal}`)
  return Will.of(packet)
}
