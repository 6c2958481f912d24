/** The back end of a directory, as the settings describe it. */
import { type Bind, Directory } from '../auth/backends/ldap/directory.ts'
import { LdapBackend, type LdapBackendSettings } from '../auth/backends/ldap/ldap-backend.ts'
import { parseQuery, parseTagQueries } from '../auth/backends/ldap/queries.ts'
import type { Questions } from '../auth/backends/questions.ts'
import type { Settings } from '../config/settings.ts'
import { connectTls, tlsClientOptions } from '../net/http-client.ts'
import type { Foundation } from './foundation.ts'
import { tlsClient } from './tls-client.ts'

const PLAIN_PORT = 389
const TLS_PORT = 636
/** `infinity`, as far as a client waits. */
const TIMEOUT_MS_MAX = 300_000

/** Connections and back end. Throws a sentence when a query cannot be read. */
export function ldapBackend(
  { authLdap }: Settings,
  questions: Questions,
  { clock }: Foundation,
): { backend: LdapBackend; directory: Directory } {
  const { servers, usesTls, usesStartTls, idleTimeoutMs, poolCount } = authLdap
  const timeoutMs = Math.min(authLdap.timeoutMs, TIMEOUT_MS_MAX)
  const port = authLdap.port ?? (usesTls ? TLS_PORT : PLAIN_PORT)
  const tls = tlsClientOptions(tlsClient(authLdap))
  const directory = new Directory(
    { servers, port, usesTls, usesStartTls, tls, connectTls, timeoutMs, idleTimeoutMs, poolCount },
    clock,
  )
  const backend = new LdapBackend({ settings: backendSettings(authLdap, timeoutMs), directory, questions })
  return { backend, directory }
}

function backendSettings(settings: Settings['authLdap'], timeoutMs: number): LdapBackendSettings {
  return {
    userDnPattern: settings.userDnPattern,
    userBindPattern: settings.userBindPattern,
    lookupAttribute: settings.lookupAttribute,
    lookupBase: settings.lookupBase,
    lookupBind: bindOf(settings.lookupBindDn, settings.lookupBindPassword) ?? settings.lookupBind,
    otherBind: bindOf(settings.otherBindDn, settings.otherBindPassword) ?? settings.otherBind,
    groupBase: settings.groupLookupBase,
    adDomain: settings.adDomain,
    timeoutMs,
    vhostQuery: read('vhost_access_query', () => parseQuery(settings.vhostAccessQuery)),
    resourceQuery: read('resource_access_query', () => parseQuery(settings.resourceAccessQuery)),
    topicQuery: read('topic_access_query', () => parseQuery(settings.topicAccessQuery)),
    tagQueries: read('tag_queries', () => parseTagQueries(settings.tagQueries)),
  }
}

function bindOf(dn: string | null, password: string | null): Bind | undefined {
  return dn === null ? undefined : { dn, password: password ?? '' }
}

function read<T>(key: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new Error(`auth_ldap.${key}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
