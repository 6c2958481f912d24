/**
 * Tokens decide: the password is a JSON Web Token, signed by an identity provider, whose scopes say what its owner may do.
 * The user name that came with it does not matter. [RabbitMQ: rabbitmq_auth_backend_oauth2]
 *
 * A token is checked once, when somebody logs in or renews the secret; permissions are answered from its scopes, at once.
 * The token itself is kept nowhere, and stands in no error.
 */
import type { Clock } from '../../../base/clock.ts'
import type { Access, AccessQuestion, Authorization } from '../../../model/access/authorization.ts'
import type { AuthenticatorAnswer, Credentials } from '../../identity.ts'
import { type Backend, refused, unavailable } from '../backend.ts'
import { audienceOf, type Claims, type ResourceServer, scopesOf, userNameOf } from './claims.ts'
import type { Provider } from './providers.ts'
import { type PatternSyntax, ScopeGrants, type ScopeVariables } from './scopes.ts'

/** Longest token. */
const TOKEN_CHARACTERS_MAX = 64 * 1024
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/
/** Asymmetric signatures: what a provider signs with a key that nobody else has. */
const DEFAULT_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** What the back end is made of. */
export interface Oauth2BackendOptions {
  readonly resourceServers: readonly ResourceServer[]
  /** By name. */
  readonly providers: ReadonlyMap<string, Provider>
  readonly scopePatterns: PatternSyntax
  readonly clockToleranceSeconds: number
  readonly clock: Clock
}

/** A token that is not acceptable; the text says why, and nothing of the token. */
class TokenRefused extends Error {}

/** Checks tokens. */
export class Oauth2Backend implements Backend {
  readonly name = 'oauth2'
  readonly #options: Oauth2BackendOptions

  constructor(options: Oauth2BackendOptions) {
    this.#options = options
  }

  async authenticate({ password }: Credentials): Promise<AuthenticatorAnswer> {
    if (password === null || password.length > TOKEN_CHARACTERS_MAX || !JWT.test(password)) {
      return refused('the password is no JSON Web Token')
    }
    try {
      return this.#accepted(...(await this.#verified(password)))
    } catch (error) {
      if (error instanceof TokenRefused) return refused(`the token is not accepted: ${error.message}`)
      return unavailable(error)
    }
  }

  /** Without a token nothing is known of anybody. */
  authorize(): Promise<AuthenticatorAnswer> {
    return Promise.resolve(refused('permissions by token need a login by token'))
  }

  #accepted(claims: Claims, server: ResourceServer): AuthenticatorAnswer {
    const { scopePatterns, clock } = this.#options
    const user = userNameOf(claims, server)
    const grants = new ScopeGrants(scopesOf(claims, server), scopePatterns, variablesOf(claims, user))
    const expiresAtMs = typeof claims.exp === 'number' ? claims.exp * 1000 : null
    const authorization = new TokenAuthorization(grants, expiresAtMs, clock)
    const { tags } = grants
    return { kind: 'identity', identity: { user, tags, authenticatedBy: this.name, expiresAtMs, authorization } }
  }

  /** The claims, and the resource server they are for. */
  async #verified(token: string): Promise<[Claims, ResourceServer]> {
    const { clockToleranceSeconds, clock, providers } = this.#options
    const { decodeJwt, jwtVerify, errors } = await import('jose')
    const server = this.#serverOf(readClaims(() => decodeJwt(token)))
    const provider = providers.get(server.provider)
    if (provider === undefined) throw new TokenRefused(`there is no provider '${server.provider}'`)
    const { algorithms } = provider.settings
    try {
      const { payload } = await jwtVerify(token, provider.keyFor, {
        algorithms: [...(algorithms.length === 0 ? DEFAULT_ALGORITHMS : algorithms)],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(clock.nowMs()),
      })
      if (provider.issuer !== null && payload.iss !== provider.issuer) throw new TokenRefused('another issuer')
      return [payload, server]
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new TokenRefused(`${error.code}: ${error.message}`)
      throw error
    }
  }

  /** Which resource server a token is for. Its signature is not checked yet: the claims only choose the key. */
  #serverOf(claims: Claims): ResourceServer {
    const { resourceServers } = this.#options
    const audience = audienceOf(claims)
    const named = resourceServers.filter(({ id }) => audience.includes(id))
    if (named.length > 1) throw new TokenRefused('the audience names several resource servers')
    const unnamed = resourceServers.filter(({ verifiesAudience }) => !verifiesAudience)
    const server = named[0] ?? (unnamed.length === 1 ? unnamed[0] : undefined)
    if (server === undefined) throw new TokenRefused('the audience does not name this resource server')
    return server
  }
}

class TokenAuthorization implements Authorization {
  readonly #grants: ScopeGrants
  readonly #expiresAtMs: number | null
  readonly #clock: Clock

  constructor(grants: ScopeGrants, expiresAtMs: number | null, clock: Clock) {
    this.#grants = grants
    this.#expiresAtMs = expiresAtMs
    this.#clock = clock
  }

  may(question: AccessQuestion): Access {
    if (this.#expiresAtMs !== null && this.#clock.nowMs() >= this.#expiresAtMs) return 'refused'
    return this.#grants.allows(question) ? 'allowed' : 'refused'
  }
}

function readClaims(decode: () => Claims): Claims {
  try {
    return decode()
  } catch (error) {
    throw new TokenRefused(error instanceof Error ? error.message : 'it cannot be read')
  }
}

function variablesOf(claims: Claims, user: string): ScopeVariables {
  const texts = Object.entries(claims).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return { ...Object.fromEntries(texts), username: user }
}
