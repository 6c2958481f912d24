/**
 * The feature flags that tools ask for: they tell of steps in RabbitMQ's development, and here all of them are taken. And
 * the deprecated features of RabbitMQ that this broker knows, each with a setting `deprecated_features.permit.<name>`.
 */
import type { ManagementContext } from '../context.ts'
import type { JsonObject } from '../http/list-reply.ts'

/** What each of them stands for. */
const FLAGS: Readonly<Record<string, string>> = {
  classic_queue_type_delivery_support: 'Classic queues deliver by the common contract of queue types',
  detailed_queues_endpoint: '/api/queues/detailed lists queues with all their fields',
  direct_exchange_routing_v2: 'Direct exchanges route by an index',
  drop_unroutable_metric: 'Messages without a queue that nobody wanted back are counted',
  empty_basic_get_metric: 'Gets that found an empty queue are counted',
  feature_flags_v2: 'Feature flags in their second form',
  implicit_default_bindings: 'Bindings to the default exchange are known without being stored',
  maintenance_mode_status: 'Nodes tell whether they are drained for maintenance',
  khepri_db: 'Metadata is kept in a journal of its own instead of Mnesia',
  message_containers: 'Messages keep the form of the protocol that they came by',
  quorum_queue: 'Queues of type quorum',
  quorum_queue_non_voters: 'Members of quorum queues that do not vote yet',
  'rabbitmq_4.0.0': 'What RabbitMQ 4.0 introduced',
  'rabbitmq_4.1.0': 'What RabbitMQ 4.1 introduced',
  'rabbitmq_4.2.0': 'What RabbitMQ 4.2 introduced',
  'rabbitmq_4.3.0': 'What RabbitMQ 4.3 introduced',
  restart_streams: 'Streams are restarted with another leader',
  stream_filtering: 'Streams are filtered before they are delivered',
  stream_queue: 'Queues of type stream',
  stream_single_active_consumer: 'One consumer of a group is active on a stream',
  user_limits: 'Limits of connections and channels per user',
  virtual_host_metadata: 'Virtual hosts have a description and tags',
}

/** Those that RabbitMQ 4 does not demand yet. */
const STABLE = /^(khepri_db|rabbitmq_4\.)/

/** Whether there is such a flag. */
export function isFeatureFlag(name: string): boolean {
  return Object.hasOwn(FLAGS, name) || name === 'all'
}

/** All flags, as listed. */
export function featureFlags(): readonly object[] {
  return Object.entries(FLAGS).map(([name, desc]) => ({
    name,
    desc,
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
