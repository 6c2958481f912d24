/**
 * Who is signed in. The token of `POST /api/login` stands for the credentials until it ends; the tabs of a browser share
 * it. A server without tokens gets the credentials themselves with every request.
 */
import { computed, signal } from '@preact/signals'
import { remember, remembered } from './preferences.ts'

/** A signed-in user. */
export interface Session {
  readonly name: string
  readonly tags: readonly string[]
  /** The header `authorization`. */
  readonly authorization: string
}

const STORED = 'session'

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
    return typeof value.authorization === 'string' && Array.isArray(value.tags) ? value : null
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

function basic(username: string, password: string): string {
  const utf8 = new TextEncoder().encode(`${username}:${password}`)
  return `Basic ${btoa(String.fromCharCode(...utf8))}`
}

/** Signs in; resolves to what went wrong, or to undefined. */
export async function signIn(username: string, password: string): Promise<string | undefined> {
  try {
    const reply = await fetch('./api/login', {
      method: 'POST',
      body: new URLSearchParams({ username, password }),
      credentials: 'omit',
    })
    const body: unknown = await reply.json().catch(() => ({}))
    const { token, user, reason } = body as {
      token?: { type: string; value: string }
      user?: { name: string; tags: unknown }
      reason?: string
    }
    if (reply.ok && token !== undefined && user !== undefined) {
      const scheme = token.type === 'basic' ? 'Basic' : 'Bearer'
      keep({ name: user.name, tags: tagList(user.tags), authorization: `${scheme} ${token.value}` })
    } else if (reply.status === 401 || reply.status === 403) {
      return /management/i.test(reason ?? '')
        ? 'This user has no management tag, so the console shows nothing to it.'
        : 'User name or password is not right.'
    } else return await signInByHeader(username, password)
  } catch (error) {
    console.debug('signing in failed', error)
    return 'The broker does not answer.'
  }
  farewell.value = ''
  return undefined
}

async function signInByHeader(username: string, password: string): Promise<string | undefined> {
  const authorization = basic(username, password)
  const reply = await fetch('./api/whoami', { headers: { authorization }, credentials: 'omit' })
  if (!reply.ok) return 'User name or password is not right.'
  const { name, tags } = (await reply.json()) as { name: string; tags: unknown }
  keep({ name, tags: tagList(tags), authorization })
  farewell.value = ''
  return undefined
}

/** Signs out. `reason` is shown on the sign-in page. */
export function signOut(reason = ''): void {
  const authorization = session.peek()?.authorization
  farewell.value = reason
  keep(null)
  if (reason === '' && authorization !== undefined) {
    void fetch('./api/login', { method: 'DELETE', headers: { authorization }, credentials: 'omit' })
  }
}
