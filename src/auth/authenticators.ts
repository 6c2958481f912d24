/**
 * Logs peers in: reads SASL responses, asks the chain of authenticators, applies the loopback rule, counts and slows
 * failures. One per broker (the HTTP API may have another, with its own chain). Called by the sessions of every protocol.
 *
 * The first authenticator that vouches for a user, or refuses for all, decides. [RabbitMQ: auth_backends]
 */
import type { Logger } from '../base/log.ts'
import type {
  AuthenticatorAnswer,
  ChainLink,
  Credentials,
  Identity,
  Login,
  LoginAttempt,
  LoginRefusal,
  LoginSource,
  RefusalReason,
} from './identity.ts'
import type { LoginAttempts } from './login-attempts.ts'
import { isSaslMechanism, readResponse, type SaslMechanism, type TableDecoder } from './sasl.ts'

/** Credentials by which ANONYMOUS logs in. */
export interface AnonymousLogin {
  readonly user: string
  readonly password: string
}

/** What a broker's logins are made of. */
export interface AuthenticatorsOptions {
  /** Asked in this order. */
  readonly chain: readonly ChainLink[]
  /** Enabled, in the order in which they are offered. */
  readonly mechanisms: readonly SaslMechanism[]
  /** Whether this user may connect from this machine only (`loopback_users`). */
  readonly isLoopbackOnly: (user: string) => boolean
  /** `anonymous_login_user` and its password; null refuses ANONYMOUS. */
  readonly anonymous: AnonymousLogin | null
  readonly decodeTable: TableDecoder
  /** Counts and slows failures; chains may share one. */
  readonly attempts: LoginAttempts
  readonly logger: Logger
}

type Verdict = Identity | LoginRefusal

/** The logins of a broker. */
export class Authenticators implements Login {
  readonly #options: AuthenticatorsOptions
  readonly #logger: Logger
  /** Counters for listings. */
  readonly attempts: LoginAttempts

  constructor(options: AuthenticatorsOptions) {
    this.#options = options
    this.#logger = options.logger.child('auth')
    this.attempts = options.attempts
  }

  mechanisms(source: LoginSource): readonly SaslMechanism[] {
    return this.#options.mechanisms.filter((mechanism) => this.#isOffered(mechanism, source))
  }

  async authenticate(attempt: LoginAttempt): Promise<Verdict> {
    const { source } = attempt
    // The response is borrowed until the first await: it is read before.
    const claim = this.#claim(attempt)
    if ('reason' in claim) return await this.#refused(claim, source)
    if (this.attempts.isExhausted(source)) {
      return refusal('throttled', claim.user, `too many failed logins from ${source.remoteAddress}`)
    }
    const verdict = await this.#decide(claim)
    if ('reason' in verdict) return await this.#refused(verdict, source)
    this.attempts.succeeded(source, verdict.user)
    return verdict
  }

  #isOffered(mechanism: SaslMechanism, source: LoginSource): boolean {
    if (mechanism === 'EXTERNAL') return source.certificateUser !== undefined
    return mechanism !== 'ANONYMOUS' || this.#options.anonymous !== null
  }

  #claim(attempt: LoginAttempt): Credentials | LoginRefusal {
    const { source } = attempt
    if ('username' in attempt) return { user: attempt.username, password: attempt.password, source }
    const { mechanism, response } = attempt
    if (!isSaslMechanism(mechanism)) return refusal('mechanism', '', `unknown authentication mechanism '${mechanism}'`)
    if (!this.mechanisms(source).includes(mechanism)) {
      return refusal('mechanism', '', `invalid authentication mechanism '${mechanism}'`)
    }
    const claim = readResponse(mechanism, response, source, this.#options.decodeTable)
    switch (claim.kind) {
      case 'malformed':
        return refusal('malformed', '', claim.text)
      case 'password':
        return { user: claim.user, password: claim.password, source }
      case 'external':
        return { user: claim.user, password: null, source }
      case 'anonymous': {
        const anonymous = this.#options.anonymous
        if (anonymous === null) return refusal('mechanism', '', `invalid authentication mechanism '${mechanism}'`)
        return { user: anonymous.user, password: anonymous.password, source }
      }
    }
  }

  async #decide(credentials: Credentials): Promise<Verdict> {
    const { user, password, source } = credentials
    if (password === '') return refusal('credentials', user, `user '${user}' - empty password`)
    const verdict = await this.#askChain(credentials)
    if ('reason' in verdict) return verdict
    if (!source.isLoopback && this.#options.isLoopbackOnly(verdict.user)) {
      return refusal('loopback-only', user, `user '${verdict.user}' can only connect via localhost`)
    }
    return verdict
  }

  async #askChain(credentials: Credentials): Promise<Verdict> {
    const { user } = credentials
    let first: LoginRefusal | undefined
    for (const link of this.#options.chain) {
      const answer = await this.#ask(link, credentials)
      if (answer.kind === 'identity') return answer.identity
      if (answer.kind === 'refused-finally') return refusal(answer.reason, user, answer.text)
      if (answer.kind === 'refused') first ??= refusal('credentials', user, answer.text)
    }
    return first ?? refusal('unavailable', user, `user '${user}' - no authenticator could answer`)
  }

  async #ask({ authenticator, authorizer }: ChainLink, credentials: Credentials): Promise<AuthenticatorAnswer> {
    const answer = await this.#guarded(authenticator.name, () => authenticator.authenticate(credentials))
    if (answer.kind !== 'identity' || authorizer === null) return answer
    const { identity } = answer
    const granted = await this.#guarded(authorizer.name, () => authorizer.authorize(identity, credentials.source))
    return granted.kind === 'identity' ? { kind: 'identity', identity: joined(identity, granted.identity) } : granted
  }

  async #guarded(name: string, ask: () => Promise<AuthenticatorAnswer>): Promise<AuthenticatorAnswer> {
    try {
      const answer = await ask()
      if (answer.kind === 'unavailable') this.#logUnavailable(name, answer.error)
      return answer
    } catch (error) {
      this.#logUnavailable(name, error)
      return { kind: 'unavailable', error: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  #logUnavailable(name: string, error: unknown): void {
    this.#logger.error(`authenticator ${name} is unavailable`, { error })
  }

  async #refused(refused: LoginRefusal, source: LoginSource): Promise<LoginRefusal> {
    this.#logger.warning(`login refused: ${refused.text}`, {
      user: refused.user,
      protocol: source.protocol,
      address: source.remoteAddress,
    })
    await this.attempts.failed(source, refused.user)
    return refused
  }
}

/** Who somebody is by the one, and what that user may do by the other. */
function joined(who: Identity, what: Identity): Identity {
  const tags = [...new Set([...who.tags, ...what.tags])]
  const ends = [who.expiresAtMs, what.expiresAtMs].filter((ms) => ms !== null)
  const expiresAtMs = ends.length === 0 ? null : Math.min(...ends)
  return { ...who, tags, expiresAtMs, authorization: what.authorization }
}

function refusal(reason: RefusalReason, user: string, text: string): LoginRefusal {
  return { reason, text, user }
}
