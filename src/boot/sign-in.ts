/** The ways to sign in to the console at an identity provider, as the settings describe them. */
import { Provider } from '../auth/backends/oauth2/providers.ts'
import type { Settings } from '../config/settings.ts'
import { OidcSignIn, type OidcSignInOptions, type SignInWay } from '../management/http/oidc-sign-in.ts'
import { HttpClient } from '../net/http-client.ts'
import type { Backends } from './backends.ts'
import type { Foundation } from './foundation.ts'
import { MAIN_PROVIDER } from './oauth2.ts'
import { tlsClient } from './tls-client.ts'

const CONNECTIONS_MAX = 4

type ConsoleResource = Settings['consoleOauth']['resourceServers'][string]

/** The sign-in; null when the console takes passwords only. Throws a sentence when the settings are not complete. */
export function consoleSignIn(
  settings: Settings,
  backends: Backends,
  { clock, randomness }: Foundation,
): OidcSignIn | null {
  const { consoleOauth, authOauth2 } = settings
  if (!consoleOauth.enabled) return null
  const client = new HttpClient({ tls: tlsClient(authOauth2), connectionCountMax: CONNECTIONS_MAX })
  backends.whenClosed(() => client.close())
  const named = Object.entries(consoleOauth.resourceServers)
  const common = {
    client,
    authorizationParameters: consoleOauth.authorizationParameters,
    tokenParameters: consoleOauth.tokenParameters,
  }
  const wayOf = (name: string, own: Partial<ConsoleResource>): SignInWay => {
    const clientId = own.clientId ?? consoleOauth.clientId
    if (clientId === null) throw new Error('management.oauth_enabled needs management.oauth_client_id')
    return {
      ...common,
      id: own.id ?? name,
      label: own.label ?? (name === '' ? consoleOauth.providerName : name),
      clientId,
      clientSecret: own.clientSecret ?? consoleOauth.clientSecret,
      scopes: own.scopes ?? consoleOauth.scopes,
      provider: providerOf(settings, name, own, { backends, client, clock }),
    }
  }
  const ways = named.length === 0 ? [wayOf('', {})] : named.map(([name, own]) => wayOf(name, own))
  return new OidcSignIn({ ways, questions: backends.questions, timeoutMs: authOauth2.timeoutMs, clock, randomness })
}

interface ProviderParts extends Pick<OidcSignInOptions, 'clock'> {
  readonly backends: Backends
  readonly client: HttpClient
}

/** The provider of the tokens, unless the console's settings name another address for it. */
function providerOf(
  { consoleOauth, authOauth2 }: Settings,
  name: string,
  own: Partial<ConsoleResource>,
  { backends, client, clock }: ProviderParts,
): Provider {
  const issuer = own.providerUrl ?? consoleOauth.providerUrl
  const metadata = own.metadataUrl ?? consoleOauth.metadataUrl
  const known = backends.providers().byName
  // The two lists belong together by the ids of the resource servers, whatever the names of their keys.
  const servers = Object.entries(authOauth2.resourceServers)
  const [, server] = servers.find(([key, { id }]) => (id ?? key) === (own.id ?? name)) ?? []
  const wanted = server?.provider ?? authOauth2.defaultProvider ?? MAIN_PROVIDER
  const provider = known.get(wanted) ?? known.get(MAIN_PROVIDER)
  if (issuer === null && metadata === null && provider !== undefined) return provider
  const address = metadata ?? issuer ?? new URL('http://localhost')
  const settings = {
    name: wanted,
    issuer: metadata === null ? issuer : new URL(address.origin),
    jwksUri: null,
    tokenEndpoint: null,
    authorizationEndpoint: null,
    endSessionEndpoint: null,
    discoveryPath: metadata === null ? authOauth2.discoveryPath : `${metadata.pathname}${metadata.search}`,
    algorithms: [],
    signingKeys: new Map(),
    defaultKey: null,
  }
  return new Provider({ settings, client, questions: backends.questions, timeoutMs: authOauth2.timeoutMs, clock })
}
