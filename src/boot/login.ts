/** Who may log in: authenticators and users over the metadata, as the settings order them. */
import { Authenticators } from '../auth/authenticators.ts'
import type { CertificateRule } from '../auth/certificate-login.ts'
import { type CredentialRule, credentialValidator } from '../auth/credential-validator.ts'
import type { ChainLink } from '../auth/identity.ts'
import { LoginAttempts } from '../auth/login-attempts.ts'
import { isSaslMechanism } from '../auth/sasl.ts'
import { Users } from '../auth/users.ts'
import type { Logger } from '../base/log.ts'
import type { Settings } from '../config/settings.ts'
import type { Events } from '../model/observe/events.ts'
import { decodeTable } from '../protocols/amqp091/fields.ts'
import type { Backends } from './backends.ts'
import type { Foundation } from './foundation.ts'

/** The logins of all protocols, and those of the HTTP API. */
export function logins(
  foundation: Foundation,
  settings: Settings,
  logger: Logger,
  backends: Backends,
): { login: Authenticators; httpLogin: Authenticators } {
  const { auth } = settings
  const attempts = new LoginAttempts(foundation.wheel)
  const common = { settings, logger, attempts }
  const login = authenticators({ ...common, chain: backends.chain(auth.backends) })
  const { httpBackends } = auth
  const httpLogin =
    httpBackends.length === 0 ? login : authenticators({ ...common, chain: backends.chain(httpBackends) })
  return { login, httpLogin }
}

/** Tells of logins on the event exchange: no secret, and not those of the HTTP API, which come with each request. */
export function announceLogins({ attempts }: Authenticators, events: Events): void {
  attempts.observe(({ protocol, remoteAddress, vhost }, user, hasSucceeded) => {
    if (!events.isObserved) return
    events.announce(hasSucceeded ? 'user.authentication.success' : 'user.authentication.failure', null, {
      name: user,
      connection_type: 'network',
      protocol,
      peer_host: remoteAddress,
      ...(vhost !== undefined && { vhost }),
    })
  })
}

interface LoginParts {
  readonly settings: Settings
  readonly logger: Logger
  readonly attempts: LoginAttempts
  readonly chain: readonly ChainLink[]
}

function authenticators({ settings, logger, attempts, chain }: LoginParts): Authenticators {
  const { auth } = settings
  const loopbackUsers = new Set(auth.loopbackUsers)
  return new Authenticators({
    chain,
    mechanisms: auth.mechanisms.filter(isSaslMechanism),
    isLoopbackOnly: (user) => loopbackUsers.has(user),
    anonymous: auth.anonymousUser === 'none' ? null : { user: auth.anonymousUser, password: auth.anonymousPassword },
    decodeTable: (bytes) => {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      return decodeTable(buffer, 0, buffer.length)
    },
    attempts,
    logger,
  })
}

/** Which name of a client certificate is the user. */
export function certificateRule({
  certificateLoginFrom: from,
  certificateLoginNameType: nameType,
  certificateLoginNameIndex: nameIndex,
}: Settings['tls']): CertificateRule {
  return { from: from === 'subject_alt_name' ? 'subject_alternative_name' : from, nameType, nameIndex }
}

/** Administration of users. */
export function users(foundation: Foundation, { auth }: Settings): Users {
  return new Users({
    metadata: foundation.metadata,
    validator: credentialValidator(credentialRule(auth)),
    algorithm: auth.passwordHashing,
    randomness: foundation.randomness,
  })
}

function credentialRule(auth: Settings['auth']): CredentialRule {
  switch (auth.passwordValidator) {
    case 'rabbit_credential_validator_min_password_length':
      return { kind: 'min_password_length', lengthMin: auth.passwordLengthMin }
    case 'rabbit_credential_validator_password_regexp':
      return { kind: 'password_regexp', pattern: new RegExp(auth.passwordPattern) }
    default:
      return { kind: 'accept_everything' }
  }
}
