/**
 * The last words of a connection: what a client of its level is told about why it is closed. [MQTT 5.0 §3.2, §3.14]
 */
import { encodeConnack, encodeDisconnect } from './codec.ts'
import { MqttError } from './errors.ts'
import {
  IMPLEMENTATION_ERROR,
  LEVEL_5,
  LEVEL_311,
  type ProtocolLevel,
  RETURN_UNACCEPTABLE_LEVEL,
  returnCodeOf,
  UNSUPPORTED_PROTOCOL_VERSION,
} from './spec.ts'

/** How far a connection has got: nothing understood yet, CONNECT is being answered, CONNACK was sent. */
export type Acquaintance = 'greeting' | 'logging-in' | 'open'

/** What a client of some level can be told. */
export interface Listening {
  readonly level: ProtocolLevel
  readonly clientPacketBytesMax: number
}

/** The packet to close with; null where the protocol has none. */
export function goodbyeOf(
  error: unknown,
  state: Acquaintance,
  { level, clientPacketBytesMax }: Listening,
): Buffer | null {
  const isOurs = !(error instanceof MqttError)
  const reasonCode = isOurs ? IMPLEMENTATION_ERROR : error.reasonCode
  const text = isOurs ? 'internal error' : error.message
  if (state === 'open') return level === LEVEL_5 ? encodeDisconnect(reasonCode, text, clientPacketBytesMax) : null
  if (state === 'logging-in') {
    const code = level === LEVEL_5 ? reasonCode : returnCodeOf(reasonCode)
    return encodeConnack(level, false, code, { reasonString: text })
  }
  if (reasonCode !== UNSUPPORTED_PROTOCOL_VERSION) return null
  return encodeConnack(LEVEL_311, false, RETURN_UNACCEPTABLE_LEVEL, {})
}
