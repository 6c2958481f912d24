/**
 * The settings of a quorum queue: arguments and policy merged by its own rules. [RabbitMQ: policies; docs/queues.md]
 */

import type { EffectivePolicy } from '../../model/policy/policy.ts'
import type { DeadLetterTarget } from '../../model/queue/dead-letter.ts'
import type { QueueDefaults } from '../../model/queue/queue-host.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import type { LengthLimit, Overflow } from '../common/length-limit.ts'
import { Settings } from '../common/settings.ts'
import { NO_DELAY, type RetryDelay, type RetryType } from './delayed-retry.ts'

/** Negative: no limit. */
export const UNLIMITED_DELIVERIES = -1

/** What a quorum queue goes by. */
export interface QuorumSettings {
  readonly queueTtlMs: number
  readonly leaseMs: number
  readonly limit: LengthLimit | null
  readonly target: DeadLetterTarget | null
  /** Whether an entry is settled only when its dead letter is safe. */
  readonly keepsLetters: boolean
  /** Failed deliveries allowed, or `UNLIMITED_DELIVERIES`. */
  readonly deliveryLimit: number
  readonly delay: RetryDelay
  /** Of consumers that do not ask for another; 0 is none. */
  readonly ackTimeoutMs: number
  readonly effective: Readonly<Record<string, string | number | boolean>>
  /** What was asked for and is not done, for the log. */
  readonly warnings: readonly string[]
}

/** Merges arguments, policy and the defaults of the broker. */
export function quorumSettings(args: Arguments, policy: EffectivePolicy, defaults: QueueDefaults): QuorumSettings {
  const settings = new Settings(args, policy)
  const warnings: string[] = []
  const queueTtlMs = settings.queueTtlMs()
  const leaseMs = settings.leaseMs()
  const overflow = supportedOverflow(settings.policyFirst('overflow'), warnings)
  const limit = settings.lengthLimit(overflow)
  const target = settings.deadLetterTarget()
  const deliveryLimit = settings.number('delivery-limit', stricter) ?? defaults.deliveryLimit
  settings.effective['delivery-limit'] = deliveryLimit
  return {
    queueTtlMs,
    leaseMs,
    limit,
    target,
    keepsLetters: keepsLetters(settings.argumentFirst('dead-letter-strategy'), overflow, target, warnings),
    deliveryLimit: deliveryLimit < 0 ? UNLIMITED_DELIVERIES : deliveryLimit,
    delay: retryDelay(settings),
    ackTimeoutMs: settings.least('consumer-timeout') ?? defaults.consumerTimeoutMs,
    effective: settings.effective,
    warnings,
  }
}

function supportedOverflow(asked: string | undefined, warnings: string[]): Overflow {
  if (asked === 'reject-publish') return asked
  if (asked === 'reject-publish-dlx') {
    warnings.push('overflow reject-publish-dlx is not supported by quorum queues; drop-head applies')
  }
  return 'drop-head'
}

function keepsLetters(
  strategy: string | undefined,
  overflow: Overflow,
  target: DeadLetterTarget | null,
  warnings: string[],
): boolean {
  if (strategy !== 'at-least-once') return false
  if (target === null) warnings.push('dead-letter-strategy at-least-once needs a dead-letter-exchange')
  else if (overflow !== 'reject-publish') {
    warnings.push('dead-letter-strategy at-least-once needs overflow reject-publish; at-most-once applies')
  } else return true
  return false
}

/** The smaller limit; a negative one is none, and less strict than any. */
function stricter(argument: number, policy: number): number {
  return argument < 0 || policy < 0 ? Math.max(argument, policy) : Math.min(argument, policy)
}

function retryDelay(settings: Settings): RetryDelay {
  const type = (settings.policyFirst('delayed-retry-type') ?? 'disabled') as RetryType
  const minMs = settings.number('delayed-retry-min', Math.max)
  const maxMs = settings.number('delayed-retry-max', Math.min)
  if (type === 'disabled' || minMs === undefined) return NO_DELAY
  return { type, minMs, maxMs: Math.max(maxMs ?? minMs, minMs) }
}
