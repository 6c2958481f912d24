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

/** One per broker. */
export class DeathCounters {
  readonly #counts = new Map<string, Deaths>()

  count(kind: string, strategy: DeadLetterStrategy, reason: DeathReason): void {
    this.#of(kind, strategy).byReason[reason]++
  }

  countConfirmed(kind: string): void {
    this.#of(kind, 'at_least_once').confirmed++
  }

  all(): Iterable<Deaths> {
    return this.#counts.values()
  }

  #of(kind: string, strategy: DeadLetterStrategy): Deaths {
    const key = `${kind} ${strategy}`
    let deaths = this.#counts.get(key)
    if (deaths === undefined) {
      deaths = { kind, strategy, byReason: { rejected: 0, expired: 0, maxlen: 0, delivery_limit: 0 }, confirmed: 0 }
      this.#counts.set(key, deaths)
    }
    return deaths
  }
}
