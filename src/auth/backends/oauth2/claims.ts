/**
 * From the claims of a token that was verified to a user name and scopes. Pure. [RabbitMQ: rabbitmq_auth_backend_oauth2]
 *
 * Scopes come from `scope`, from more claims that the settings name, from permissions of a requesting party token, and
 * from rich authorization requests (RFC 9396). Aliases are replaced, then the prefix is taken off; scopes without it are
 * none of ours.
 */
import { matchesWildcard } from './scopes.ts'

/** Claims as they were signed. */
export type Claims = Readonly<Record<string, unknown>>

/** One resource server: how a broker is called in tokens, and how its scopes are read. */
export interface ResourceServer {
  readonly id: string
  /** In rich authorization requests; null reads none. */
  readonly type: string | null
  readonly scopePrefix: string
  readonly verifiesAudience: boolean
  readonly additionalScopesKeys: readonly string[]
  readonly usernameClaims: readonly string[]
  readonly aliases: ReadonlyMap<string, readonly string[]>
  /** Name of its provider. */
  readonly provider: string
}

/** Words of one token at most, before aliases. */
const SCOPES_MAX = 4096
const TAG_ACTIONS: readonly string[] = ['administrator', 'monitoring', 'management', 'policymaker']
const PERMISSION_ACTIONS: readonly string[] = ['configure', 'write', 'read']

/** Who the token is about: the first claim that there is. */
export function userNameOf(claims: Claims, { usernameClaims }: ResourceServer): string {
  for (const name of [...usernameClaims, 'sub', 'client_id']) {
    const value = claims[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return 'unknown'
}

/** The audience of a token. */
export function audienceOf({ aud }: Claims): readonly string[] {
  return wordsOf(aud)
}

/** Scopes for a resource server, without its prefix. */
export function scopesOf(claims: Claims, server: ResourceServer): string[] {
  const words = [
    ...wordsOf(claims.scope),
    ...server.additionalScopesKeys.flatMap((key) => additionalScopes(claims, key, server.id)),
    ...partyPermissions(claims),
  ].slice(0, SCOPES_MAX)
  const scopes = words.flatMap((word) => server.aliases.get(word) ?? [word])
  const own = scopes.filter((scope) => scope.startsWith(server.scopePrefix))
  const bare = own.map((scope) => scope.slice(server.scopePrefix.length))
  return [...new Set([...bare, ...richScopes(claims, server)])]
}

/** A claim below others: `realm_access.roles`. Of an object, the part of this resource server, whose words get its prefix. */
function additionalScopes(claims: Claims, key: string, serverId: string): readonly string[] {
  let value: unknown = Object.hasOwn(claims, key) ? claims[key] : claims
  if (value === claims) {
    for (const part of key.split('.')) value = isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined
  }
  if (!isObject(value)) return wordsOf(value)
  return wordsOf(value[serverId]).map((word) => `${serverId}.${word}`)
}

/** `authorization.permissions[].scopes` of a requesting party token. */
function partyPermissions({ authorization }: Claims): string[] {
  const permissions = isObject(authorization) ? authorization.permissions : undefined
  if (!Array.isArray(permissions)) return []
  return permissions.flatMap((permission: unknown) => (isObject(permission) ? wordsOf(permission.scopes) : []))
}

/** Rich authorization requests: what each of its locations in this cluster is allowed. */
function richScopes({ authorization_details: details }: Claims, { id, type }: ResourceServer): string[] {
  if (type === null || !Array.isArray(details)) return []
  const scopes: string[] = []
  for (const detail of details.slice(0, SCOPES_MAX) as unknown[]) {
    if (!isObject(detail) || detail.type !== type) continue
    const locations = wordsOf(detail.locations).map(readLocation)
    const here = locations.filter(({ cluster }) => cluster !== undefined && matchesWildcard(id, cluster))
    if (here.length === 0) continue
    for (const action of wordsOf(detail.actions)) {
      if (TAG_ACTIONS.includes(action)) scopes.push(`tag:${action}`)
      else if (PERMISSION_ACTIONS.includes(action))
        scopes.push(...here.flatMap((at) => pathsOf(at).map((path) => `${action}:${path}`)))
    }
  }
  return scopes
}

interface Location {
  readonly cluster?: string
  readonly vhost?: string
  readonly queue?: string
  readonly exchange?: string
  readonly 'routing-key'?: string
}

/** `cluster:finance/vhost:primary-* /queue:a-*`: parts in any order. */
function readLocation(text: string): Location {
  const parts = text.split('/').map((part) => {
    const colon = part.indexOf(':')
    return colon < 0 ? [part, ''] : [part.slice(0, colon), part.slice(colon + 1)]
  })
  return Object.fromEntries(parts)
}

function pathsOf({ vhost = '*', queue, exchange, 'routing-key': routingKey }: Location): string[] {
  const end = routingKey === undefined ? '' : `/${routingKey}`
  const names = [...new Set([queue, exchange].filter((name) => name !== undefined))]
  return (names.length === 0 ? ['*'] : names).map((name) => `${vhost}/${name}${end}`)
}

/** Words of a text, or the texts of a list. */
function wordsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((word) => word !== '')
  if (!Array.isArray(value)) return []
  return value.filter((word): word is string => typeof word === 'string')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
