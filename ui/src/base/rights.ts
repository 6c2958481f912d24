/**
 * What the user may do with objects of a virtual host. Pages offer only what the broker would not refuse; the broker
 * answers from the same checks.
 */
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { apiPath } from './api.ts'
import { useLive } from './live.ts'
import { vhostFilter } from './router.ts'
import type { Vhost } from './types.ts'

/** Rights on a queue or an exchange. */
export interface Rights {
  /** False while the broker was not heard: then there are none. */
  readonly isKnown: boolean
  readonly configure: boolean
  readonly write: boolean
  readonly read: boolean
}

const NONE = { configure: false, write: false, read: false, isKnown: false }

/** The user's rights; none while they are not known. */
export function useRights(kind: 'queues' | 'exchanges', vhost: string, name: string): Rights {
  const { data } = useLive<Omit<Rights, 'isKnown'>>(apiPath('warren', 'rights', vhost, kind, name))
  return data === undefined ? NONE : { ...data, isKnown: true }
}

/** The virtual hosts that the user may enter; undefined while they are not known. Kept by the shell. */
export const enterable = signal<readonly string[] | undefined>(undefined)

/** Keeps what the user may enter up to date; once per page. */
export function useEnterable(): void {
  const { data } = useLive<{ readonly vhosts: readonly string[] }>('/api/warren/rights')
  useEffect(() => {
    enterable.value = data?.vhosts
  }, [data])
}

/** Whether the user may enter a virtual host: the one given, or any for an empty name. False while it is not known. */
export function mayEnter(vhost: string): boolean {
  const vhosts = enterable.value ?? []
  return vhost === '' ? vhosts.length > 0 : vhosts.includes(vhost)
}

/** The virtual host of pages that show one: the chosen one, else the default one, else the first that the user sees. */
export function useShownVhost(): string {
  const { data } = useLive<readonly Vhost[]>(`${apiPath('vhosts')}?columns=name`)
  if (vhostFilter.value !== '') return vhostFilter.value
  const names = data?.map(({ name }) => name) ?? []
  return names.length === 0 || names.includes('/') ? '/' : (names[0] ?? '/')
}
