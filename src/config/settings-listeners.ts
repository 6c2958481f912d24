/** Settings of listeners and sockets. Rows of the table in `settings.ts`. */
import { listeners, setting } from './field.ts'
import { boolean, bytes, integer, milliseconds } from './value-type.ts'

/** AMQP's listeners and the options of all client sockets. */
export const LISTENER_FIELDS = {
  tcp: listeners(
    'listeners.tcp',
    5672,
    'Where AMQP 0-9-1 and 1.0 clients connect without TLS. Port 0 is any free port.',
  ),
  ssl: listeners(
    'listeners.ssl',
    null,
    'Where AMQP clients connect with TLS; RabbitMQ uses port 5671. Needs `ssl_options`.',
  ),
  backlogCountMax: setting(
    'tcp_listen_options.backlog',
    integer({ min: 1, max: 65_535 }, 'connections'),
    4_096,
    'Connections that the system queues until they are accepted; it may have a lower bound of its own (net.core.somaxconn).',
  ),
  nodelay: setting('tcp_listen_options.nodelay', boolean, true, 'Send small packets at once (no Nagle delay).'),
  keepalive: setting('tcp_listen_options.keepalive', boolean, false, "Send TCP's own keep-alive probes."),
  proxyProtocol: setting(
    'proxy_protocol',
    boolean,
    false,
    'Clients arrive through a proxy that speaks the PROXY protocol, version 1 or 2; others are refused.',
  ),
  handshakeTimeoutMs: setting(
    'handshake_timeout',
    milliseconds({ min: 100, infinite: true }),
    10_000,
    'Longest time from a connection to `connection.open-ok`.',
    { reloadable: true },
  ),
  sslHandshakeTimeoutMs: setting('ssl_handshake_timeout', milliseconds({ min: 100 }), 5_000, 'Longest TLS handshake.'),
  reverseDnsLookups: setting('reverse_dns_lookups', boolean, false, 'Show host names of peers instead of addresses.'),
}

/** What AMQP connections and channels agree on, and their limits. */
export const AMQP_FIELDS = {
  heartbeatSeconds: setting(
    'heartbeat',
    integer({ max: 65_535 }, 'seconds'),
    60,
    'Heartbeat that is offered to clients; 0 for none.',
    {
      reloadable: true,
    },
  ),
  frameBytesMax: setting(
    'frame_max',
    bytes({ min: 8_192, max: 2 ** 31 - 1 }),
    131_072,
    'Largest frame that is offered to clients.',
  ),
  initialFrameBytesMax: setting(
    'initial_frame_max',
    bytes({ min: 4_096, max: 2 ** 31 - 1 }),
    8_192,
    'Largest frame before tuning: bounds what a stranger can make the broker read.',
  ),
  channelCountMax: setting(
    'max_channels_per_connection',
    integer({ min: 0, max: 65_535 }, 'channels'),
    2_047,
    'Channels of a connection; 0 for as many as the protocol has (65535).',
    { aliases: ['channel_max'] },
  ),
  sessionCountMax: setting(
    'session_max_per_connection',
    integer({ min: 1, max: 65_535 }, 'sessions'),
    64,
    'Sessions of an AMQP 1.0 connection.',
  ),
  linkCountMax: setting(
    'link_max_per_session',
    integer({ min: 1, max: 2 ** 32 - 1 }, 'links'),
    256,
    'Links of an AMQP 1.0 session.',
  ),
  connectionCountMax: setting(
    'max_connections',
    integer({ infinite: true }, 'connections'),
    Number.POSITIVE_INFINITY,
    'Client connections of this node.',
    { reloadable: true, aliases: ['connection_max'] },
  ),
  nodeChannelCountMax: setting(
    'channel_max_per_node',
    integer({ infinite: true }, 'channels'),
    Number.POSITIVE_INFINITY,
    'Channels of this node.',
    { reloadable: true },
  ),
  consumerCountMax: setting(
    'consumer_max_per_channel',
    integer({ min: 1, infinite: true }, 'consumers'),
    Number.POSITIVE_INFINITY,
    'Consumers of a channel.',
    { reloadable: true },
  ),
  messageBytesMax: setting(
    'max_message_size',
    bytes({ min: 1, max: 536_870_912 }),
    16_777_216,
    'Largest message body; a larger one closes the channel (AMQP 0-9-1) or link (1.0).',
    { reloadable: true },
  ),
  consumerTimeoutMs: setting(
    'consumer_timeout',
    milliseconds({ min: 1_000, infinite: true }),
    1_800_000,
    'How long a consumer may keep a delivery without settling it.',
    { reloadable: true },
  ),
  consumerDisconnectedTimeoutMs: setting(
    'consumer_disconnected_timeout',
    milliseconds({ min: 1_000, infinite: true }),
    60_000,
    'How long a quorum queue waits for a consumer whose node is unreachable.',
  ),
}
