/**
 * The opening of a connection, up to the vhost: protocol header, login, tuning, open. [AMQP 0-9-1 §2.2.4, §1.4]
 *
 * Decides and builds; the connection keeps the state and talks. Texts and limits are RabbitMQ's.
 */
import { certificateName } from '../../auth/certificate-login.ts'
import { type Identity, isRefusal, type LoginRefusal, type LoginSource } from '../../auth/identity.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import { booleanArgument } from '../../model/values/arguments.ts'
import type { TransportEnds } from '../../net/transport.ts'
import { encodeMethod, type MethodArguments } from './codec.ts'
import { ConnectionError } from './errors.ts'
import type { FieldTable } from './fields.ts'
import type { Amqp091Settings, SessionWorld } from './session.ts'
import {
  CONNECTION_START,
  type CONNECTION_START_OK,
  CONNECTION_TUNE,
  type CONNECTION_TUNE_OK,
  FRAME_BYTES_MIN,
} from './spec.ts'

/** Octets of a protocol header. */
export const HEADER_BYTES = 8
const ANSWER_0_9_1 = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])
const ANSWER_1_0 = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0])

/** What a client agreed to. */
export interface Tuning {
  /** 0 is no limit. */
  readonly channelCountMax: number
  /** 0 is no limit. */
  readonly frameBytesMax: number
  /** 0 is no heartbeat. */
  readonly heartbeatSeconds: number
}

/** What a client says it understands. */
export interface ClientCapabilities {
  readonly blocked: boolean
  readonly cancelNotify: boolean
  readonly authenticationFailureClose: boolean
}

/** The answer to a protocol header: null when it is ours. RabbitMQ: 4.0's answers. */
export function refusesHeader(header: Buffer): Buffer | null {
  const isAmqp = header.toString('latin1', 0, 4) === 'AMQP'
  const version = header.toString('hex', 4, HEADER_BYTES)
  if (isAmqp && (version === '00000901' || version === '01010009')) return null
  const isNearly = isAmqp && header[4] === 0 && header[5] === 0 && header[6]! >= 9
  // AMQP 1.0 is not spoken here: a client that offers it is told what is.
  return isNearly || (isAmqp && version === '03010000') ? ANSWER_0_9_1 : ANSWER_1_0
}

/** connection.start. */
export function startFrame(world: SessionWorld, source: LoginSource): Buffer {
  return encodeMethod(CONNECTION_START, 0, {
    versionMajor: 0,
    versionMinor: 9,
    serverProperties: world.serverProperties,
    mechanisms: world.login.mechanisms(source).join(' '),
    locales: 'en_US',
  })
}

/** connection.tune. */
export function tuneFrame(settings: Amqp091Settings): Buffer {
  return encodeMethod(CONNECTION_TUNE, 0, {
    channelMax: settings.channelCountMax,
    frameMax: settings.frameBytesMax,
    heartbeat: settings.heartbeatSeconds,
  })
}

/** Where the login comes from. */
export function loginSource(ends: TransportEnds, { certificateRule }: Amqp091Settings): LoginSource {
  const certificateUser = certificateName(ends.tls?.peerCertificate ?? null, certificateRule)
  return {
    remoteAddress: ends.peerHost,
    isLoopback: ends.isLoopback,
    protocol: 'amqp091',
    ...(certificateUser !== undefined && { certificateUser }),
  }
}

/** What the client's properties say. */
export function capabilitiesOf(clientProperties: FieldTable): ClientCapabilities {
  const found = clientProperties.get('capabilities')
  const table: Arguments = found?.type === 'table' && found.value instanceof Map ? found.value : new Map()
  return {
    blocked: booleanArgument(table, 'connection.blocked') ?? false,
    cancelNotify: booleanArgument(table, 'consumer_cancel_notify') ?? false,
    authenticationFailureClose: booleanArgument(table, 'authentication_failure_close') ?? false,
  }
}

/** Checks a start-ok. Never rejects. */
export async function login(
  world: SessionWorld,
  args: MethodArguments<typeof CONNECTION_START_OK>,
  source: LoginSource,
): Promise<Identity | LoginRefusal> {
  const { mechanism, response } = args
  const result = await world.login.authenticate({ mechanism, response, source })
  const { counters } = world.broker
  if (isRefusal(result)) counters.authenticationFailed++
  else counters.authenticationSucceeded++
  return result
}

/** The error of a refused login; null when the client is not to be told. */
export function loginError(
  refusal: LoginRefusal,
  mechanism: string,
  capabilities: ClientCapabilities,
): ConnectionError | null {
  if (refusal.reason === 'mechanism') return ConnectionError.commandInvalid(refusal.text)
  if (refusal.reason === 'malformed') return ConnectionError.syntaxError(refusal.text)
  if (!capabilities.authenticationFailureClose) return null
  return ConnectionError.accessRefused(
    `Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`,
  )
}

/** Checks a tune-ok. Throws 530 for values outside of what was offered. */
export function agreedTuning(
  { channelMax, frameMax, heartbeat }: MethodArguments<typeof CONNECTION_TUNE_OK>,
  settings: Amqp091Settings,
): Tuning {
  checkRange('frame_max', frameMax, FRAME_BYTES_MIN, settings.frameBytesMax)
  checkRange('channel_max', channelMax, 1, settings.channelCountMax)
  return { channelCountMax: channelMax, frameBytesMax: frameMax, heartbeatSeconds: heartbeat }
}

function checkRange(name: string, value: number, min: number, offered: number): void {
  if (value !== 0 && value < min) {
    throw ConnectionError.notAllowed(`negotiated ${name} = ${value} is lower than the minimum allowed value (${min})`)
  }
  if (offered !== 0 && (value === 0 || value > offered)) {
    const shown = value === 0 ? '0 (no limit)' : value
    throw ConnectionError.notAllowed(
      `negotiated ${name} = ${shown} is higher than the maximum allowed value (${offered})`,
    )
  }
}
