/**
 * Who moved what: `publishes` and `deliveries` of a channel, `incoming` and `deliveries` of a queue, `incoming` and
 * `outgoing` of an exchange, as the HTTP API shows them in details of one object. [RabbitMQ: management HTTP API]
 */
import type { ChannelStatus, ConnectionHandle } from '../../model/connections.ts'
import type { ExchangeTally, QueueTally } from '../../model/message/session-tallies.ts'
import type { Queue } from '../../model/queue/queue.ts'
import type { Flow } from '../../model/routing/flows.ts'
import type { ManagementContext } from '../context.ts'
import type { JsonObject } from '../http/list-reply.ts'
import {
  DELIVERY_FIELDS,
  deliveryRow,
  FLOW_FIELDS,
  flowRow,
  PUBLISH_FIELDS,
  publishRow,
  withDetails,
} from '../stats/fields.ts'
import type { SampleWindows } from '../stats/series.ts'

/** Queues in the details of one exchange. */
const FLOWS_SHOWN_MAX = 1_000

/** What a channel published, by exchange. */
export function publishesOf(
  context: ManagementContext,
  vhost: string,
  { breakdown }: ChannelStatus,
  windows: SampleWindows,
): JsonObject[] {
  return [...(breakdown?.exchanges ?? [])]
    .filter(({ published }) => published > 0)
    .map((tally) => ({ exchange: { name: tally.exchange, vhost }, stats: publishStats(context, tally, windows) }))
}

/** What a channel delivered, by queue. */
export function deliveriesOf(
  context: ManagementContext,
  vhost: string,
  { breakdown }: ChannelStatus,
  windows: SampleWindows,
): JsonObject[] {
  return [...(breakdown?.queues ?? [])]
    .filter(isUsed)
    .map((tally) => ({ queue: { name: tally.queue, vhost }, stats: deliveryStats(context, tally, windows) }))
}

/** What a queue delivered, by channel. */
export function deliveriesFrom(
  context: ManagementContext,
  vhost: string,
  queue: string,
  windows: SampleWindows,
): JsonObject[] {
  const shown: JsonObject[] = []
  for (const { connection, channel } of channelsIn(context, vhost)) {
    for (const tally of channel.breakdown?.queues ?? []) {
      if (tally.queue !== queue || !isUsed(tally)) continue
      shown.push({ channel_details: detailsOf(connection, channel), stats: deliveryStats(context, tally, windows) })
    }
  }
  return shown
}

/** What was published to an exchange, by channel. */
export function publishesTo(
  context: ManagementContext,
  vhost: string,
  exchange: string,
  windows: SampleWindows,
): JsonObject[] {
  const shown: JsonObject[] = []
  for (const { connection, channel } of channelsIn(context, vhost)) {
    for (const tally of channel.breakdown?.exchanges ?? []) {
      if (tally.exchange !== exchange || tally.published === 0) continue
      shown.push({ channel_details: detailsOf(connection, channel), stats: publishStats(context, tally, windows) })
    }
  }
  return shown
}

/** What an exchange gave, by queue. */
export function flowsFrom(
  context: ManagementContext,
  vhost: string,
  exchange: string,
  windows: SampleWindows,
): JsonObject[] {
  return [...(context.broker.vhost(vhost)?.flows.from(exchange) ?? [])]
    .slice(0, FLOWS_SHOWN_MAX)
    .map((flow) => ({ queue: { name: flow.queue, vhost }, stats: flowStats(context, flow, windows) }))
}

/** What a queue got, by exchange. */
export function flowsTo(context: ManagementContext, queue: Queue, windows: SampleWindows): JsonObject[] {
  const { vhost } = queue
  return (context.broker.vhost(vhost)?.flows.to(queue) ?? []).map((flow) => ({
    exchange: { name: flow.exchange, vhost },
    stats: flowStats(context, flow, windows),
  }))
}

function flowStats({ statistics }: ManagementContext, flow: Flow, windows: SampleWindows): JsonObject {
  const { everyMs } = statistics
  const series = statistics.ofTally(flow)
  return withDetails(FLOW_FIELDS, FLOW_FIELDS, flowRow(flow), series, everyMs, windows.msg_rates)
}

function* channelsIn(
  { broker }: ManagementContext,
  vhost: string,
): Generator<{ readonly connection: ConnectionHandle; readonly channel: ChannelStatus }> {
  for (const connection of broker.connections.all()) {
    if (connection.vhost !== vhost) continue
    for (const channel of connection.status().channels) yield { connection, channel }
  }
}

/** A tally is made when a consumer comes; it is shown when it did something. */
function isUsed(tally: QueueTally): boolean {
  return deliveryRow(tally).some((value) => value > 0)
}

function detailsOf(connection: ConnectionHandle, { name, number }: ChannelStatus): JsonObject {
  return {
    connection_name: connection.name,
    name,
    number,
    peer_host: connection.peerHost,
    peer_port: connection.peerPort,
    user: connection.user,
  }
}

function publishStats({ statistics }: ManagementContext, tally: ExchangeTally, windows: SampleWindows): JsonObject {
  const series = statistics.ofTally(tally)
  return withDetails(PUBLISH_FIELDS, PUBLISH_FIELDS, publishRow(tally), series, statistics.everyMs, windows.msg_rates)
}

function deliveryStats({ statistics }: ManagementContext, tally: QueueTally, windows: SampleWindows): JsonObject {
  const series = statistics.ofTally(tally)
  return withDetails(
    DELIVERY_FIELDS,
    DELIVERY_FIELDS,
    deliveryRow(tally),
    series,
    statistics.everyMs,
    windows.msg_rates,
  )
}
