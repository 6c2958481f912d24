/**
 * A web server decides: each question is one GET or POST with a form, answered by `allow`, `allow <tags>` or `deny`.
 * [RabbitMQ: rabbitmq_auth_backend_http]
 *
 *   user_path      username, password [, vhost, client_id]
 *   vhost_path     username, vhost, ip, tags [, client_id]
 *   resource_path  username, vhost, resource, name, permission, tags [, client_id]
 *   topic_path     the same with resource=topic, routing_key, variable_map.username, variable_map.vhost
 */
import type { Access, AccessQuestion, Authorization } from '../../model/access/authorization.ts'
import type { AuthenticatorAnswer, Credentials, Identity, LoginSource } from '../identity.ts'
import { type Backend, refused, unavailable } from './backend.ts'
import type { WebClient } from './http-port.ts'
import type { Questions } from './questions.ts'

/** Longest answer. */
const ANSWER_BYTES_MAX = 64 * 1024

/** Settings of the back end. */
export interface HttpBackendSettings {
  readonly method: 'get' | 'post'
  readonly userPath: URL
  readonly vhostPath: URL
  readonly resourcePath: URL
  readonly topicPath: URL
  readonly timeoutMs: number
}

/** What it is made of. */
export interface HttpBackendOptions {
  readonly settings: HttpBackendSettings
  readonly client: WebClient
  readonly questions: Questions
}

type Form = readonly (readonly [string, string])[]

/** What the server said. */
type Verdict = { readonly allows: true; readonly tags: readonly string[] } | { readonly allows: false }

/** Asks a web server. */
export class HttpBackend implements Backend {
  readonly name = 'http'
  readonly #options: HttpBackendOptions

  constructor(options: HttpBackendOptions) {
    this.#options = options
  }

  authenticate({ user, password, source }: Credentials): Promise<AuthenticatorAnswer> {
    const secret: Form = password === null ? [] : [['password', password]]
    return this.#logIn([['username', user], ...secret, ...contextOf(source)], user, source)
  }

  authorize({ user }: Identity, source: LoginSource): Promise<AuthenticatorAnswer> {
    return this.#logIn([['username', user]], user, source)
  }

  async #logIn(form: Form, user: string, source: LoginSource): Promise<AuthenticatorAnswer> {
    try {
      const verdict = await this.#ask(this.#options.settings.userPath, form)
      if (!verdict.allows) return refused(`user '${user}' - denied by the HTTP back end`)
      const { tags } = verdict
      const authorization = new HttpAuthorization((path, asked) => this.#ask(path, asked), this.#options.settings, {
        user,
        tags,
        remoteAddress: source.remoteAddress,
      })
      return {
        kind: 'identity',
        identity: { user, tags, authenticatedBy: this.name, expiresAtMs: null, authorization },
      }
    } catch (error) {
      return unavailable(error)
    }
  }

  async #ask(path: URL, form: Form): Promise<Verdict> {
    const { client, questions, settings } = this.#options
    const encoded = new URLSearchParams([...form].map(([name, value]): [string, string] => [name, value])).toString()
    const answer = await questions.ask(this.name, settings.timeoutMs, (signal) => {
      const common = { headers: {}, bodyBytesMax: ANSWER_BYTES_MAX, signal }
      if (settings.method === 'post') {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' }
        return client.request({ ...common, url: path, method: 'POST', headers, body: encoded })
      }
      const url = new URL(path)
      url.search = url.search === '' ? encoded : `${url.search.slice(1)}&${encoded}`
      return client.request({ ...common, url, method: 'GET', body: null })
    })
    return readAnswer(path, answer.status, answer.body)
  }
}

interface Subject {
  readonly user: string
  readonly tags: readonly string[]
  readonly remoteAddress: string
}

class HttpAuthorization implements Authorization {
  readonly #ask: (path: URL, form: Form) => Promise<Verdict>
  readonly #settings: HttpBackendSettings
  readonly #subject: Subject

  constructor(ask: (path: URL, form: Form) => Promise<Verdict>, settings: HttpBackendSettings, subject: Subject) {
    this.#ask = ask
    this.#settings = settings
    this.#subject = subject
  }

  async may(question: AccessQuestion): Promise<Access> {
    const { vhostPath, resourcePath, topicPath } = this.#settings
    const path = question.on === 'vhost' ? vhostPath : question.on === 'topic' ? topicPath : resourcePath
    try {
      const { allows } = await this.#ask(path, formOf(question, this.#subject))
      return allows ? 'allowed' : 'refused'
    } catch {
      // `Questions` counted and logged it.
      return 'unavailable'
    }
  }
}

function formOf(question: AccessQuestion, { user, tags, remoteAddress }: Subject): Form {
  const { vhost, clientId } = question
  const client: Form = clientId === undefined ? [] : [['client_id', clientId]]
  const whose: Form = [
    ['username', user],
    ['vhost', vhost],
  ]
  const tagged: Form = [['tags', tags.join(' ')]]
  if (question.on === 'vhost') return [...whose, ['ip', remoteAddress], ...tagged, ...client]
  const what: Form = [
    ['resource', question.on],
    ['name', question.name],
    ['permission', question.permission],
  ]
  if (question.on !== 'topic') return [...whose, ...what, ...tagged, ...client]
  const variables: Form = clientId === undefined ? [] : [['variable_map.client_id', clientId]]
  return [
    ...whose,
    ...what,
    ...tagged,
    ['routing_key', question.routingKey],
    ...variables,
    ['variable_map.username', user],
    ['variable_map.vhost', vhost],
  ]
}

/** What MQTT and others say beyond user and password. */
function contextOf({ vhost, clientId }: LoginSource): Form {
  const form: [string, string][] = []
  if (vhost !== undefined) form.push(['vhost', vhost])
  if (clientId !== undefined) form.push(['client_id', clientId])
  return form
}

function readAnswer(path: URL, status: number, body: string): Verdict {
  if (status !== 200 && status !== 201) throw new Error(`${path.origin}${path.pathname} answered ${status}`)
  const [word = '', ...tags] = body.trim().split(/\s+/)
  switch (word.toLowerCase()) {
    case 'allow':
      return { allows: true, tags }
    case 'deny':
      return { allows: false }
    default:
      throw new Error(`${path.origin}${path.pathname} answered neither allow nor deny`)
  }
}
