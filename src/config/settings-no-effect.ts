/**
 * Keys that RabbitMQ accepts and that have no effect here: a warning, not an error, so that existing files work.
 * A last part `*` stands for everything below. Rows of the table in `settings.ts` win over these.
 */

/** One key or family of keys, and why it has no effect. */
export interface NoEffect {
  readonly key: string
  readonly reason: string
}

const ERLANG = 'it tunes the Erlang runtime'
const CLUSTER = 'there is one node'
const DISK = 'the storage is another one'
const SOCKET = 'Node.js has no such socket option, or chooses it itself'
const BACKEND = 'this back end does not exist here'
const ONE_LOOP = 'one event loop accepts all connections'
const LOG = 'this kind of log output does not exist here'
const OPENSSL = 'Node.js decides it, or a newer option replaced it'

function all(reason: string, ...keys: readonly string[]): NoEffect[] {
  return keys.map((key) => ({ key, reason }))
}

/** All of them. */
export const NO_EFFECT: readonly NoEffect[] = [
  ...all(ONE_LOOP, 'num_acceptors.*', 'mqtt.num_acceptors.*', 'stomp.num_acceptors.*', 'stream.num_acceptors.*'),
  ...all(
    ONE_LOOP,
    'web_mqtt.num_acceptors.*',
    'web_stomp.num_acceptors.*',
    'default_worker_pool_size',
    'delegate_count',
  ),
  ...all(ERLANG, 'erlang.*', 'socket_writer.*', 'background_gc_enabled', 'background_gc_target_interval'),
  ...all(ERLANG, 'hipe_compile', 'vm_memory_calculation_strategy', 'vm_memory_high_watermark_paging_ratio'),
  ...all(ERLANG, 'sysmon_handler.*', 'log.summarize_process_state', 'collect_statistics', 'config_entry_decoder.*'),
  ...all(CLUSTER, 'cluster_partition_handling', 'cluster_partition_handling.*', 'cluster_formation.*'),
  ...all(CLUSTER, 'cluster_keepalive_interval', 'net_ticktime', 'distribution.*', 'mirroring_sync_batch_size'),
  ...all(CLUSTER, 'mirroring_sync_max_throughput', 'queue_master_locator', 'queue_leader_locator', 'aws.*'),
  ...all(CLUSTER, 'prevent_startup_if_node_was_reset', 'vhost_restart_strategy', 'management.db_cache_multiplier'),
  ...all(DISK, 'mnesia_table_loading_retry_timeout', 'mnesia_table_loading_retry_limit', 'khepri.*', 'raft.*'),
  ...all(DISK, 'message_store_shutdown_timeout', 'queue_index_embed_msgs_below', 'classic_queue.default_version'),
  ...all(DISK, 'quorum_queue.*', 'stream.read_ahead', 'stream.read_ahead_limit', 'queue_index_max_journal_entries'),
  ...all(
    DISK,
    'mqtt.retained_message_store',
    'mqtt.retained_message_store_dets_sync_interval',
    'mqtt.subscription_ttl',
  ),
  ...all(
    SOCKET,
    'tcp_listen_options',
    'tcp_listen_options.*',
    'mqtt.tcp_listen_options.*',
    'stomp.tcp_listen_options.*',
  ),
  ...all(SOCKET, 'stream.tcp_listen_options.*', 'web_mqtt.cowboy_opts.*', 'web_stomp.cowboy_opts.*'),
  ...all(SOCKET, 'web_mqtt.tcp.*', 'web_stomp.tcp.*', 'management.tcp.*', 'prometheus.tcp.*', 'management.listener.*'),
  ...all(
    OPENSSL,
    'ssl_allow_poodle_attack',
    'ssl_options.*',
    'management.ssl.*',
    'prometheus.ssl.*',
    'definitions.tls.*',
  ),
  ...all(OPENSSL, 'web_mqtt.ssl.*', 'web_stomp.ssl.*', 'amqp_client.*', 'amqp10_client.*'),
  ...all(BACKEND, 'auth_ldap.*', 'auth_http.*', 'auth_oauth2.*', 'auth_cache.*', 'trust_store.*', 'http_dispatch.*'),
  ...all(BACKEND, 'management.oauth_*', 'management.enable_uaa', 'management.uaa_client_id', 'management.uaa_location'),
  ...all(BACKEND, 'management.sample_retention_policies.*', 'management.http_log_dir', 'management.headers.*'),
  ...all(BACKEND, 'management_agent.*', 'prometheus.filter_aggregated_queue_metrics_pattern', 'amqp1_0.*'),
  ...all(BACKEND, 'mqtt.default_user', 'mqtt.default_pass', 'web_mqtt.*', 'web_stomp.*', 'stream.ssl_cert_login'),
  ...all(
    BACKEND,
    'federation.*',
    'shovel.*',
    'event_exchange.*',
    'tracing.*',
    'message_interceptors.*',
    'mqtt.message_interceptors.*',
  ),
  ...all(LOG, 'log.syslog', 'log.syslog.*', 'log.journald', 'log.journald.*', 'log.exchange', 'log.exchange.*'),
  ...all(LOG, 'log.console.*', 'log.file.*', 'log.connection.*', 'log.channel.*', 'log.queue.*', 'log.default.*'),
  ...all(LOG, 'log.federation.*', 'log.mirroring.*', 'log.upgrade.*', 'log.ra.*', 'log.osiris.*', 'log.ldap.*'),
  ...all(LOG, 'log.feature_flags.*', 'log.prelaunch.*', 'log.user.*'),
]

/** The row that covers a key, or undefined. */
export function findNoEffect(key: string): NoEffect | undefined {
  return NO_EFFECT.find(({ key: known }) => (known.endsWith('*') ? key.startsWith(known.slice(0, -1)) : known === key))
}
