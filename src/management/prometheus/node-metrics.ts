/**
 * Metrics of the node as a whole: identity, resources, alarms, churn, logins, the log, and the event loop.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { AlarmName } from '../../model/observe/alarms.ts'
import { COUNTED_LIMITS } from '../../model/observe/limit-counts.ts'
import { clusterName } from '../api/overview.ts'
import type { ManagementContext } from '../context.ts'
import { backendMetrics } from './auth-metrics.ts'
import { head, histogram, labels, type MetricType, sample, single } from './exposition.ts'
import { confirmWaits, globalMetrics } from './global-metrics.ts'

const NANOSECONDS = 1e9
/** How often the event loop's delay is measured. */
const LOOP_DELAY_RESOLUTION_MS = 50

/** Sorts of pages, as `rabbitmq_identity_info` names them. */
export type Page = 'aggregated' | 'per-object' | 'detailed' | 'memory-breakdown'

type Simple = readonly [name: string, type: MetricType, help: string, value: number]

function simple(prefix: string, metrics: readonly Simple[]): string {
  return metrics.map(([name, type, help, value]) => single({ name: prefix + name, type, help }, value)).join('')
}

/** Writes the metrics of the node. One per broker: it measures the event loop from the first request on. */
export class NodeMetrics {
  readonly #context: ManagementContext
  #loopDelay: IntervalHistogram | null = null
  /** Of intervals that were reset. */
  #loopDelayCount = 0
  #loopDelaySeconds = 0

  constructor(context: ManagementContext) {
    this.#context = context
  }

  stop(): void {
    this.#loopDelay?.disable()
  }

  /** What every page shows; `endpoint` is the sort of page. */
  identity(endpoint: Page): string {
    const { node, settings } = this.#context
    const version = settings.node.productVersion
    const build = {
      rabbitmq_version: version,
      prometheus_plugin_version: version,
      prometheus_client_version: version,
      erlang_version: process.version,
      product_name: 'WarrenMQ',
      product_version: node.version,
    }
    const name = clusterName(this.#context)
    const identity = {
      rabbitmq_node: node.name,
      rabbitmq_cluster: name,
      rabbitmq_cluster_permanent_id: this.#clusterId(),
      rabbitmq_endpoint: endpoint,
    }
    return (
      single(
        { name: 'rabbitmq_build_info', type: 'untyped', help: 'RabbitMQ & Erlang/OTP version info' },
        1,
        labels(build),
      ) +
      single(
        { name: 'rabbitmq_identity_info', type: 'untyped', help: 'RabbitMQ node & cluster identity info' },
        1,
        labels(identity),
      )
    )
  }

  #clusterId(): string {
    const id = this.#context.broker.parameters.getGlobal('internal_cluster_id')
    return typeof id === 'string' ? id : ''
  }

  /** Families of the detailed page that are about the node. */
  families(wanted: ReadonlySet<string>): string {
    let text = ''
    const prefix = 'rabbitmq_detailed_'
    if (wanted.has('connection_churn_metrics')) text += this.#churn(prefix)
    if (wanted.has('node_coarse_metrics')) text += simple(prefix, this.#coarse())
    if (wanted.has('node_metrics')) text += simple(prefix, this.#limits())
    if (wanted.has('node_persister_metrics')) text += this.#io(prefix)
    if (wanted.has('auth_attempt_metrics')) text += this.#logins(prefix)
    return text
  }

  /** Everything. */
  all(endpoint: Page): string {
    return [
      this.identity(endpoint),
      this.#resources(),
      this.#alarms(),
      this.#totals(),
      this.#churn('rabbitmq_'),
      globalMetrics(this.#context),
      this.#logins('rabbitmq_'),
      backendMetrics(this.#context.authBackends()),
      this.#io('rabbitmq_'),
      this.#waits(),
      this.#log(),
      this.#tls(),
      this.#rates(),
      this.#refusals(),
      this.#runtime(),
    ].join('')
  }

  #resources(): string {
    const { node, broker } = this.#context
    const files = node.openFiles()
    return simple('rabbitmq_', [
      ...this.#coarse(),
      ...this.#limits(),
      ['process_open_tcp_sockets', 'gauge', 'Open TCP sockets', broker.connections.count],
      ['process_max_tcp_sockets', 'gauge', 'Open TCP sockets limit', files.max],
    ])
  }

  #coarse(): readonly Simple[] {
    const { node } = this.#context
    const { memoryUsedBytes, diskFreeBytes } = node.resources()
    const { voluntaryContextSwitches, involuntaryContextSwitches } = process.resourceUsage()
    const switches = voluntaryContextSwitches + involuntaryContextSwitches
    return [
      ['process_open_fds', 'gauge', 'Open file descriptors', node.openFiles().used],
      ['process_resident_memory_bytes', 'gauge', 'Memory used in bytes', memoryUsedBytes],
      ['disk_space_available_bytes', 'gauge', 'Disk space available in bytes', Math.max(diskFreeBytes, 0)],
      ['erlang_processes_used', 'gauge', 'Erlang processes used', 1],
      ['erlang_gc_runs_total', 'counter', 'Total number of Erlang garbage collector runs', 0],
      [
        'erlang_gc_reclaimed_bytes_total',
        'counter',
        'Total number of bytes of memory reclaimed by Erlang garbage collector',
        0,
      ],
      [
        'erlang_scheduler_context_switches_total',
        'counter',
        'Total number of context switches of the process',
        switches,
      ],
    ]
  }

  #limits(): readonly Simple[] {
    const { node, clock } = this.#context
    const { memoryLimitBytes, diskLimitBytes } = node.resources()
    const uptime = (clock.nowMs() - node.startedAtMs) / 1_000
    return [
      ['process_max_fds', 'gauge', 'Open file descriptors limit', node.openFiles().max],
      ['resident_memory_limit_bytes', 'gauge', 'Memory high watermark in bytes', memoryLimitBytes],
      ['disk_space_available_limit_bytes', 'gauge', 'Free disk space low watermark in bytes', diskLimitBytes],
      ['erlang_processes_limit', 'gauge', 'Erlang processes limit', 1_048_576],
      ['erlang_scheduler_run_queue', 'gauge', 'Erlang scheduler run queue', 0],
      ['erlang_net_ticktime_seconds', 'gauge', 'Inter-node heartbeat interval', 60],
      ['erlang_uptime_seconds', 'gauge', 'Node uptime', uptime],
    ]
  }

  /** The log on disk, by the names of RabbitMQ's message store. */
  #io(prefix: string): string {
    const log = this.#context.node.log()
    if (log === undefined) return ''
    return simple(prefix, [
      ['io_read_ops_total', 'counter', 'Total number of I/O read operations', log.readCount],
      ['io_read_bytes_total', 'counter', 'Total number of I/O bytes read', log.readBytes],
      ['io_write_ops_total', 'counter', 'Total number of I/O write operations', log.batchCount],
      ['io_write_bytes_total', 'counter', 'Total number of I/O bytes written', log.writtenBytes],
      ['io_sync_ops_total', 'counter', 'Total number of I/O sync operations', log.syncCount],
      ['io_sync_time_seconds_total', 'counter', 'Total I/O sync time', log.syncMsTotal / 1_000],
    ])
  }

  #alarms(): string {
    const { alarms } = this.#context
    const raised = (name: AlarmName): number => (alarms.isRaised(name) ? 1 : 0)
    return simple('rabbitmq_alarms_', [
      ['memory_used_watermark', 'gauge', 'Is 1 if VM memory watermark is in effect', raised('memory')],
      ['free_disk_space_watermark', 'gauge', 'Is 1 if free disk space watermark is in effect', raised('disk')],
      [
        'file_descriptor_limit',
        'gauge',
        'Is 1 if file descriptor limit alarm is in effect',
        raised('file_descriptors'),
      ],
      ['storage_failure', 'gauge', 'Is 1 if the log cannot be written', raised('storage')],
    ])
  }

  #totals(): string {
    const { broker, statistics } = this.#context
    let channels = 0
    for (const connection of broker.connections.all()) channels += connection.channelCount
    let queues = 0
    for (const vhost of broker.vhosts()) queues += vhost.queueCount
    return simple('rabbitmq_', [
      ['connections', 'gauge', 'Connections currently open', broker.connections.count],
      ['channels', 'gauge', 'Channels currently open', channels],
      ['consumers', 'gauge', 'Consumers currently connected', statistics.totals().consumers],
      ['queues', 'gauge', 'Queues available', queues],
    ])
  }

  #churn(prefix: string): string {
    const { counters } = this.#context.broker
    return simple(prefix, [
      ['connections_opened_total', 'counter', 'Total number of connections opened', counters.connectionsOpened],
      [
        'connections_closed_total',
        'counter',
        'Total number of connections closed or terminated',
        counters.connectionsClosed,
      ],
      ['channels_opened_total', 'counter', 'Total number of channels opened', counters.channelsOpened],
      ['channels_closed_total', 'counter', 'Total number of channels closed', counters.channelsClosed],
      ['queues_declared_total', 'counter', 'Total number of queues declared', counters.queuesDeclared],
      ['queues_created_total', 'counter', 'Total number of queues created', counters.queuesCreated],
      ['queues_deleted_total', 'counter', 'Total number of queues deleted', counters.queuesDeleted],
    ])
  }

  #logins(prefix: string): string {
    const counters = [...this.#context.attempts.counters]
    const family = (suffix: string, help: string, read: (one: (typeof counters)[number][1]) => number): string => {
      const name = `${prefix}auth_attempts${suffix}_total`
      const samples = counters.map(([protocol, one]) => sample(name, labels({ protocol }), read(one)))
      return head({ name, type: 'counter', help }) + samples.join('')
    }
    return (
      family('', 'Total number of authorization attempts', ({ attempts }) => attempts) +
      family('_succeeded', 'Total number of successful authentication attempts', ({ succeeded }) => succeeded) +
      family('_failed', 'Total number of failed authentication attempts', ({ failed }) => failed)
    )
  }

  #waits(): string {
    const { broker } = this.#context
    const { bounds, counts, sum } = broker.counters.queueWaitMs
    const seconds = bounds.map((ms) => ms / 1_000)
    const inQueue = {
      name: 'warrenmq_time_in_queue_seconds',
      type: 'histogram',
      help: 'Time from publish to delivery, one message of every run',
    } as const
    return confirmWaits(broker) + histogram(inQueue, seconds, counts, sum / 1_000)
  }

  #log(): string {
    const log = this.#context.node.log()
    if (log === undefined) return ''
    const sync = {
      name: 'warrenmq_log_sync_seconds',
      type: 'histogram',
      help: 'Time that a sync of the log took',
    } as const
    const batch = {
      name: 'warrenmq_log_batch_bytes',
      type: 'histogram',
      help: 'Bytes that were written to the log at once',
    } as const
    const syncSeconds = log.syncMsTotal / 1_000
    return (
      simple('warrenmq_', [
        ['log_file_bytes', 'gauge', 'Bytes of the log on disk', log.fileBytes],
        ['log_unsynced_bytes', 'gauge', 'Bytes written or waiting that are not yet synced', log.unsyncedBytes],
        ['log_failures_total', 'counter', 'Total number of failed writes and syncs of the log', log.failureCount],
        ['log_damages', 'gauge', 'Damaged places found in the log at start', log.damageCount],
        ['metadata_damages', 'gauge', 'Damaged places found in the metadata at start', log.metadataDamageCount],
      ]) +
      histogram(
        sync,
        log.syncMsBounds.map((ms) => ms / 1_000),
        log.syncHistogram,
        syncSeconds,
      ) +
      histogram(batch, log.batchBytesBounds, log.batchHistogram, log.writtenBytes)
    )
  }

  #tls(): string {
    const { certificates, reloadedCount, failedCount, handshakes } = this.#context.node.tls()
    const notAfterMs = Math.min(...certificates.map((certificate) => certificate.notAfterMs))
    const expiry: Simple[] =
      certificates.length === 0
        ? []
        : [['tls_certificate_expiry_seconds', 'gauge', 'Time when the first TLS certificate expires', notAfterMs / 1e3]]
    return simple('warrenmq_', [
      ...expiry,
      ['tls_certificate_reloads_total', 'counter', 'Total number of TLS certificates replaced', reloadedCount],
      ['tls_certificate_reload_failures_total', 'counter', 'Total number of unusable new certificates', failedCount],
      ['tls_handshake_failures_total', 'counter', 'Total number of TLS handshakes that failed', handshakes.failedCount],
      [
        'tls_handshake_timeouts_total',
        'counter',
        'Total number of TLS handshakes that took too long',
        handshakes.timedOutCount,
      ],
    ])
  }

  #rates(): string {
    const { rates } = this.#context.broker
    const { publishers, consumers } = rates.heldNow()
    return simple('warrenmq_', [
      ['rate_limited_publishers', 'gauge', 'Connections not read now because of a rate limit', publishers],
      ['rate_limited_consumers', 'gauge', 'Connections without deliveries now because of a rate limit', consumers],
      ['publish_rate_held_total', 'counter', 'Total number of times a publisher was held', rates.heldPublishersCount],
      ['delivery_rate_held_total', 'counter', 'Total number of times a consumer was held', rates.heldConsumersCount],
    ])
  }

  #refusals(): string {
    const { broker, attempts } = this.#context
    const name = 'warrenmq_limit_refusals_total'
    const samples = COUNTED_LIMITS.map((limit) => sample(name, labels({ limit }), broker.counters.limits.of(limit)))
    const logins = sample(name, labels({ limit: 'login_attempts' }), attempts.exhaustedCount)
    return (
      head({ name, type: 'counter', help: 'Total number of refusals because of a limit' }) + samples.join('') + logins
    )
  }

  #runtime(): string {
    const { heapUsed, heapTotal, arrayBuffers } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    const { budget } = this.#context.statistics
    return (
      simple('warrenmq_', [
        ['heap_used_bytes', 'gauge', 'Bytes of JavaScript objects', heapUsed],
        ['heap_total_bytes', 'gauge', 'Bytes of the JavaScript heap', heapTotal],
        ['array_buffers_bytes', 'gauge', 'Bytes of message blocks and socket buffers', arrayBuffers],
        ['cpu_seconds_total', 'counter', 'Total processor time used', (user + system) / 1e6],
        ['statistics_bytes', 'gauge', 'Bytes of the history of statistics', budget.usedBytes],
        ['statistics_refusals_total', 'counter', 'Total number of times a history could not grow', budget.refusals],
        ...this.#queueHistory(),
      ]) + this.#eventLoop()
    )
  }

  #queueHistory(): Parameters<typeof simple>[1] {
    const { queueHistory } = this.#context
    if (queueHistory === null) return []
    const { diskBytes, memoryBytes, segmentCount } = queueHistory
    return [
      ['queue_history_disk_bytes', 'gauge', 'Bytes of files with the history of queues', diskBytes],
      ['queue_history_memory_bytes', 'gauge', 'Bytes of memory for the history of queues', memoryBytes],
      ['queue_history_segments', 'gauge', 'Files with the history of queues', segmentCount],
    ]
  }

  #eventLoop(): string {
    if (this.#loopDelay === null) {
      this.#loopDelay = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS })
      this.#loopDelay.enable()
    }
    const measured = this.#loopDelay
    const late = (nanoseconds: number): number =>
      Math.max((nanoseconds || 0) / NANOSECONDS - LOOP_DELAY_RESOLUTION_MS / 1_000, 0)
    this.#loopDelayCount += measured.count
    this.#loopDelaySeconds += measured.count === 0 ? 0 : late(measured.mean) * measured.count
    const name = 'warrenmq_event_loop_delay_seconds'
    let text = head({ name, type: 'summary', help: 'Lateness of the event loop; quantiles since the last request' })
    for (const quantile of [0.5, 0.9, 0.99]) {
      text += sample(name, labels({ quantile: String(quantile) }), late(measured.percentile(quantile * 100)))
    }
    text += sample(name, labels({ quantile: '1' }), measured.count === 0 ? 0 : late(measured.max))
    text += sample(`${name}_sum`, '', this.#loopDelaySeconds) + sample(`${name}_count`, '', this.#loopDelayCount)
    measured.reset()
    return text
  }
}
