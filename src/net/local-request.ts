/**
 * Whether an HTTP request that came over loopback was meant for this machine by somebody on it. Called by the HTTP API and by
 * WebSocket listeners before they treat a peer as local: users of `loopback_users` have passwords that everybody knows.
 *
 * A browser on this machine makes requests for pages of any site. One whose name was pointed at 127.0.0.1 meanwhile (DNS
 * rebinding) sends its own name as Host; one that opens a WebSocket sends its own Origin. A proxy on this machine makes
 * requests for anybody, and says so. [RFC 9110 §7.2; RFC 7239; RFC 6455 §10.2]
 */
import type { IncomingHttpHeaders } from 'node:http'
import { hostname } from 'node:os'
import { isLoopback } from './addresses.ts'

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'] as const

/** Whether nothing in the headers speaks of somebody elsewhere. */
export function isLocalRequest(headers: IncomingHttpHeaders): boolean {
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false
  const { host, origin } = headers
  // Programs may send neither; browsers send Host always.
  if (host !== undefined && host !== '' && !isLocalUrl(`http://${host}`)) return false
  return origin === undefined || isLocalUrl(origin)
}

/** Whether no page of another host made the request. Ports do not matter: the broker has another one than its users' pages. */
export function isOwnPage({ host, origin }: IncomingHttpHeaders): boolean {
  if (origin === undefined) return true
  const [page, here] = [origin, `http://${host ?? ''}`].map((text) =>
    URL.canParse(text) ? new URL(text).hostname : null,
  )
  return page !== null && page === here
}

function isLocalUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null) return false
  const name = url.hostname.replace(/^\[|\]$/g, '')
  return name === 'localhost' || name.endsWith('.localhost') || isLoopback(name) || name === hostname().toLowerCase()
}
