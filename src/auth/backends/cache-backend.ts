/**
 * Remembers the answers of other back ends for a while: logins and permissions of all connections together. Questions that
 * are the same and under way are asked once. [RabbitMQ: rabbitmq_auth_backend_cache]
 *
 * Passwords are not kept: a login is found by a digest of what was shown, salted once per process. `unavailable` is never
 * remembered. Bound: entries; the oldest goes first.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Randomness } from '../../base/random.ts'
import type { Access, AccessQuestion, Authorization } from '../../model/access/authorization.ts'
import type { AuthenticatorAnswer, Authorizer, ChainLink, Credentials, Identity, LoginSource } from '../identity.ts'
import type { Backend } from './backend.ts'

/** Answers kept at most. */
const ENTRIES_MAX = 50_000
const SALT_BYTES = 32

/** What the cache is made of. */
export interface CacheBackendOptions {
  /** Whose answers are kept. */
  readonly cached: ChainLink
  readonly ttlMs: number
  readonly keepsRefusals: boolean
  readonly clock: Clock
  readonly randomness: Randomness
}

interface Entry {
  readonly answer: Promise<unknown>
  /** Infinity while it is under way. */
  endsAtMs: number
}

/** A memory of answers. */
export class CacheBackend implements Backend {
  readonly name = 'cache'
  readonly #options: CacheBackendOptions
  readonly #salt: Buffer
  readonly #entries = new Map<string, Entry>()

  constructor(options: CacheBackendOptions) {
    this.#options = options
    this.#salt = options.randomness.bytes(SALT_BYTES)
  }

  /** Answers kept. */
  get count(): number {
    return this.#entries.size
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear()
  }

  async authenticate(credentials: Credentials): Promise<AuthenticatorAnswer> {
    const { authenticator, authorizer } = this.#options.cached
    const { user, password, source } = credentials
    const key = this.#digest('login', user, password, source.vhost, source.clientId, source.remoteAddress)
    const answer = await this.#remembered(key, () => authenticator.authenticate(credentials), isSettled)
    if (answer.kind !== 'identity' || authorizer === null) return this.#wrapped(answer)
    return this.#authorize(authorizer, answer.identity, source)
  }

  authorize(identity: Identity, source: LoginSource): Promise<AuthenticatorAnswer> {
    const { authenticator, authorizer } = this.#options.cached
    const asked = authorizer ?? authenticator
    if (!isAuthorizer(asked)) return Promise.resolve({ kind: 'refused', text: `${asked.name} knows no permissions` })
    return this.#authorize(asked, identity, source)
  }

  async #authorize(authorizer: Authorizer, identity: Identity, source: LoginSource): Promise<AuthenticatorAnswer> {
    const { user, tags, expiresAtMs } = identity
    const key = this.#digest('user', user, tags.join(), source.remoteAddress)
    const granted = await this.#remembered(key, () => authorizer.authorize(identity, source), isSettled)
    const answer = this.#wrapped(granted)
    if (answer.kind !== 'identity') return answer
    return {
      kind: 'identity',
      identity: { ...answer.identity, expiresAtMs: answer.identity.expiresAtMs ?? expiresAtMs },
    }
  }

  #wrapped(answer: AuthenticatorAnswer): AuthenticatorAnswer {
    if (answer.kind !== 'identity' || answer.identity.authorization === null) return answer
    const { user, tags, authorization } = answer.identity
    const prefix = this.#digest('may', user, tags.join(' '))
    const kept: Authorization = { may: (question) => this.#may(prefix, authorization, question) }
    return { kind: 'identity', identity: { ...answer.identity, authorization: kept } }
  }

  #may(prefix: string, authorization: Authorization, question: AccessQuestion): Access | Promise<Access> {
    const key = `${prefix} ${JSON.stringify(question)}`
    const known = this.#find(key)
    // The entry was put there by this very method.
    if (known !== undefined) return known as Promise<Access>
    const answer = authorization.may(question)
    if (typeof answer === 'string') return answer
    return this.#remember(key, answer, (access) =>
      access === 'unavailable' ? 'never' : access === 'allowed' ? 'granted' : 'refused',
    )
  }

  #remembered(
    key: string,
    ask: () => Promise<AuthenticatorAnswer>,
    judge: (answer: AuthenticatorAnswer) => Judgement,
  ): Promise<AuthenticatorAnswer> {
    // The entry was put there by this very method.
    const known = this.#find(key) as Promise<AuthenticatorAnswer> | undefined
    return known ?? this.#remember(key, ask(), judge)
  }

  #find(key: string): Promise<unknown> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.endsAtMs > this.#options.clock.nowMs()) return entry.answer
    this.#entries.delete(key)
    return undefined
  }

  #remember<T>(key: string, answer: Promise<T>, judge: (value: T) => Judgement): Promise<T> {
    const { ttlMs, keepsRefusals, clock } = this.#options
    const entry: Entry = { answer, endsAtMs: Number.POSITIVE_INFINITY }
    this.#makeRoom()
    this.#entries.set(key, entry)
    const settle = (judgement: Judgement): void => {
      const isKept = judgement === 'granted' || (judgement === 'refused' && keepsRefusals)
      if (isKept) entry.endsAtMs = clock.nowMs() + ttlMs
      else if (this.#entries.get(key) === entry) this.#entries.delete(key)
    }
    answer.then(
      (value) => settle(judge(value)),
      () => settle('never'),
    )
    return answer
  }

  #makeRoom(): void {
    if (this.#entries.size < ENTRIES_MAX) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  #digest(...parts: readonly (string | null | undefined)[]): string {
    const hash = createHash('sha256').update(this.#salt)
    for (const part of parts) hash.update(part == null ? '-' : `${part.length}:${part}`)
    return hash.digest('base64')
  }
}

type Judgement = 'granted' | 'refused' | 'never'

function isSettled({ kind }: AuthenticatorAnswer): Judgement {
  if (kind === 'identity') return 'granted'
  return kind === 'unavailable' ? 'never' : 'refused'
}

function isAuthorizer(asked: object): asked is Authorizer {
  return 'authorize' in asked
}
