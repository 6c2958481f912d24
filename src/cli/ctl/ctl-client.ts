/**
 * Talks to a running broker for `warren ctl`: over the local socket in the data folder, without credentials, or over the
 * HTTP API of any broker with them. Every failure becomes one sentence.
 */
import http from 'node:http'
import https from 'node:https'
import { EXIT_DATA, EXIT_NO_USER, EXIT_TEMPORARY, EXIT_UNREACHABLE, exitCodeOf } from './exit-codes.ts'

/** Where the broker is. */
export type CtlTarget =
  | { readonly kind: 'local'; readonly socketPath: string }
  | { readonly kind: 'remote'; readonly url: URL; readonly user: string; readonly password: string }

/** A failure in the user's words. */
export class CtlError extends Error {
  /** HTTP status of the broker's refusal; 0 when there is none. */
  readonly status: number
  readonly exitCode: number

  constructor(message: string, status = 0, exitCode = status === 0 ? EXIT_DATA : exitCodeOf(status)) {
    super(message)
    this.status = status
    this.exitCode = exitCode
  }
}

/** What the broker answered. */
export interface CtlReply {
  readonly status: number
  /** Parsed JSON; undefined without a body. */
  readonly json: unknown
}

/** Objects of lists. */
export type Row = Readonly<Record<string, unknown>>

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

/** One broker. */
export class CtlClient {
  readonly #target: CtlTarget
  readonly #timeoutMs: number

  constructor(target: CtlTarget, timeoutMs: number) {
    this.#target = target
    this.#timeoutMs = timeoutMs
  }

  /** The name of the broker's machine; null when it is this one. */
  get host(): string | null {
    return this.#target.kind === 'local' ? null : this.#target.url.hostname
  }

  async get(path: readonly string[], query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    return (await this.#ask('GET', path, undefined, query)).json
  }

  async list(path: readonly string[], query: Readonly<Record<string, string>> = {}): Promise<readonly Row[]> {
    const json = await this.get(path, query)
    if (!Array.isArray(json)) throw new CtlError('the broker answered with something that is not a list')
    return json
  }

  async put(path: readonly string[], body: unknown): Promise<void> {
    await this.#ask('PUT', path, JSON.stringify(body))
  }

  async post(path: readonly string[], body: unknown): Promise<unknown> {
    return (await this.#ask('POST', path, typeof body === 'string' ? body : JSON.stringify(body))).json
  }

  async delete(path: readonly string[], query: Readonly<Record<string, string>> = {}, reason?: string): Promise<void> {
    await this.#ask('DELETE', path, undefined, query, reason)
  }

  async #ask(
    method: Method,
    path: readonly string[],
    body: string | undefined,
    query: Readonly<Record<string, string>> = {},
    reason?: string,
  ): Promise<CtlReply> {
    const search = new URLSearchParams(query).toString()
    const url = `/api/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
    const { status, text } = await this.#send(method, url, body, reason)
    if (status >= 400) {
      const reason = refusalText(status, text, path)
      const isUserMissing =
        (status === 404 && nounOf(path).endsWith('user')) || /^(no_such_user|user_not_found)/.test(reason)
      throw new CtlError(reason, status, isUserMissing ? EXIT_NO_USER : exitCodeOf(status))
    }
    return { status, json: text === '' ? undefined : JSON.parse(text) }
  }

  #send(
    method: Method,
    path: string,
    body: string | undefined,
    reason: string | undefined,
  ): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const request = this.#open({
        method,
        path,
        headers: {
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
          ...(reason === undefined ? {} : { 'x-reason': reason }),
        },
        timeout: this.#timeoutMs,
      })
      request.on('response', (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }))
        response.on('error', (error) => reject(this.#unreachable(error)))
      })
      request.on('timeout', () => {
        reject(new CtlError(`no answer within ${this.#timeoutMs / 1_000} s`, 0, EXIT_TEMPORARY))
        request.destroy()
      })
      request.on('error', (error) => reject(this.#unreachable(error)))
      request.end(body)
    })
  }

  #open(options: http.RequestOptions): http.ClientRequest {
    const target = this.#target
    if (target.kind === 'local') return http.request({ ...options, socketPath: target.socketPath })
    const { url, user, password } = target
    const { request } = url.protocol === 'https:' ? https : http
    return request({
      ...options,
      protocol: url.protocol,
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port,
      path: url.pathname.replace(/\/$/, '') + (options.path ?? ''),
      auth: `${user}:${password}`,
    })
  }

  #unreachable(error: Error): CtlError {
    const target = this.#target
    const code = 'code' in error ? error.code : undefined
    if (target.kind === 'local' && (code === 'ENOENT' || code === 'ECONNREFUSED')) {
      return new CtlError(
        `no broker runs on the data folder of ${target.socketPath}. Start it, name its folder with --data-dir, ` +
          'or its HTTP API with --url and --user.',
        0,
        EXIT_UNREACHABLE,
      )
    }
    if (target.kind === 'local' && code === 'EACCES') {
      const text = `${target.socketPath} belongs to another user: run this as that user, or use --url.`
      return new CtlError(text, 0, EXIT_UNREACHABLE)
    }
    const where = target.kind === 'local' ? target.socketPath : target.url.origin
    return new CtlError(`the broker at ${where} cannot be reached: ${error.message}`, 0, EXIT_UNREACHABLE)
  }
}

/** What paths name: the noun, and which part is the name. */
const NOUNS: Readonly<Record<string, readonly [noun: string, part: number]>> = {
  users: ['user', 1],
  'user-limits': ['user', 1],
  vhosts: ['virtual host', 1],
  'vhost-limits': ['virtual host', 1],
  queues: ['queue', 2],
  exchanges: ['exchange', 2],
  policies: ['policy', 2],
  'operator-policies': ['operator policy', 2],
  permissions: ['permission of user', 2],
  'topic-permissions': ['topic permission of user', 2],
  parameters: ['parameter', 3],
  'global-parameters': ['global parameter', 1],
  connections: ['connection', 1],
  'feature-flags': ['feature flag', 1],
}

function refusalText(status: number, text: string, path: readonly string[]): string {
  const reason = reasonOf(text)
  if (status === 404 && (reason === 'Not Found' || reason === '')) return missingText(path)
  if (status === 401 && reason === '') return 'credentials are needed: --user and --password'
  return reason === '' ? `the broker answered with status ${status}` : reason
}

/** What the last part of a path names. */
function nounOf(path: readonly string[]): string {
  const [noun, part] = NOUNS[path[0] ?? ''] ?? ['object', path.length - 1]
  return path[part] === undefined ? 'virtual host' : noun
}

function missingText(path: readonly string[]): string {
  const [noun, part] = NOUNS[path[0] ?? ''] ?? ['object', path.length - 1]
  // A shorter path names the virtual host alone.
  const name = path[part]
  return name === undefined ? `there is no virtual host '${path[1]}'` : `there is no ${noun} '${name}'`
}

function reasonOf(text: string): string {
  if (text === '') return ''
  try {
    const { reason } = JSON.parse(text) as { readonly reason?: unknown }
    return Array.isArray(reason) ? reason.join(' ') : String(reason ?? '').trim()
  } catch (error) {
    if (error instanceof SyntaxError) return ''
    throw error
  }
}
