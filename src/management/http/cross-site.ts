/**
 * Requests that a page of another site can have a browser make without asking the broker first: a form, or a `fetch` of the
 * simple kind. The browser adds the name and password that somebody typed for the broker, or its cookie. [Fetch §CORS-safelisted]
 *
 * Everything else needs a preflight, which names only the origins of the settings. Programs send neither of the headers by
 * which browsers say who makes a request. Called by `api-server.ts`.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { CONSOLE_HEADER } from './session-cookie.ts'

const READING: readonly string[] = ['GET', 'HEAD', 'OPTIONS']
/** What a form can send. */
const SIMPLE_TYPES: readonly string[] = ['', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']
/** What browsers say of pages of the same origin, and of what somebody typed. */
const OWN_SITES: readonly string[] = ['same-origin', 'none']

/** Whether this changes something, and may have been made by a page that must not. `origins`: those that may. */
export function isForgeable(method: string, headers: IncomingHttpHeaders, origins: readonly string[]): boolean {
  if (READING.includes(method)) return false
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (!SIMPLE_TYPES.includes(type)) return false
  // Browsers let no other site add it unasked.
  if (headers[CONSOLE_HEADER] !== undefined) return false
  const { origin, host } = headers
  if (origin !== undefined && origins.includes(origin)) return false
  const site = headers['sec-fetch-site']
  if (typeof site === 'string') return !OWN_SITES.includes(site)
  return origin !== undefined && !isSameHost(origin, host)
}

function isSameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}
