/**
 * `/api/overview`: the broker at a glance. Also what several endpoints say of the node and the cluster.
 */
import type { ManagementContext } from '../context.ts'
import { type Endpoint, ok, plain } from '../http/endpoint.ts'
import { columnsOf, type JsonObject, pick } from '../http/list-reply.ts'
import {
  CHURN_FIELDS,
  isAnySet,
  LENGTH_FIELDS,
  NODE_MESSAGE_FIELDS,
  OVERVIEW_FIELDS,
  type Row,
  withDetails,
} from '../stats/fields.ts'
import { COARSE, FINE_FOR_MS, type SampleWindow, SLOW, windowsOf } from '../stats/series.ts'
import type { Totals } from '../stats/statistics.ts'
import { withoutStats } from './stats-query.ts'

/** The endpoints of this file. */
export function overviewEndpoints(context: ManagementContext): Endpoint[] {
  return [
    plain({
      method: 'GET',
      path: '/api/overview',
      access: 'management',
      tag: 'Overview',
      query: { columns: 'Names of fields to show, with commas.', disable_stats: '`true` leaves figures out.' },
      summary: 'Versions, totals, rates, listeners.',
      handle: ({ query, caller }) => {
        const shown = {
          ...identity(context),
          ...(withoutStats(context, query) ? {} : figures(context, query)),
          ...(caller.isMonitoring ? { listeners: listeners(context), contexts: contexts(context) } : {}),
        }
        return ok(pick(shown, columnsOf(query)))
      },
    }),
  ]
}

/** The name that the operator gave the cluster, or the node's. */
export function clusterName({ broker, settings, node }: ManagementContext): string {
  const set = broker.parameters.getGlobal('cluster_name')
  return typeof set === 'string' ? set : (settings.node.clusterName ?? node.name)
}

function identity(context: ManagementContext): JsonObject {
  const { settings, node } = context
  const version = settings.node.productVersion
  const seconds = [FINE_FOR_MS, COARSE.forMs, SLOW.forMs].map((ms) => ms / 1_000)
  return {
    management_version: version,
    rates_mode: settings.management.ratesMode,
    sample_retention_policies: { global: seconds, basic: seconds.slice(0, 2), detailed: seconds.slice(0, 1) },
    exchange_types: exchangeTypes(context),
    product_version: version,
    product_name: settings.node.productName,
    ...versions(context),
    server_name: 'WarrenMQ',
    warrenmq_version: node.version,
    cluster_name: clusterName(context),
    cluster_tags: settings.node.clusterTags,
    node_tags: settings.node.nodeTags,
    default_queue_type: settings.queues.defaultType,
    is_op_policy_updating_enabled: true,
    release_series_support_status: 'supported',
    disable_stats: settings.management.disableStatistics,
    enable_queue_totals: settings.management.enableQueueTotals,
    statistics_db_event_queue: 0,
    node: node.name,
  }
}

/** Versions as tools ask for them: what is spoken, and what runs it in place of Erlang and its libraries. */
export function versions({ settings }: ManagementContext): JsonObject {
  return {
    rabbitmq_version: settings.node.productVersion,
    erlang_version: process.versions.node,
    erlang_full_version: `Node.js ${process.version}`,
    crypto_lib_version: `OpenSSL ${process.versions.openssl}`,
  }
}

/** Exchange types, as the overview and nodes list them. */
export function exchangeTypes({ node }: ManagementContext): readonly JsonObject[] {
  return node.exchangeTypes.map(({ name, description }) => ({ name, description, enabled: true }))
}

/** Ports in use, as the overview lists them. */
export function listeners(context: ManagementContext): readonly JsonObject[] {
  return context.listeners().map(({ protocol, host, port }) => ({
    node: context.node.name,
    protocol,
    ip_address: host === '' ? '::' : host,
    port,
    socket_opts: { backlog: context.settings.listeners.backlogCountMax, nodelay: true },
  }))
}

/** The HTTP listeners, as RabbitMQ describes the paths it serves. */
export function contexts(context: ManagementContext): readonly JsonObject[] {
  return context
    .listeners()
    .filter(({ protocol }) => ['http', 'https', 'http/prometheus'].includes(protocol))
    .map(({ protocol, port }) => ({
      ssl_opts: [],
      node: context.node.name,
      description: protocol === 'http/prometheus' ? 'RabbitMQ Prometheus' : 'RabbitMQ Management',
      path: '/',
      cowboy_opts: '[]',
      port: String(port),
      ...(protocol === 'https' ? { protocol: 'https' } : {}),
    }))
}

function figures(context: ManagementContext, query: URLSearchParams): JsonObject {
  const { statistics } = context
  const windows = windowsOf(query)
  const totals = statistics.totals()
  const row = statistics.overviewRow(totals)
  // After a restart the counters are zero, and what was before is still asked for.
  const asksForPast = windows.msg_rates !== null && statistics.overview.hasPast
  const details = (names: readonly string[], window: SampleWindow | null): JsonObject =>
    withDetails(OVERVIEW_FIELDS, names, row, statistics.overview, statistics.everyMs, window)
  return {
    message_stats: hasMessages(row) || asksForPast ? details(NODE_MESSAGE_FIELDS, windows.msg_rates) : {},
    churn_rates: details(CHURN_FIELDS, windows.data_rates),
    queue_totals: details(LENGTH_FIELDS, windows.lengths),
    object_totals: objectTotals(context, totals),
  }
}

function hasMessages(row: Row): boolean {
  return isAnySet(OVERVIEW_FIELDS, NODE_MESSAGE_FIELDS, row)
}

function objectTotals({ broker }: ManagementContext, totals: Totals): JsonObject {
  let channels = 0
  for (const connection of broker.connections.all()) channels += connection.channelCount
  let exchanges = 0
  let queues = 0
  for (const vhost of broker.vhosts()) {
    exchanges += vhost.exchangeCount
    queues += vhost.queueCount
  }
  return { channels, connections: broker.connections.count, consumers: totals.consumers, exchanges, queues }
}
