/**
 * From CONNECT to a member: the checks in RabbitMQ's order, each with its reason code. [MQTT 5.0 §3.1.4; RabbitMQ: MQTT]
 */
import { certificateName } from '../../auth/certificate-login.ts'
import { type Identity, isRefusal, type LoginRefusal, type LoginSource } from '../../auth/identity.ts'
import { uniqueName } from '../../base/random.ts'
import { known } from '../../model/access/access-pending.ts'
import type { SessionPermissions } from '../../model/permissions.ts'
import type { TransportEnds } from '../../net/transport.ts'
import type { ConnectPacket } from './codec.ts'
import { MqttError } from './errors.ts'
import { withToken } from './renewal.ts'
import {
  BAD_USER_NAME_OR_PASSWORD,
  CLIENT_ID_NOT_VALID,
  LEVEL_5,
  NOT_AUTHORIZED,
  QUOTA_EXCEEDED,
  SERVER_UNAVAILABLE,
} from './spec.ts'
import type { Member, MqttSettings, MqttWorld } from './world.ts'

/** Longest client id: it is part of the names of queues. */
export const CLIENT_ID_BYTES_MAX = 200

const PORT_VHOSTS = 'mqtt_port_to_vhost_mapping'
const CERTIFICATE_VHOSTS = 'mqtt_default_vhosts'

/** What `listings` and authenticators know the protocol by. */
export const PROTOCOL_NAME = 'mqtt'

interface Claim {
  readonly user: string | null
  readonly password: string
  readonly vhostName: string
  readonly isCertificate: boolean
}

/** Logs in. Rejects with an `MqttError` whose reason code is that of CONNACK. */
export async function logIn(world: MqttWorld, ends: TransportEnds, asked: ConnectPacket): Promise<Member> {
  const { settings } = world
  const packet = withToken(asked)
  const { authenticationMethod = null } = packet.properties
  checkCertificateClientId(settings, ends, packet.clientId)
  const assignedClientId = assignClientId(world, packet)
  const clientId = assignedClientId ?? packet.clientId
  const claim = claimOf(world, ends, packet)
  const vhost = world.broker.vhost(claim.vhostName)
  if (vhost === undefined) throw new MqttError(BAD_USER_NAME_OR_PASSWORD, `vhost '${claim.vhostName}' not found`)
  const identity = await authenticate(world, ends, claim, clientId)
  const permissions = world.broker.sessionPermissions(identity, vhost.name, clientId)
  await known(() => checkLimits(world, permissions))
  const isIdAssigned = assignedClientId !== null
  const mechanism = claim.isCertificate ? 'EXTERNAL' : (authenticationMethod ?? 'PLAIN')
  return { identity, vhost, permissions, clientId, isIdAssigned, mechanism, authenticationMethod }
}

/** Why the connection may not be in the vhost now. Asked again when it is registered. */
export function checkLimits(world: MqttWorld, permissions: SessionPermissions): void {
  const { broker, settings } = world
  if (world.connectionCount > settings.connectionCountMax) {
    broker.counters.limits.hit('mqtt_connections')
    throw new MqttError(QUOTA_EXCEEDED, `limit of ${settings.connectionCountMax} MQTT connections is reached`)
  }
  if (!permissions.mayEnter()) {
    throw new MqttError(NOT_AUTHORIZED, `user '${permissions.user}' may not enter vhost '${permissions.vhost}'`)
  }
  const refusal = broker.refusesConnection(permissions)
  if (refusal !== undefined) throw new MqttError(QUOTA_EXCEEDED, refusal.text)
}

function assignClientId({ broker }: MqttWorld, { clientId, level, cleanStart }: ConnectPacket): string | null {
  if (clientId !== '') {
    if (Buffer.byteLength(clientId) <= CLIENT_ID_BYTES_MAX) return null
    throw new MqttError(CLIENT_ID_NOT_VALID, `client id is longer than ${CLIENT_ID_BYTES_MAX} bytes`)
  }
  if (level !== LEVEL_5 && !cleanStart) {
    throw new MqttError(CLIENT_ID_NOT_VALID, 'a session that is to last needs a client id')
  }
  return uniqueName(broker.world.randomness, 'auto-')
}

function checkCertificateClientId({ clientIdRule }: MqttSettings, ends: TransportEnds, id: string): void {
  const certificate = ends.tls?.peerCertificate ?? null
  if (clientIdRule === null || certificate === null) return
  if (id !== certificateName(certificate, clientIdRule))
    throw new MqttError(CLIENT_ID_NOT_VALID, 'client id is not that of the certificate')
}

function claimOf(world: MqttWorld, ends: TransportEnds, { userName, password }: ConnectPacket): Claim {
  const { settings } = world
  const certificateUser = settings.certificateLogin
    ? certificateName(ends.tls?.peerCertificate ?? null, settings.certificateRule)
    : undefined
  if (userName === null && password === null) {
    if (certificateUser !== undefined) {
      const vhostName = certificateVhost(world, certificateUser) ?? portVhost(world, ends.port) ?? settings.vhost
      return { user: null, password: certificateUser, vhostName, isCertificate: true }
    }
    const { anonymous } = settings
    if (!settings.allowAnonymous || anonymous === null) {
      throw new MqttError(BAD_USER_NAME_OR_PASSWORD, 'no user name, and anonymous logins are not allowed')
    }
    const vhostName = portVhost(world, ends.port) ?? settings.vhost
    return { user: anonymous.user, password: anonymous.password, vhostName, isCertificate: false }
  }
  if (userName === null || password === null) {
    throw new MqttError(BAD_USER_NAME_OR_PASSWORD, 'user name and password come together or not at all')
  }
  // `vhost:user`, where there is such a vhost: user names may contain colons.
  const colon = userName.lastIndexOf(':')
  const named = colon > 0 ? userName.slice(0, colon) : undefined
  const isNamed = named !== undefined && world.broker.vhost(named) !== undefined
  return {
    user: isNamed ? userName.slice(colon + 1) : userName,
    password: password.toString(),
    vhostName: isNamed ? named : (portVhost(world, ends.port) ?? settings.vhost),
    isCertificate: false,
  }
}

async function authenticate(world: MqttWorld, ends: TransportEnds, claim: Claim, clientId: string): Promise<Identity> {
  const source: LoginSource = {
    remoteAddress: ends.peerHost,
    isLoopback: ends.isLoopback,
    protocol: PROTOCOL_NAME,
    vhost: claim.vhostName,
    clientId,
    ...(claim.isCertificate && { certificateUser: claim.password }),
  }
  const { counters } = world.broker
  const verdict = await world.login.authenticate(
    claim.user === null
      ? { mechanism: 'EXTERNAL', response: null, source }
      : { username: claim.user, password: claim.password, source },
  )
  if (!isRefusal(verdict)) {
    counters.authenticationSucceeded++
    return verdict
  }
  counters.authenticationFailed++
  throw refusedLogin(verdict)
}

function refusedLogin({ reason, text }: LoginRefusal): MqttError {
  if (reason === 'loopback-only') return new MqttError(NOT_AUTHORIZED, text)
  if (reason === 'unavailable') return new MqttError(SERVER_UNAVAILABLE, text)
  return new MqttError(BAD_USER_NAME_OR_PASSWORD, 'login refused')
}

/** A vhost by port, from a global parameter; as RabbitMQ, keys are the port as text. */
function portVhost(world: MqttWorld, port: number): string | undefined {
  return mapped(world, PORT_VHOSTS, String(port))
}

function certificateVhost(world: MqttWorld, user: string): string | undefined {
  return mapped(world, CERTIFICATE_VHOSTS, user)
}

function mapped({ broker }: MqttWorld, parameter: string, name: string): string | undefined {
  const value = broker.world.metadata.get(['global-parameter', parameter])?.value
  // Global parameters are stored as they were set, or with their name beside the value.
  const map = typeof value === 'object' && value !== null && 'value' in value ? value.value : value
  if (typeof map !== 'object' || map === null) return undefined
  const found = (map as Record<string, unknown>)[name]
  return typeof found === 'string' ? found : undefined
}
