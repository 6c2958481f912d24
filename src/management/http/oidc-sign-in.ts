/**
 * Signing in to the console at an identity provider: the authorization code flow with PKCE, carried out by the broker. The
 * browser is sent to the provider and comes back with a code; the broker exchanges it for a token and opens a session,
 * whose cookie is all that the browser gets. [OpenID Connect Core §3.1; RFC 7636; RabbitMQ: management.oauth_*]
 *
 * What is under way is remembered by its state, for a while and up to a bound, and belongs to one browser: a cookie says
 * which. Tokens and codes stand in no error and no log.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { WebClient } from '../../auth/backends/http-port.ts'
import type { Provider } from '../../auth/backends/oauth2/providers.ts'
import type { Questions } from '../../auth/backends/questions.ts'
import type { Clock } from '../../base/clock.ts'
import type { Randomness } from '../../base/random.ts'

/** Sign-ins under way at most; the oldest goes first. */
const PENDING_MAX = 1000
/** How long somebody may take at the provider. */
const PENDING_MS_MAX = 10 * 60_000
const SECRET_BYTES = 32
const ANSWER_BYTES_MAX = 512 * 1024

/** A way to sign in. */
export interface SignInWay {
  /** Of the resource server; empty for the only one. */
  readonly id: string
  readonly label: string
  readonly clientId: string
  readonly clientSecret: string | null
  readonly scopes: readonly string[]
  readonly provider: Provider
  readonly client: WebClient
  readonly authorizationParameters: Readonly<Record<string, string>>
  readonly tokenParameters: Readonly<Record<string, string>>
}

/** What sign-in needs. */
export interface OidcSignInOptions {
  /** The first is the default. */
  readonly ways: readonly SignInWay[]
  readonly questions: Questions
  readonly timeoutMs: number
  readonly clock: Clock
  readonly randomness: Randomness
}

/** The beginning of a sign-in. */
export interface SignInStart {
  /** Where the browser goes. */
  readonly location: string
  /** For the cookie that ties the sign-in to this browser. */
  readonly binding: string
}

interface Pending {
  readonly way: SignInWay
  readonly verifier: string
  readonly binding: string
  readonly redirectUri: string
  readonly startedAtMs: number
}

/** Why somebody could not sign in, for the page. */
export class SignInFailed extends Error {}

/** The sign-ins of a broker. */
export class OidcSignIn {
  readonly #options: OidcSignInOptions
  readonly #pending = new Map<string, Pending>()

  constructor(options: OidcSignInOptions) {
    this.#options = options
  }

  get ways(): readonly SignInWay[] {
    return this.#options.ways
  }

  /** Starts one. Rejects with `SignInFailed` when the provider cannot be asked. */
  async start(wayId: string | null, redirectUri: string): Promise<SignInStart> {
    const { ways, clock } = this.#options
    const way = wayId === null ? ways[0] : ways.find(({ id }) => id === wayId)
    if (way === undefined) throw new SignInFailed('there is no such way to sign in')
    const { authorizationEndpoint } = await endpointsOf(way)
    if (authorizationEndpoint === null) throw new SignInFailed('the identity provider has no address to sign in at')
    const [state, verifier, binding] = [this.#secret(), this.#secret(), this.#secret()]
    this.#makeRoom()
    this.#pending.set(state, { way, verifier, binding, redirectUri, startedAtMs: clock.nowMs() })
    const location = new URL(authorizationEndpoint)
    const parameters = {
      ...way.authorizationParameters,
      response_type: 'code',
      client_id: way.clientId,
      redirect_uri: redirectUri,
      scope: way.scopes.join(' '),
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }
    for (const [name, value] of Object.entries(parameters)) location.searchParams.set(name, value)
    return { location: String(location), binding }
  }

  /** Exchanges what the browser brought back for a token. Rejects with `SignInFailed`. Each state counts once. */
  async finish(query: URLSearchParams, binding: string | undefined): Promise<string> {
    const state = query.get('state') ?? ''
    const pending = this.#pending.get(state)
    this.#pending.delete(state)
    if (pending === undefined || this.#options.clock.nowMs() - pending.startedAtMs > PENDING_MS_MAX) {
      throw new SignInFailed('this sign-in took too long, or was not started here')
    }
    if (!isSame(binding ?? '', pending.binding)) throw new SignInFailed('this sign-in was started by another browser')
    const error = query.get('error')
    // The provider's word, such as access_denied; its description could be anybody's text.
    if (error !== null)
      throw new SignInFailed(`the identity provider says ${error.replaceAll(/[^\w-]/g, '').slice(0, 64)}`)
    const code = query.get('code')
    if (code === null) throw new SignInFailed('the identity provider sent no code')
    return await this.#exchange(pending, code)
  }

  async #exchange({ way, verifier, redirectUri }: Pending, code: string): Promise<string> {
    const { tokenEndpoint } = await endpointsOf(way)
    if (tokenEndpoint === null) throw new SignInFailed('the identity provider has no address for tokens')
    const { questions, timeoutMs } = this.#options
    const form = new URLSearchParams({
      ...way.tokenParameters,
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      client_id: way.clientId,
      code_verifier: verifier,
      ...(way.clientSecret !== null && { client_secret: way.clientSecret }),
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
    const request = { url: tokenEndpoint, method: 'POST', headers, body: form.toString() } as const
    try {
      const { status, body } = await questions.ask('oauth2', timeoutMs, (signal) =>
        way.client.request({ ...request, bodyBytesMax: ANSWER_BYTES_MAX, signal }),
      )
      const answer: unknown = JSON.parse(body)
      const token =
        typeof answer === 'object' && answer !== null && 'access_token' in answer ? answer.access_token : null
      if (status === 200 && typeof token === 'string') return token
    } catch (error) {
      throw new SignInFailed('the identity provider does not answer', { cause: error })
    }
    throw new SignInFailed('the identity provider gave no token')
  }

  #secret(): string {
    return this.#options.randomness.bytes(SECRET_BYTES).toString('base64url')
  }

  #makeRoom(): void {
    const { clock } = this.#options
    for (const [state, { startedAtMs }] of this.#pending) {
      if (this.#pending.size < PENDING_MAX && clock.nowMs() - startedAtMs <= PENDING_MS_MAX) return
      this.#pending.delete(state)
    }
  }
}

async function endpointsOf({ provider }: SignInWay): ReturnType<Provider['endpoints']> {
  try {
    return await provider.endpoints()
  } catch (error) {
    throw new SignInFailed('the identity provider does not answer', { cause: error })
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
