/** Facts about dead letters: where they end, why they died. Pure. */
import type { Binding, Exchange, GotMessage, Queue } from '../base/types.ts'
import { routeMessage } from './routing.ts'

/** A queue that dead letters end in, and the queues that they come from. */
export interface DeadLetterQueue {
  readonly queue: Queue
  readonly sources: readonly string[]
}

/** Why and where a message died last. */
export interface Death {
  readonly reason: string
  readonly queue: string
  readonly exchange: string
  readonly routingKey: string
  readonly count: number
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
    const exchange = setting(queue, 'dead-letter-exchange')
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

/** Reads the newest entry of `x-death`. */
export function deathOf({ properties, exchange, routing_key: routingKey }: GotMessage): Death {
  const headers = properties.headers as Readonly<Record<string, unknown>> | undefined
  const deaths = headers?.['x-death']
  const last = (Array.isArray(deaths) ? deaths[0] : undefined) as Readonly<Record<string, unknown>> | undefined
  if (last === undefined) return { reason: 'unknown', queue: '', exchange, routingKey, count: 0 }
  const keys = last['routing-keys']
  return {
    reason: String(last.reason ?? 'unknown'),
    queue: String(last.queue ?? ''),
    exchange: String(last.exchange ?? ''),
    routingKey: String(Array.isArray(keys) ? (keys[0] ?? '') : routingKey),
    count: Number(last.count ?? 1),
  }
}

/** Deaths alike, the most frequent first. */
export function groupDeaths(messages: readonly GotMessage[]): readonly (Death & { readonly key: string })[] {
  const groups = new Map<string, Death & { key: string }>()
  for (const message of messages) {
    const death = deathOf(message)
    const key = `${death.reason}\n${death.queue}\n${death.exchange}`
    groups.set(key, { ...death, key, count: (groups.get(key)?.count ?? 0) + 1 })
  }
  return [...groups.values()].sort((a, b) => b.count - a.count)
}
