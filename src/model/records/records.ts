/**
 * The records of the metadata store and their keys: plain JSON-able values. Whoever reads them gets them frozen.
 * Keys are lists of text; the first element is the kind. Arguments are kept in their typed form as JSON (see arguments-json.ts).
 */

import type { Rates } from '../limits/limits.ts'

/** JSON form of typed arguments: `[name, type, value]` triples, so that types and order survive. */
export type StoredArguments = readonly (readonly [name: string, type: string, value: unknown])[]

export interface VhostRecord {
  readonly name: string
  readonly description: string
  readonly tags: readonly string[]
  /** Empty for the node's default. */
  readonly defaultQueueType: string
  readonly tracing: boolean
  readonly protectedFromDeletion: boolean
  /** -1 is no limit. */
  readonly maxConnections: number
  readonly maxQueues: number
  /** Absent in records of brokers that had none. */
  readonly rates?: Rates
}

export interface UserRecord {
  readonly name: string
  /** Base64 of salt and hash, as RabbitMQ exports it; empty: no password is accepted. */
  readonly passwordHash: string
  readonly hashingAlgorithm: string
  readonly tags: readonly string[]
  readonly maxConnections: number
  readonly maxChannels: number
  /** Absent in records of brokers that had none. */
  readonly maxQueues?: number
  readonly rates?: Rates
}

export interface PermissionRecord {
  readonly vhost: string
  readonly user: string
  readonly configure: string
  readonly write: string
  readonly read: string
}

export interface TopicPermissionRecord {
  readonly vhost: string
  readonly user: string
  readonly exchange: string
  readonly write: string
  readonly read: string
}

export interface ExchangeRecord {
  readonly vhost: string
  readonly name: string
  readonly type: string
  readonly durable: boolean
  readonly autoDelete: boolean
  readonly internal: boolean
  readonly arguments: StoredArguments
  /** The ledger of types that keep messages (delayed); 0 for none. */
  readonly ledgerId: number
}

export interface QueueRecord {
  readonly vhost: string
  readonly name: string
  /** `classic`, `quorum`, `stream`. */
  readonly type: string
  readonly durable: boolean
  readonly autoDelete: boolean
  readonly exclusive: boolean
  readonly arguments: StoredArguments
  /** Names its ledger; outlives the name. */
  readonly ledgerId: number
  /** The connection that owns an exclusive queue (its id), or null. */
  readonly owner: string | null
  /** User who declared it, for limits and listings. */
  readonly declaredBy: string
}

export interface BindingRecord {
  readonly vhost: string
  readonly source: string
  readonly destination: string
  readonly destinationKind: 'queue' | 'exchange'
  readonly routingKey: string
  readonly arguments: StoredArguments
  /** `~` or a hash of the arguments: distinguishes bindings of the same key; RabbitMQ's API calls it properties_key. */
  readonly propertiesKey: string
}

export interface PolicyRecord {
  readonly vhost: string
  readonly name: string
  readonly pattern: string
  readonly applyTo: 'all' | 'exchanges' | 'queues' | 'classic_queues' | 'quorum_queues' | 'streams' | 'qos0_queues'
  readonly priority: number
  readonly definition: Readonly<Record<string, unknown>>
}

export interface ParameterRecord {
  readonly vhost: string
  readonly component: string
  readonly name: string
  readonly value: unknown
}

/** A key of the metadata store. */
export type MetadataKey = readonly string[]

/** Every kind of record with its key. */
export const metadataKeys = {
  vhost: (name: string): MetadataKey => ['vhost', name],
  user: (name: string): MetadataKey => ['user', name],
  permission: (vhost: string, user: string): MetadataKey => ['permission', vhost, user],
  topicPermission: (vhost: string, user: string, exchange: string): MetadataKey => [
    'topic-permission',
    vhost,
    user,
    exchange,
  ],
  exchange: (vhost: string, name: string): MetadataKey => ['exchange', vhost, name],
  queue: (vhost: string, name: string): MetadataKey => ['queue', vhost, name],
  binding: (b: BindingRecord): MetadataKey => [
    'binding',
    b.vhost,
    b.source,
    b.destinationKind,
    b.destination,
    b.routingKey,
    b.propertiesKey,
  ],
  policy: (vhost: string, name: string): MetadataKey => ['policy', vhost, name],
  operatorPolicy: (vhost: string, name: string): MetadataKey => ['operator-policy', vhost, name],
  parameter: (vhost: string, component: string, name: string): MetadataKey => ['parameter', vhost, component, name],
  globalParameter: (name: string): MetadataKey => ['global-parameter', name],
} as const

/** How the ledger of a queue or an exchange is labelled in the log: finds its messages again when the record is lost. */
export function ledgerLabel(key: MetadataKey): string {
  return JSON.stringify(key)
}

/** Whose messages a labelled ledger holds, in words. */
export function ledgerOwnerText(label: string): string {
  if (label === '') return 'of an unknown queue'
  const [kind, vhost, name] = JSON.parse(label) as readonly string[] // Labels are made above.
  return `of ${kind} '${name}' in vhost '${vhost}'`
}
