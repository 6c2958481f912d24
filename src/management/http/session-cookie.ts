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

/** What the cookie of a sign-in under way is called; scripts do not see it, and it does not come along into frames. */
function bindingName(host: string | undefined): string {
  return cookieName(host).replace('session', 'sign_in')
}

/** How long somebody may take at an identity provider. */
const SIGN_IN_SECONDS = 600

/** The header that ties a sign-in at an identity provider to this browser: it must come along when the provider sends it back. */
export function bindingCookie(host: string | undefined, binding: string, isEncrypted: boolean): string {
  const secure = isEncrypted ? '; Secure' : ''
  return `${bindingName(host)}=${binding}; Max-Age=${SIGN_IN_SECONDS}; HttpOnly; SameSite=Lax${secure}`
}

/** Which sign-in this browser has started; undefined when none. */
export function bindingOf(headers: IncomingHttpHeaders): string | undefined {
  return cookieValue(headers, bindingName(headers.host))
}

/** What the cookie is called at the address that the browser uses: cookies of one host are shared by its ports. */
function cookieName(host: string | undefined): string {
  return `warren_session_${/:(\d+)$/.exec(host ?? '')?.[1] ?? ''}`
}

/** The token in the cookie; undefined without one. */
export function cookieToken(headers: IncomingHttpHeaders): string | undefined {
  return cookieValue(headers, cookieName(headers.host))
}

function cookieValue(headers: IncomingHttpHeaders, name: string): string | undefined {
  const wanted = `${name}=`
  const found = headers.cookie?.split(';').find((part) => part.trimStart().startsWith(wanted))
  return found?.trim().slice(wanted.length)
}

/** The header `set-cookie` that hands a session to the browser; seconds 0: that takes it away. */
export function cookieOf(host: string | undefined, token: string, seconds: number, isEncrypted: boolean): string {
  const secure = isEncrypted ? '; Secure' : ''
  return `${cookieName(host)}=${token}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`
}
