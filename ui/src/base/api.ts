/**
 * Calls of the HTTP API. A refusal is an `ApiFailure` whose message is the server's reason, in words.
 */
import { CONSOLE_HEADERS, endIfOver, session } from './session.ts'

/** The server said no, or nothing. */
export class ApiFailure extends Error {
  /** 0: no answer. */
  readonly status: number

  constructor(status: number, reason: string) {
    super(reason)
    this.name = 'ApiFailure'
    this.status = status
  }
}

/** Verbs of the API. */
export type Verb = 'GET' | 'PUT' | 'POST' | 'DELETE'

/** A path of the API from its parts, each encoded. */
export function apiPath(...parts: readonly string[]): string {
  return `/api/${parts.map(encodeURIComponent).join('/')}`
}

/** The whole request as the fetch API has it; used by `call` and by the live stream. */
export function send(
  path: string,
  init: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  return fetch(`.${path}`, { ...init, headers: { ...init.headers, ...CONSOLE_HEADERS }, credentials: 'same-origin' })
}

/** Calls the API: the reply's JSON, undefined without one. */
export async function call(
  verb: Verb,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const text = await textOf(path, {
    method: verb,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return text === '' ? undefined : JSON.parse(text)
}

async function textOf(path: string, init: Parameters<typeof send>[1]): Promise<string> {
  let reply: Response
  try {
    reply = await send(path, init)
  } catch (error) {
    throw new ApiFailure(0, `The broker does not answer (${error instanceof Error ? error.message : String(error)}).`)
  }
  const text = await reply.text()
  if (!reply.ok) throw failureOf(reply.status, text)
  return text
}

/** Reads a resource that is text. */
export function readText(path: string): Promise<string> {
  return textOf(path, {})
}

/** Reads a resource. The type is what its documentation says. */
export async function read<T>(path: string): Promise<T> {
  return (await call('GET', path)) as T
}

/** What a reply that is no success means. Signs out when nobody is signed in any more: 401 is also what may not be done. */
export function failureOf(status: number, text: string): ApiFailure {
  if (status === 401 && session.peek() !== null) void endIfOver()
  let reason = text
  try {
    const { reason: given, error } = JSON.parse(text) as { reason?: unknown; error?: unknown }
    reason = String(given ?? error ?? text)
  } catch (error) {
    console.debug('the reason is plain text', error)
  }
  return new ApiFailure(status, reason === '' ? `HTTP ${status}` : reason)
}
