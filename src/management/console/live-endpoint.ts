/**
 * `GET /api/warren/live?watch=<path>&watch=…`: server-sent events about resources of the HTTP API. The console's only
 * connection while a page is open.
 *
 * A watch is a path of a GET endpoint below `/api`, query included; who may read it is that endpoint's business, asked
 * anew at every reading.
 */

import { known } from '../../model/access/access-pending.ts'
import type { Caller } from '../http/access.ts'
import { ApiError, badRequest, loginFailed, objectNotFound } from '../http/api-error.ts'
import { REALM } from '../http/authentication.ts'
import { type Endpoint, plain, type Reply } from '../http/endpoint.ts'
import type { Router } from '../http/router.ts'
import type { LiveHub, ReadResource } from './live-hub.ts'
import { LiveStream } from './live-stream.ts'

const WATCH_COUNT_MAX = 24
const WATCH_CHARACTERS_MAX = 2_000
const PATH = '/api/warren/live'

/** The endpoint of the live push. */
export function liveEndpoint(hub: LiveHub): Endpoint {
  return plain({
    method: 'GET',
    path: PATH,
    access: 'management',
    tag: 'WarrenMQ',
    query: { watch: `A path such as \`/api/overview\`; up to ${WATCH_COUNT_MAX} of them.` },
    summary: 'Server-sent events: the watched resources, then what changes in them.',
    handle: ({ query, caller }) => {
      const paths = query.getAll('watch')
      if (paths.length === 0) throw badRequest('watch is missing')
      if (paths.length > WATCH_COUNT_MAX) throw badRequest(`more than ${WATCH_COUNT_MAX} watches`)
      if (paths.some((path) => path.length > WATCH_CHARACTERS_MAX)) throw badRequest('a watch is too long')
      const stream = new LiveStream(hub, paths, caller)
      return {
        status: 200,
        text: stream.text(),
        isLive: true,
        contentType: 'text/event-stream; charset=utf-8',
        // Proxies that collect replies would make it anything but live.
        headers: { 'x-accel-buffering': 'no' },
      }
    },
  })
}

/** Reads resources by calling their endpoints, until the caller's credentials end. `router` is asked late: the live endpoint is in it, too. */
export function resourceReader(router: () => Router<Endpoint>, nowMs: () => number): ReadResource {
  return async (watched, caller) => {
    if (caller.hasExpired(nowMs())) throw loginFailed(REALM)
    const question = watched.indexOf('?')
    const path = question < 0 ? watched : watched.slice(0, question)
    if (!path.startsWith('/api/') || path.startsWith(PATH)) throw badRequest(`'${path}' cannot be watched`)
    const found = router().find('GET', path)
    const endpoint = found?.route
    if (found === undefined || endpoint === undefined) throw objectNotFound()
    const query = new URLSearchParams(question < 0 ? '' : watched.slice(question + 1))
    return await known(async () => {
      const refusal = endpoint.access === 'anyone' ? undefined : caller.refuses(endpoint.access, found.params.vhost)
      if (refusal !== undefined) throw refusal
      return await jsonOf(await call(endpoint, found.params, query, caller))
    })
  }
}

function call(
  endpoint: Endpoint,
  params: Readonly<Record<string, string>>,
  query: URLSearchParams,
  caller: Caller,
): Reply | Promise<Reply> {
  return endpoint.handle({
    method: 'GET',
    param: (name) => params[name] ?? '',
    query,
    // GET endpoints take no body.
    body: undefined as never,
    caller,
    header: () => undefined,
    headers: {},
    isEncrypted: false,
    source: { remoteAddress: '', isLoopback: false, protocol: 'http' },
  })
}

async function jsonOf({ status, json, text }: Reply): Promise<unknown> {
  if (status >= 400) throw new ApiError(status, 'failed', 'the resource cannot be read')
  if (text === undefined) return json
  let collected = ''
  if (typeof text === 'string') collected = text
  else for await (const piece of text) collected += piece
  try {
    return JSON.parse(collected)
  } catch (error) {
    throw error instanceof SyntaxError ? badRequest('this resource is not JSON') : error
  }
}
