/** The back ends that decide logins and permissions, as the settings name and order them. */
import { CacheBackend } from '../auth/backends/cache-backend.ts'
import { HttpBackend } from '../auth/backends/http-backend.ts'
import { Questions } from '../auth/backends/questions.ts'
import type { Authenticator, Authorizer, ChainLink } from '../auth/identity.ts'
import { InternalAuthenticator } from '../auth/internal-authenticator.ts'
import type { Logger } from '../base/log.ts'
import type { ChainSetting } from '../config/field.ts'
import type { Settings } from '../config/settings.ts'
import { HttpClient } from '../net/http-client.ts'
import type { Foundation } from './foundation.ts'
import { ldapBackend } from './ldap.ts'
import { oauth2Backend, Providers } from './oauth2.ts'
import { tlsClient } from './tls-client.ts'

type Backend = Authenticator & Authorizer

/** RabbitMQ's names of the same back ends. */
const NAMES: Readonly<Record<string, string>> = {
  rabbit_auth_backend_internal: 'internal',
  rabbit_auth_backend_http: 'http',
  rabbit_auth_backend_ldap: 'ldap',
  rabbit_auth_backend_oauth2: 'oauth2',
  rabbit_auth_backend_uaa: 'oauth2',
  rabbit_auth_backend_cache: 'cache',
  oauth: 'oauth2',
  uaa: 'oauth2',
}

/** All back ends of a broker: each is made once, when a chain names it. */
export class Backends {
  readonly questions: Questions
  readonly #foundation: Foundation
  readonly #settings: Settings
  readonly #made = new Map<string, Backend>()
  readonly #closing: (() => void)[] = []
  #cache: CacheBackend | null = null
  #providers: Providers | null = null

  constructor(foundation: Foundation, settings: Settings, logger: Logger) {
    this.#foundation = foundation
    this.#settings = settings
    const { wheel: timers, clock } = foundation
    this.questions = new Questions({ timers, clock, logger: logger.child('auth') })
  }

  /** The chain that settings describe. Throws a sentence when a name is unknown. */
  chain(links: readonly ChainSetting[]): ChainLink[] {
    return links.map(({ authn, authz }) => ({
      authenticator: this.#named(authn),
      authorizer: authz === null || authz === authn ? null : this.#named(authz),
    }))
  }

  /** The identity providers, made when somebody needs them. */
  providers(): Providers {
    if (this.#providers === null) {
      const providers = new Providers(this.#settings, this.questions, this.#foundation)
      this.#providers = providers
      this.#closing.push(() => providers.close())
    }
    return this.#providers
  }

  /** Forgets what the cache knows. */
  clearCache(): void {
    this.#cache?.clear()
  }

  /** Something else that ends with the back ends. */
  whenClosed(close: () => void): void {
    this.#closing.push(close)
  }

  close(): void {
    for (const close of this.#closing) close()
  }

  #named(name: string): Backend {
    const known = NAMES[name] ?? name
    let backend = this.#made.get(known)
    if (backend === undefined) {
      backend = this.#make(known)
      this.#made.set(known, backend)
    }
    return backend
  }

  #make(name: string): Backend {
    switch (name) {
      case 'internal':
        return new InternalAuthenticator(this.#foundation.metadata)
      case 'http':
        return this.#http()
      case 'cache':
        return this.#cacheOf()
      case 'ldap': {
        const { backend, directory } = ldapBackend(this.#settings, this.questions, this.#foundation)
        this.#closing.push(() => directory.close())
        return backend
      }
      case 'oauth2':
        return oauth2Backend(this.#settings, this.providers(), this.#foundation)
      default:
        throw new Error(`auth_backends: '${name}' is not available; there are internal, http, ldap, oauth2 and cache`)
    }
  }

  #http(): Backend {
    const { authHttp } = this.#settings
    const client = new HttpClient({ tls: tlsClient(authHttp), connectionCountMax: authHttp.connectionCountMax })
    this.#closing.push(() => client.close())
    return new HttpBackend({ settings: authHttp, client, questions: this.questions })
  }

  #cacheOf(): Backend {
    const { authCache } = this.#settings
    const { clock, randomness } = this.#foundation
    if (
      authCache.backend.some(({ authn, authz }) =>
        [authn, authz].some((name) => NAMES[name ?? ''] === 'cache' || name === 'cache'),
      )
    ) {
      throw new Error('auth_cache.cached_backend: the cache cannot keep its own answers')
    }
    const [cached] = this.chain(authCache.backend)
    if (cached === undefined) throw new Error('auth_backends: cache needs auth_cache.cached_backend')
    const { ttlMs, keepsRefusals } = authCache
    this.#cache = new CacheBackend({ cached, ttlMs, keepsRefusals, clock, randomness })
    return this.#cache
  }
}
