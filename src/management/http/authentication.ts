/**
 * From a request's headers to its caller: HTTP Basic, a token of `POST /api/login` (in a header, or in the cookie of the
 * console), or the local socket, where the file system has already decided. [RabbitMQ: management, authentication]
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isRefusal, type Login, type LoginSource } from '../../auth/identity.ts'
import type { Randomness } from '../../base/random.ts'
import { isLoopback, plainHost } from '../../net/addresses.ts'
import { isLocalRequest } from '../../net/local-request.ts'
import { type AccessModel, Caller, type CallerLogin, unrestricted } from './access.ts'
import { ApiError, loginFailed } from './api-error.ts'
import { CONSOLE_HEADER, cookieToken } from './session-cookie.ts'

/** Realm of the challenge, which tools show to people. */
export const REALM = 'RabbitMQ Management'
/** User name of calls over the local socket. */
export const LOCAL_USER = 'warren-local'
const LOCAL_LOGIN: CallerLogin = { user: LOCAL_USER, tags: ['administrator'], authorization: null, expiresAtMs: null }
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
    if (isLocal) return new Caller(LOCAL_LOGIN, unrestricted(this.#options.model))
    const { authorization } = request.headers
    const credentials =
      authorization === undefined ? this.#cookieCredentials(request) : this.#credentialsOf(authorization)
    if (credentials !== undefined) return await this.check(credentials, sourceOf(request))
    if (authorization !== undefined) throw loginFailed(REALM)
    throw new ApiError(401, '', '', { 'www-authenticate': `Basic realm="${REALM}"` })
  }

  /** Who the session of a cookie belongs to; null: nobody, or it is not valid any more. */
  async callerOfCookie(headers: IncomingHttpHeaders, source: LoginSource): Promise<Caller | null> {
    const credentials = this.#sessionOf(cookieToken(headers))
    if (credentials === undefined) return null
    return await this.callerOrNull(credentials, source)
  }

  /** The caller with these credentials; throws a 401. */
  async check(credentials: BasicCredentials, source: LoginSource): Promise<Caller> {
    const caller = await this.callerOrNull(credentials, source)
    if (caller === null) throw loginFailed(REALM)
    return caller
  }

  /** The caller with these credentials, or null. */
  async callerOrNull({ username, password }: BasicCredentials, source: LoginSource): Promise<Caller | null> {
    const result = await this.#options.login.authenticate({ username, password, source })
    return isRefusal(result) ? null : new Caller(result, this.#options.model)
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

  /** Ends the session of a request's token or cookie. */
  closeSession(headers: IncomingHttpHeaders): void {
    const token = /^bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? cookieToken(headers)
    if (token !== undefined) this.#sessions.delete(token)
  }

  /** A cookie comes along with requests that other pages make: what changes something must be the console's own. */
  #cookieCredentials(request: IncomingMessage): BasicCredentials | undefined {
    const isReading = request.method === 'GET' || request.method === 'HEAD'
    return isReading || isConsole(request) ? this.#sessionOf(cookieToken(request.headers)) : undefined
  }

  #sessionOf(token: string | undefined): Session | undefined {
    const session = token === undefined ? undefined : this.#sessions.get(token)
    if (session === undefined || session.expiresAtMs > this.#options.nowMs()) return session
    this.#sessions.delete(token!)
    return undefined
  }

  #credentialsOf(authorization: string): BasicCredentials | undefined {
    const [, scheme, value] = /^(\w+)\s+(\S+)$/.exec(authorization) ?? []
    if (scheme === undefined || value === undefined) return undefined
    if (scheme.toLowerCase() === 'basic') return this.#options.disableBasic ? undefined : decodeBasic(value)
    if (scheme.toLowerCase() !== 'bearer') return undefined
    // Other authenticators (tokens of an identity provider) take the token as a password.
    return this.#sessionOf(value) ?? { username: '', password: value }
  }
}

function isConsole({ headers }: IncomingMessage): boolean {
  return headers[CONSOLE_HEADER] !== undefined
}

function decodeBasic(value: string): BasicCredentials | undefined {
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Where a request comes from, for the authenticators. */
export function sourceOf(request: IncomingMessage): LoginSource {
  const remoteAddress = plainHost(request.socket.remoteAddress)
  const isNear = remoteAddress === '' || isLoopback(remoteAddress)
  return { remoteAddress, isLoopback: isNear && isLocalRequest(request.headers), protocol: 'http' }
}
