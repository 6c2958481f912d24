/**
 * Entries that died in their queues, by kind of queue, strategy and reason. Queues count; the management reads.
 * [RabbitMQ: rabbitmq_global_messages_dead_lettered_… metrics]
 */
import type { DeathReason } from '../queue/dead-letter.ts'

/** What becomes of the dead of a queue, as metrics name it. */
export type DeadLetterStrategy = 'disabled' | 'at_most_once' | 'at_least_once'

/** Counts of one kind of queue and one strategy. */
export interface Deaths {
  readonly kind: string
  readonly strategy: DeadLetterStrategy
  readonly byReason: Record<DeathReason, number>
  /** Letters that their targets have safely; counted with `at_least_once` only. */
  confirmed: number
}

/** One per broker. Every death is counted: keys are constants, never made anew. */
export class DeathCounters {
  readonly #byKind = new Map<string, Partial<Record<DeadLetterStrategy, Deaths>>>()

  count(kind: string, strategy: DeadLetterStrategy, reason: DeathReason): void {
    this.#of(kind, strategy).byReason[reason]++
  }

  countConfirmed(kind: string): void {
    this.#of(kind, 'at_least_once').confirmed++
  }

  all(): Iterable<Deaths> {
    return [...this.#byKind.values()].flatMap((byStrategy) => Object.values(byStrategy))
  }

  #of(kind: string, strategy: DeadLetterStrategy): Deaths {
    const byStrategy = this.#byKind.get(kind)
    return byStrategy?.[strategy] ?? this.#add(kind, strategy)
  }

  #add(kind: string, strategy: DeadLetterStrategy): Deaths {
    const deaths: Deaths = {
      kind,
      strategy,
      byReason: { rejected: 0, expired: 0, maxlen: 0, delivery_limit: 0 },
      confirmed: 0,
    }
    this.#byKind.set(kind, { ...this.#byKind.get(kind), [strategy]: deaths })
    return deaths
  }
}
