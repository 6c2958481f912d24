/**
 * Runtime parameters: values that operators and plug-ins keep per vhost and component, and global ones; and the limits
 * of vhosts and users, which RabbitMQ sets the same way.
 *
 * A component has to be registered to be set. Kept in the metadata; who wants to follow changes watches the store.
 */

import { USER_LIMITS, VHOST_LIMITS, withUserLimits, withVhostLimits } from '../limits/limits.ts'
import type { Refusal } from '../queue/queue.ts'
import type { Guard, Metadata, MetadataOp } from '../records/metadata.ts'
import {
  type MetadataKey,
  metadataKeys,
  type ParameterRecord,
  type UserRecord,
  type VhostRecord,
} from '../records/records.ts'
import { erlangText } from '../values/erlang-text.ts'
import { type Answered, granted, refused } from '../verbs/answer.ts'
import { preconditionFailed, unavailable } from '../verbs/refusals.ts'

/** What may be set under a component's name. */
export interface ParameterComponent {
  readonly name: string
  /** Why the value is not acceptable, or undefined. */
  refuses(vhost: string, name: string, value: unknown): string | undefined
}

/** Limits by RabbitMQ's names; null takes a limit away. */
export type Limits = Readonly<Record<string, unknown>>

/** Sets and reads parameters and limits. */
export class Parameters {
  readonly #metadata: Metadata
  readonly #components = new Map<string, ParameterComponent>()

  constructor(metadata: Metadata) {
    this.#metadata = metadata
  }

  register(component: ParameterComponent): void {
    this.#components.set(component.name, component)
  }

  // Parameters

  get(vhost: string, component: string, name: string): ParameterRecord | undefined {
    // Stored under this kind of key by `set` alone, as below.
    return this.#metadata.get(metadataKeys.parameter(vhost, component, name))?.value as ParameterRecord | undefined
  }

  /** Parameters of a vhost, of one component or of all. */
  list(vhost: string, component?: string): ParameterRecord[] {
    const prefix = component === undefined ? ['parameter', vhost] : ['parameter', vhost, component]
    return [...this.#metadata.list(prefix)].map((entry) => entry.value as ParameterRecord)
  }

  set(record: ParameterRecord, answered: Answered<null>): void {
    const component = this.#components.get(record.component)
    const problem =
      component === undefined
        ? `component ${record.component} not found`
        : component.refuses(record.vhost, record.name, record.value)
    if (problem !== undefined) return answered(refused(preconditionFailed(problem)))
    const key = metadataKeys.parameter(record.vhost, record.component, record.name)
    const guards: Guard[] = [{ key: metadataKeys.vhost(record.vhost), expect: 'present' }]
    this.#change(guards, { op: 'put', key, value: record }, `vhost ${record.vhost} not found`, answered)
  }

  clear(vhost: string, component: string, name: string, answered: Answered<null>): void {
    this.#drop(metadataKeys.parameter(vhost, component, name), `no parameter '${name}' in vhost '${vhost}'`, answered)
  }

  getGlobal(name: string): unknown {
    return this.#metadata.get(metadataKeys.globalParameter(name))?.value
  }

  listGlobal(): { readonly name: string; readonly value: unknown }[] {
    return [...this.#metadata.list(['global-parameter'])].map(({ key, value }) => ({ name: key[1]!, value }))
  }

  setGlobal(name: string, value: unknown, answered: Answered<null>): void {
    this.#change([], { op: 'put', key: metadataKeys.globalParameter(name), value }, '', answered)
  }

  clearGlobal(name: string, answered: Answered<null>): void {
    this.#drop(metadataKeys.globalParameter(name), `no global parameter '${name}'`, answered)
  }

  // Limits

  /** Changes limits of a vhost; those not named stay. Negative or null is no limit. */
  setVhostLimits(vhost: string, limits: Limits, answered: Answered<null>): void {
    const problem = refusesLimits(limits, VHOST_LIMITS, 'limits')
    if (problem !== undefined) return answered(refused(problem))
    this.#update<VhostRecord>(metadataKeys.vhost(vhost), `vhost ${vhost} not found`, answered, (record) =>
      withVhostLimits(record, numbers(limits)),
    )
  }

  /** Changes limits of a user; those not named stay. Negative or null is no limit. */
  setUserLimits(user: string, limits: Limits, answered: Answered<null>): void {
    const problem = refusesLimits(limits, USER_LIMITS, 'user-limits')
    if (problem !== undefined) return answered(refused(problem))
    this.#update<UserRecord>(metadataKeys.user(user), `user '${user}' not found`, answered, (record) =>
      withUserLimits(record, numbers(limits)),
    )
  }

  #update<T>(key: MetadataKey, missing: string, answered: Answered<null>, change: (record: T) => T): void {
    const entry = this.#metadata.get(key)
    if (entry === undefined) return answered(refused({ code: 'not-found', text: missing }))
    // Records under a kind's keys are of that kind.
    const value = change(entry.value as T)
    this.#metadata.transact([{ key, expect: entry.revision }], [{ op: 'put', key, value }], (result) => {
      if (result.ok) answered(granted(null))
      else if (result.reason === 'unavailable') answered(refused(unavailable(result.error)))
      else this.#update(key, missing, answered, change)
    })
  }

  #drop(key: MetadataKey, missing: string, answered: Answered<null>): void {
    this.#change([{ key, expect: 'present' }], { op: 'drop', key }, missing, answered)
  }

  #change(guards: readonly Guard[], op: MetadataOp, missing: string, answered: Answered<null>): void {
    this.#metadata.transact(guards, [op], (result) => {
      if (result.ok) answered(granted(null))
      else if (result.reason === 'unavailable') answered(refused(unavailable(result.error)))
      else answered(refused({ code: 'not-found', text: missing }))
    })
  }
}

function refusesLimits(limits: Limits, known: readonly string[], noun: string): Refusal | undefined {
  const entries = Object.entries(limits)
  const unknown = entries.filter(([name]) => !known.includes(name))
  if (unknown.length > 0) {
    return preconditionFailed(`Unrecognised terms ${erlangText(Object.fromEntries(unknown))} in ${noun}`)
  }
  const wrong = entries.find(([, value]) => value !== null && !Number.isSafeInteger(value))
  return wrong === undefined
    ? undefined
    : preconditionFailed(`${wrong[0]} should be a number, actually was ${erlangText(wrong[1])}`)
}

/** `refusesLimits` saw nothing but numbers and null. */
function numbers(limits: Limits): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, value]) => [name, value === null ? null : Number(value)]),
  )
}
