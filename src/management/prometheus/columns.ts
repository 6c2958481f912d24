/**
 * The metrics of objects as tables: each kind of object (queue, channel, connection, exchange) has columns, each column is
 * one metric. Aggregated pages sum the columns; per-object pages write every row. Names are RabbitMQ's. [docs/metrics.md]
 */
import type { ChannelStatus, ConnectionHandle, ConnectionStatus } from '../../model/connections.ts'
import type { Queue, QueueStatus } from '../../model/queue/queue.ts'
import type { Exchange } from '../../model/routing/exchange.ts'
import type { MetricType } from './exposition.ts'

/** A metric of a kind of object, without the prefix of its page. */
export interface Column<T> {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly read: (object: T) => number
  /** Whether a sum over objects means something. */
  readonly sums: boolean
}

/** Columns that belong together, as `family=` of the detailed page names them. */
export interface ColumnGroup<T> {
  readonly family: string
  readonly columns: readonly Column<T>[]
}

function gauge<T>(name: string, help: string, read: (object: T) => number): Column<T> {
  return { name, type: 'gauge', help, read, sums: true }
}

function counter<T>(name: string, help: string, read: (object: T) => number): Column<T> {
  return { name, type: 'counter', help, read, sums: true }
}

function own<T>(name: string, help: string, read: (object: T) => number): Column<T> {
  return { name, type: 'gauge', help, read, sums: false }
}

/** A queue as metrics see it: its status is read once. */
export interface QueueSubject {
  readonly queue: Queue
  readonly status: QueueStatus
  readonly nowMs: number
}

/** Metrics of queues. */
export const QUEUE_GROUPS: readonly ColumnGroup<QueueSubject>[] = [
  {
    family: 'queue_coarse_metrics',
    columns: [
      gauge('queue_messages_ready', 'Messages ready to be delivered to consumers', ({ status }) => status.readyCount),
      gauge(
        'queue_messages_unacked',
        'Messages delivered to consumers but not yet acknowledged',
        ({ status }) => status.unackedCount,
      ),
      gauge(
        'queue_messages',
        'Sum of ready and unacknowledged messages - total queue depth',
        ({ status }) => status.readyCount + status.unackedCount,
      ),
      counter('queue_process_reductions_total', 'Total number of queue process reductions', () => 0),
    ],
  },
  {
    family: 'queue_consumer_count',
    columns: [gauge('queue_consumers', 'Consumers on a queue', ({ status }) => status.consumerCount)],
  },
  {
    family: 'queue_metrics',
    columns: [
      own('queue_consumer_capacity', 'Consumer capacity', ({ status }) => status.consumerCapacity),
      own('queue_consumer_utilisation', 'Same as consumer capacity', ({ status }) => status.consumerCapacity),
      gauge('queue_process_memory_bytes', 'Memory in bytes used by the queue process', () => 0),
      gauge(
        'queue_messages_ram',
        'Ready and unacknowledged messages stored in memory',
        ({ status }) => status.readyCount + status.unackedCount,
      ),
      gauge(
        'queue_messages_ram_bytes',
        'Size of ready and unacknowledged messages stored in memory',
        ({ status }) => status.readyBytes + status.unackedBytes,
      ),
      gauge('queue_messages_ready_ram', 'Ready messages stored in memory', ({ status }) => status.readyCount),
      gauge(
        'queue_messages_unacked_ram',
        'Unacknowledged messages stored in memory',
        ({ status }) => status.unackedCount,
      ),
      gauge('queue_messages_persistent', 'Persistent messages', ({ status }) => status.persistentCount),
      gauge('queue_messages_persistent_bytes', 'Size in bytes of persistent messages', persistentBytes),
      gauge(
        'queue_messages_bytes',
        'Size in bytes of ready and unacknowledged messages',
        ({ status }) => status.readyBytes + status.unackedBytes,
      ),
      gauge('queue_messages_ready_bytes', 'Size in bytes of ready messages', ({ status }) => status.readyBytes),
      gauge(
        'queue_messages_unacked_bytes',
        'Size in bytes of all unacknowledged messages',
        ({ status }) => status.unackedBytes,
      ),
      gauge('queue_messages_paged_out', 'Messages paged out to disk', () => 0),
      gauge('queue_messages_paged_out_bytes', 'Size in bytes of messages paged out to disk', () => 0),
      own('queue_head_message_timestamp', 'Timestamp of the first message in the queue, if any', ({ status }) =>
        Math.floor(status.oldestReadyAtMs / 1_000),
      ),
      gauge('queue_disk_bytes', 'Bytes that the messages of a queue take on disk', ({ status }) => status.diskBytes),
      own('queue_oldest_message_age_seconds', 'Age of the oldest ready message', oldestAgeSeconds),
      counter('queue_disk_reads_total', 'Total number of times queue read messages from disk', () => 0),
      counter('queue_disk_writes_total', 'Total number of times queue wrote messages to disk', () => 0),
    ],
  },
  {
    family: 'queue_delivery_metrics',
    columns: [
      counter(
        'queue_get_ack_total',
        'Total number of messages fetched from a queue with basic.get in manual acknowledgement mode',
        ({ queue }) => queue.counters.got,
      ),
      counter(
        'queue_get_total',
        'Total number of messages fetched from a queue with basic.get in automatic acknowledgement mode',
        ({ queue }) => queue.counters.gotNoAck,
      ),
      counter(
        'queue_messages_delivered_ack_total',
        'Total number of messages delivered from a queue to consumers in manual acknowledgement mode',
        ({ queue }) => queue.counters.delivered,
      ),
      counter(
        'queue_messages_delivered_total',
        'Total number of messages delivered from a queue to consumers in automatic acknowledgement mode',
        ({ queue }) => queue.counters.deliveredNoAck,
      ),
      counter(
        'queue_messages_redelivered_total',
        'Total number of messages redelivered from a queue to consumers',
        ({ queue }) => queue.counters.redelivered,
      ),
      counter(
        'queue_messages_acked_total',
        'Total number of messages acknowledged by consumers on a queue',
        ({ queue }) => queue.counters.acked,
      ),
      counter(
        'queue_get_empty_total',
        'Total number of times basic.get operations fetched no message on a queue',
        ({ queue }) => queue.counters.getEmpty,
      ),
    ],
  },
  {
    family: 'queue_exchange_metrics',
    columns: [
      counter(
        'queue_messages_published_total',
        'Total number of messages published into a queue',
        ({ queue }) => queue.counters.published,
      ),
    ],
  },
]

function persistentBytes({ status }: QueueSubject): number {
  const count = status.readyCount + status.unackedCount
  return count === 0 ? 0 : Math.round(((status.readyBytes + status.unackedBytes) * status.persistentCount) / count)
}

function oldestAgeSeconds({ status, nowMs }: QueueSubject): number {
  return status.oldestReadyAtMs === 0 ? 0 : Math.max(nowMs - status.oldestReadyAtMs, 0) / 1_000
}

/** Metrics of exchanges. */
export const EXCHANGE_GROUPS: readonly ColumnGroup<Exchange>[] = [
  {
    family: 'exchange_metrics',
    columns: [
      counter(
        'exchange_messages_published_total',
        'Total number of messages published to an exchange',
        ({ counters }) => counters.publishedIn,
      ),
      counter(
        'exchange_messages_unroutable_returned_total',
        'Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable',
        ({ counters }) => counters.returned,
      ),
      counter(
        'exchange_messages_unroutable_dropped_total',
        'Total number of messages published as non-mandatory into an exchange and dropped as unroutable',
        ({ counters }) => counters.unroutable - counters.returned,
      ),
    ],
  },
  {
    family: 'exchange_bindings',
    columns: [gauge('exchange_bindings', 'Number of bindings for an exchange', ({ outgoing }) => outgoing.size)],
  },
]

/** A channel and the name of its row. */
export interface ChannelSubject {
  readonly channel: ChannelStatus
}

/** Metrics of channels. */
export const CHANNEL_GROUPS: readonly ColumnGroup<ChannelSubject>[] = [
  {
    family: 'channel_metrics',
    columns: [
      gauge('channel_consumers', 'Consumers on a channel', ({ channel }) => channel.consumerCount),
      gauge(
        'channel_messages_unacked',
        'Delivered but not yet acknowledged messages',
        ({ channel }) => channel.unackedCount,
      ),
      gauge(
        'channel_messages_unconfirmed',
        'Published but not yet confirmed messages',
        ({ channel }) => channel.unconfirmedCount,
      ),
      gauge(
        'channel_messages_uncommitted',
        'Messages received in a transaction but not yet committed',
        ({ channel }) => channel.uncommittedMessages,
      ),
      gauge(
        'channel_acks_uncommitted',
        'Message acknowledgements in a transaction not yet committed',
        ({ channel }) => channel.uncommittedAcks,
      ),
      gauge(
        'consumer_prefetch',
        'Limit of unacknowledged messages for each consumer',
        ({ channel }) => channel.prefetchCount,
      ),
      gauge(
        'channel_prefetch',
        'Total limit of unacknowledged messages for all consumers on a channel',
        ({ channel }) => channel.globalPrefetchCount,
      ),
    ],
  },
  {
    family: 'channel_exchange_metrics',
    columns: [
      counter(
        'channel_messages_published_total',
        'Total number of messages published into an exchange on a channel',
        ({ channel }) => channel.counters?.published ?? 0,
      ),
      counter(
        'channel_messages_confirmed_total',
        'Total number of messages published into an exchange and confirmed on the channel',
        ({ channel }) => channel.counters?.confirmed ?? 0,
      ),
      counter(
        'channel_messages_unroutable_returned_total',
        'Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable',
        ({ channel }) => channel.counters?.returnedUnroutable ?? 0,
      ),
      counter(
        'channel_messages_unroutable_dropped_total',
        'Total number of messages published as non-mandatory into an exchange and dropped as unroutable',
        ({ channel }) => channel.counters?.droppedUnroutable ?? 0,
      ),
    ],
  },
  {
    family: 'channel_queue_metrics',
    columns: [
      counter(
        'channel_get_ack_total',
        'Total number of messages fetched with basic.get in manual acknowledgement mode',
        ({ channel }) => channel.counters?.got ?? 0,
      ),
      counter(
        'channel_get_total',
        'Total number of messages fetched with basic.get in automatic acknowledgement mode',
        ({ channel }) => channel.counters?.gotNoAck ?? 0,
      ),
      counter(
        'channel_messages_delivered_ack_total',
        'Total number of messages delivered to consumers in manual acknowledgement mode',
        ({ channel }) => channel.counters?.delivered ?? 0,
      ),
      counter(
        'channel_messages_delivered_total',
        'Total number of messages delivered to consumers in automatic acknowledgement mode',
        ({ channel }) => channel.counters?.deliveredNoAck ?? 0,
      ),
      counter(
        'channel_messages_redelivered_total',
        'Total number of messages redelivered to consumers',
        ({ channel }) => channel.counters?.redelivered ?? 0,
      ),
      counter(
        'channel_messages_acked_total',
        'Total number of messages acknowledged by consumers',
        ({ channel }) => channel.counters?.acked ?? 0,
      ),
      counter(
        'channel_get_empty_total',
        'Total number of times basic.get operations fetched no message',
        ({ channel }) => channel.counters?.getEmpty ?? 0,
      ),
    ],
  },
  {
    family: 'channel_process_metrics',
    columns: [counter('channel_process_reductions_total', 'Total number of channel process reductions', () => 0)],
  },
]

/** A connection as metrics see it. */
export interface ConnectionSubject {
  readonly connection: ConnectionHandle
  readonly status: ConnectionStatus
}

/** Metrics of connections. */
export const CONNECTION_GROUPS: readonly ColumnGroup<ConnectionSubject>[] = [
  {
    family: 'connection_coarse_metrics',
    columns: [
      counter(
        'connection_incoming_bytes_total',
        'Total number of bytes received on a connection',
        ({ status }) => status.receivedBytes,
      ),
      counter(
        'connection_outgoing_bytes_total',
        'Total number of bytes sent on a connection',
        ({ status }) => status.sentBytes,
      ),
      counter('connection_process_reductions_total', 'Total number of connection process reductions', () => 0),
    ],
  },
  {
    family: 'connection_metrics',
    columns: [
      counter(
        'connection_incoming_packets_total',
        'Total number of packets received on a connection',
        ({ status }) => status.receivedCount,
      ),
      counter(
        'connection_outgoing_packets_total',
        'Total number of packets sent on a connection',
        ({ status }) => status.sentCount,
      ),
      gauge('connection_pending_packets', 'Number of packets waiting to be sent on a connection', () => 0),
      gauge('connection_channels', 'Channels on a connection', ({ connection }) => connection.channelCount),
    ],
  },
]
