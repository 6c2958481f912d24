/**
 * Policies and operator policies of all vhosts: which one matches an object, and the verbs that set and clear them.
 *
 * Kept current from the metadata; after a change the broker asks again for every object of the vhost. Of several that
 * match, the one with the highest priority applies, among equals the one with the first name. [policies]
 */

import type { Metadata, MetadataOp } from '../records/metadata.ts'
import { metadataKeys, type PolicyRecord } from '../records/records.ts'
import { compilePattern, type Pattern } from '../values/pattern.ts'
import { type Answered, granted, refused } from '../verbs/answer.ts'
import { preconditionFailed, unavailable } from '../verbs/refusals.ts'
import type { EffectivePolicy } from './policy.ts'
import { refusesDefinition } from './policy-keys.ts'
import { mergePolicies } from './policy-merge.ts'

/** What a policy is matched against. */
export interface PolicySubject {
  readonly name: string
  /** `exchange`, or the kind of the queue: `classic`, `quorum`, `stream`, … */
  readonly kind: string
  /** A policy that sets one of these keys is not for this object. */
  readonly unsupportedKeys: ReadonlySet<string>
}

const APPLY_TO: readonly string[] = [
  'all',
  'exchanges',
  'queues',
  'classic_queues',
  'quorum_queues',
  'streams',
  'qos0_queues',
]
const APPLY_TO_TEXT = "'queues', 'exchanges', 'classic_queues', 'quorum_queues', 'streams', 'qos0_queues' or 'all'"

/** A policy with its pattern compiled. */
class CompiledPolicy {
  readonly record: PolicyRecord
  readonly #pattern: Pattern | null

  constructor(record: PolicyRecord) {
    this.record = record
    this.#pattern = compilePattern(record.pattern)
  }

  matches(subject: PolicySubject): boolean {
    if (this.#pattern === null || !appliesTo(this.record.applyTo, subject.kind)) return false
    if (!this.#pattern.test(subject.name)) return false
    if (subject.unsupportedKeys.size === 0) return true
    return !Object.keys(this.record.definition).some((key) => subject.unsupportedKeys.has(key))
  }
}

function appliesTo(applyTo: string, kind: string): boolean {
  if (applyTo === 'all') return true
  if (kind === 'exchange') return applyTo === 'exchanges'
  return applyTo === 'queues' || applyTo === (kind === 'stream' ? 'streams' : `${kind.replace('mqtt-', '')}_queues`)
}

/** Sorted: the first that matches applies. */
type PolicyList = readonly CompiledPolicy[]

const NO_POLICIES: PolicyList = []

/** All policies. */
export class Policies {
  readonly #metadata: Metadata
  readonly #user = new Map<string, PolicyList>()
  readonly #operator = new Map<string, PolicyList>()

  constructor(metadata: Metadata) {
    this.#metadata = metadata
  }

  /** The policy in force on an object. */
  effective(vhost: string, subject: PolicySubject): EffectivePolicy {
    const user = (this.#user.get(vhost) ?? NO_POLICIES).find((policy) => policy.matches(subject))
    const operator = (this.#operator.get(vhost) ?? NO_POLICIES).find((policy) => policy.matches(subject))
    return mergePolicies(user?.record, operator?.record)
  }

  list(vhost: string, operator: boolean): PolicyRecord[] {
    return ((operator ? this.#operator : this.#user).get(vhost) ?? NO_POLICIES).map((policy) => policy.record)
  }

  /** Sets a policy: answered when every object has it. */
  put(record: PolicyRecord, operator: boolean, answered: Answered<null>): void {
    const problem = refusesPolicy(record, operator)
    if (problem !== undefined) return answered(refused(preconditionFailed(problem)))
    const key = policyKey(record.vhost, record.name, operator)
    const guards = [{ key: metadataKeys.vhost(record.vhost), expect: 'present' }] as const
    this.#metadata.transact(guards, [{ op: 'put', key, value: record }], (result) => {
      if (result.ok) answered(granted(null))
      else if (result.reason === 'unavailable') answered(refused(unavailable(result.error)))
      else answered(refused({ code: 'not-found', text: `vhost ${record.vhost} not found` }))
    })
  }

  /** Clears a policy. One that is not there is refused as not found. */
  clear(vhost: string, name: string, operator: boolean, answered: Answered<null>): void {
    const key = policyKey(vhost, name, operator)
    this.#metadata.transact([{ key, expect: 'present' }], [{ op: 'drop', key }], (result) => {
      if (result.ok) answered(granted(null))
      else if (result.reason === 'unavailable') answered(refused(unavailable(result.error)))
      else answered(refused({ code: 'not-found', text: `no policy '${name}' in vhost '${vhost}'` }))
    })
  }

  /** Applies a committed change of a policy; false when it is of something else. */
  apply(op: MetadataOp): boolean {
    const [kind, vhost] = op.key
    if (kind !== 'policy' && kind !== 'operator-policy') return false
    const lists = kind === 'policy' ? this.#user : this.#operator
    if (op.op === 'put') {
      // Stored under this kind of key by `put` alone.
      const record = op.value as PolicyRecord
      this.#replace(lists, record.vhost, record.name, new CompiledPolicy(record))
    } else if (op.op === 'drop') this.#replace(lists, vhost!, op.key[2]!, null)
    else if (vhost === undefined) lists.clear()
    else lists.delete(vhost)
    return true
  }

  #replace(lists: Map<string, PolicyList>, vhost: string, name: string, policy: CompiledPolicy | null): void {
    const others = (lists.get(vhost) ?? NO_POLICIES).filter((other) => other.record.name !== name)
    const list = policy === null ? others : [...others, policy].sort(byPrecedence)
    if (list.length === 0) lists.delete(vhost)
    else lists.set(vhost, list)
  }
}

function byPrecedence({ record: left }: CompiledPolicy, { record: right }: CompiledPolicy): number {
  if (left.priority !== right.priority) return right.priority - left.priority
  return left.name < right.name ? -1 : 1
}

function policyKey(vhost: string, name: string, operator: boolean): readonly string[] {
  return operator ? metadataKeys.operatorPolicy(vhost, name) : metadataKeys.policy(vhost, name)
}

/** Why a policy is not acceptable, in RabbitMQ's words, or undefined. */
export function refusesPolicy(record: PolicyRecord, operator: boolean): string | undefined {
  if (compilePattern(record.pattern) === null) {
    return `pattern should be regular expression but is invalid: ${record.pattern}`
  }
  if (!APPLY_TO.includes(record.applyTo)) {
    return `apply-to '${record.applyTo}' unrecognised; should be ${APPLY_TO_TEXT}`
  }
  if (!Number.isFinite(record.priority)) return `priority should be a number, actually was ${String(record.priority)}`
  return refusesDefinition(record.definition, operator)
}
