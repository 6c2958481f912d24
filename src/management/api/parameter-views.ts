/**
 * What RabbitMQ keeps as parameters and this broker as records of their own: limits of virtual hosts and policies. Tools
 * that read or clear them at `/api/parameters` find them there as well.
 */

import type { Broker } from '../../model/broker.ts'
import { vhostLimits } from '../../model/limits/limits.ts'
import type { ParameterRecord, PolicyRecord } from '../../model/records/records.ts'
import type { Answered } from '../../model/verbs/answer.ts'

const LIMITS = 'vhost-limits'
const LIMITS_NAME = 'limits'
const POLICY = 'policy'
const OPERATOR_POLICY = 'operator_policy'

/** Parameters of a virtual host, of one component or of all; policies only when they are asked for, as RabbitMQ does. */
export function parametersOf(broker: Broker, vhost: string, component?: string): ParameterRecord[] {
  const found = broker.parameters.list(vhost, component)
  if (component === undefined || component === LIMITS) found.push(...limitsOf(broker, vhost))
  if (component === undefined || component === OPERATOR_POLICY) found.push(...policiesOf(broker, vhost, true))
  if (component === POLICY) found.push(...policiesOf(broker, vhost, false))
  return found
}

/** Clears a parameter of any of these kinds. */
export function clearParameter(
  broker: Broker,
  { vhost, component, name }: ParameterRecord,
  done: Answered<null>,
): void {
  switch (component) {
    case LIMITS:
      return broker.parameters.setVhostLimits(vhost, { 'max-connections': null, 'max-queues': null }, done)
    case POLICY:
    case OPERATOR_POLICY:
      return broker.policies.clear(vhost, name, component === OPERATOR_POLICY, done)
    default:
      return broker.parameters.clear(vhost, component, name, done)
  }
}

/** Sets a parameter; limits that are not named are lifted. Policies are set at their own paths. */
export function setParameter(broker: Broker, record: ParameterRecord, done: Answered<null>): void {
  const { vhost, component, name, value } = record
  if (component !== LIMITS || name !== LIMITS_NAME || typeof value !== 'object' || value === null) {
    return broker.parameters.set(record, done)
  }
  // Erlang tools write no limits as an empty list.
  const limits = Array.isArray(value) ? {} : value
  broker.parameters.setVhostLimits(vhost, { 'max-connections': null, 'max-queues': null, ...limits }, done)
}

function limitsOf(broker: Broker, vhost: string): ParameterRecord[] {
  const record = broker.vhost(vhost)?.record
  const value = record === undefined ? {} : vhostLimits(record)
  return Object.keys(value).length === 0 ? [] : [{ vhost, component: LIMITS, name: LIMITS_NAME, value }]
}

function policiesOf(broker: Broker, vhost: string, isOperator: boolean): ParameterRecord[] {
  return broker.policies.list(vhost, isOperator).map((policy) => ({
    vhost,
    component: isOperator ? OPERATOR_POLICY : POLICY,
    name: policy.name,
    value: policyValue(policy),
  }))
}

function policyValue({ pattern, definition, priority, applyTo }: PolicyRecord): object {
  return { pattern, definition, priority, 'apply-to': applyTo }
}
