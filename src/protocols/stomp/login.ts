/**
 * From CONNECT to a member of a vhost: version, user, vhost, in RabbitMQ's order and words. [STOMP 1.2 "Connecting"; RabbitMQ: STOMP]
 */
import { certificateName } from '../../auth/certificate-login.ts'
import { type Identity, isRefusal, type LoginRefusal, type LoginSource } from '../../auth/identity.ts'
import { known } from '../../model/access/access-pending.ts'
import type { SessionPermissions } from '../../model/permissions.ts'
import type { TransportEnds } from '../../net/transport.ts'
import { badConnect, StompError } from './errors.ts'
import { SUPPORTED_VERSIONS, VERSION_10, VERSION_NAMES, type Version } from './spec.ts'
import type { StompSettings, StompWorld } from './world.ts'

/** What authenticators know the protocol by. */
const PROTOCOL_NAME = 'stomp'

/** A login that was granted. */
export interface LoggedIn {
  readonly identity: Identity
  /** Of the vhost that the client named. */
  readonly permissions: SessionPermissions
  /** Name of the SASL mechanism that comes nearest. */
  readonly mechanism: string
}

/** The highest version that both sides speak; without the header it is 1.0. */
export function negotiateVersion(acceptVersion: string | undefined): Version {
  if (acceptVersion === undefined) return VERSION_10
  const offered = acceptVersion.split(',').map((name) => name.trim())
  for (let version = VERSION_NAMES.length - 1; version >= 0; version--) {
    // An index of the table is a version.
    if (offered.includes(VERSION_NAMES[version]!)) return version as Version
  }
  throw new StompError('Version mismatch', `Supported versions are ${SUPPORTED_VERSIONS}\n`)
}

/** Logs in with the headers of CONNECT, or, for an implicit connect, with none. Rejects with a `StompError`. */
export async function logIn(
  world: StompWorld,
  ends: TransportEnds,
  headers: ReadonlyMap<string, string>,
): Promise<LoggedIn> {
  const { settings, broker } = world
  const vhostName = headers.get('host') ?? settings.defaultVhost
  const claim = claimOf(settings, ends, headers)
  const source: LoginSource = {
    remoteAddress: ends.peerHost,
    isLoopback: ends.isLoopback,
    protocol: PROTOCOL_NAME,
    vhost: vhostName,
    ...(claim.certificateUser !== undefined && { certificateUser: claim.certificateUser }),
  }
  const verdict = await world.login.authenticate(
    claim.certificateUser !== undefined
      ? { mechanism: 'EXTERNAL', response: null, source }
      : { username: claim.user, password: claim.password, source },
  )
  if (isRefusal(verdict)) {
    broker.counters.authenticationFailed++
    throw refusedLogin(verdict, claim.user)
  }
  broker.counters.authenticationSucceeded++
  const permissions = broker.sessionPermissions(verdict, vhostName)
  await known(() => checkEntry(world, permissions))
  const mechanism = claim.certificateUser === undefined ? 'PLAIN' : 'EXTERNAL'
  return { identity: verdict, permissions, mechanism }
}

/** Throws when the user may not be in the vhost now. */
export function checkEntry({ broker }: StompWorld, permissions: SessionPermissions): void {
  if (broker.vhost(permissions.vhost) === undefined || !permissions.mayEnter()) {
    throw badConnect(`Virtual host '${permissions.vhost}' access denied`)
  }
  const refusal = broker.refusesConnection(permissions)
  if (refusal !== undefined) throw badConnect(`${refusal.text}\n`)
}

interface Claim {
  readonly user: string
  readonly password: string
  readonly certificateUser?: string
}

function claimOf(settings: StompSettings, ends: TransportEnds, headers: ReadonlyMap<string, string>): Claim {
  const login = headers.get('login') ?? ends.httpLogin?.user
  const passcode = headers.get('passcode') ?? ends.httpLogin?.password
  if (login === undefined && passcode === undefined && settings.certificateLogin) {
    const user = certificateName(ends.tls?.peerCertificate ?? null, settings.certificateRule)
    if (user !== undefined) return { user, password: '', certificateUser: user }
  }
  const user = login ?? settings.defaultUser
  const password = passcode ?? settings.defaultPassword
  if (user === null || password === null) throw badConnect('Missing login or passcode header(s)')
  return { user, password }
}

function refusedLogin({ reason, text }: LoginRefusal, user: string): StompError {
  if (reason === 'loopback-only') return badConnect('non-loopback access denied')
  if (reason === 'unavailable') return badConnect(`${text}\n`)
  return badConnect(`Access refused for user '${user}'\n`)
}
