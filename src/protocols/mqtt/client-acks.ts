/** PUBACK, PUBREC, PUBREL and PUBCOMP of a client: to the deliveries or the received identifiers of its session. [MQTT 5.0 §3.4–§3.7] */
import type { AckLine } from './ack-line.ts'
import { decodeAck } from './codec.ts'
import { protocolError } from './errors.ts'
import type { MqttSession } from './session.ts'
import * as spec from './spec.ts'

/** The connection's side. */
export interface AckPeer {
  readonly level: spec.ProtocolLevel
  readonly acks: AckLine
}

/** Handles one. Throws `MqttError`. */
export function onAck(
  session: MqttSession,
  peer: AckPeer,
  type: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  let packetId = 0
  let reasonCode = spec.SUCCESS
  if (end - start === 2) {
    packetId = (bytes[start]! << 8) | bytes[start + 1]!
    if (packetId === 0) throw protocolError('packet identifier is 0')
  } else ({ packetId, reasonCode } = decodeAck(bytes, start, end, peer.level, type))
  switch (type) {
    case spec.PUBACK:
      return session.deliveries.onPuback(packetId, reasonCode)
    case spec.PUBREC:
      return session.deliveries.onPubrec(packetId, reasonCode)
    case spec.PUBCOMP:
      return session.deliveries.onPubcomp(packetId)
    default: {
      const isKnown = session.received.drop(packetId)
      const answer = isKnown || peer.level !== spec.LEVEL_5 ? spec.SUCCESS : spec.PACKET_ID_NOT_FOUND
      peer.acks.add(spec.PUBCOMP, packetId, answer, false)
    }
  }
}
