/**
 * A directory decides: a login is a bind with the user's name and password, tags and permissions are queries.
 * [RabbitMQ: rabbitmq_auth_backend_ldap]
 */
import type { Access, AccessQuestion, Authorization } from '../../../model/access/authorization.ts'
import type { AuthenticatorAnswer, Credentials, Identity } from '../../identity.ts'
import { type Backend, refused, unavailable } from '../backend.ts'
import type { Questions } from '../questions.ts'
import { type Bind, BindRefused, type Directory } from './directory.ts'
import { answer, fillDn, fillIn, type Query, type QueryVariables } from './queries.ts'

/** Settings of the back end, with its queries read. */
export interface LdapBackendSettings {
  readonly userDnPattern: string
  readonly userBindPattern: string | null
  readonly lookupAttribute: string | null
  readonly lookupBase: string | null
  /** As whom users are looked up; `as_user`: as themselves, after they logged in. */
  readonly lookupBind: Bind | 'as_user' | 'anon'
  readonly otherBind: Bind | 'as_user' | 'anon'
  readonly groupBase: string | null
  readonly adDomain: string | null
  readonly timeoutMs: number
  readonly vhostQuery: Query
  readonly resourceQuery: Query
  readonly topicQuery: Query
  readonly tagQueries: ReadonlyMap<string, Query>
}

/** What it is made of. */
export interface LdapBackendOptions {
  readonly settings: LdapBackendSettings
  readonly directory: Directory
  readonly questions: Questions
}

/** Asks a directory. */
export class LdapBackend implements Backend {
  readonly name = 'ldap'
  readonly #options: LdapBackendOptions

  constructor(options: LdapBackendOptions) {
    this.#options = options
  }

  authenticate({ user, password }: Credentials): Promise<AuthenticatorAnswer> {
    return this.#guarded(user, (signal) => this.#logIn(user, password, signal))
  }

  /** Somebody else vouched for the user: the directory says what the user may do. */
  authorize({ user }: Identity): Promise<AuthenticatorAnswer> {
    return this.#guarded(user, (signal) => this.#logIn(user, null, signal))
  }

  async #guarded(user: string, run: (signal: AbortSignal) => Promise<Identity>): Promise<AuthenticatorAnswer> {
    const { questions, settings } = this.#options
    try {
      const outcome = await questions.ask(this.name, settings.timeoutMs, (signal) =>
        // A wrong password is an answer, not a failure of the directory.
        run(signal).catch((error: unknown) => {
          if (error instanceof BindRefused) return null
          throw error
        }),
      )
      if (outcome === null) return refused(`user '${user}' - refused by the directory`)
      return { kind: 'identity', identity: outcome }
    } catch (error) {
      return unavailable(error)
    }
  }

  async #logIn(user: string, password: string | null, signal: AbortSignal): Promise<Identity> {
    const { directory, settings } = this.#options
    const variables = userVariables(user, settings.adDomain)
    const dn = await this.#dnBefore(variables, signal)
    let userDn = dn
    if (password !== null) {
      const bindName =
        settings.userBindPattern === null || settings.lookupBind !== 'as_user'
          ? dn
          : fillIn(settings.userBindPattern, variables)
      userDn = await directory.as(
        { dn: bindName, password },
        signal,
        async (link) => {
          if (settings.lookupAttribute === null || settings.lookupBind !== 'as_user') return dn
          return await this.#lookUp(link, variables)
        },
        true,
      )
      // For questions as the user, whose name at the directory may be another than the distinguished name.
      return await this.#identity(user, { ...variables, user_dn: userDn }, { dn: bindName, password }, signal)
    }
    return await this.#identity(user, { ...variables, user_dn: userDn }, null, signal)
  }

  /** The distinguished name that the pattern or a search gives, before the user is logged in. */
  async #dnBefore(variables: QueryVariables, signal: AbortSignal): Promise<string> {
    const { directory, settings } = this.#options
    const { lookupBind, lookupAttribute } = settings
    const filled = fillDn(settings.userDnPattern, variables)
    if (lookupAttribute === null || lookupBind === 'as_user') return filled
    return await directory.as(lookupBind === 'anon' ? null : lookupBind, signal, (link) =>
      this.#lookUp(link, variables),
    )
  }

  async #lookUp(link: Parameters<Parameters<Directory['as']>[2]>[0], variables: QueryVariables): Promise<string> {
    const { lookupAttribute, lookupBase, userDnPattern } = this.#options.settings
    const value = fillIn(userDnPattern, variables)
    const found = await link.search(lookupBase ?? '', 'sub', { attribute: lookupAttribute ?? '', value }, null)
    // Two users of one name are none: nobody could say whose rights count.
    if (found.length !== 1) throw new BindRefused(`${found.length} entries have this name`)
    return found[0]!.dn
  }

  async #identity(user: string, variables: QueryVariables, own: Bind | null, signal: AbortSignal): Promise<Identity> {
    const { settings } = this.#options
    const tags: string[] = []
    for (const [tag, query] of settings.tagQueries) {
      if (await this.#answer(query, variables, own, signal)) tags.push(tag)
    }
    const authorization = new LdapAuthorization(
      (query, asked) => this.#ask(query, { ...variables, ...asked }, own),
      settings,
    )
    return { user, tags, authenticatedBy: this.name, expiresAtMs: null, authorization }
  }

  #ask(query: Query, variables: QueryVariables, own: Bind | null): Promise<boolean> {
    const { questions, settings } = this.#options
    return questions.ask(this.name, settings.timeoutMs, (signal) => this.#answer(query, variables, own, signal))
  }

  async #answer(query: Query, variables: QueryVariables, own: Bind | null, signal: AbortSignal): Promise<boolean> {
    // The commonest queries need no directory.
    if (query.kind === 'constant') return query.value
    const { directory, settings } = this.#options
    const { otherBind, groupBase } = settings
    if (otherBind === 'as_user' && own === null)
      throw new Error('auth_ldap.other_bind is as_user, but there is no password')
    const bind = otherBind === 'as_user' ? own : otherBind === 'anon' ? null : otherBind
    const userDn = variables.user_dn ?? ''
    return await directory.as(bind, signal, (link) => answer(query, { link, userDn, variables, groupBase }))
  }
}

class LdapAuthorization implements Authorization {
  readonly #ask: (query: Query, variables: QueryVariables) => Promise<boolean>
  readonly #settings: LdapBackendSettings

  constructor(ask: (query: Query, variables: QueryVariables) => Promise<boolean>, settings: LdapBackendSettings) {
    this.#ask = ask
    this.#settings = settings
  }

  may(question: AccessQuestion): Access | Promise<Access> {
    const { vhostQuery, resourceQuery, topicQuery } = this.#settings
    const query = question.on === 'vhost' ? vhostQuery : question.on === 'topic' ? topicQuery : resourceQuery
    if (query.kind === 'constant') return query.value ? 'allowed' : 'refused'
    return this.#ask(query, variablesOf(question)).then(
      (may) => (may ? 'allowed' : 'refused'),
      // `Questions` counted and logged it.
      () => 'unavailable',
    )
  }
}

function variablesOf(question: AccessQuestion): QueryVariables {
  const { vhost } = question
  if (question.on === 'vhost') return { vhost }
  const { on, name, permission } = question
  const common = { vhost, resource: on, name, permission }
  return question.on === 'topic' ? { ...common, routing_key: question.routingKey } : common
}

/** `DOMAIN\user` has both parts. */
function userVariables(user: string, adDomain: string | null): QueryVariables {
  const [domain, name] = user.split('\\')
  if (domain !== undefined && name !== undefined) return { username: user, ad_domain: domain, ad_user: name }
  return { username: user, ad_user: user, ...(adDomain !== null && { ad_domain: adDomain }) }
}
