/**
 * The numbers that are sampled of each kind of object, in a fixed order, and how they are shown: counters and lengths
 * each get `<name>_details`.
 */
import type { DeliveryCounters, MessageCounters } from '../../model/message/message-counters.ts'
import type { ExchangeTally } from '../../model/message/session-tallies.ts'
import type { Queue, QueueStatus } from '../../model/queue/queue.ts'
import type { Flow } from '../../model/routing/flows.ts'
import type { LongHistory, SampleWindow, Series } from './series.ts'

/** Counters of messages, as listings call them. */
export const QUEUE_MESSAGE_FIELDS = [
  'publish',
  'deliver',
  'deliver_no_ack',
  'get',
  'get_no_ack',
  'get_empty',
  'deliver_get',
  'ack',
  'redeliver',
] as const
/** What one channel delivered from one queue. */
export const DELIVERY_FIELDS = [
  'deliver',
  'deliver_no_ack',
  'get',
  'get_no_ack',
  'get_empty',
  'deliver_get',
  'ack',
  'redeliver',
] as const
/** What one channel published to one exchange. */
export const PUBLISH_FIELDS = ['publish', 'return_unroutable', 'drop_unroutable'] as const
/** Depths of a queue, or of all queues. */
export const LENGTH_FIELDS = ['messages', 'messages_ready', 'messages_unacknowledged'] as const
/** All of a queue. */
export const QUEUE_FIELDS = [...QUEUE_MESSAGE_FIELDS, ...LENGTH_FIELDS] as const
/** All of a channel. */
export const CHANNEL_FIELDS = [...QUEUE_MESSAGE_FIELDS, 'confirm', 'return_unroutable', 'drop_unroutable'] as const
/** All of a connection. */
export const CONNECTION_FIELDS = ['recv_oct', 'send_oct'] as const
/** All of an exchange. */
export const EXCHANGE_FIELDS = ['publish_in', 'publish_out'] as const
/** Messages of the whole node. */
export const NODE_MESSAGE_FIELDS = [...CHANNEL_FIELDS, 'disk_reads', 'disk_writes'] as const
/** Objects that come and go. */
export const CHURN_FIELDS = [
  'connection_created',
  'connection_closed',
  'channel_created',
  'channel_closed',
  'queue_declared',
  'queue_created',
  'queue_deleted',
] as const
/** All of the overview. */
export const OVERVIEW_FIELDS = [...NODE_MESSAGE_FIELDS, ...LENGTH_FIELDS, ...CHURN_FIELDS] as const
/** All of the node. */
export const NODE_FIELDS = [
  'mem_used',
  'disk_free',
  'fd_used',
  'sockets_used',
  'proc_used',
  'io_read_count',
  'io_read_bytes',
  'io_write_count',
  'io_write_bytes',
  'io_sync_count',
  'io_sync_avg_time',
  'gc_num',
  'gc_bytes_reclaimed',
  'context_switches',
  ...CHURN_FIELDS,
] as const
/** All of a virtual host. */
export const VHOST_FIELDS = [...CHANNEL_FIELDS, ...LENGTH_FIELDS, ...CONNECTION_FIELDS] as const

/** A row of numbers by the names of a list of fields. */
export type Row = Float64Array

/** Writes the counters of a queue; returns the next free place. */
export function writeQueueCounters({ counters }: Queue, into: Row): void {
  into[0] = counters.published
  into[1] = counters.delivered
  into[2] = counters.deliveredNoAck
  into[3] = counters.got
  into[4] = counters.gotNoAck
  into[5] = counters.getEmpty
  into[6] = counters.delivered + counters.deliveredNoAck + counters.got + counters.gotNoAck
  into[7] = counters.acked
  into[8] = counters.redelivered
}

/** Writes the depths of a queue, from place `at`. */
export function writeLengths({ readyCount, unackedCount }: QueueStatus, into: Row, at: number): void {
  into[at] = readyCount + unackedCount
  into[at + 1] = readyCount
  into[at + 2] = unackedCount
}

/** Writes message counters in the order of `CHANNEL_FIELDS`. */
export function writeMessageCounters(counters: MessageCounters, into: Row): void {
  into[0] = counters.published
  into[1] = counters.delivered
  into[2] = counters.deliveredNoAck
  into[3] = counters.got
  into[4] = counters.gotNoAck
  into[5] = counters.getEmpty
  into[6] = counters.delivered + counters.deliveredNoAck + counters.got + counters.gotNoAck
  into[7] = counters.acked
  into[8] = counters.redelivered
  into[9] = counters.confirmed
  into[10] = counters.returnedUnroutable
  into[11] = counters.droppedUnroutable
}

/** What a channel delivered from a queue, in the order of `DELIVERY_FIELDS`. */
export function deliveryRow(of: DeliveryCounters): Row {
  const all = of.delivered + of.deliveredNoAck + of.got + of.gotNoAck
  return Float64Array.of(
    of.delivered,
    of.deliveredNoAck,
    of.got,
    of.gotNoAck,
    of.getEmpty,
    all,
    of.acked,
    of.redelivered,
  )
}

/** What went from an exchange to a queue. */
export const FLOW_FIELDS = ['publish'] as const

/** What went from an exchange to a queue, in the order of `FLOW_FIELDS`. */
export function flowRow({ published }: Flow): Row {
  return Float64Array.of(published)
}

/** What a channel published to an exchange, in the order of `PUBLISH_FIELDS`. */
export function publishRow({ published, returnedUnroutable, droppedUnroutable }: ExchangeTally): Row {
  return Float64Array.of(published, returnedUnroutable, droppedUnroutable)
}

/** `<name>` and `<name>_details` for some fields of a row, the latter from the series. */
export function withDetails(
  fields: readonly string[],
  names: readonly string[],
  row: Row,
  series: Series,
  everyMs: number,
  window: SampleWindow | null,
  past: LongHistory | null = null,
): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const name of names) {
    const field = fields.indexOf(name)
    shown[name] = row[field]!
    shown[`${name}_details`] = series.details(field, everyMs, window, past)
  }
  return shown
}

/** Whether any of the named fields is not zero: RabbitMQ leaves `message_stats` out until something happened. */
export function isAnySet(fields: readonly string[], names: readonly string[], row: Row): boolean {
  return names.some((name) => row[fields.indexOf(name)] !== 0)
}
