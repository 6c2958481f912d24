/** The back end of tokens, as the settings describe it: resource servers, and the providers whose keys are fetched. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ResourceServer } from '../auth/backends/oauth2/claims.ts'
import { Oauth2Backend } from '../auth/backends/oauth2/oauth2-backend.ts'
import { Provider, type ProviderSettings } from '../auth/backends/oauth2/providers.ts'
import type { Questions } from '../auth/backends/questions.ts'
import type { Settings } from '../config/settings.ts'
import { HttpClient } from '../net/http-client.ts'
import type { Foundation } from './foundation.ts'
import { tlsClient } from './tls-client.ts'

/** The provider of settings that name none. */
export const MAIN_PROVIDER = ''
/** Connections to one provider. */
const CONNECTIONS_MAX = 4

type Oauth2Settings = Settings['authOauth2']

/** The providers of a broker, by name. */
export class Providers {
  readonly byName: ReadonlyMap<string, Provider>
  readonly #clients: HttpClient[] = []

  constructor({ authOauth2 }: Settings, questions: Questions, { clock }: Foundation) {
    const names = [MAIN_PROVIDER, ...Object.keys(authOauth2.providers)]
    const make = (name: string): [string, Provider] => {
      const own = authOauth2.providers[name]
      const tls = tlsClient({
        verify: own?.verify ?? authOauth2.verify,
        hostnameVerification: own?.hostnameVerification ?? authOauth2.hostnameVerification,
        caCertificateFile: own?.caCertificateFile ?? authOauth2.caCertificateFile,
      })
      const client = new HttpClient({ tls, connectionCountMax: CONNECTIONS_MAX })
      this.#clients.push(client)
      const { timeoutMs } = authOauth2
      return [name, new Provider({ settings: providerSettings(authOauth2, name), client, questions, timeoutMs, clock })]
    }
    this.byName = new Map(names.map(make))
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

/** The back end itself. Throws a sentence when the settings are not complete. */
export function oauth2Backend({ authOauth2 }: Settings, providers: Providers, { clock }: Foundation): Oauth2Backend {
  const { scopePatterns, clockToleranceSeconds } = authOauth2
  return new Oauth2Backend({
    resourceServers: resourceServers(authOauth2),
    providers: providers.byName,
    scopePatterns,
    clockToleranceSeconds,
    clock,
  })
}

function resourceServers(settings: Oauth2Settings): ResourceServer[] {
  const main = settings.resourceServerId
  const names = Object.keys(settings.resourceServers)
  if (main === null && names.length === 0) throw new Error('auth_backends: oauth2 needs auth_oauth2.resource_server_id')
  const servers = names.map((name) => namedServer(settings, name))
  return main === null ? servers : [resourceServer(settings, main), ...servers]
}

function resourceServer(settings: Oauth2Settings, id: string): ResourceServer {
  return {
    id,
    type: settings.resourceServerType,
    scopePrefix: settings.scopePrefix ?? `${id}.`,
    verifiesAudience: settings.verifiesAudience,
    additionalScopesKeys: settings.additionalScopesKey,
    usernameClaims: settings.usernameClaims,
    aliases: aliasesOf(settings),
    provider: settings.defaultProvider ?? MAIN_PROVIDER,
  }
}

function namedServer(settings: Oauth2Settings, name: string): ResourceServer {
  const own = settings.resourceServers[name]!
  const id = own.id ?? name
  const common = resourceServer(settings, id)
  const claims = inOrder(settings.resourceServerUsernameClaims[name])
  const aliases = Object.entries(settings.resourceServerAliases[name] ?? {})
  return {
    id,
    type: own.type ?? common.type,
    scopePrefix: own.scopePrefix ?? common.scopePrefix,
    verifiesAudience: own.verifiesAudience ?? common.verifiesAudience,
    additionalScopesKeys: own.additionalScopesKey ?? common.additionalScopesKeys,
    usernameClaims: claims.length === 0 ? common.usernameClaims : claims,
    aliases: aliases.length === 0 ? common.aliases : new Map(aliases),
    provider: own.provider ?? common.provider,
  }
}

function aliasesOf(settings: Oauth2Settings): ReadonlyMap<string, readonly string[]> {
  const aliases = new Map<string, readonly string[]>(Object.entries(settings.scopeAliases))
  for (const [number, alias] of Object.entries(settings.scopeAliasNames)) {
    aliases.set(alias, settings.scopeAliasScopes[number] ?? [])
  }
  return aliases
}

function providerSettings(settings: Oauth2Settings, name: string): ProviderSettings {
  const own = settings.providers[name]
  const algorithms = own === undefined ? settings.algorithms : inOrder(settings.providerAlgorithms[name])
  const files = own === undefined ? settings.signingKeys : (settings.providerKeys[name] ?? {})
  const from = own ?? settings
  const query = new URLSearchParams({ ...settings.discoveryParameters }).toString()
  const path = own?.discoveryPath ?? settings.discoveryPath
  return {
    name,
    issuer: from.issuer,
    jwksUri: from.jwksUri,
    tokenEndpoint: from.tokenEndpoint,
    authorizationEndpoint: from.authorizationEndpoint,
    endSessionEndpoint: from.endSessionEndpoint,
    discoveryPath: query === '' ? path : `${path}?${query}`,
    algorithms: algorithms.length === 0 ? settings.algorithms : algorithms,
    signingKeys: new Map(Object.entries(files).map(([id, file]): [string, KeyObject] => [id, readKey(file)])),
    defaultKey: from.defaultKey,
  }
}

function readKey(file: string): KeyObject {
  try {
    return createPublicKey(readFileSync(file))
  } catch (error) {
    throw new Error(`'${file}' is no public key: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Values of a list by its numbers. */
function inOrder(values: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(values)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, value]) => value)
}
