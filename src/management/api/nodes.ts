/**
 * `/api/nodes`: the node and its memory. One node, listed as RabbitMQ lists a cluster's.
 */
import os from 'node:os'
import { BUILT_IN_PLUGINS } from '../../config/built-in-plugins.ts'
import type { ManagementContext } from '../context.ts'
import { objectNotFound } from '../http/api-error.ts'
import { type ApiRequest, type Endpoint, ok, plain } from '../http/endpoint.ts'
import { columnsOf, type JsonObject, listReply, pick } from '../http/list-reply.ts'
import { NODE_FIELDS, withDetails } from '../stats/fields.ts'
import { type SampleWindows, windowsOf } from '../stats/series.ts'
import { contexts, exchangeTypes, versions } from './overview.ts'

const TAG = 'Nodes'
const PROCESSES_MAX = 1_048_576
/** Shared binaries by who refers to them, which only Erlang has. */
const NO_BINARIES = Object.fromEntries(
  [
    'connection_readers',
    'connection_writers',
    'connection_channels',
    'connection_other',
    'queue_procs',
    'quorum_queue_procs',
    'quorum_queue_dlx_procs',
    'stream_queue_procs',
    'stream_queue_replica_reader_procs',
    'stream_queue_coordinator_procs',
    'plugins',
    'mgmt_db',
    'msg_index',
    'other',
  ].map((name) => [name, 0]),
)

/** The endpoints of this file. */
export function nodeEndpoints(context: ManagementContext): Endpoint[] {
  const named = (request: ApiRequest): void => {
    if (request.param('node') !== context.node.name) throw objectNotFound()
  }
  const memoryRoute = (path: string, summary: string, show: () => JsonObject): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: 'monitoring',
      tag: TAG,
      summary,
      handle: (request) => {
        named(request)
        return ok(show())
      },
    })
  return [
    plain({
      method: 'GET',
      path: '/api/nodes',
      access: 'monitoring',
      tag: TAG,
      isList: true,
      summary: 'The nodes.',
      handle: (request) => {
        const windows = windowsOf(request.query)
        return listReply(request.query, {
          sources: [context.node],
          nameOf: ({ name }) => name,
          build: () => nodeJson(context, windows),
        })
      },
    }),
    plain({
      method: 'GET',
      path: '/api/nodes/:node',
      access: 'monitoring',
      tag: TAG,
      query: {
        memory: '`true` adds the breakdown of memory.',
        binary: '`true` adds the memory of shared binaries: zeros, since there are none here.',
      },
      summary: 'One node.',
      handle: (request) => {
        named(request)
        const shown = {
          ...nodeJson(context, windowsOf(request.query)),
          ...(request.query.get('memory') === 'true' ? { memory: memoryBreakdown() } : {}),
          ...(request.query.get('binary') === 'true' ? { binary: NO_BINARIES } : {}),
        }
        return ok(pick(shown, columnsOf(request.query)))
      },
    }),
    memoryRoute('/api/nodes/:node/memory', 'What memory is used for.', () => ({ memory: memoryBreakdown() })),
    memoryRoute('/api/nodes/:node/memory/relative', 'The same in percent.', () => ({ memory: relativeMemory() })),
  ]
}

/** The node of a list. */
export function nodeJson(context: ManagementContext, windows: SampleWindows): JsonObject {
  const { node, statistics, alarms, settings, clock } = context
  const resources = node.resources()
  const files = node.openFiles()
  const row = statistics.nodeRow()
  return {
    partitions: [],
    os_pid: String(process.pid),
    fd_total: files.max,
    sockets_total: files.max,
    mem_limit: resources.memoryLimitBytes,
    mem_alarm: alarms.isRaised('memory'),
    disk_free_limit: resources.diskLimitBytes,
    disk_free_alarm: alarms.isRaised('disk'),
    fd_alarm: alarms.isRaised('file_descriptors'),
    proc_total: PROCESSES_MAX,
    rates_mode: settings.management.ratesMode,
    uptime: clock.nowMs() - node.startedAtMs,
    run_queue: 0,
    processors: os.availableParallelism(),
    exchange_types: exchangeTypes(context),
    auth_mechanisms: node.authMechanisms.map((name) => ({
      name,
      description: `SASL ${name} authentication mechanism`,
      enabled: true,
    })),
    applications: [
      { name: 'rabbit', description: settings.node.productName, version: settings.node.productVersion },
      { name: 'warrenmq', description: 'WarrenMQ', version: node.version },
    ],
    ...versions(context),
    // As the overview shows them, but for the node.
    contexts: contexts(context).map(({ node: _node, ssl_opts: _tls, ...shown }) => shown),
    log_files: node.logFiles,
    db_dir: node.dataDir,
    config_files: node.configFiles,
    net_ticktime: 60,
    enabled_plugins: BUILT_IN_PLUGINS,
    mem_calculation_strategy: 'rss',
    ra_open_file_metrics: { ra_log_wal: 0, ra_log_segment_writer: 0 },
    metrics_gc_queue_length: {},
    name: node.name,
    type: 'disc',
    running: true,
    being_drained: context.controls.service.state === 'drained',
    cluster_links: [],
    ...withDetails(NODE_FIELDS, NODE_FIELDS, row, statistics.node, statistics.everyMs, windows.node_stats),
  }
}

/**
 * Memory by what uses it, bytes, under RabbitMQ's names: tools decode them. JavaScript objects are `other_proc`, message
 * blocks and socket buffers `binary`, the program and its libraries `code`; what only Erlang has is zero.
 */
export function memoryBreakdown(): JsonObject {
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage()
  const known = heapTotal + external
  return {
    ...Object.fromEntries(ERLANG_MEMORY.map((name) => [name, 0])),
    other_proc: heapUsed,
    binary: arrayBuffers,
    code: Math.max(rss - known, 0),
    other_system: Math.max(external - arrayBuffers, 0),
    allocated_unused: heapTotal - heapUsed,
    reserved_unallocated: 0,
    strategy: 'rss',
    total: { erlang: known, rss, allocated: known },
  }
}

/** Parts of RabbitMQ's breakdown that have no counterpart in one process without Erlang's processes and tables. */
const ERLANG_MEMORY = [
  'connection_readers',
  'connection_writers',
  'connection_channels',
  'connection_other',
  'queue_procs',
  'quorum_queue_procs',
  'quorum_queue_dlx_procs',
  'stream_queue_procs',
  'stream_queue_replica_reader_procs',
  'stream_queue_coordinator_procs',
  'plugins',
  'metadata_store',
  'metrics',
  'mgmt_db',
  'mnesia',
  'quorum_ets',
  'metadata_store_ets',
  'other_ets',
  'msg_index',
  'atom',
] as const

function relativeMemory(): JsonObject {
  const {
    total,
    strategy: _,
    ...parts
  } = memoryBreakdown() as { readonly total: { readonly rss: number } } & JsonObject
  const percents = Object.entries(parts).map(([name, bytes]) => [name, Math.ceil((Number(bytes) * 100) / total.rss)])
  return { total: 100, ...Object.fromEntries(percents) }
}
