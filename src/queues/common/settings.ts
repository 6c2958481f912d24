/**
 * The settings in force on a queue: its arguments and the policy, merged by the rules of its kind. A kind asks for each
 * key once, by the rule that applies to it; what is in force is remembered for listings. [RabbitMQ: policies]
 */
import { NEVER } from '../../base/clock.ts'
import type { EffectivePolicy } from '../../model/policy/policy.ts'
import type { DeadLetterTarget } from '../../model/queue/dead-letter.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import { integerArgument, stringArgument } from '../../model/values/arguments.ts'
import { NO_TTL } from './expiry.ts'
import { LengthLimit, type Overflow } from './length-limit.ts'

/** Merges arguments and policy. Keys are those of policies; arguments have `x-` before them. */
export class Settings {
  readonly #args: Arguments
  readonly #policy: Readonly<Record<string, unknown>>
  /** What is in force, by key. */
  readonly effective: Record<string, string | number | boolean> = {}

  constructor(args: Arguments, policy: EffectivePolicy) {
    this.#args = args
    this.#policy = policy.definition
  }

  /** A number, combined when both have one. */
  number(key: string, combine: (argument: number, policy: number) => number): number | undefined {
    const argument = integerArgument(this.#args, `x-${key}`)
    const ofPolicy = this.#policy[key]
    const policy = typeof ofPolicy === 'number' ? ofPolicy : undefined
    const value = argument !== undefined && policy !== undefined ? combine(argument, policy) : (argument ?? policy)
    return this.#note(key, value)
  }

  /** The smaller of both. */
  least(key: string): number | undefined {
    return this.number(key, Math.min)
  }

  /** A text; the argument wins. */
  argumentFirst(key: string): string | undefined {
    return this.#note(key, stringArgument(this.#args, `x-${key}`) ?? this.#policyText(key))
  }

  /** A text; the policy wins. */
  policyFirst(key: string): string | undefined {
    return this.#note(key, this.#policyText(key) ?? stringArgument(this.#args, `x-${key}`))
  }

  // What all kinds have

  /** `message-ttl`, or `NO_TTL`. */
  queueTtlMs(): number {
    return this.least('message-ttl') ?? NO_TTL
  }

  /** `expires`, or NEVER. */
  leaseMs(): number {
    return this.least('expires') ?? NEVER
  }

  /** `max-length` and `max-length-bytes`, or null. */
  lengthLimit(overflow: Overflow): LengthLimit | null {
    const countMax = this.least('max-length')
    const bytesMax = this.least('max-length-bytes')
    if (countMax === undefined && bytesMax === undefined) return null
    return new LengthLimit(countMax ?? Number.POSITIVE_INFINITY, bytesMax ?? Number.POSITIVE_INFINITY, overflow)
  }

  /** `dead-letter-exchange` and `dead-letter-routing-key`, or null. */
  deadLetterTarget(): DeadLetterTarget | null {
    const exchange = this.argumentFirst('dead-letter-exchange')
    const routingKey = this.argumentFirst('dead-letter-routing-key')
    return exchange === undefined ? null : { exchange, routingKey: routingKey ?? null }
  }

  #policyText(key: string): string | undefined {
    const value = this.#policy[key]
    return typeof value === 'string' ? value : undefined
  }

  #note<T extends string | number>(key: string, value: T | undefined): T | undefined {
    if (value !== undefined) this.effective[key] = value
    return value
  }
}
