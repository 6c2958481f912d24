/**
 * The cookie of a browser's session: made at sign-in, sent along by the browser, never seen by a script of the page.
 *
 * It is `HttpOnly` and `SameSite=Strict`. A page of another port of the same host is the same site, so what changes
 * something must also carry the header below, which browsers let no other origin send unasked. The path is that of the
 * request, as the browser sees it: a proxy may put the broker behind a prefix. [docs/console.md]
 */
import type { IncomingHttpHeaders } from 'node:http'

/** Sent by the console with every request: it goes by the cookie, and wants no challenge that browsers ask people for. */
export const CONSOLE_HEADER = 'x-warren-session'

/** What the cookie is called at the address that the browser uses: cookies of one host are shared by its ports. */
function cookieName(host: string | undefined): string {
  return `warren_session_${/:(\d+)$/.exec(host ?? '')?.[1] ?? ''}`
}

/** The token in the cookie; undefined without one. */
export function cookieToken(headers: IncomingHttpHeaders): string | undefined {
  const wanted = `${cookieName(headers.host)}=`
  const found = headers.cookie?.split(';').find((part) => part.trimStart().startsWith(wanted))
  return found?.trim().slice(wanted.length)
}

/** The header `set-cookie` that hands a session to the browser; seconds 0: that takes it away. */
export function cookieOf(host: string | undefined, token: string, seconds: number, isEncrypted: boolean): string {
  const secure = isEncrypted ? '; Secure' : ''
  return `${cookieName(host)}=${token}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`
}
