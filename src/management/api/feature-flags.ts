/**
 * The feature flags that tools ask for. They tell of steps in RabbitMQ's development; here all of them are taken.
 */
const NAMES = [
  'classic_queue_type_delivery_support',
  'detailed_queues_endpoint',
  'direct_exchange_routing_v2',
  'drop_unroutable_metric',
  'empty_basic_get_metric',
  'feature_flags_v2',
  'implicit_default_bindings',
  'maintenance_mode_status',
  'message_containers',
  'quorum_queue',
  'quorum_queue_non_voters',
  'restart_streams',
  'stream_filtering',
  'stream_queue',
  'stream_single_active_consumer',
  'user_limits',
  'virtual_host_metadata',
] as const

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
    stability: 'required',
    provided_by: 'rabbit',
  }))
}
