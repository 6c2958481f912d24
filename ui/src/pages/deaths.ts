/** Where dead letters end. Pure. */
import type { Binding, Exchange, Queue } from '../base/types.ts'
import { routeMessage } from './routing.ts'

/** A queue that dead letters end in, and the queues that they come from. */
export interface DeadLetterQueue {
  readonly queue: Queue
  readonly sources: readonly string[]
}

/** The exchange that a queue's dead letters go to; undefined: they are dropped. */
export function deadLetterExchange(queue: Queue): string | undefined {
  return setting(queue, 'dead-letter-exchange')
}

function setting(queue: Queue, name: string): string | undefined {
  const policy = queue.effective_policy_definition
  const fromPolicy = policy === undefined || Array.isArray(policy) ? undefined : Reflect.get(policy, name)
  const value = queue.arguments[`x-${name}`] ?? fromPolicy
  return typeof value === 'string' ? value : undefined
}

/** Follows each queue's dead-letter exchange to the queues that it leads to. */
export function deadLetterQueues(
  queues: readonly Queue[],
  exchanges: readonly Exchange[],
  bindings: readonly Binding[],
): DeadLetterQueue[] {
  const sources = new Map<string, Set<string>>()
  for (const queue of queues) {
    const exchange = deadLetterExchange(queue)
    if (exchange === undefined) continue
    const key = setting(queue, 'dead-letter-routing-key')
    const targets = exchange === '' ? [key ?? queue.name] : targetsOf(exchange, key, exchanges, bindings)
    for (const target of targets) sources.set(target, (sources.get(target) ?? new Set()).add(queue.name))
  }
  return queues
    .filter(({ name }) => sources.has(name))
    .map((queue) => ({ queue, sources: [...(sources.get(queue.name) ?? [])].sort() }))
}

/** Without a routing key of its own a message keeps what it had, so every binding may be meant. */
function targetsOf(
  exchange: string,
  key: string | undefined,
  exchanges: readonly Exchange[],
  bindings: readonly Binding[],
): readonly string[] {
  if (key !== undefined) return routeMessage({ exchanges, bindings }, { exchange, routingKey: key, headers: {} }).queues
  return bindings
    .filter(({ source, destination_type: type }) => source === exchange && type === 'queue')
    .map(({ destination }) => destination)
}
