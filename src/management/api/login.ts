/**
 * `/api/login`: a session in place of credentials, as a token for programs or as a cookie for the console, which no script
 * of the page ever sees. [docs/http-api.md] [docs/console.md]
 */
import type { ManagementContext } from '../context.ts'
import { loginFailed } from '../http/api-error.ts'
import { REALM } from '../http/authentication.ts'
import { type Endpoint, ok, plain, type Reply, withText } from '../http/endpoint.ts'
import { CONSOLE_HEADER, cookieOf } from '../http/session-cookie.ts'

const TAG = 'Login'
const SECONDS_PER_MINUTE = 60

/** The endpoints of this file. */
export function loginEndpoints(context: ManagementContext): Endpoint[] {
  const { authentication, settings } = context
  const minutes = settings.management.loginSessionMinutes
  return [
    plain({
      method: 'GET',
      path: '/api/login',
      access: 'anyone',
      tag: TAG,
      summary: 'Whose session the cookie of this request is: `{"user": null}` when it is nobody’s.',
      handle: async ({ headers, source }) => {
        const caller = await authentication.callerOfCookie(headers, source)
        return ok({ user: caller === null ? null : { name: caller.user, tags: caller.tags } })
      },
    }),
    withText({
      method: 'POST',
      path: '/api/login',
      access: 'anyone',
      tag: TAG,
      summary: `Logs in with a form of \`username\` and \`password\`. The token goes into \`Authorization: Bearer\`; with the header \`${CONSOLE_HEADER}\` it is a cookie.`,
      handle: async ({ body, source, headers, isEncrypted }): Promise<Reply> => {
        const form = new URLSearchParams(body)
        const credentials = { username: form.get('username') ?? '', password: form.get('password') ?? '' }
        const { enabled, disablesBasic } = settings.consoleOauth
        // Tokens come without a name.
        if (enabled && disablesBasic && credentials.username !== '') throw loginFailed(REALM)
        const caller = await authentication.check(credentials, source)
        const refusal = caller.refuses('management', undefined)
        if (refusal !== undefined) throw refusal
        const token = authentication.openSession(credentials)
        const user = { name: caller.user, tags: caller.tags, login_session_timeout: minutes }
        if (headers[CONSOLE_HEADER] === undefined) return ok({ token: { type: 'bearer', value: token }, user })
        const cookie = cookieOf(headers.host, token, minutes * SECONDS_PER_MINUTE, isEncrypted)
        return { ...ok({ user }), headers: { 'set-cookie': cookie } }
      },
    }),
    plain({
      method: 'DELETE',
      path: '/api/login',
      access: 'anyone',
      tag: TAG,
      summary: 'Logs out: the token, or the cookie, is void.',
      handle: ({ headers, isEncrypted }) => {
        authentication.closeSession(headers)
        return { status: 204, headers: { 'set-cookie': cookieOf(headers.host, '', 0, isEncrypted) } }
      },
    }),
  ]
}
