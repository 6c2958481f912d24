/**
 * Credentials that end, and permissions that change, while a session goes on: tokens that CONNECT and AUTH bring by the
 * authentication method `OAUTH2-JWT`, and whether a user may still have the subscriptions of a session. Called by the
 * login and the connection. [MQTT 5.0 §3.15, §4.12]
 *
 * The method is one message long: the authentication data is a token, and the answer is yes or the end of the connection.
 */
import { certificateName } from '../../auth/certificate-login.ts'
import { isRefusal } from '../../auth/identity.ts'
import { AccessPending, known } from '../../model/access/access-pending.ts'
import type { TransportEnds } from '../../net/transport.ts'
import { type AuthPacket, type ConnectPacket, decodeAuth, encodeAuth } from './codec.ts'
import { MqttError, protocolError } from './errors.ts'
import type { MqttSession } from './session.ts'
import { sharedQueueName } from './session-queues.ts'
import {
  BAD_AUTHENTICATION_METHOD,
  BAD_USER_NAME_OR_PASSWORD,
  LEVEL_5,
  NOT_AUTHORIZED,
  RE_AUTHENTICATE,
  SUCCESS,
} from './spec.ts'
import { type Member, type MqttWorld, mayReadTopic, mayUseQueue } from './world.ts'

/** The authentication method whose data is a JSON Web Token. */
export const TOKEN_METHOD = 'OAUTH2-JWT'

/** Topic filters of a session that another system is asked about when the session goes on. More would keep its client waiting. */
const FILTERS_ASKED_MAX = 64

/** The packet with the token where passwords are, for a CONNECT with an authentication method. Throws for other methods. */
export function withToken(packet: ConnectPacket): ConnectPacket {
  const { authenticationMethod: method, authenticationData: data } = packet.properties
  if (method === undefined) return packet
  if (method !== TOKEN_METHOD) {
    throw new MqttError(BAD_AUTHENTICATION_METHOD, `the authentication method is not ${TOKEN_METHOD}`)
  }
  const password = data ?? packet.password
  if (password === null) throw new MqttError(BAD_USER_NAME_OR_PASSWORD, 'there is no token')
  // The token says who it is; the user name may still say which vhost.
  return { ...packet, userName: packet.userName ?? '', password }
}

/** The token of an AUTH packet. Throws when this connection may not send it. */
export function tokenOf(member: Member, level: number, bytes: Buffer, start: number, end: number): Buffer {
  if (level !== LEVEL_5) throw protocolError('AUTH is a packet of MQTT 5.0')
  const { reasonCode, properties }: AuthPacket = decodeAuth(bytes, start, end)
  if (member.authenticationMethod === null) throw protocolError('AUTH, and CONNECT had no authentication method')
  if (reasonCode !== RE_AUTHENTICATE) throw protocolError(`AUTH with reason code ${reasonCode}`)
  if (properties.authenticationMethod !== member.authenticationMethod) {
    throw new MqttError(BAD_AUTHENTICATION_METHOD, 'AUTH has another authentication method than CONNECT')
  }
  if (properties.authenticationData === undefined) throw protocolError('AUTH without authentication data')
  return properties.authenticationData
}

/**
 * Logs the member in again: the new token must be of the same user, and what it allows counts from then on. Resolves with
 * the answer; rejects with an `MqttError`, which is to end the connection.
 */
export async function renew(
  world: MqttWorld,
  ends: TransportEnds,
  member: Member,
  session: MqttSession,
  token: Buffer,
): Promise<Buffer> {
  const { clientId, vhost, identity } = member
  const certificateUser = certificateName(ends.tls?.peerCertificate ?? null, world.settings.certificateRule)
  const source = {
    remoteAddress: ends.peerHost,
    isLoopback: ends.isLoopback,
    protocol: 'mqtt',
    vhost: vhost.name,
    clientId,
    ...(certificateUser !== undefined && { certificateUser }),
  }
  const { counters } = world.broker
  const verdict = await world.login.authenticate({ username: identity.user, password: token.toString(), source })
  if (isRefusal(verdict) || verdict.user !== identity.user) {
    counters.authenticationFailed++
    throw new MqttError(NOT_AUTHORIZED, 'the new token was refused')
  }
  counters.authenticationSucceeded++
  member.identity = verdict
  member.permissions.renew(verdict.authorization)
  if (!(await known(() => member.permissions.mayEnter()))) {
    throw new MqttError(NOT_AUTHORIZED, `the new token does not let its user enter vhost '${vhost.name}'`)
  }
  await checkSubscriptions(world, member, session)
  const authenticationMethod = member.authenticationMethod ?? ''
  return encodeAuth({ reasonCode: SUCCESS, properties: { authenticationMethod } })
}

/** Rejects when the user may not subscribe to what the session is subscribed to. */
export async function checkSubscriptions(world: MqttWorld, member: Member, session: MqttSession): Promise<void> {
  const { permissions } = member
  const { exchange } = world.settings
  const checkQueue = async (name: string): Promise<void> => {
    if (!(await known(() => mayUseQueue(permissions, exchange, name)))) throw notAllowed(`queue '${name}'`)
  }
  const own = [session.queued, session.passing]
  if (session.queued.all.length > 0) await checkQueue(session.queueName)
  if (session.passing.all.length > 0) await checkQueue(session.passingQueueName)
  for (const filter of session.shared.keys()) await checkQueue(sharedQueueName(filter))
  const all = [...own, ...[...session.shared.values()].map(({ subscriptions }) => subscriptions)]
  let askedCount = 0
  for (const { bindingKey, options } of all.flatMap(({ all: some }) => some)) {
    try {
      if (!mayReadTopic(permissions, exchange, bindingKey)) throw notAllowed(options.filter)
    } catch (error) {
      if (!(error instanceof AccessPending)) throw error
      if (++askedCount > FILTERS_ASKED_MAX) continue
      if (!(await known(() => mayReadTopic(permissions, exchange, bindingKey)))) throw notAllowed(options.filter)
    }
  }
}

function notAllowed(what: string): MqttError {
  return new MqttError(NOT_AUTHORIZED, `the session is subscribed to ${what}, which its user may not read`)
}
