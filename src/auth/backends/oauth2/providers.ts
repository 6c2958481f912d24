/**
 * The keys of identity providers: fetched from their key sets, which the settings name or discovery finds, or read from
 * files. Key sets are kept; an unknown key fetches the set anew, so that keys may be changed while the broker runs.
 *
 * Bounds: one key set per provider, its bytes and its keys; fetches of a set at least some seconds apart, whoever sends
 * tokens with keys that do not exist.
 */
import type { KeyObject } from 'node:crypto'
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../../base/clock.ts'
import type { WebClient } from '../http-port.ts'
import type { Questions } from '../questions.ts'

/** Bytes of a key set or a discovery document. */
const DOCUMENT_BYTES_MAX = 512 * 1024
const KEYS_MAX = 200
/** A set that does not know a key is fetched again after this time at the earliest. */
const REFETCH_MS_MIN = 5_000
/** A set is fetched again after this time even when it knows all keys: some may have been withdrawn. */
const KEPT_MS_MAX = 10 * 60_000

/** A provider, as settings describe it. */
export interface ProviderSettings {
  readonly name: string
  readonly issuer: URL | null
  readonly jwksUri: URL | null
  readonly tokenEndpoint: URL | null
  readonly authorizationEndpoint: URL | null
  readonly endSessionEndpoint: URL | null
  /** Path with query, below the issuer. */
  readonly discoveryPath: string
  readonly algorithms: readonly string[]
  /** By key id. */
  readonly signingKeys: ReadonlyMap<string, KeyObject>
  readonly defaultKey: string | null
}

/** What discovery said. */
export interface DiscoveredProvider {
  readonly issuer: string | null
  readonly jwksUri: URL | null
  readonly tokenEndpoint: URL | null
  readonly authorizationEndpoint: URL | null
  readonly endSessionEndpoint: URL | null
}

/** What providers are asked with. */
export interface ProviderOptions {
  readonly settings: ProviderSettings
  readonly client: WebClient
  readonly questions: Questions
  readonly timeoutMs: number
  readonly clock: Clock
}

interface KeySet {
  readonly find: JWTVerifyGetKey
  readonly fetchedAtMs: number
}

/** One provider. */
export class Provider {
  readonly #options: ProviderOptions
  #discovered: DiscoveredProvider | null = null
  #keys: KeySet | null = null
  #fetching: Promise<KeySet> | null = null

  constructor(options: ProviderOptions) {
    this.#options = options
  }

  get settings(): ProviderSettings {
    return this.#options.settings
  }

  /** Endpoints: those of the settings, else those that discovery finds. */
  async endpoints(): Promise<DiscoveredProvider> {
    const { issuer, jwksUri, tokenEndpoint, authorizationEndpoint, endSessionEndpoint } = this.settings
    const found = issuer === null ? null : await this.#discover()
    return {
      issuer: found?.issuer ?? null,
      jwksUri: jwksUri ?? found?.jwksUri ?? null,
      tokenEndpoint: tokenEndpoint ?? found?.tokenEndpoint ?? null,
      authorizationEndpoint: authorizationEndpoint ?? found?.authorizationEndpoint ?? null,
      endSessionEndpoint: endSessionEndpoint ?? found?.endSessionEndpoint ?? null,
    }
  }

  /** The issuer that tokens must name; null: they need not. Fetched with the first key set. */
  get issuer(): string | null {
    return this.#discovered?.issuer ?? null
  }

  /** The key of a token. Rejects when there is none, or the provider cannot be asked. */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    const { signingKeys, defaultKey } = this.settings
    const own = signingKeys.get(header.kid ?? defaultKey ?? '')
    if (own !== undefined) return own
    const set = await this.#current()
    try {
      return await set.find(header, token)
    } catch (error) {
      if (this.#options.clock.nowMs() - set.fetchedAtMs < REFETCH_MS_MIN) throw error
      return await (await this.#fetch()).find(header, token)
    }
  }

  async #current(): Promise<KeySet> {
    const set = this.#keys
    if (set === null) return await this.#fetch()
    if (this.#options.clock.nowMs() - set.fetchedAtMs > KEPT_MS_MAX) {
      try {
        return await this.#fetch()
      } catch {
        // `Questions` counted and logged it. The keys that are known go on to count.
        this.#keys = { ...set, fetchedAtMs: this.#options.clock.nowMs() }
      }
    }
    return set
  }

  #fetch(): Promise<KeySet> {
    this.#fetching ??= this.#fetchNow().finally(() => {
      this.#fetching = null
    })
    return this.#fetching
  }

  async #fetchNow(): Promise<KeySet> {
    const jwksUri = this.settings.jwksUri ?? (await this.endpoints()).jwksUri
    if (jwksUri === null) throw new Error(`provider '${this.settings.name}' has no address of its keys`)
    const document = await this.#document(jwksUri)
    const keys = Array.isArray(document.keys) ? document.keys : []
    const { createLocalJWKSet } = await import('jose')
    // Its shape is checked by the library, key by key.
    const set = { keys: keys.slice(0, KEYS_MAX) } as JSONWebKeySet
    this.#keys = { find: createLocalJWKSet(set), fetchedAtMs: this.#options.clock.nowMs() }
    return this.#keys
  }

  async #discover(): Promise<DiscoveredProvider> {
    if (this.#discovered !== null) return this.#discovered
    const { issuer, discoveryPath } = this.settings
    const document = await this.#document(new URL(`${String(issuer).replace(/\/$/, '')}${discoveryPath}`))
    this.#discovered = {
      issuer: typeof document.issuer === 'string' ? document.issuer : null,
      jwksUri: addressIn(document, 'jwks_uri'),
      tokenEndpoint: addressIn(document, 'token_endpoint'),
      authorizationEndpoint: addressIn(document, 'authorization_endpoint'),
      endSessionEndpoint: addressIn(document, 'end_session_endpoint'),
    }
    return this.#discovered
  }

  async #document(url: URL): Promise<Record<string, unknown>> {
    const { client, questions, timeoutMs } = this.#options
    const request = { url, method: 'GET', headers: { accept: 'application/json' }, body: null } as const
    const { status, body } = await questions.ask('oauth2', timeoutMs, async (signal) => {
      const answer = await client.request({ ...request, bodyBytesMax: DOCUMENT_BYTES_MAX, signal })
      if (answer.status !== 200) throw new Error(`${url.origin}${url.pathname} answered ${answer.status}`)
      return answer
    })
    const document: unknown = JSON.parse(body)
    if (status !== 200 || typeof document !== 'object' || document === null) {
      throw new Error(`${url.origin}${url.pathname} is no JSON object`)
    }
    return document as Record<string, unknown>
  }
}

function addressIn(document: Record<string, unknown>, name: string): URL | null {
  const value = document[name]
  return typeof value === 'string' && URL.canParse(value) ? new URL(value) : null
}
