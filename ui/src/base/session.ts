/**
 * Who is signed in. The session itself is a cookie that no script sees; the browser remembers only the name and the tags,
 * which its tabs share. Requests say by a header that they are the console's own.
 */
import { computed, signal } from '@preact/signals'
import { remember, remembered } from './preferences.ts'

/** A signed-in user. */
export interface Session {
  readonly name: string
  readonly tags: readonly string[]
}

/** An identity provider, or what it signs people in for. */
export interface SignInWay {
  readonly name: string
  /** Where the browser goes; it comes back with a cookie. */
  readonly url: string
}

/** How a user may sign in who has no password here. */
export interface IdentityProviders {
  /** What a person may choose from; at least one. */
  readonly ways: readonly SignInWay[]
  /** Passwords are not accepted. */
  readonly isOnly: boolean
}

/** What every request carries: no other site can make a browser send it. */
export const CONSOLE_HEADERS = { 'x-warren-session': '1' } as const

const STORED = 'session'
/** Who has none of them sees nothing. */
const TAGS: readonly string[] = ['management', 'policymaker', 'monitoring', 'administrator']

/** Who is signed in; null: nobody. */
export const session = signal<Session | null>(stored())
/** Why the last session ended, for the sign-in page. */
export const farewell = signal('')
export const isAdministrator = computed(() => hasTag('administrator'))
export const isMonitoring = computed(() => hasTag('monitoring', 'administrator'))
export const isPolicymaker = computed(() => hasTag('policymaker', 'administrator'))

function hasTag(...tags: readonly string[]): boolean {
  return session.value?.tags.some((tag) => tags.includes(tag)) ?? false
}

function stored(): Session | null {
  const text = remembered(STORED, '')
  if (text === '') return null
  try {
    // Written by `keep`, below.
    const value = JSON.parse(text) as Session
    return typeof value.name === 'string' && Array.isArray(value.tags) ? value : null
  } catch (error) {
    console.debug('the stored session is not readable', error)
    return null
  }
}

function keep(value: Session | null): void {
  remember(STORED, value === null ? null : JSON.stringify(value))
  session.value = value
}

window.addEventListener('storage', () => {
  session.value = stored()
})

function tagList(tags: unknown): readonly string[] {
  if (Array.isArray(tags)) return tags.map(String)
  return typeof tags === 'string' ? tags.split(',') : []
}

function login(init: RequestInit): Promise<Response> {
  return fetch('./api/login', { ...init, headers: CONSOLE_HEADERS, credentials: 'same-origin' })
}

/** Signs in; resolves to what went wrong, or to undefined. */
export async function signIn(username: string, password: string): Promise<string | undefined> {
  try {
    const reply = await login({ method: 'POST', body: new URLSearchParams({ username, password }) })
    const body: unknown = await reply.json().catch(() => ({}))
    const { user, reason } = body as { user?: { name: string; tags: unknown }; reason?: string }
    if (reply.ok && user !== undefined) {
      keep({ name: user.name, tags: tagList(user.tags) })
      farewell.value = ''
      return undefined
    }
    if (/management/i.test(reason ?? '')) return 'This user has no management tag, so the console shows nothing to it.'
    if (reply.status === 401 || reply.status === 403) return 'User name or password is not right.'
    return reason ?? `The broker answers with HTTP ${reply.status}.`
  } catch (error) {
    console.debug('signing in failed', error)
    return 'The broker does not answer.'
  }
}

/** Whose session the cookie is; null: nobody's; undefined: the broker does not say. */
async function cookieUser(): Promise<Session | null | undefined> {
  try {
    const reply = await login({ method: 'GET' })
    if (!reply.ok) return undefined
    const { user } = (await reply.json()) as { user: { name: string; tags: unknown } | null }
    return user === null ? null : { name: user.name, tags: tagList(user.tags) }
  } catch (error) {
    console.debug('no session is known', error)
    return undefined
  }
}

/** Goes on with the session of the cookie, when there is one: after signing in at an identity provider. */
export async function resume(): Promise<void> {
  const user = await cookieUser()
  if (user !== null && user !== undefined && mayEnter(user)) keep(user)
}

function mayEnter({ tags }: Session): boolean {
  return tags.some((tag) => TAGS.includes(tag))
}

/** After a refusal: signs out when the session has ended or may see nothing any more, and takes over changed tags. */
export async function endIfOver(): Promise<void> {
  const user = await cookieUser()
  const known = session.peek()
  if (known === null || user === undefined) return
  if (user === null) return signOut('Your session has ended. Sign in again to go on.')
  if (!mayEnter(user)) return signOut('Your user may not enter the console any more.')
  if (user.name !== known.name || user.tags.join() !== known.tags.join()) keep(user)
}

/** How to sign in without a password; undefined when the broker knows no other way. */
export async function identityProviders(): Promise<IdentityProviders | undefined> {
  try {
    const reply = await fetch('./api/auth', { credentials: 'omit' })
    const {
      oauth_enabled: isEnabled,
      oauth_provider_name: name,
      oauth_login_url: url,
      oauth_resource_servers: servers = [],
      oauth_disable_basic_auth: isOnly,
    } = (await reply.json()) as {
      oauth_enabled?: boolean
      oauth_provider_name?: string
      oauth_login_url?: string
      oauth_resource_servers?: readonly { label: string; oauth_login_url: string }[]
      oauth_disable_basic_auth?: boolean
    }
    if (isEnabled !== true) return undefined
    const only = { name: name ?? 'single sign-on', url: url ?? './api/oauth-login' }
    const ways = servers.map(({ label, oauth_login_url: address }) => ({ name: label, url: address }))
    return { ways: ways.length > 1 ? ways : [only], isOnly: isOnly === true }
  } catch (error) {
    console.debug('ways to sign in are not known', error)
    return undefined
  }
}

/** Signs out. `reason` is shown on the sign-in page; without one the user asked for it, and the session ends. */
export function signOut(reason = ''): void {
  const leave = () => {
    farewell.value = reason
    keep(null)
  }
  if (reason !== '') return leave()
  // The sign-in page would go on with a session that has not ended yet.
  login({ method: 'DELETE' })
    .catch((error: unknown) => console.debug('the broker was not told', error))
    .finally(leave)
}
