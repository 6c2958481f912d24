/** Settings of management, metrics and the protocols beside AMQP. Rows of the table in `settings.ts`. */
import { listeners, numbered, optional, setting } from './field.ts'
import {
  anyString,
  boolean,
  bytes,
  choice,
  integer,
  milliseconds,
  minutes,
  port,
  seconds,
  secret,
  string,
} from './value-type.ts'

const CONNECTIONS = integer({ infinite: true }, 'connections')

/** The HTTP API and the console. */
export const MANAGEMENT_FIELDS = {
  port: setting('management.tcp.port', port, 15_672, 'Port of the HTTP API and the console; 0 is any free port.', {
    aliases: ['management.listener.port'],
  }),
  host: optional('management.tcp.ip', string, 'Interface they listen on; all unless set.', {
    aliases: ['management.listener.ip'],
  }),
  sslPort: optional('management.ssl.port', port, 'Port of both with TLS; RabbitMQ uses 15671.'),
  sslHost: optional('management.ssl.ip', string, 'Interface they listen on with TLS; all unless set.'),
  pathPrefix: setting('management.path_prefix', anyString, '', 'Path that everything is below, such as `/rabbit`.'),
  ratesMode: setting(
    'management.rates_mode',
    choice(['basic', 'detailed', 'none']),
    'basic',
    'Which rates are computed.',
  ),
  loginSessionMinutes: setting(
    'management.login_session_timeout',
    minutes({ min: 1 }),
    480,
    'How long a login to the console lasts.',
    {
      reloadable: true,
    },
  ),
  bodyBytesMax: setting(
    'management.http.max_body_size',
    bytes({ min: 1 }),
    20_000_000,
    'Largest body of a request, definitions included.',
  ),
  corsOrigins: numbered(
    'management.cors.allow_origins.$n',
    string,
    [],
    'Origins whose pages may call the HTTP API; `*` for all.',
  ),
  corsAgeSeconds: setting('management.cors.max_age', seconds(), 1_800, 'How long browsers remember that.'),
  contentSecurityPolicy: setting(
    'management.csp.policy',
    anyString,
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; " +
      "form-action 'self'; frame-ancestors 'self'",
    "The console's Content-Security-Policy.",
  ),
  strictTransport: optional('management.hsts.policy', string, 'Strict-Transport-Security header, when TLS is used.'),
  disableStatistics: setting(
    'management.disable_stats',
    boolean,
    false,
    'Leave all rates and counts out of the HTTP API.',
    {
      aliases: ['management_agent.disable_metrics_collector'],
    },
  ),
  enableQueueTotals: setting(
    'management.enable_queue_totals',
    boolean,
    false,
    'Keep the depths of queues nevertheless.',
  ),
  disableBasicAuth: setting(
    'management.disable_basic_auth',
    boolean,
    false,
    'Refuse user name and password (OAuth 2 only).',
  ),
}

/** Metrics for Prometheus. */
export const PROMETHEUS_FIELDS = {
  port: setting('prometheus.tcp.port', port, 15_692, 'Port of the metrics; 0 is any free port.'),
  host: optional('prometheus.tcp.ip', string, 'Interface they listen on; all unless set.'),
  sslPort: optional('prometheus.ssl.port', port, 'Port of the metrics with TLS; RabbitMQ uses 15691.'),
  sslHost: optional('prometheus.ssl.ip', string, 'Interface they listen on with TLS; all unless set.'),
  path: setting('prometheus.path', string, '/metrics', 'Path of the metrics.'),
  perObject: setting(
    'prometheus.return_per_object_metrics',
    boolean,
    false,
    'One sample per queue, connection and channel on the main path, too.',
    { reloadable: true },
  ),
}

/** MQTT, on its own port and over WebSocket. */
export const MQTT_FIELDS = {
  tcp: listeners('mqtt.listeners.tcp', 1883, 'Where MQTT clients connect without TLS. Port 0 is any free port.'),
  ssl: listeners('mqtt.listeners.ssl', null, 'Where MQTT clients connect with TLS; usually 8883.'),
  vhost: setting('mqtt.vhost', string, '/', 'Virtual host of clients that name none.'),
  exchange: setting('mqtt.exchange', string, 'amq.topic', 'Topic exchange that MQTT topics live in.'),
  prefetchCount: setting(
    'mqtt.prefetch',
    integer({ min: 1, max: 65_535 }, 'messages'),
    10,
    'Unacknowledged QoS 1 messages of a client.',
  ),
  allowAnonymous: setting('mqtt.allow_anonymous', boolean, true, 'Clients without user name get the anonymous login.'),
  sessionExpirySecondsMax: setting(
    'mqtt.max_session_expiry_interval_seconds',
    integer({ infinite: true, max: 2 ** 32 - 1 }, 'seconds'),
    86_400,
    'Longest life of a session without connection.',
    { reloadable: true },
  ),
  packetBytesUnauthenticatedMax: setting(
    'mqtt.max_packet_size_unauthenticated',
    bytes({ min: 64, max: 268_435_455 }),
    65_536,
    'Largest packet before login.',
  ),
  packetBytesMax: setting(
    'mqtt.max_packet_size_authenticated',
    bytes({ min: 64, max: 268_435_455 }),
    16_777_216,
    'Largest packet. Bodies are also bound by `max_message_size`.',
  ),
  topicAliasMax: setting(
    'mqtt.topic_alias_maximum',
    integer({ max: 65_535 }, 'aliases'),
    16,
    'Topic aliases of a connection.',
  ),
  loginTimeoutMs: setting(
    'mqtt.login_timeout',
    milliseconds({ min: 100 }),
    10_000,
    'Longest time from a connection to CONNECT.',
  ),
  durableQueueType: setting(
    'mqtt.durable_queue_type',
    choice(['classic', 'quorum']),
    'classic',
    'Type of queues of persistent sessions.',
  ),
  sparkplug: setting('mqtt.sparkplug', boolean, false, 'Escape the prefixes of Sparkplug topics.'),
  proxyProtocol: setting(
    'mqtt.proxy_protocol',
    boolean,
    false,
    'Clients arrive through a proxy that speaks the PROXY protocol.',
  ),
  connectionCountMax: setting('mqtt.max_connections', CONNECTIONS, Number.POSITIVE_INFINITY, 'MQTT connections.', {
    reloadable: true,
  }),
  disconnectsUnauthorized: setting(
    'mqtt.disconnect_on_unauthorized',
    boolean,
    true,
    'Close connections that publish or subscribe where they may not.',
  ),
  annotatesClientId: setting(
    'mqtt.message_interceptors.incoming.set_client_id_annotation.enabled',
    boolean,
    false,
    'Messages published over MQTT carry the client id, for consumers of other protocols as the header `x-opt-mqtt-client-id`.',
  ),
  hidesRefusals: setting(
    'warren.mqtt.hide_refusals',
    boolean,
    false,
    'Answer MQTT 5.0 subscriptions that are not allowed with 0x80 (unspecified error), which tells less than 0x87 (not authorized).',
  ),
  keepAliveSecondsMax: setting(
    'warren.mqtt.keep_alive_max',
    seconds({ max: 65_535 }),
    0,
    'Longest keep alive of MQTT 5.0 clients, who are told; 0 is no limit.',
  ),
  receiveMax: setting(
    'warren.mqtt.receive_maximum',
    integer({ min: 1, max: 65_535 }, 'messages'),
    1_024,
    'Unfinished QoS 1 and 2 publishes of an MQTT 5.0 client.',
  ),
  sessionCountMax: setting(
    'warren.mqtt.session_count_max',
    integer({ min: 1 }, 'sessions'),
    1_000_000,
    'Sessions, with and without a connection.',
  ),
  subscriptionCountMax: setting(
    'warren.mqtt.subscription_count_max',
    integer({ min: 1 }, 'filters'),
    10_000,
    'Topic filters of one session.',
  ),
  retainedCountMax: setting(
    'warren.mqtt.retained_count_max',
    integer({ min: 0 }, 'messages'),
    1_000_000,
    'Retained messages; more are delivered and not retained.',
  ),
  retainedBytesMax: setting(
    'warren.mqtt.retained_bytes_max',
    bytes({ min: 0 }),
    256 * 1024 * 1024,
    'Memory of retained messages.',
  ),
  certificateLogin: setting('mqtt.ssl_cert_login', boolean, false, 'The client certificate gives the user name.'),
  certificateClientIdFrom: optional(
    'mqtt.ssl_cert_client_id_from',
    choice(['distinguished_name', 'subject_alternative_name']),
    'Part of the client certificate that the client id must equal.',
  ),
  certificateClientIdNameType: setting(
    'mqtt.ssl_cert_login_san_type',
    choice(['dns', 'ip', 'email', 'uri', 'other_name']),
    'dns',
    'Kind of alternative name that the client id must equal.',
  ),
  certificateClientIdNameIndex: setting('mqtt.ssl_cert_login_san_index', integer(), 0, 'Which of several, from 0.'),
  webPort: setting('web_mqtt.tcp.port', port, 15_675, 'Port of MQTT over WebSocket; 0 is any free port.'),
  webHost: optional('web_mqtt.tcp.ip', string, 'Interface it listens on; all unless set.'),
  webPath: setting('web_mqtt.ws_path', string, '/ws', 'Path of MQTT over WebSocket.'),
  webProxyProtocol: setting(
    'web_mqtt.proxy_protocol',
    boolean,
    false,
    'Clients of MQTT over WebSocket arrive through a proxy that speaks the PROXY protocol.',
  ),
  webAllowOrigins: numbered(
    'web_mqtt.allow_origins.$n',
    string,
    [],
    'Origins whose pages may connect; all unless set.',
  ),
  webSslPort: optional('web_mqtt.ssl.port', port, 'Port of MQTT over WebSocket with TLS; RabbitMQ uses 15676.'),
  webSslHost: optional('web_mqtt.ssl.ip', string, 'Interface it listens on; all unless set.'),
}

/** STOMP, on its own port and over WebSocket. */
export const STOMP_FIELDS = {
  tcp: listeners('stomp.listeners.tcp', 61_613, 'Where STOMP clients connect without TLS. Port 0 is any free port.'),
  ssl: listeners('stomp.listeners.ssl', null, 'Where STOMP clients connect with TLS; usually 61614.'),
  defaultVhost: setting('stomp.default_vhost', string, '/', 'Virtual host of clients that name none.'),
  defaultUser: optional('stomp.default_user', string, 'User of clients that name none.'),
  defaultPassword: optional('stomp.default_pass', secret, 'Password of that user.'),
  defaultTopicExchange: setting(
    'stomp.default_topic_exchange',
    string,
    'amq.topic',
    'Exchange of `/topic/` destinations.',
  ),
  defaultNackRequeue: setting(
    'stomp.default_nack_requeue',
    boolean,
    true,
    'NACK requeues, unless its header says otherwise.',
  ),
  implicitConnect: setting(
    'stomp.implicit_connect',
    boolean,
    false,
    'A first frame other than CONNECT logs in with the defaults.',
  ),
  hideServerInfo: setting('stomp.hide_server_info', boolean, false, 'Leave the server header out of CONNECTED.'),
  trailingLf: setting('stomp.trailing_lf', boolean, true, 'Send a line feed after each frame.'),
  loginTimeoutMs: setting(
    'stomp.login_timeout',
    milliseconds({ min: 100 }),
    10_000,
    'Longest time from a connection to CONNECT.',
  ),
  frameBytesMax: setting('stomp.max_frame_size', bytes({ min: 1_024 }), 4_194_304, 'Largest frame.'),
  frameBytesUnauthenticatedMax: setting(
    'stomp.max_frame_size_unauthenticated',
    bytes({ min: 1_024 }),
    16_384,
    'Largest frame before login.',
  ),
  proxyProtocol: setting(
    'stomp.proxy_protocol',
    boolean,
    false,
    'Clients arrive through a proxy that speaks the PROXY protocol.',
  ),
  certificateLogin: setting('stomp.ssl_cert_login', boolean, false, 'The client certificate gives the user name.'),
  webPort: setting('web_stomp.tcp.port', port, 15_674, 'Port of STOMP over WebSocket; 0 is any free port.', {
    aliases: ['web_stomp.port'],
  }),
  webHost: optional('web_stomp.tcp.ip', string, 'Interface it listens on; all unless set.'),
  webPath: setting('web_stomp.ws_path', string, '/ws', 'Path of STOMP over WebSocket.'),
  webFrame: setting(
    'web_stomp.ws_frame',
    choice(['text', 'binary']),
    'text',
    'Kind of WebSocket frames that are sent.',
  ),
  webHttpAuth: setting('web_stomp.use_http_auth', boolean, false, 'The HTTP request may carry the login.'),
  webProxyProtocol: setting(
    'web_stomp.proxy_protocol',
    boolean,
    false,
    'Clients of STOMP over WebSocket arrive through a proxy that speaks the PROXY protocol.',
  ),
  webAllowOrigins: numbered(
    'web_stomp.allow_origins.$n',
    string,
    [],
    'Origins whose pages may connect; all unless set.',
  ),
  webSslPort: optional('web_stomp.ssl.port', port, 'Port of STOMP over WebSocket with TLS; RabbitMQ uses 15673.'),
  webSslHost: optional('web_stomp.ssl.ip', string, 'Interface it listens on; all unless set.'),
}

/** RabbitMQ's stream protocol. */
export const STREAM_FIELDS = {
  tcp: listeners('stream.listeners.tcp', 5552, 'Where stream clients connect without TLS. Port 0 is any free port.'),
  ssl: listeners('stream.listeners.ssl', null, 'Where stream clients connect with TLS; usually 5551.'),
  frameBytesMax: setting(
    'stream.frame_max',
    bytes({ min: 8_192, max: 2 ** 31 - 1 }),
    1_048_576,
    'Largest frame that is offered.',
  ),
  initialFrameBytesMax: setting(
    'stream.initial_frame_max',
    bytes({ min: 4_096 }),
    8_192,
    'Largest frame before the connection is open.',
  ),
  heartbeatSeconds: setting(
    'stream.heartbeat',
    integer({ max: 65_535 }, 'seconds'),
    60,
    'Heartbeat that is offered; 0 for none.',
  ),
  initialCredits: setting(
    'stream.initial_credits',
    integer({ min: 1 }, 'messages'),
    50_000,
    'Unconfirmed messages of a connection before it is not read.',
  ),
  unblockingCredits: setting(
    'stream.credits_required_for_unblocking',
    integer({ min: 1 }, 'messages'),
    12_500,
    'Confirmed ones before it is read again.',
  ),
  advertisedHost: optional('stream.advertised_host', string, 'Host that clients are told to connect to.'),
  advertisedPort: optional('stream.advertised_port', port, 'Port that clients are told to connect to.'),
  advertisedTlsHost: optional('stream.advertised_tls_host', string, 'Host for TLS that clients are told.'),
  advertisedTlsPort: optional('stream.advertised_tls_port', port, 'Port for TLS that clients are told.'),
}
