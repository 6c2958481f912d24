/**
 * Addresses: `#/queues/%2F/orders?tab=consumers`. A page and everything that it shows is in the address, so that a link
 * brings somebody else to the same view. The paths are those of RabbitMQ's interface; bookmarks go on working.
 */
import { computed, signal } from '@preact/signals'

/** A place in the console. */
export interface Route {
  /** Decoded parts of the path. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

function parse(hash: string): Route {
  const text = hash.replace(/^#\/?/, '')
  const question = text.indexOf('?')
  const path = (question < 0 ? text : text.slice(0, question)).split('/').filter((part) => part !== '')
  return { path: path.map(decode), query: new URLSearchParams(question < 0 ? '' : text.slice(question + 1)) }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (error) {
    if (error instanceof URIError) return part
    throw error
  }
}

/** Where we are. */
export const route = signal<Route>(parse(location.hash))
/** The virtual host that lists are limited to; empty: all. */
export const vhostFilter = computed(() => route.value.query.get('vhost') ?? '')

window.addEventListener('hashchange', () => {
  route.value = parse(location.hash)
})

/** A piece of an address. Undefined leaves a parameter out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** The address of a place; the virtual host's filter goes along unless the query says otherwise. */
export function href(path: readonly string[], query: Query = {}): string {
  const params = new URLSearchParams()
  const vhost = vhostFilter.value
  if (vhost !== '' && !('vhost' in query)) params.set('vhost', vhost)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '' && value !== false) params.set(name, String(value))
  }
  const text = params.toString()
  return `#/${path.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`
}

/** Goes to a place. */
export function go(path: readonly string[], query: Query = {}): void {
  location.hash = href(path, query)
}

/** Changes parameters of the present address without a step in the history. */
export function setQuery(changes: Query): void {
  const { path, query } = route.value
  const merged = Object.fromEntries([...query.entries()].filter(([name]) => !(name in changes)))
  history.replaceState(null, '', href(path, { vhost: undefined, ...merged, ...changes }))
  route.value = parse(location.hash)
}
