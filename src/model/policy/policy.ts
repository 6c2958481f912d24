/**
 * The policy in force on an object: the merged user and operator policy. Queues merge it with their arguments, each kind
 * by its own rules [policies].
 */

/** Merged definition of the policy and the operator policy that match an object; null names when none does. */
export interface EffectivePolicy {
  readonly policyName: string | null
  readonly operatorPolicyName: string | null
  /** Keys in force with their values, user and operator policy merged. */
  readonly definition: Readonly<Record<string, unknown>>
}

/** No policy matches. */
export const NO_POLICY: EffectivePolicy = { policyName: null, operatorPolicyName: null, definition: {} }
