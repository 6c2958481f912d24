/**
 * The keys that policies may set: one row per key with its check and the words of RabbitMQ's refusal.
 *
 * Queues give the values their meaning; a key here only has to be plausible. [policies]
 */
import { erlangText } from '../values/erlang-text.ts'

interface PolicyKey {
  readonly accepts: (value: unknown) => boolean
  /** What a wrong value is not: `<value> is not a valid …`. */
  readonly noun: string
  /** Whether operator policies may set it. */
  readonly operator: boolean
}

const FILTER_BYTES_MIN = 16
const FILTER_BYTES_MAX = 255
const ROUTING_KEY_BYTES_MAX = 255
const SEGMENT_BYTES_MAX = 3_000_000_000
const MAX_AGE = /^\d+[YMDhms]$/

const isText = (value: unknown): boolean => typeof value === 'string'
const isRoutingKey = (value: unknown): boolean =>
  typeof value === 'string' && Buffer.byteLength(value) <= ROUTING_KEY_BYTES_MAX
const isInteger = (value: unknown): boolean => Number.isSafeInteger(value)
const isAtLeast =
  (least: number) =>
  (value: unknown): boolean =>
    Number.isSafeInteger(value) && Number(value) >= least
const isOneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value)

function key(noun: string, accepts: (value: unknown) => boolean): PolicyKey {
  return { noun: `is not a valid ${noun}`, accepts, operator: false }
}

function operatorKey(noun: string, accepts: (value: unknown) => boolean): PolicyKey {
  return { ...key(noun, accepts), operator: true }
}

const POLICY_KEYS: Readonly<Record<string, PolicyKey>> = {
  'alternate-exchange': key('alternate exchange name', isText),
  'consumer-timeout': key('consumer timeout', isAtLeast(0)),
  'consumer-disconnected-timeout': key('consumer disconnected timeout', isAtLeast(0)),
  'dead-letter-exchange': key('dead letter exchange name', isText),
  'dead-letter-routing-key': key('dead letter routing key', isRoutingKey),
  'dead-letter-strategy': key('dead letter strategy', isOneOf('at-most-once', 'at-least-once')),
  'message-ttl': operatorKey('message TTL', isAtLeast(0)),
  expires: operatorKey('queue expiry', isAtLeast(1)),
  'max-length': operatorKey('maximum length', isAtLeast(0)),
  'max-length-bytes': operatorKey('maximum length in bytes', isAtLeast(0)),
  'max-in-memory-length': operatorKey('maximum memory in bytes', isAtLeast(0)),
  'max-in-memory-bytes': operatorKey('maximum memory in bytes', isAtLeast(0)),
  'queue-mode': key('queue-mode value', isOneOf('default', 'lazy')),
  'queue-version': operatorKey('queue-version value', isOneOf(1, 2)),
  overflow: operatorKey('overflow value', isOneOf('drop-head', 'reject-publish', 'reject-publish-dlx')),
  'delivery-limit': operatorKey('delivery limit', isInteger),
  'max-age': key('max age', (value) => typeof value === 'string' && MAX_AGE.test(value)),
  'stream-max-segment-size-bytes': key(
    'segment size',
    (value) => isAtLeast(0)(value) && Number(value) <= SEGMENT_BYTES_MAX,
  ),
  'stream-filter-size-bytes': key(
    'filter size',
    (value) => isAtLeast(FILTER_BYTES_MIN)(value) && Number(value) <= FILTER_BYTES_MAX,
  ),
  'queue-leader-locator': key(
    'queue leader locator value',
    isOneOf('client-local', 'balanced', 'random', 'least-leaders'),
  ),
  'initial-cluster-size': key('cluster size', isAtLeast(0)),
  'target-group-size': operatorKey('target group size', isAtLeast(1)),
  'delayed-retry-type': operatorKey('delayed retry type', isOneOf('disabled', 'all', 'failed', 'returned')),
  'delayed-retry-min': operatorKey('delayed retry min', isAtLeast(0)),
  'delayed-retry-max': operatorKey('delayed retry max', isAtLeast(0)),
  'queue-master-locator': {
    ...operatorKey('', isOneOf('min-masters', 'client-local', 'random')),
    noun: 'invalid queue-master-locator value',
  },
  'federation-upstream': key('federation upstream', isText),
  'federation-upstream-pattern': key('federation upstream pattern', isText),
  'federation-upstream-set': key('federation upstream set', isText),
  'shards-per-node': key('shards per node', isAtLeast(0)),
  'routing-key': key('routing key', isText),
}

/** Keys of mirrored queues, which RabbitMQ 4 no longer knows but older definitions files contain. They have no effect. */
const LEGACY_KEYS: ReadonlySet<string> = new Set([
  'ha-mode',
  'ha-params',
  'ha-sync-mode',
  'ha-sync-batch-size',
  'ha-promote-on-shutdown',
  'ha-promote-on-failure',
])

/** Why a definition is not acceptable, in RabbitMQ's words, or undefined. */
export function refusesDefinition(
  definition: Readonly<Record<string, unknown>>,
  operator: boolean,
): string | undefined {
  const entries = Object.entries(definition)
  if (entries.length === 0) return 'no policy provided'
  const known = ([name]: readonly [string, unknown]): boolean =>
    Object.hasOwn(POLICY_KEYS, name) && (!operator || POLICY_KEYS[name]!.operator)
  const unknown = entries.filter((entry) => !known(entry))
  if (unknown.length > 0) return `${erlangText(Object.fromEntries(unknown))} are not recognised policy settings`
  for (const [name, value] of entries) {
    const { accepts, noun } = POLICY_KEYS[name]!
    if (!accepts(value)) return `${erlangText(value)} ${noun}`
  }
  const retryType = definition['delayed-retry-type']
  if (retryType !== undefined && retryType !== 'disabled' && definition['delayed-retry-min'] === undefined) {
    return `delayed-retry-min is required when delayed-retry-type is ${String(retryType)}`
  }
  return undefined
}

/** The definition without keys of mirrored queues: for definitions files of older versions. */
export function withoutLegacyKeys(definition: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(definition).filter(([name]) => !LEGACY_KEYS.has(name)))
}
