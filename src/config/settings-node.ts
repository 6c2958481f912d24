/** Settings of the node: names, alarms, queues, logging, and our own. Rows of the table in `settings.ts`. */
import { LOG_CATEGORIES, LOG_LEVELS } from '../base/log.ts'
import { named, optional, setting } from './field.ts'
import { parseRotationDate } from './rotation-date.ts'
import { boolean, bytes, choice, integer, milliseconds, path, ratio, string, type ValueType } from './value-type.ts'

/** Who the node says it is. */
export const NODE_FIELDS = {
  name: setting('warren.node_name', string, 'rabbit@localhost', 'Name of the node, as RABBITMQ_NODENAME sets it.'),
  clusterName: optional('cluster_name', string, 'Name of the cluster; the name of the node unless set.', {
    reloadable: true,
  }),
  clusterTags: named('cluster_tags.$name', string, {}, 'A tag of the cluster, shown by the management API.'),
  nodeTags: named('node_tags.$name', string, {}, 'A tag of the node, shown by the management API.'),
  productName: setting(
    'product.name',
    string,
    'RabbitMQ',
    'Product that clients are told: the dialect spoken, because clients switch on it.',
  ),
  productVersion: setting('product.version', string, '4.3.0', 'Version that clients are told: the dialect spoken.'),
  motdFile: optional('motd_file', path, 'Text that is shown at start.'),
  statisticsIntervalMs: setting(
    'collect_statistics_interval',
    milliseconds({ min: 100 }),
    5_000,
    'How often statistics are sampled.',
    { reloadable: true },
  ),
}

/** When publishers are blocked, or new clients refused. */
export const ALARM_FIELDS = {
  descriptorWatermark: setting(
    'warren.file_descriptor_high_watermark',
    ratio({ max: 1 }),
    0.9,
    'Part of the file descriptors that the process may have, from which on new clients are refused.',
    { reloadable: true },
  ),
  memoryRelative: setting(
    'vm_memory_high_watermark.relative',
    ratio({ max: 1 }),
    0.6,
    "Part of the machine's (or container's) memory above which publishers are blocked.",
    { reloadable: true, aliases: ['vm_memory_high_watermark'] },
  ),
  memoryBytes: optional(
    'vm_memory_high_watermark.absolute',
    bytes(),
    'Memory above which publishers are blocked; wins over the relative one. 0 blocks all.',
    { reloadable: true },
  ),
  totalMemoryBytes: optional(
    'total_memory_available_override_value',
    bytes({ min: 1 }),
    "The machine's memory, when what the system says is wrong.",
    { reloadable: true },
  ),
  memoryIntervalMs: setting(
    'memory_monitor_interval',
    milliseconds({ min: 100 }),
    2_500,
    'How often memory is looked at.',
    {
      reloadable: true,
    },
  ),
  diskFreeBytes: setting(
    'disk_free_limit.absolute',
    bytes(),
    50_000_000,
    "Free space of the data folder's disk below which publishers are blocked.",
    { reloadable: true, aliases: ['disk_free_limit'] },
  ),
  diskFreeRelative: optional(
    'disk_free_limit.relative',
    ratio({}),
    'The same as a multiple of the memory; wins over the absolute one when it is higher.',
    { reloadable: true },
  ),
}

/** Limits and defaults of queues. */
export const QUEUE_FIELDS = {
  defaultType: setting(
    'default_queue_type',
    choice(['classic', 'quorum', 'stream']),
    'classic',
    'Type of queues that are declared without one, in virtual hosts that have no default of their own.',
    { reloadable: true },
  ),
  queueCountMax: setting(
    'cluster_queue_limit',
    integer({ infinite: true }, 'queues'),
    Number.POSITIVE_INFINITY,
    'Queues of the node or cluster.',
    { reloadable: true },
  ),
  exchangeCountMax: setting(
    'cluster_exchange_limit',
    integer({ infinite: true }, 'exchanges'),
    Number.POSITIVE_INFINITY,
    'Exchanges of the node or cluster.',
    { reloadable: true },
  ),
  vhostCountMax: setting(
    'vhost_max',
    integer({ infinite: true }, 'virtual hosts'),
    Number.POSITIVE_INFINITY,
    'Virtual hosts of the node or cluster.',
    { reloadable: true },
  ),
  parameterCountMax: named(
    'runtime_parameters.limits.$name',
    integer({ infinite: true }, 'parameters'),
    {},
    'Runtime parameters of one component (`shovel`, `federation-upstream`).',
    { reloadable: true },
  ),
  relaxedPropertyEquivalence: setting(
    'quorum_queue.property_equivalence.relaxed_checks_on_redeclaration',
    boolean,
    false,
    'A redeclaration that asks for a classic queue is content with a quorum queue.',
    { reloadable: true },
  ),
}

/** Stamps that are put on messages on their way in and out. */
export const INTERCEPTOR_FIELDS = {
  incomingTimestampOverwrite: optional(
    'message_interceptors.incoming.set_header_timestamp.overwrite',
    boolean,
    'When set, incoming messages get the header `timestamp_in_ms`; true replaces one that is there.',
    { reloadable: true },
  ),
  incomingNodeOverwrite: optional(
    'message_interceptors.incoming.set_header_routing_node.overwrite',
    boolean,
    'When set, incoming messages get the header `x-routed-by`; true replaces one that is there.',
    { reloadable: true },
  ),
  outgoingTimestamp: setting(
    'message_interceptors.outgoing.timestamp.enabled',
    boolean,
    false,
    'Deliveries get the annotation `x-opt-rabbitmq-sent-time`.',
    { reloadable: true },
  ),
}

const FORMATS = ['plaintext', 'json'] as const

/** Accepts what `parseRotationDate` does, and no date at all. */
const ROTATION_DATE: ValueType<string> = {
  ...string,
  name: 'date',
  accepts: 'a date such as $D0, $W0D23, $M1D0 or $H30',
  parse: (text) => (text === '' || parseRotationDate(text) !== undefined ? text : undefined),
}

/** Where log lines go. */
export const LOG_FIELDS = {
  console: setting('log.console', boolean, true, "Write the log to the terminal. RabbitMQ's default is false."),
  consoleLevel: setting('log.console.level', choice(LOG_LEVELS), 'info', 'Least severe level on the terminal.', {
    reloadable: true,
  }),
  consoleFormat: setting('log.console.formatter', choice(FORMATS), 'plaintext', 'Form of lines on the terminal.'),
  consoleStream: setting('log.console.stdio', choice(['stdout', 'stderr']), 'stdout', 'Which stream they go to.'),
  file: setting('log.file', string, 'false', 'Name of a log file in the log folder; `false` for none.'),
  fileLevel: setting('log.file.level', choice(LOG_LEVELS), 'info', 'Least severe level in the file.', {
    reloadable: true,
  }),
  fileFormat: setting('log.file.formatter', choice(FORMATS), 'plaintext', 'Form of lines in the file.'),
  fileBytesMax: setting(
    'log.file.rotation.size',
    bytes(),
    0,
    'The log file is begun anew before it grows beyond this; 0 for never.',
  ),
  fileDate: setting(
    'log.file.rotation.date',
    ROTATION_DATE,
    '',
    'When the log file is begun anew: `$D0` every day at midnight, `$W0D23` on Sundays at 23, `$M1D0` monthly, `$H30` hourly.',
  ),
  fileCountMax: setting(
    'log.file.rotation.count',
    integer({ max: 1_000 }),
    0,
    'Old log files that are kept, as `<file>.0`, `<file>.1` and so on.',
  ),
  exchange: setting(
    'log.exchange',
    boolean,
    false,
    'Publish log lines to the exchange `amq.rabbitmq.log`, with the level as routing key.',
  ),
  exchangeLevel: setting('log.exchange.level', choice(LOG_LEVELS), 'info', 'Least severe level published.', {
    reloadable: true,
  }),
  exchangeFormat: setting('log.exchange.formatter', choice(FORMATS), 'plaintext', 'Form of lines published.'),
  folder: optional('log.dir', path, 'The log folder; `log` in the data folder unless set.'),
  levels: named(
    'log.$category.level',
    choice(LOG_LEVELS),
    {},
    "Least severe level of one category, instead of its outputs' levels.",
    {
      reloadable: true,
      names: LOG_CATEGORIES,
    },
  ),
}

/** The record of administrative actions. */
export const AUDIT_FIELDS = {
  file: setting(
    'warren.audit.file',
    string,
    'audit.log',
    'Name of the file of administrative actions, in the log folder; `false` for none.',
  ),
  fileBytesMax: setting(
    'warren.audit.file_bytes',
    bytes({ min: 4_096 }),
    10_485_760,
    'A file of this size is put aside, and a new one begun.',
  ),
  fileCountMax: setting(
    'warren.audit.file_count',
    integer({ min: 2, max: 1_000 }, 'files'),
    5,
    'Files that are kept, the current one included.',
  ),
}

/** What only WarrenMQ has. */
export const WARREN_FIELDS = {
  telemetrySdk: optional(
    'warren.telemetry.sdk',
    string,
    'A package or file that registers an OpenTelemetry SDK, imported at start; it reads the `OTEL_…` environment itself.',
  ),
  confirm: setting(
    'warren.confirm',
    choice(['sync', 'write', 'settled']),
    'sync',
    'A persistent message is confirmed when the disk has it (`sync`), as soon as the system has it (`write`), or when the disk has it or its consumers acknowledged it (`settled`).',
    { reloadable: true },
  ),
  blockBytes: setting(
    'warren.storage.block_bytes',
    bytes({ min: 1_048_576, max: 16_777_216 }),
    16_777_216,
    'Size of a block of messages in memory, and of a log file.',
  ),
  directWrites: setting(
    'warren.storage.direct_writes',
    boolean,
    true,
    "Large writes of the message log go past the system's page cache, where the file system can (Linux).",
  ),
  syncOnLoop: setting(
    'warren.storage.sync_on_loop',
    boolean,
    true,
    'On a fast disk, the sync of a small batch for which one or two clients wait is not handed to another thread.',
  ),
  residentBytes: setting(
    'warren.storage.resident_bytes',
    bytes({ min: 33_554_432 }),
    134_217_728,
    'Message blocks that are kept in memory; older ones are on disk only.',
  ),
  unsyncedBytesMax: setting(
    'warren.storage.unsynced_bytes',
    bytes({ min: 1_048_576 }),
    67_108_864,
    'Bytes that wait for the disk before publishers are slowed.',
  ),
  messageMemoryBytesMax: setting(
    'warren.max_message_memory',
    bytes({ min: 16_777_216 }),
    268_435_456,
    'Memory for transient messages; beyond it they go to disk, without a sync.',
  ),
  outboxBytesMax: setting(
    'warren.connection.outbox_bytes',
    bytes({ min: 65_536 }),
    1_048_576,
    'Bytes that wait for a slow client before it gets no more deliveries.',
  ),
  stopTimeoutMs: setting(
    'warren.stop_timeout',
    milliseconds({ min: 100, max: 600_000 }),
    9_000,
    'Longest time a clean stop may take; then the process ends with exit code 1.',
    { reloadable: true },
  ),
}
