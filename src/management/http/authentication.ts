/**
 * From a request's headers to its caller: HTTP Basic, a token of `POST /api/login`, or the local socket, where the file
 * system has already decided. [RabbitMQ: management, authentication]
 */
import type { IncomingMessage } from 'node:http'
import { isRefusal, type Login, type LoginSource } from '../../auth/identity.ts'
import type { Randomness } from '../../base/random.ts'
import { type AccessModel, Caller, unrestricted } from './access.ts'
import { ApiError, loginFailed } from './api-error.ts'

/** Realm of the challenge, which tools show to people. */
export const REALM = 'RabbitMQ Management'
/** User name of calls over the local socket. */
export const LOCAL_USER = 'warren-local'
/** Logins of browsers kept at most; the oldest goes first. */
const SESSIONS_MAX = 10_000
const TOKEN_BYTES = 24

/** User name and password. */
export interface BasicCredentials {
  readonly username: string
  readonly password: string
}

interface Session extends BasicCredentials {
  readonly expiresAtMs: number
}

/** What authentication needs. */
export interface AuthenticationOptions {
  readonly login: Login
  readonly model: AccessModel
  readonly randomness: Randomness
  readonly nowMs: () => number
  readonly sessionMinutes: number
  readonly disableBasic: boolean
}

/** Authenticates requests. */
export class Authentication {
  readonly #options: AuthenticationOptions
  /** By token. The credentials are checked anew with every request, so that a changed password counts at once. */
  readonly #sessions = new Map<string, Session>()

  constructor(options: AuthenticationOptions) {
    this.#options = options
  }

  /** The caller of a request; throws a 401. */
  async callerOf(request: IncomingMessage, isLocal: boolean): Promise<Caller> {
    if (isLocal) return new Caller(LOCAL_USER, ['administrator'], unrestricted(this.#options.model))
    const header = request.headers.authorization
    const credentials = this.#credentialsOf(header)
    if (credentials === undefined) {
      const challenge = { 'www-authenticate': `Basic realm="${REALM}"` }
      throw header === undefined ? new ApiError(401, '', '', challenge) : loginFailed(REALM)
    }
    return await this.check(credentials, sourceOf(request))
  }

  /** The caller with these credentials; throws a 401. */
  async check({ username, password }: BasicCredentials, source: LoginSource): Promise<Caller> {
    const result = await this.#options.login.authenticate({ username, password, source })
    if (isRefusal(result)) throw loginFailed(REALM)
    return new Caller(result.user, result.tags, this.#options.model)
  }

  /** A token that stands for the credentials until the session ends. */
  openSession(credentials: BasicCredentials): string {
    const { randomness, nowMs, sessionMinutes } = this.#options
    const token = `wsession.${randomness.bytes(TOKEN_BYTES).toString('base64url')}`
    if (this.#sessions.size >= SESSIONS_MAX) {
      for (const oldest of this.#sessions.keys()) {
        this.#sessions.delete(oldest)
        break
      }
    }
    this.#sessions.set(token, { ...credentials, expiresAtMs: nowMs() + sessionMinutes * 60_000 })
    return token
  }

  closeSession(authorization: string | undefined): void {
    const token = /^bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token !== undefined) this.#sessions.delete(token)
  }

  #credentialsOf(authorization: string | undefined): BasicCredentials | undefined {
    const [, scheme, value] = /^(\w+)\s+(\S+)$/.exec(authorization ?? '') ?? []
    if (scheme === undefined || value === undefined) return undefined
    if (scheme.toLowerCase() === 'basic') return this.#options.disableBasic ? undefined : decodeBasic(value)
    if (scheme.toLowerCase() !== 'bearer') return undefined
    const session = this.#sessions.get(value)
    if (session !== undefined && session.expiresAtMs > this.#options.nowMs()) return session
    if (session !== undefined) this.#sessions.delete(value)
    // Other authenticators (tokens of an identity provider) take the token as a password.
    return { username: '', password: value }
  }
}

function decodeBasic(value: string): BasicCredentials | undefined {
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Where a request comes from, for the authenticators. */
export function sourceOf(request: IncomingMessage): LoginSource {
  const remote = request.socket.remoteAddress ?? ''
  const remoteAddress = remote.startsWith('::ffff:') ? remote.slice('::ffff:'.length) : remote
  const isLoopback = remoteAddress === '::1' || remoteAddress.startsWith('127.') || remoteAddress === ''
  return { remoteAddress, isLoopback, protocol: 'http' }
}
