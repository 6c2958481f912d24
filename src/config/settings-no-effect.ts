/**
 * Keys that RabbitMQ accepts and that have no effect here: a warning, not an error, so that existing files work.
 * A last part `*` stands for everything below; it is used only where nothing below has an effect, so that slips of the
 * pen are still found elsewhere. Rows of the table in `settings.ts` win over these.
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
const ABSENT = 'the feature does not exist here'
const ONE_LOOP = 'one event loop accepts all connections'
const LOG = 'the log has no such output, form or rotation; there is one file for all categories'
const OPENSSL = 'Node.js decides it, or a newer option replaced it'

const TLS = [
  'cacerts.*',
  'cert',
  'client_renegotiation',
  'crl_check',
  'dh',
  'dhfile',
  'honor_ecc_order',
  'key.*',
  'log_alert',
  'log_level',
  'psk_identity',
  'reuse_sessions',
  'secure_renegotiate',
  'bypass_pem_cache',
] as const
const HTTP = [
  'compress',
  'idle_timeout',
  'inactivity_timeout',
  'request_timeout',
  'shutdown_timeout',
  'max_keepalive',
] as const
const FORMAT = [
  'time_format',
  'level_format',
  'single_line',
  'plaintext.format',
  'json.field_map',
  'json.verbosity_map',
] as const
const ROTATION = ['rotation.*'] as const

function all(reason: string, ...keys: readonly string[]): NoEffect[] {
  return keys.map((key) => ({ key, reason }))
}

function below(reason: string, parent: string, ...lists: readonly (readonly string[])[]): NoEffect[] {
  return lists.flat().map((last) => ({ key: `${parent}.${last}`, reason }))
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
  ...all(CLUSTER, 'cluster_partition_handling', 'cluster_partition_handling.*', 'cluster_formation.*', 'aws.*'),
  ...all(CLUSTER, 'cluster_keepalive_interval', 'net_ticktime', 'distribution.*', 'mirroring_sync_batch_size'),
  ...all(CLUSTER, 'mirroring_sync_max_throughput', 'queue_master_locator', 'queue_leader_locator'),
  ...all(CLUSTER, 'prevent_startup_if_node_was_reset', 'vhost_restart_strategy', 'management.db_cache_multiplier'),
  ...all(DISK, 'mnesia_table_loading_retry_timeout', 'mnesia_table_loading_retry_limit', 'khepri.*', 'raft.*'),
  ...all(DISK, 'message_store_shutdown_timeout', 'queue_index_embed_msgs_below', 'classic_queue.default_version'),
  ...all(
    DISK,
    'quorum_queue.compute_checksums',
    'quorum_queue.initial_cluster_size',
    'quorum_queue.commands_soft_limit',
  ),
  ...all(DISK, 'quorum_queue.segment_max_entries', 'quorum_queue.continuous_membership_reconciliation.*'),
  ...all(DISK, 'stream.read_ahead', 'stream.read_ahead_limit', 'mqtt.retained_message_store', 'mqtt.subscription_ttl'),
  ...all(DISK, 'mqtt.retained_message_store_dets_sync_interval'),
  ...all(SOCKET, 'tcp_listen_options'),
  ...below(SOCKET, 'tcp_listen_options', [
    'linger.*',
    'buffer',
    'delay_send',
    'dontroute',
    'exit_on_close',
    'fd',
    'priority',
  ]),
  ...below(SOCKET, 'tcp_listen_options', [
    'high_watermark',
    'low_watermark',
    'high_msgq_watermark',
    'low_msgq_watermark',
  ]),
  ...below(SOCKET, 'tcp_listen_options', ['port', 'recbuf', 'sndbuf', 'tos', 'send_timeout', 'send_timeout_close']),
  ...all(SOCKET, 'mqtt.tcp_listen_options.*', 'stomp.tcp_listen_options.*', 'stream.tcp_listen_options.*'),
  ...all(SOCKET, 'web_mqtt.cowboy_opts.*', 'web_stomp.cowboy_opts.*', 'management.listener.server.*'),
  ...below(SOCKET, 'web_mqtt.tcp', ['backlog', 'listener']),
  ...below(SOCKET, 'web_stomp.tcp', ['backlog', 'listener']),
  ...below(SOCKET, 'management.tcp', HTTP),
  ...below(SOCKET, 'prometheus.tcp', HTTP),
  ...all(OPENSSL, 'ssl_allow_poodle_attack', 'ssl_options', 'definitions.tls.*', 'amqp_client.*', 'amqp10_client.*'),
  ...below(OPENSSL, 'ssl_options', TLS),
  ...['management', 'prometheus', 'web_mqtt', 'web_stomp'].flatMap((listener) => [
    ...below(OPENSSL, `${listener}.ssl`, TLS),
    ...below(SOCKET, `${listener}.ssl`, HTTP, ['backlog', 'listener']),
  ]),
  ...all(OPENSSL, 'management.listener.ssl', 'management.listener.ssl_opts', 'management.listener.ssl_opts.*'),
  ...all(ABSENT, 'web_mqtt.max_connections', 'web_stomp.max_connections'),
  ...all(
    ABSENT,
    'auth_ldap.log',
    'auth_ldap.ssl_options.*',
    'auth_http.ssl_options.*',
    'auth_oauth2.https.*',
    'auth_oauth2.proxy.*',
    'trust_store.*',
    'auth_cache.cache_module',
  ),
  ...all(
    ABSENT,
    'management.oauth_response_type',
    'management.enable_uaa',
    'management.uaa_client_id',
    'management.uaa_location',
  ),
  ...all(ABSENT, 'management.sample_retention_policies.*', 'management.http_log_dir', 'management.headers.*'),
  ...all(
    ABSENT,
    'management_agent.filter_aggregated_queue_metrics_pattern',
    'amqp1_0.*',
    'mqtt.default_user',
    'mqtt.default_pass',
  ),
  ...all(ABSENT, 'prometheus.filter_aggregated_queue_metrics_pattern', 'stream.ssl_cert_login'),
  ...all(ABSENT, 'federation.*', 'shovel.*', 'event_exchange.*', 'tracing.*'),
  ...all(ABSENT, 'message_interceptors.*'),
  ...all(LOG, 'log.syslog', 'log.syslog.*', 'log.journald', 'log.journald.*'),
  ...below(LOG, 'log.exchange.formatter', FORMAT),
  ...all(LOG, 'log.console.use_colors', 'log.console.color_esc_seqs.*', 'log.default.rotation.*'),
  ...below(LOG, 'log.console.formatter', FORMAT),
  ...below(LOG, 'log.file.formatter', FORMAT),
  ...['connection', 'channel', 'queue'].flatMap((output) => below(LOG, `log.${output}`, ROTATION)),
  ...all(
    LOG,
    'log.connection.file',
    'log.channel.file',
    'log.queue.file',
    'log.federation.file',
    'log.federation.rotation.*',
  ),
  ...all(LOG, 'log.mirroring.*', 'log.upgrade.*', 'log.ra.*', 'log.osiris.*', 'log.ldap.*', 'log.feature_flags.*'),
  ...all(LOG, 'log.prelaunch.*', 'log.user.*'),
]

/** The row that covers a key, or undefined. */
export function findNoEffect(key: string): NoEffect | undefined {
  return NO_EFFECT.find(({ key: known }) => (known.endsWith('*') ? key.startsWith(known.slice(0, -1)) : known === key))
}
