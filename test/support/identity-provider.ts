// An identity provider on this machine: oidc-provider, which signs access tokens for the resource server `rabbitmq`.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { Provider } from 'oidc-provider'

/** Every scope that tests ask for. */
export const SCOPES = [
  'rabbitmq.configure:*/*',
  'rabbitmq.read:*/*',
  'rabbitmq.write:*/*',
  'rabbitmq.write:*/own-*',
  'rabbitmq.write:*/mqtt-*',
  'rabbitmq.write:*/amq.topic/sensors.*',
  'rabbitmq.tag:management',
  'rabbitmq.tag:administrator',
  'rabbitmq.tag:impersonator',
] as const

const AUDIENCE = 'rabbitmq'
const SECRET = 'app-secret'

/** What a token is asked for with. */
export interface TokenRequest {
  readonly clientId?: string
  readonly audience?: string
  readonly ttlSeconds?: number
}

/** One provider. */
export class IdentityProvider {
  readonly #server: http.Server
  #redirectUris: readonly string[] = []
  #keyCount = 0
  #keys: JWK[] = []
  #ttlSeconds = 300
  #audience: string
  readonly #usualAudience: string
  #isDown = false

  private constructor(server: http.Server, audience: string) {
    this.#server = server
    this.#audience = audience
    this.#usualAudience = audience
  }

  /** `audience`: the resource server that its tokens are for. */
  static async start(audience = AUDIENCE): Promise<IdentityProvider> {
    const server = http.createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const provider = new IdentityProvider(server, audience)
    await provider.rotateKeys()
    return provider
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Settings of a broker that believes it. */
  get settings(): Record<string, string> {
    return {
      'auth_backends.1': 'oauth2',
      'auth_backends.2': 'internal',
      'auth_oauth2.resource_server_id': AUDIENCE,
      'auth_oauth2.issuer': this.issuer,
    }
  }

  /** Signs with a new key from now on; the old one is known no more. */
  async rotateKeys(): Promise<void> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    this.#keys = [{ ...(await exportJWK(privateKey)), kid: `key-${++this.#keyCount}`, use: 'sig', alg: 'RS256' }]
    this.#serve()
  }

  /** Lets the console sign people in who come back to this address. */
  allowRedirect(uri: string): void {
    this.#redirectUris = [uri]
    this.#serve()
  }

  /** Answers nothing but 503, or everything again. */
  setDown(isDown: boolean): void {
    this.#isDown = isDown
    this.#serve()
  }

  /** An access token of a client of its own right. */
  async token(
    scopes: readonly string[],
    { clientId = 'app', audience, ttlSeconds }: TokenRequest = {},
  ): Promise<string> {
    this.#ttlSeconds = ttlSeconds ?? 300
    this.#audience = audience ?? this.#usualAudience
    const reply = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${SECRET}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: scopes.join(' ') }),
    })
    const answer = (await reply.json()) as { access_token?: string }
    if (answer.access_token === undefined) throw new Error(`no token: ${JSON.stringify(answer)}`)
    return answer.access_token
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(): void {
    this.#server.removeAllListeners('request')
    if (this.#isDown) {
      this.#server.on('request', (_request, response) => response.writeHead(503).end())
      return
    }
    const machine = (id: string): object => ({
      client_id: id,
      client_secret: SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })
    const console = {
      client_id: 'console',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      redirect_uris: this.#redirectUris,
    }
    const scope = SCOPES.join(' ')
    const resourceServer = (): object => ({
      scope,
      audience: this.#audience,
      accessTokenFormat: 'jwt',
      accessTokenTTL: this.#ttlSeconds,
      jwt: { sign: { alg: 'RS256' } },
    })
    const provider = new Provider(this.issuer, {
      jwks: { keys: this.#keys },
      clients: [machine('app'), machine('other'), ...(this.#redirectUris.length === 0 ? [] : [console])],
      scopes: ['openid', ...SCOPES],
      pkce: { required: () => true },
      ttl: { ClientCredentials: () => this.#ttlSeconds },
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => 'urn:rabbitmq',
          useGrantedResource: () => true,
          getResourceServerInfo: resourceServer,
        },
      },
    })
    this.#server.on('request', provider.callback())
  }
}
