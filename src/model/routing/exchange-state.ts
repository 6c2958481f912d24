/**
 * An exchange in force: its record, its index of bindings, and the routes found lately. Made by the topology.
 */

import type { EffectivePolicy } from '../policy/policy.ts'
import type { MessageTarget } from '../queue/queue.ts'
import type { ExchangeRecord } from '../records/records.ts'
import { type Arguments, stringArgument } from '../values/arguments.ts'
import type { Binding, Exchange, ExchangeCounters, ExchangeHost, ExchangeIndex, ExchangeType } from './exchange.ts'
import type { Flow } from './flows.ts'
import type { Route } from './route.ts'
import { DEFAULT_EXCHANGE, isSystemExchange } from './system-exchanges.ts'

/** The argument, and the key of policies. */
export const ALTERNATE_EXCHANGE = 'alternate-exchange'

/** One exchange of a vhost. */
export class ExchangeState implements Exchange {
  readonly record: ExchangeRecord
  readonly name: string
  readonly arguments: Arguments
  readonly type: ExchangeType
  readonly index: ExchangeIndex
  /** Queues are bound to it by their names, without bindings. */
  readonly isDefault: boolean
  readonly isSystem: boolean
  readonly outgoing = new Set<Binding>()
  readonly incoming = new Set<Binding>()
  readonly counters: ExchangeCounters = { publishedIn: 0, publishedOut: 0, returned: 0, unroutable: 0 }
  /** Routes by routing key, kept by the router. */
  readonly routes = new Map<string, Route>()
  /** What it gave to which queue; kept by `Flows`. */
  readonly flows = new Map<MessageTarget, Flow>()
  alternate: string | null
  policyName: string | null = null
  operatorPolicyName: string | null = null

  constructor(record: ExchangeRecord, args: Arguments, type: ExchangeType, host: ExchangeHost) {
    this.record = record
    this.name = record.name
    this.arguments = args
    this.type = type
    this.isDefault = record.name === DEFAULT_EXCHANGE
    this.isSystem = isSystemExchange(record.vhost, record.name)
    this.alternate = stringArgument(args, ALTERNATE_EXCHANGE) ?? null
    this.index = type.create(record, args, host)
  }

  /** The policy in force changed. The argument stands before the policy. */
  applyPolicy(policy: EffectivePolicy): void {
    const fromPolicy = policy.definition[ALTERNATE_EXCHANGE]
    this.alternate =
      stringArgument(this.arguments, ALTERNATE_EXCHANGE) ?? (typeof fromPolicy === 'string' ? fromPolicy : null)
    this.policyName = policy.policyName
    this.operatorPolicyName = policy.operatorPolicyName
  }
}
