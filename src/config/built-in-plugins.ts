/**
 * RabbitMQ's plug-ins whose work this broker does by itself, and those that it knows and does not have. The HTTP API lists the
 * former as enabled; `rabbitmq-plugins` of the shim answers with both.
 */

/** Plug-ins that need no enabling. */
export const BUILT_IN_PLUGINS: readonly string[] = [
  'rabbitmq_auth_backend_cache',
  'rabbitmq_auth_backend_http',
  'rabbitmq_auth_backend_ldap',
  'rabbitmq_auth_backend_oauth2',
  'rabbitmq_auth_mechanism_ssl',
  'rabbitmq_consistent_hash_exchange',
  'rabbitmq_delayed_message_exchange',
  'rabbitmq_event_exchange',
  'rabbitmq_management',
  'rabbitmq_management_agent',
  'rabbitmq_mqtt',
  'rabbitmq_prometheus',
  'rabbitmq_random_exchange',
  'rabbitmq_recent_history_exchange',
  'rabbitmq_stomp',
  'rabbitmq_tracing',
  'rabbitmq_web_dispatch',
  'rabbitmq_web_mqtt',
  'rabbitmq_web_stomp',
]

/** Plug-ins of RabbitMQ that are absent here. */
export const ABSENT_PLUGINS: readonly string[] = [
  'rabbitmq_amqp1_0',
  'rabbitmq_auth_backend_internal_loopback',
  'rabbitmq_federation',
  'rabbitmq_federation_management',
  'rabbitmq_federation_prometheus',
  'rabbitmq_jms_topic_exchange',
  'rabbitmq_peer_discovery_aws',
  'rabbitmq_peer_discovery_common',
  'rabbitmq_peer_discovery_consul',
  'rabbitmq_peer_discovery_etcd',
  'rabbitmq_peer_discovery_k8s',
  'rabbitmq_sharding',
  'rabbitmq_shovel',
  'rabbitmq_shovel_management',
  'rabbitmq_shovel_prometheus',
  'rabbitmq_stream',
  'rabbitmq_stream_common',
  'rabbitmq_stream_management',
  'rabbitmq_top',
  'rabbitmq_trust_store',
  'rabbitmq_web_mqtt_examples',
  'rabbitmq_web_stomp_examples',
]
