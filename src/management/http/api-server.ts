/**
 * Serves the endpoints over HTTP: finds the endpoint, authenticates, reads the body, calls, answers. The only file of the
 * HTTP API that touches Node's request and response; listeners (`http-listener.ts`) hand them in.
 *
 * Bounds: body bytes, header bytes, connections and times of the listener. A bug in an endpoint is a 500 without
 * internals, and a line in the log. [docs/http-api.md]
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../../base/log.ts'
import { known } from '../../model/access/access-pending.ts'
import type { LimitCounts } from '../../model/observe/limit-counts.ts'
import type { AuditAction, AuditLog } from '../audit/audit-log.ts'
import { AuditedRequest } from '../audit/audited-request.ts'
import type { Caller } from './access.ts'
import { ApiError, BodyBeyondLimit, badRequest, objectNotFound } from './api-error.ts'
import { type Authentication, sourceOf } from './authentication.ts'
import { sendContent, sendLive } from './content.ts'
import { isForgeable } from './cross-site.ts'
import type { Endpoint, Reply } from './endpoint.ts'
import { nestsTooDeep } from './json-depth.ts'
import { columnsOf, type JsonObject, pick } from './list-reply.ts'
import { RequestBodies } from './request-bodies.ts'
import type { Method, Router } from './router.ts'
import { readAny } from './schema.ts'
import { CONSOLE_HEADER } from './session-cookie.ts'

/** What the server is made of. */
export interface ApiServerOptions {
  readonly router: Router<Endpoint>
  readonly authentication: Authentication
  /** `/rabbit`, or empty. */
  readonly pathPrefix: string
  readonly bodyBytesMax: number
  /** Origins whose pages may call; `*` for all. */
  readonly corsOrigins: readonly string[]
  readonly corsAgeSeconds: number
  /** Headers of every reply. */
  readonly headers: Readonly<Record<string, string>>
  /** Strict-Transport-Security over TLS; browsers ignore it elsewhere. Null: none. */
  readonly strictTransport: string | null
  /** Told of every request that changes something. */
  readonly audit: AuditLog
  /** Counts bodies beyond a limit. */
  readonly limits: LimitCounts
  readonly logger: Logger
}

/** Of who has not logged in: a token in a form. */
const ANYONE_BODY_BYTES_MAX = 64 * 1024
const JSON_TYPE = 'application/json'
const CORS_HEADERS = 'Accept, Authorization, Content-Type, X-Reason, X-Vhost'

/** Answers requests. */
export class ApiServer {
  readonly #options: ApiServerOptions
  readonly #bodies = new RequestBodies()

  constructor(options: ApiServerOptions) {
    this.#options = options
  }

  /** Answers one request; never rejects. `isLocal`: it came over the local socket. */
  async handle(request: IncomingMessage, response: ServerResponse, isLocal: boolean): Promise<void> {
    const audited = new AuditedRequest(isLocal, isLocal ? '' : sourceOf(request).remoteAddress)
    try {
      for (const [name, value] of Object.entries(this.#options.headers)) response.setHeader(name, value)
      const { strictTransport } = this.#options
      if (strictTransport !== null && isEncrypted(request)) {
        response.setHeader('strict-transport-security', strictTransport)
      }
      this.#allowOrigin(request, response)
      const reply = await this.#reply(request, isLocal, audited)
      this.#record(audited.done(reply.status))
      await this.#send(request, response, reply)
    } catch (error) {
      // What fails while the reply is sent has been recorded.
      if (!response.headersSent) this.#record(audited.failed(error instanceof ApiError ? error : null))
      this.#sendError(request, response, error, audited.endpoint)
    }
  }

  #record(action: AuditAction | null): void {
    if (action !== null) this.#options.audit.record(action)
  }

  async #reply(request: IncomingMessage, isLocal: boolean, audited: AuditedRequest): Promise<Reply> {
    const { router, authentication, pathPrefix } = this.#options
    const method = request.method ?? 'GET'
    if (request.headers.host === undefined && request.httpVersion === '1.1') throw badRequest('no Host header')
    const [path, query] = splitUrl(request.url ?? '/', pathPrefix)
    const found = router.find(method === 'HEAD' ? 'GET' : method, path)
    if (found === undefined) throw objectNotFound()
    if (method === 'OPTIONS') return { status: 200, headers: { allow: allowed(found.methods) } }
    const endpoint = found.route
    if (endpoint === undefined) return { status: 405, headers: { allow: allowed(found.methods) } }
    const params = paramsOf(endpoint.method, found.params)
    audited.endpoint = endpoint
    audited.params = params
    if (!isLocal && isForgeable(method, request.headers, this.#options.corsOrigins)) {
      throw new ApiError(403, 'forbidden', 'a page of another site may not make this request')
    }
    let caller: Caller | null = null
    if (endpoint.access !== 'anyone') {
      caller = await authentication.callerOf(request, isLocal)
      audited.user = caller.user
      const refusal = await known(() => caller?.refuses(endpoint.access, params.vhost))
      if (refusal !== undefined) throw refusal
    }
    const body = await this.#body(request, endpoint)
    audited.body = body
    const asked: Parameters<Endpoint['handle']>[0] = {
      method: endpoint.method,
      param: (name) => params[name] ?? missing(name),
      query,
      // `#body` read it by the endpoint's own schema.
      body: body as never,
      // Endpoints for anyone do not ask who calls.
      caller: caller as Caller,
      header: (name) => header(request, name),
      headers: request.headers,
      isEncrypted: isEncrypted(request),
      source: sourceOf(request),
    }
    // Endpoints ask for permissions before they change anything: one that has to wait for the answer is called again.
    return withColumns(endpoint, query, await known(() => endpoint.handle(asked)))
  }

  async #body(request: IncomingMessage, endpoint: Endpoint): Promise<unknown> {
    if (endpoint.body === undefined && endpoint.rawBody !== true) return undefined
    const { bodyBytesMax } = this.#options
    const isForAnyone = endpoint.access === 'anyone'
    const text = await this.#bodies.read(
      request,
      isForAnyone ? Math.min(ANYONE_BODY_BYTES_MAX, bodyBytesMax) : bodyBytesMax,
    )
    if (endpoint.body === undefined) return text
    return readAny(endpoint.body, text.trim() === '' ? {} : parse(text))
  }

  async #send(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
    response.statusCode = reply.status
    if (reply.after !== undefined) response.once('close', reply.after)
    for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
    if (reply.bytes !== undefined) {
      response.setHeader('content-type', reply.contentType ?? JSON_TYPE)
      response.setHeader('content-length', reply.bytes.byteLength)
      response.end(request.method === 'HEAD' ? undefined : reply.bytes)
      return
    }
    const content = reply.json === undefined ? reply.text : JSON.stringify(reply.json)
    if (reply.after !== undefined) response.setHeader('connection', 'close')
    if (content === undefined) {
      if (reply.status !== 204 && reply.status !== 304) response.setHeader('content-length', 0)
      response.end()
      return
    }
    response.setHeader('content-type', reply.contentType ?? JSON_TYPE)
    response.setHeader('cache-control', 'no-cache')
    response.setHeader('vary', 'accept, accept-encoding, origin')
    if (reply.isLive === true && typeof content !== 'string') await sendLive(request, response, content)
    else await sendContent(request, response, content)
  }

  #sendError(request: IncomingMessage, response: ServerResponse, error: unknown, endpoint: Endpoint | null): void {
    if (!(error instanceof ApiError)) {
      // The address as sent may hold a secret: a password to hash.
      this.#options.logger.error(`${request.method} ${endpoint?.path ?? ''}: ${String(error)}`, { error })
    }
    if (error instanceof BodyBeyondLimit) this.#options.limits.hit('http_bodies')
    if (response.headersSent) {
      response.destroy()
      return
    }
    const known = error instanceof ApiError ? error : new ApiError(500, 'internal_error', 'Internal Server Error')
    response.statusCode = known.status
    // Browsers answer a challenge by asking people themselves; the console has a page for that.
    const headers = CONSOLE_HEADER in request.headers ? {} : known.headers
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    // What was not read of the body would be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close')
    if (known.error === '') {
      response.setHeader('content-length', 0)
      response.end()
      return
    }
    const body = JSON.stringify({ error: known.error, reason: known.reason })
    response.setHeader('content-type', JSON_TYPE)
    response.setHeader('content-length', Buffer.byteLength(body))
    response.setHeader('vary', 'origin')
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  #allowOrigin(request: IncomingMessage, response: ServerResponse): void {
    const { corsOrigins, corsAgeSeconds } = this.#options
    const origin = request.headers.origin
    if (origin === undefined || corsOrigins.length === 0) return
    const isListed = corsOrigins.includes(origin)
    if (!isListed && !corsOrigins.includes('*')) return
    // Credentials go with origins that were named, never with a wildcard.
    response.setHeader('access-control-allow-origin', isListed ? origin : '*')
    if (isListed) response.setHeader('access-control-allow-credentials', 'true')
    if (request.method !== 'OPTIONS') return
    response.setHeader('access-control-allow-methods', 'GET, HEAD, PUT, POST, DELETE, OPTIONS')
    response.setHeader('access-control-allow-headers', CORS_HEADERS)
    response.setHeader('access-control-max-age', String(corsAgeSeconds))
  }
}

/** RabbitMQ: `columns` cuts every object down, not only those of lists. */
function withColumns({ method, isList }: Endpoint, query: URLSearchParams, reply: Reply): Reply {
  const columns = method === 'GET' && isList !== true ? columnsOf(query) : null
  const { json } = reply
  if (columns === null || reply.status !== 200 || !isObject(json)) return reply
  return { ...reply, json: pick(json, columns) }
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** Over TLS, to us or to a proxy in front of us. */
function isEncrypted(request: IncomingMessage): boolean {
  return 'encrypted' in request.socket || header(request, 'x-forwarded-proto') === 'https'
}

function allowed(methods: readonly Method[]): string {
  return [...(methods.includes('GET') ? ['HEAD'] : []), ...methods, 'OPTIONS'].join(', ')
}

/** Celery's Flower asks for the queues of the virtual host `/` at `/api/queues//`. Only reading is that lenient. */
function paramsOf(method: Method, params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return method === 'GET' && params.vhost === '' ? { ...params, vhost: '/' } : params
}

function missing(name: string): never {
  throw new Error(`the path of this endpoint has no part '${name}'`)
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function splitUrl(url: string, pathPrefix: string): [path: string, query: URLSearchParams] {
  const question = url.indexOf('?')
  const path = question < 0 ? url : url.slice(0, question)
  if (!path.startsWith(pathPrefix)) throw objectNotFound()
  return [path.slice(pathPrefix.length) || '/', new URLSearchParams(question < 0 ? '' : url.slice(question + 1))]
}

function parse(text: string): unknown {
  if (nestsTooDeep(text)) throw new BodyBeyondLimit(400, 'bad_request', 'nested too deeply')
  let json: unknown
  try {
    // Some tools write a byte order mark.
    json = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw error instanceof SyntaxError ? badRequest('not_json') : error
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw badRequest('not_json')
  return json
}
