/**
 * How a policy and an operator policy that match the same object become one. [policies]
 */

import type { PolicyRecord } from '../records/records.ts'
import type { EffectivePolicy } from './policy.ts'
import { NO_POLICY } from './policy.ts'

const SMALLER_WINS: ReadonlySet<string> = new Set([
  'message-ttl',
  'expires',
  'max-length',
  'max-length-bytes',
  'max-in-memory-length',
  'max-in-memory-bytes',
  'delayed-retry-max',
])
const LARGER_WINS: ReadonlySet<string> = new Set(['target-group-size', 'delayed-retry-min'])

/** The policy in force where these two match; either may be undefined. */
export function mergePolicies(user: PolicyRecord | undefined, operator: PolicyRecord | undefined): EffectivePolicy {
  if (user === undefined && operator === undefined) return NO_POLICY
  const definition: Record<string, unknown> = { ...user?.definition }
  for (const [key, value] of Object.entries(operator?.definition ?? {})) {
    definition[key] = key in definition ? mergeValues(key, definition[key], value) : value
  }
  return { policyName: user?.name ?? null, operatorPolicyName: operator?.name ?? null, definition }
}

/** Limits: the stricter. Anything else: the operator's. */
function mergeValues(key: string, user: unknown, operator: unknown): unknown {
  if (typeof user !== 'number' || typeof operator !== 'number') return operator
  if (SMALLER_WINS.has(key)) return Math.min(user, operator)
  if (LARGER_WINS.has(key)) return Math.max(user, operator)
  return key === 'delivery-limit' ? strictestDeliveryLimit(user, operator) : operator
}

/** Negative is no limit: then the other one counts. */
export function strictestDeliveryLimit(left: number, right: number): number {
  return left < 0 || right < 0 ? Math.max(left, right) : Math.min(left, right)
}
