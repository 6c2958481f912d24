/**
 * The limits of users and virtual hosts by the names of the HTTP API, and where records keep them. RabbitMQ has the first
 * ones; queues of a user and rates are ours. [docs/limits.md]
 */
import type { UserRecord, VhostRecord } from '../records/records.ts'

/** Limits per second, of users and virtual hosts alike. */
export const RATE_LIMITS = [
  'max-publish-rate',
  'max-publish-bytes-rate',
  'max-delivery-rate',
  'max-delivery-bytes-rate',
] as const

/** One of `RATE_LIMITS`. */
export type RateLimit = (typeof RATE_LIMITS)[number]

/** Rates that are set, per second; others are not limited. */
export type Rates = Readonly<Partial<Record<RateLimit, number>>>

const USER_FIELDS = {
  'max-connections': 'maxConnections',
  'max-channels': 'maxChannels',
  'max-queues': 'maxQueues',
} as const
const VHOST_FIELDS = { 'max-connections': 'maxConnections', 'max-queues': 'maxQueues' } as const
const NO_LIMIT = -1

/** Names of all limits of a user. */
export const USER_LIMITS: readonly string[] = [...Object.keys(USER_FIELDS), ...RATE_LIMITS]
/** Names of all limits of a virtual host. */
export const VHOST_LIMITS: readonly string[] = [...Object.keys(VHOST_FIELDS), ...RATE_LIMITS]

/** Limits that a user has, by name. */
export function userLimits(user: UserRecord): Record<string, number> {
  const { maxConnections, maxChannels, maxQueues = NO_LIMIT, rates } = user
  return shown({ 'max-connections': maxConnections, 'max-channels': maxChannels, 'max-queues': maxQueues, ...rates })
}

/** Limits that a virtual host has, by name. */
export function vhostLimits(vhost: VhostRecord): Record<string, number> {
  return shown({ 'max-connections': vhost.maxConnections, 'max-queues': vhost.maxQueues, ...vhost.rates })
}

/** The user with these limits changed; null or a negative number takes a limit away. Others stay. */
export function withUserLimits(user: UserRecord, limits: Readonly<Record<string, number | null>>): UserRecord {
  return { ...user, ...fieldsOf(limits, USER_FIELDS), ...ratesOf(user.rates, limits) }
}

/** The virtual host with these limits changed, as for users. */
export function withVhostLimits(vhost: VhostRecord, limits: Readonly<Record<string, number | null>>): VhostRecord {
  return { ...vhost, ...fieldsOf(limits, VHOST_FIELDS), ...ratesOf(vhost.rates, limits) }
}

function shown(limits: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value > NO_LIMIT))
}

function fieldsOf(
  limits: Readonly<Record<string, number | null>>,
  fields: Readonly<Record<string, string>>,
): Record<string, number> {
  const known = Object.entries(limits).filter(([name]) => Object.hasOwn(fields, name))
  return Object.fromEntries(known.map(([name, value]) => [fields[name]!, Math.max(value ?? NO_LIMIT, NO_LIMIT)]))
}

/** A rate of 0 would stop everything for good: as RabbitMQ's limits, a negative one is none, and 0 is 0. */
function ratesOf(
  present: Rates | undefined,
  limits: Readonly<Record<string, number | null>>,
): { readonly rates?: Rates } {
  const rates: Partial<Record<RateLimit, number>> = { ...present }
  for (const name of RATE_LIMITS) {
    const value = limits[name]
    if (value === undefined) continue
    if (value === null || value < 0) delete rates[name]
    else rates[name] = value
  }
  return present === undefined && Object.keys(rates).length === 0 ? {} : { rates }
}
