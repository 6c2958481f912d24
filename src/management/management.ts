/**
 * The management of a broker: statistics, the HTTP API on its ports and on a local socket, and the metrics. Started by the
 * composition root after the protocols listen; stopped before they do.
 *
 * What it knows of the broker is in `ManagementParts`; nothing here reads settings by string. [docs/http-api.md]
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Login } from '../auth/identity.ts'
import { uniqueName } from '../base/random.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Turn } from '../base/turn.ts'
import type { TlsContext } from '../net/tls-context.ts'
import { allEndpoints } from './api/endpoints.ts'
import { consoleEndpoints } from './console/console-endpoints.ts'
import { consoleFolder, readConsoleFiles } from './console/console-files.ts'
import { liveEndpoint, resourceReader } from './console/live-endpoint.ts'
import { LiveHub } from './console/live-hub.ts'
import { RunningOperations } from './contents/running-operations.ts'
import type { ListenerFact, ManagementContext } from './context.ts'
import type { AccessModel } from './http/access.ts'
import { ApiServer } from './http/api-server.ts'
import { Authentication } from './http/authentication.ts'
import type { Endpoint } from './http/endpoint.ts'
import { HttpListener, type HttpListenerOptions } from './http/http-listener.ts'
import { Router } from './http/router.ts'
import { NodeMetrics } from './prometheus/node-metrics.ts'
import { metricsEndpoints } from './prometheus/pages.ts'
import { Archive, type ArchiveStore } from './stats/archive.ts'
import { nodeProbe } from './stats/node-probe.ts'
import { Statistics } from './stats/statistics.ts'

/** The global parameter that RabbitMQ keeps it in. */
const CLUSTER_ID = 'internal_cluster_id'

/** Listeners that RabbitMQ lists by other names. */
const LISTED_NAMES: Readonly<Record<string, string>> = {
  prometheus: 'http/prometheus',
  'prometheus-tls': 'https/prometheus',
}

/** What the composition root hands in: everything of the context that is not made here. */
export interface ManagementParts
  extends Omit<ManagementContext, 'statistics' | 'authentication' | 'operations' | 'listeners'> {
  readonly login: Login
  readonly turn: Turn
  readonly timers: TimerWheel
  /** Where statistics outlive a restart; null: nowhere. */
  readonly archive: ArchiveStore | null
  /** Name of the local socket; null for none. */
  readonly socketPath: string | null
  /** For the HTTPS listener, when there is one. */
  readonly tls: TlsContext | null
  /** For the metrics' listener with TLS, when there is one. */
  readonly metricsTls: TlsContext | null
}

/** A running management. */
export interface Management {
  /** Ports in use: `http`, `https`, `prometheus`. */
  readonly listeners: Readonly<Record<string, number>>
  readonly context: ManagementContext
  stop(): Promise<void>
}

/** Starts the management. Rejects with a sentence when a port is taken; nothing stays open then. */
export async function startManagement(parts: ManagementParts): Promise<Management> {
  const listeners: HttpListener[] = []
  const context = makeContext(parts, listeners)
  const { statistics } = context
  const archive = parts.archive === null ? null : new Archive(parts.archive, statistics, parts.logger)
  await archive?.restore(parts.clock.nowMs())
  await parts.queueHistory?.restore(parts.clock.nowMs())
  const metrics = new NodeMetrics(context)
  // The live push reads through the router that it is part of.
  let router: Router<Endpoint> = new Router([])
  const hub = new LiveHub({
    timers: parts.timers,
    clock: parts.clock,
    read: resourceReader(
      () => router,
      () => parts.clock.nowMs(),
    ),
  })
  router = new Router([
    ...allEndpoints(context),
    ...metricsEndpoints(context, metrics),
    liveEndpoint(hub),
    ...consoleEndpoints(readConsoleFiles(consoleFolder()), parts.settings.management.pathPrefix),
  ])
  const stop = async (): Promise<void> => {
    hub.stop()
    statistics.stop()
    metrics.stop()
    await context.operations.end(parts.clock)
    await Promise.all(listeners.map((listener) => listener.close()))
    const nowMs = parts.clock.nowMs()
    await archive?.stop(nowMs)
    const { queueHistory, settings } = parts
    if (!settings.management.disableStatistics)
      await queueHistory?.stop(nowMs, () => statistics.noteQueues(queueHistory))
  }
  try {
    await nameCluster(parts)
    await openListeners(parts, context, metrics, router, listeners)
  } catch (error) {
    await stop()
    throw error
  }
  statistics.start()
  const ports = listeners.filter(({ port }) => port !== 0).map(({ name, port }) => [name, port] as const)
  return { listeners: Object.fromEntries(ports), context, stop }
}

/** Gives the cluster the permanent id that metrics and tools tell it by, once. */
function nameCluster({ broker, randomness }: ManagementParts): Promise<void> {
  if (broker.parameters.getGlobal(CLUSTER_ID) !== undefined) return Promise.resolve()
  return new Promise((resolve) => {
    // Without it everything works, so a store that cannot take it now is no reason to stop.
    broker.parameters.setGlobal(CLUSTER_ID, uniqueName(randomness, 'rabbitmq-cluster-id-'), () => resolve())
  })
}

function makeContext(parts: ManagementParts, listeners: readonly HttpListener[]): ManagementContext {
  const { broker, settings, login, clock, randomness } = parts
  const model: AccessModel = {
    hasVhost: (name) => broker.vhost(name) !== undefined,
    vhostNames: () => [...broker.vhosts()].map(({ name }) => name),
    rights: (login, vhost) => broker.sessionPermissions(login, vhost),
  }
  const statistics = new Statistics({
    broker,
    turn: parts.turn,
    timers: parts.timers,
    everyMs: settings.node.statisticsIntervalMs,
    probe: nodeProbe(parts.node, broker),
    queueHistory: parts.queueHistory,
    enabled: !settings.management.disableStatistics,
  })
  const authentication = new Authentication({
    login,
    model,
    randomness,
    nowMs: () => clock.nowMs(),
    sessionMinutes: settings.management.loginSessionMinutes,
    disableBasic:
      settings.management.disableBasicAuth || (settings.consoleOauth.enabled && settings.consoleOauth.disablesBasic),
  })
  const own = (): ListenerFact[] =>
    listeners
      .filter(({ port }) => port !== 0)
      .map(({ name, host, port }) => ({ protocol: LISTED_NAMES[name] ?? name, host, port }))
  const operations = new RunningOperations()
  return { ...parts, statistics, authentication, operations, listeners: () => [...parts.node.listeners(), ...own()] }
}

async function openListeners(
  parts: ManagementParts,
  context: ManagementContext,
  metrics: NodeMetrics,
  router: Router<Endpoint>,
  listeners: HttpListener[],
): Promise<void> {
  const { management, prometheus } = parts.settings
  const api = apiServer(parts, context, router)
  const metricsOnly = apiServer(parts, context, new Router(metricsEndpoints(context, metrics)))
  const open = async (options: HttpListenerOptions, server: ApiServer, isLocal: boolean): Promise<void> => {
    const handler = (request: IncomingMessage, response: ServerResponse): void => {
      // `handle` answers its own failures.
      void server.handle(request, response, isLocal)
    }
    const refusals = { headers: protectiveHeaders(parts), limits: parts.broker.counters.limits }
    const listener = new HttpListener({ ...options, ...refusals }, handler, parts.logger)
    try {
      await listener.listen()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(`cannot listen for ${options.name} on port ${options.port}: ${reason}`, { cause: error })
    }
    listeners.push(listener)
  }
  await open({ name: 'http', host: management.host, port: management.port }, api, false)
  if (management.sslPort !== null && parts.tls !== null) {
    await open({ name: 'https', host: management.sslHost, port: management.sslPort, tls: parts.tls }, api, false)
  }
  await open({ name: 'prometheus', host: prometheus.host, port: prometheus.port }, metricsOnly, false)
  if (prometheus.sslPort !== null && parts.metricsTls !== null) {
    const { sslHost: host, sslPort: port } = prometheus
    await open({ name: 'prometheus-tls', host, port, tls: parts.metricsTls }, metricsOnly, false)
  }
  if (parts.socketPath !== null) {
    await open({ name: 'local', host: null, port: 0, socketPath: parts.socketPath }, api, true)
  }
}

/** Headers of every reply, whatever it says. */
function protectiveHeaders({ settings }: ManagementParts): Readonly<Record<string, string>> {
  return {
    'content-security-policy': settings.management.contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'SAMEORIGIN',
    'referrer-policy': 'no-referrer',
  }
}

function apiServer(parts: ManagementParts, { authentication }: ManagementContext, router: Router<Endpoint>): ApiServer {
  const { management } = parts.settings
  return new ApiServer({
    router,
    authentication,
    pathPrefix: management.pathPrefix,
    bodyBytesMax: management.bodyBytesMax,
    corsOrigins: management.corsOrigins,
    corsAgeSeconds: management.corsAgeSeconds,
    headers: protectiveHeaders(parts),
    strictTransport: management.strictTransport,
    audit: parts.audit,
    limits: parts.broker.counters.limits,
    logger: parts.logger,
  })
}
