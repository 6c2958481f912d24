/**
 * The feature flags that tools ask for: they tell of steps in RabbitMQ's development, and here all of them are taken. And
 * the deprecated features of RabbitMQ that this broker knows, each with a setting `deprecated_features.permit.<name>`.
 */
import type { ManagementContext } from '../context.ts'
import type { JsonObject } from '../http/list-reply.ts'

const NAMES = [
  'classic_queue_type_delivery_support',
  'detailed_queues_endpoint',
  'direct_exchange_routing_v2',
  'drop_unroutable_metric',
  'empty_basic_get_metric',
  'feature_flags_v2',
  'implicit_default_bindings',
  'maintenance_mode_status',
  'khepri_db',
  'message_containers',
  'quorum_queue',
  'quorum_queue_non_voters',
  'rabbitmq_4.0.0',
  'rabbitmq_4.1.0',
  'rabbitmq_4.2.0',
  'rabbitmq_4.3.0',
  'restart_streams',
  'stream_filtering',
  'stream_queue',
  'stream_single_active_consumer',
  'user_limits',
  'virtual_host_metadata',
] as const

/** Those that RabbitMQ 4 does not demand yet. */
const STABLE = /^(khepri_db|rabbitmq_4\.)/

/** Whether there is such a flag. */
export function isFeatureFlag(name: string): boolean {
  return NAMES.some((flag) => flag === name) || name === 'all'
}

/** All flags, as listed. */
export function featureFlags(): readonly object[] {
  return NAMES.map((name) => ({
    name,
    desc: '',
    doc_url: '',
    state: 'enabled',
    stability: STABLE.test(name) ? 'stable' : 'required',
    provided_by: 'rabbit',
  }))
}

interface DeprecatedFeature {
  readonly name: string
  readonly desc: string
  isUsed(context: ManagementContext): boolean
}

const DEPRECATED: readonly DeprecatedFeature[] = [
  {
    name: 'global_qos',
    desc: 'A prefetch limit that all consumers of a channel share',
    isUsed: ({ broker }) => {
      for (const connection of broker.connections.all()) {
        if (connection.status().channels.some(({ globalPrefetchCount }) => globalPrefetchCount > 0)) return true
      }
      return false
    },
  },
  {
    name: 'transient_nonexcl_queues',
    desc: 'Queues that are neither durable nor exclusive',
    isUsed: ({ broker }) => {
      for (const vhost of broker.vhosts()) {
        for (const { record } of vhost.queues()) if (!record.durable && !record.exclusive) return true
      }
      return false
    },
  },
]

/** Deprecated features, as listed; of those in use alone when `used`. O(queues), O(channels) for those in use. */
export function deprecatedFeatures(context: ManagementContext, used: boolean): readonly JsonObject[] {
  const { permitted } = context.node.settingsInForce().features
  const listed = used ? DEPRECATED.filter((feature) => feature.isUsed(context)) : DEPRECATED
  return listed.map(({ name, desc }) => ({
    name,
    desc,
    deprecation_phase: permitted[name] === false ? 'denied_by_default' : 'permitted_by_default',
    state: permitted[name] === false ? 'denied' : 'permitted',
    doc_url: '',
    provided_by: 'rabbit',
  }))
}
