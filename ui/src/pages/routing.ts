/**
 * Where a message would go: the rules of direct, fanout, topic and headers exchanges, bindings between exchanges, and
 * alternate exchanges, over the bindings that the API lists. Types with rules of their own are named as not predictable.
 */
import type { Arguments, Binding, Exchange } from '../base/types.ts'

/** A message, as far as routing looks at it. */
export interface RoutedMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly headers: Arguments
}

/** A virtual host, as far as routing looks at it. */
export interface RoutingWorld {
  readonly exchanges: readonly Exchange[]
  readonly bindings: readonly Binding[]
}

/** What happens to a message. */
export interface RoutingOutcome {
  readonly queues: readonly string[]
  /** Bindings that the message goes through, in the order found. */
  readonly through: readonly Binding[]
  /** Exchanges whose alternate exchange took over. */
  readonly alternates: readonly string[]
  /** Exchanges whose type is not simulated. */
  readonly unknown: readonly string[]
}

/** Whether a topic binding key takes a routing key: `*` is one word, `#` any number. */
export function topicMatches(bindingKey: string, routingKey: string): boolean {
  const pattern = bindingKey === '' ? [] : bindingKey.split('.')
  const words = routingKey === '' ? [] : routingKey.split('.')
  // Row by row: whether the first words match the first parts of the pattern.
  let matches = [true, ...words.map(() => false)]
  for (const part of pattern) {
    const next = words.map(() => false)
    next.unshift(part === '#' && matches[0] === true)
    words.forEach((word, i) => {
      next[i + 1] =
        part === '#'
          ? matches[i + 1] === true || next[i] === true
          : matches[i] === true && (part === '*' || part === word)
    })
    matches = next
  }
  return matches.at(-1) === true
}

/** Whether a headers binding takes a message. */
export function headersMatch(args: Arguments, headers: Arguments): boolean {
  const mode = String(args['x-match'] ?? 'all')
  const withX = mode.endsWith('-with-x')
  const wanted = Object.entries(args).filter(([name]) => name !== 'x-match' && (withX || !name.startsWith('x-')))
  const has = ([name, value]: readonly [string, unknown]) =>
    Object.hasOwn(headers, name) && (value === null || JSON.stringify(headers[name]) === JSON.stringify(value))
  return mode.startsWith('any') ? wanted.some(has) : wanted.every(has)
}

/** Routes a message. */
export function routeMessage(world: RoutingWorld, message: RoutedMessage): RoutingOutcome {
  const types = new Map(world.exchanges.map((exchange) => [exchange.name, exchange] as const))
  const queues = new Set<string>()
  const through: Binding[] = []
  const alternates: string[] = []
  const unknown = new Set<string>()
  const seen = new Set<string>()
  const pending = [message.exchange]
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (seen.has(name)) continue
    seen.add(name)
    const exchange = types.get(name)
    if (exchange === undefined) continue
    const matching = world.bindings.filter(
      (binding) => binding.source === name && takes(exchange, binding, message, unknown),
    )
    for (const binding of matching) {
      through.push(binding)
      if (binding.destination_type === 'queue') queues.add(binding.destination)
      else pending.push(binding.destination)
    }
    const alternate = exchange.arguments['alternate-exchange']
    if (matching.length === 0 && typeof alternate === 'string') {
      alternates.push(name)
      pending.push(alternate)
    }
  }
  return { queues: [...queues], through, alternates, unknown: [...unknown] }
}

function takes(exchange: Exchange, binding: Binding, message: RoutedMessage, unknown: Set<string>): boolean {
  switch (exchange.type) {
    case 'fanout':
      return true
    case 'direct':
      return binding.routing_key === message.routingKey
    case 'topic':
      return topicMatches(binding.routing_key, message.routingKey)
    case 'headers':
      return headersMatch(binding.arguments, message.headers)
    default:
      unknown.add(exchange.name)
      return false
  }
}
