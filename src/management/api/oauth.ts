/**
 * Signing in to the console at an identity provider: where the browser is sent, and where it comes back with a code. The
 * session that follows is the same as after a password. [docs/console.md]
 *
 * Both paths lie directly below `/api`: cookies set there are sent along to all of it.
 */
import type { ManagementContext } from '../context.ts'
import { type ApiRequest, type Endpoint, ok, plain, type Reply } from '../http/endpoint.ts'
import { type OidcSignIn, SignInFailed } from '../http/oidc-sign-in.ts'
import { bindingCookie, bindingOf, cookieOf } from '../http/session-cookie.ts'

const TAG = 'Login'
const SECONDS_PER_MINUTE = 60
const LOGIN_PATH = '/api/oauth-login'
const CALLBACK_PATH = '/api/oauth-callback'
/** The console, as seen from these paths. */
const CONSOLE = '../'

/** The endpoints of this file. */
export function oauthEndpoints(context: ManagementContext): Endpoint[] {
  const { signIn } = context
  const description: Endpoint = plain({
    method: 'GET',
    path: '/api/auth',
    access: 'anyone',
    tag: TAG,
    summary: 'Settings that a login page needs: whether and where people sign in at an identity provider.',
    handle: () => ok(signIn === null ? { oauth_enabled: false } : describe(context, signIn)),
  })
  return signIn === null ? [description] : [description, ...signInRoutes(context, signIn)]
}

function describe({ settings }: ManagementContext, { ways }: OidcSignIn): unknown {
  const [main] = ways
  return {
    oauth_enabled: true,
    oauth_client_id: main?.clientId ?? '',
    oauth_provider_name: main?.label ?? '',
    oauth_login_url: `.${LOGIN_PATH}`,
    oauth_scopes: main?.scopes.join(' ') ?? '',
    oauth_initiated_logon_type: settings.consoleOauth.initiatedLogonType,
    oauth_disable_basic_auth: settings.consoleOauth.disablesBasic,
    oauth_resource_servers: ways.map(({ id, label, clientId }) => ({
      id,
      label,
      oauth_client_id: clientId,
      oauth_login_url: `.${LOGIN_PATH}?resource=${encodeURIComponent(id)}`,
    })),
  }
}

function signInRoutes(context: ManagementContext, signIn: OidcSignIn): Endpoint[] {
  return [
    plain({
      method: 'GET',
      path: LOGIN_PATH,
      access: 'anyone',
      tag: TAG,
      summary: 'Sends a browser to the identity provider.',
      query: { resource: 'The resource server to sign in for.' },
      handle: (request) =>
        shown(async () => {
          const { location, binding } = await signIn.start(request.query.get('resource'), redirectUri(context, request))
          const cookie = bindingCookie(request.headers.host, binding, request.isEncrypted)
          return { status: 302, headers: { location, 'set-cookie': cookie, 'cache-control': 'no-store' } }
        }),
    }),
    plain({
      method: 'GET',
      path: CALLBACK_PATH,
      access: 'anyone',
      tag: TAG,
      summary: 'Where the identity provider sends a browser back to.',
      query: { code: 'For a token.', state: 'Which sign-in.', error: 'Why there is no code.' },
      handle: (request) => shown(() => finish(context, signIn, request)),
    }),
  ]
}

async function finish(
  { authentication, settings }: ManagementContext,
  signIn: OidcSignIn,
  { query, headers, isEncrypted, source }: ApiRequest<undefined>,
): Promise<Reply> {
  const token = await signIn.finish(query, bindingOf(headers))
  const credentials = { username: '', password: token }
  const caller = await authentication.callerOrNull(credentials, source)
  if (caller === null) throw new SignInFailed('the broker does not accept the token of the identity provider')
  if (!caller.isManagement)
    throw new SignInFailed('this user has no management tag, so the console shows nothing to it')
  const minutes = settings.management.loginSessionMinutes
  const cookie = cookieOf(
    headers.host,
    authentication.openSession(credentials),
    minutes * SECONDS_PER_MINUTE,
    isEncrypted,
  )
  return { status: 302, headers: { location: CONSOLE, 'set-cookie': cookie, 'cache-control': 'no-store' } }
}

/** What went wrong, as a page: a person reads it. */
async function shown(run: () => Promise<Reply>): Promise<Reply> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof SignInFailed)) throw error
    const text = `Signing in failed: ${error.message}.\n\nGo back to the console and try again.\n`
    return { status: 403, text, contentType: 'text/plain; charset=utf-8', headers: { 'cache-control': 'no-store' } }
  }
}

function redirectUri({ settings }: ManagementContext, { headers, isEncrypted }: ApiRequest<undefined>): string {
  const { redirectUri: fixed } = settings.consoleOauth
  if (fixed !== null) return String(fixed)
  const { pathPrefix } = settings.management
  return `${isEncrypted ? 'https' : 'http'}://${headers.host ?? 'localhost'}${pathPrefix}${CALLBACK_PATH}`
}
