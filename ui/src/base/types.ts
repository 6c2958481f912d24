/**
 * Objects of the HTTP API, as far as pages use them. Fields may be missing: what never happened is not there.
 */

/** A counter's rate, and samples when a window was asked for. */
export interface Details {
  readonly rate: number
  /** Null: not known. */
  readonly samples?: readonly { readonly sample: number | null; readonly timestamp: number }[]
}
/** Counters by name, each with `<name>_details`. */
export type Stats = Readonly<Record<string, number | Details | undefined>>
/** Arguments of a declaration. */
export type Arguments = Readonly<Record<string, unknown>>

export interface Overview {
  readonly cluster_name: string
  readonly node: string
  readonly product_name?: string
  readonly product_version?: string
  readonly rabbitmq_version: string
  readonly warrenmq_version?: string
  readonly message_stats?: Stats
  readonly churn_rates?: Stats
  readonly queue_totals: Stats
  readonly object_totals: Readonly<Record<'channels' | 'connections' | 'consumers' | 'exchanges' | 'queues', number>>
  readonly listeners?: readonly { readonly protocol: string; readonly ip_address: string; readonly port: number }[]
  readonly exchange_types?: readonly { readonly name: string; readonly description: string }[]
}

export interface NodeInfo extends Readonly<Record<string, unknown>> {
  readonly name: string
  readonly running: boolean
  readonly uptime: number
  readonly mem_used: number
  readonly mem_limit: number
  readonly mem_alarm: boolean
  readonly disk_free: number
  readonly disk_free_limit: number
  readonly disk_free_alarm: boolean
  readonly fd_alarm?: boolean
  readonly fd_used: number
  readonly fd_total: number
  readonly sockets_used?: number
  readonly os_pid: string
}

export interface Queue {
  readonly name: string
  readonly vhost: string
  readonly type?: string
  readonly durable: boolean
  readonly auto_delete: boolean
  readonly exclusive?: boolean
  readonly arguments: Arguments
  readonly state?: string
  readonly policy?: string | null
  readonly operator_policy?: string | null
  readonly effective_policy_definition?: Arguments | readonly unknown[]
  readonly consumers?: number
  readonly consumer_capacity?: number | null
  readonly consumer_utilisation?: number | null
  readonly messages?: number
  readonly messages_ready?: number
  readonly messages_unacknowledged?: number
  readonly messages_details?: Details
  readonly messages_ready_details?: Details
  readonly messages_unacknowledged_details?: Details
  readonly message_bytes?: number
  readonly message_bytes_ready?: number
  readonly message_bytes_unacknowledged?: number
  readonly messages_persistent?: number
  readonly message_stats?: Stats
  readonly head_message_timestamp?: number | null
  readonly idle_since?: string
  readonly node?: string
  readonly consumer_details?: readonly Consumer[]
  readonly owner_pid_details?: { readonly name: string }
  readonly incoming?: readonly Flow[]
  readonly deliveries?: readonly Flow[]
  readonly disk_bytes?: number
  readonly oldest_message_age_ms?: number | null
  readonly single_active_consumer_tag?: string | null
  readonly exclusive_consumer_tag?: string | null
  readonly delayed?: number
}

/** What went between two objects; one of the three is at the other end. */
export interface Flow {
  readonly channel_details?: { readonly name: string }
  readonly queue?: { readonly name: string; readonly vhost: string }
  readonly exchange?: { readonly name: string; readonly vhost: string }
  readonly stats: Stats
}

export interface Consumer {
  readonly consumer_tag: string
  readonly ack_required: boolean
  readonly active?: boolean
  readonly activity_status?: string
  readonly exclusive: boolean
  readonly prefetch_count: number
  /** Not known for protocols that count by session. */
  readonly messages_unacknowledged?: number
  readonly arguments: Arguments
  readonly queue: { readonly name: string; readonly vhost: string }
  readonly channel_details?: {
    readonly name?: string
    readonly connection_name?: string
    readonly number?: number
    readonly user?: string
    readonly peer_host?: string
  }
}

export interface Exchange {
  readonly name: string
  readonly vhost: string
  readonly type: string
  readonly durable: boolean
  readonly auto_delete: boolean
  readonly internal: boolean
  readonly arguments: Arguments
  readonly policy?: string | null
  readonly message_stats?: Stats
  readonly incoming?: readonly Flow[]
  readonly outgoing?: readonly Flow[]
}

export interface Binding {
  readonly source: string
  readonly vhost: string
  readonly destination: string
  readonly destination_type: 'queue' | 'exchange'
  readonly routing_key: string
  readonly arguments: Arguments
  readonly properties_key: string
}

export interface Connection {
  readonly name: string
  readonly user_provided_name?: string
  readonly vhost: string
  readonly user: string
  readonly protocol: string
  readonly state: string
  readonly type?: string
  readonly ssl: boolean
  readonly ssl_protocol?: string | null
  readonly auth_mechanism?: string
  readonly peer_host: string
  readonly peer_port: number
  readonly host?: string
  readonly port?: number
  readonly channels: number
  readonly channel_max?: number
  readonly frame_max?: number
  readonly timeout?: number
  readonly connected_at: number
  readonly client_properties?: Arguments
  readonly recv_oct?: number
  readonly send_oct?: number
  readonly recv_oct_details?: Details
  readonly send_oct_details?: Details
}

export interface Channel {
  readonly name: string
  readonly number: number
  readonly vhost: string
  readonly user: string
  readonly state?: string
  readonly transactional?: boolean
  readonly confirm?: boolean
  readonly consumer_count?: number
  readonly messages_unacknowledged?: number
  readonly messages_unconfirmed?: number
  readonly messages_uncommitted?: number
  readonly acks_uncommitted?: number
  readonly prefetch_count?: number
  readonly global_prefetch_count?: number
  readonly idle_since?: string
  readonly message_stats?: Stats
  readonly connection_details?: { readonly name: string; readonly peer_host?: string; readonly peer_port?: number }
  readonly consumer_details?: readonly Consumer[]
  readonly publishes?: readonly Flow[]
  readonly deliveries?: readonly Flow[]
}

export interface Vhost {
  readonly name: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly default_queue_type?: string
  readonly tracing?: boolean
  readonly protected_from_deletion?: boolean
  readonly messages?: number
  readonly messages_ready?: number
  readonly messages_unacknowledged?: number
  readonly message_stats?: Stats
  readonly cluster_state?: Readonly<Record<string, string>>
}

export interface User {
  readonly name: string
  readonly tags: readonly string[] | string
  readonly password_hash?: string
  readonly hashing_algorithm?: string
}

export interface Permission {
  readonly user: string
  readonly vhost: string
  readonly configure: string
  readonly write: string
  readonly read: string
}

export interface TopicPermission {
  readonly user: string
  readonly vhost: string
  readonly exchange: string
  readonly write: string
  readonly read: string
}

export interface Policy {
  readonly name: string
  readonly vhost: string
  readonly pattern: string
  readonly 'apply-to': string
  readonly priority: number
  readonly definition: Arguments
}

export interface Limit {
  readonly vhost?: string
  readonly user?: string
  readonly value: Readonly<Record<string, number>>
}

export interface GotMessage {
  readonly payload: string
  readonly payload_bytes: number
  readonly payload_encoding: 'string' | 'base64'
  readonly exchange: string
  readonly routing_key: string
  readonly redelivered: boolean
  readonly message_count?: number
  /** Its place in the queue, and when it came, where it was browsed. */
  readonly position?: number
  readonly published_at?: number
  readonly properties: Readonly<Record<string, unknown>>
}

/** A page of a list. */
export interface Paged<T> {
  readonly items: readonly T[]
  readonly filtered_count: number
  readonly total_count: number
  readonly page: number
  readonly page_count: number
}

/** The rate of a counter now. */
export function rateOf(stats: Stats | undefined, name: string): number | undefined {
  const details = stats?.[`${name}_details`]
  return typeof details === 'object' ? details.rate : undefined
}

/** A counter. */
export function counterOf(stats: Stats | undefined, name: string): number | undefined {
  const value = stats?.[name]
  return typeof value === 'number' ? value : undefined
}

/** The samples of a counter or length. */
export function detailsOf(stats: object | undefined, name: string): Details | undefined {
  const details = stats === undefined ? undefined : Reflect.get(stats, `${name}_details`)
  return typeof details === 'object' && details !== null ? (details as Details) : undefined
}
