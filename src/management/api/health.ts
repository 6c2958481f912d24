/**
 * `/api/health/checks/…`, `/api/aliveness-test`, `/api/healthchecks/node`: 200 `{status: ok}`, or 503 with the reason.
 */
import type { ManagementContext } from '../context.ts'
import { badRequest, objectNotFound } from '../http/api-error.ts'
import { type Access, type ApiRequest, type Endpoint, plain, type Reply } from '../http/endpoint.ts'
import type { JsonObject } from '../http/list-reply.ts'
import { vhostOf } from './scope.ts'

const TAG = 'Health checks'
const DAY_MS = 86_400_000
const UNITS_MS: Readonly<Record<string, number>> = {
  days: DAY_MS,
  weeks: 7 * DAY_MS,
  months: 30 * DAY_MS,
  years: 365 * DAY_MS,
}
/** Names of alarms as RabbitMQ reports them. */
const ALARM_RESOURCES = {
  memory: 'memory',
  disk: 'disk',
  storage: 'storage',
  file_descriptors: 'file_descriptor_limit',
} as const

function healthy(fields: JsonObject = {}): Reply {
  return { status: 200, json: { status: 'ok', ...fields } }
}

function failed(reason: string, fields: JsonObject = {}): Reply {
  return { status: 503, json: { status: 'failed', reason, ...fields } }
}

/** The endpoints of this file. */
export function healthEndpoints(context: ManagementContext): Endpoint[] {
  const check = (
    path: string,
    summary: string,
    handle: (request: ApiRequest) => Reply,
    access: Access = 'management',
  ): Endpoint => plain({ method: 'GET', path, access, tag: TAG, summary, handle })
  const checks = (path: string, summary: string, handle: (request: ApiRequest) => Reply): Endpoint =>
    check(`/api/health/checks/${path}`, summary, handle)
  const single = (): Reply => healthy({ reason: 'single node cluster' })
  const quorum = 'quorum-queues-without-elected-leaders'
  return [
    checks('alarms', 'No alarm is in force in the cluster.', () => alarms(context)),
    checks('local-alarms', 'No alarm is in force on the node.', () => alarms(context)),
    checks('metadata-store/initialized', 'The metadata is loaded.', () => healthy()),
    checks('metadata-store/initialized/with-data', 'The metadata is loaded and has virtual hosts.', () =>
      [...context.broker.vhosts()].length > 0 ? healthy() : failed('the metadata store has no virtual hosts'),
    ),
    checks('certificate-expiration/:within/:unit', 'No certificate expires within a time.', (request) =>
      certificates(context, request),
    ),
    checks('port-listener/:port', 'Something listens on a port.', (request) => portListener(context, request)),
    checks('protocol-listener/:protocols', 'Protocols (with commas) have listeners.', (request) =>
      protocolListener(context, request),
    ),
    checks('virtual-hosts', 'All virtual hosts run.', () => healthy()),
    checks('node-is-quorum-critical', 'No queue would lose its majority without this node.', single),
    checks('node-is-mirror-sync-critical', 'The same for mirrored queues.', single),
    checks(`${quorum}/all-vhosts`, 'All quorum queues have a leader.', () => healthy()),
    checks(`${quorum}/all-vhosts/pattern/:pattern`, 'Those whose names match.', () => healthy()),
    checks(`${quorum}/vhost/:vhost`, 'Those of a virtual host.', () => healthy()),
    checks(`${quorum}/vhost/:vhost/pattern/:pattern`, 'Those of a virtual host whose names match.', () => healthy()),
    checks('is-in-service', 'The node serves clients.', () => inService(context)),
    checks('ready-to-serve-clients', 'The node is ready to serve clients.', () =>
      context.controls.service.state === 'suspended'
        ? failed('the ports of clients are suspended')
        : inService(context),
    ),
    checks('reached-target-cluster-size', 'The cluster has all its nodes.', () => healthy()),
    checks('below-node-connection-limit', 'The node may take more connections.', () => connectionLimit(context)),
    check(
      '/api/aliveness-test/:vhost',
      'The virtual host is there. RabbitMQ 4 does no more, either.',
      (request) => {
        vhostOf(context.broker, request)
        return healthy()
      },
      'vhost-visible',
    ),
    check('/api/healthchecks/node', 'The node runs.', () => healthy()),
    check('/api/healthchecks/node/:node', 'A node runs.', (request) => {
      if (request.param('node') !== context.node.name) throw objectNotFound()
      return healthy()
    }),
  ]
}

function inService({ controls, node }: ManagementContext): Reply {
  const { state } = controls.service
  if (state === 'drained') return failed(`node ${node.name} is in maintenance mode`)
  return state === 'stopped' ? failed(`the broker on node ${node.name} is stopped`) : healthy()
}

function alarms({ alarms, node }: ManagementContext): Reply {
  if (alarms.raised.length === 0) return healthy()
  return failed('There are alarms in effect in the cluster', {
    alarms: alarms.raised.map((name) => ({ node: node.name, resource: ALARM_RESOURCES[name] })),
  })
}

function certificates({ node, clock }: ManagementContext, request: ApiRequest): Reply {
  const within = Number(request.param('within'))
  const unitMs = UNITS_MS[request.param('unit').replace(/s?$/, 's')]
  if (!Number.isInteger(within) || within < 0) throw badRequest('Invalid expiration value.')
  if (unitMs === undefined) {
    throw badRequest('Time unit not recognised. Supported units: days, weeks, months, years.')
  }
  const untilMs = clock.nowMs() + within * unitMs
  const expiring = node.certificates().filter(({ notAfterMs }) => notAfterMs <= untilMs)
  if (expiring.length === 0) return healthy()
  return failed('Certificates expiring', {
    expired: expiring.map(({ listener, notAfterMs }) => ({
      node: node.name,
      protocol: listener.protocol,
      interface: listener.host,
      port: listener.port,
      certfile_expires_on: new Date(notAfterMs).toISOString(),
    })),
  })
}

function portListener(context: ManagementContext, request: ApiRequest): Reply {
  const port = Number(request.param('port'))
  if (!Number.isInteger(port)) throw badRequest('Invalid port')
  const ports = [...new Set(context.listeners().map((listener) => listener.port))]
  if (ports.includes(port)) return healthy({ port })
  return failed('No active listener', { missing: port, ports })
}

function protocolListener(context: ManagementContext, request: ApiRequest): Reply {
  const wanted = request.param('protocols').split(',')
  const protocols = [...new Set(context.listeners().map(({ protocol }) => protocol))]
  const isServed = (name: string): boolean => protocols.some((protocol) => aliasesOf(protocol).includes(name))
  const missing = wanted.filter((name) => !isServed(name.trim().toLowerCase()))
  if (missing.length === 0) return healthy({ protocol: request.param('protocols') })
  return failed('No active listener', { missing: missing.join(','), protocols })
}

/** Other names that people ask for. */
function aliasesOf(protocol: string): readonly string[] {
  switch (protocol) {
    case 'amqp':
      return ['amqp', 'amqp091', 'amqp0.9.1', 'amqp-0-9-1', 'amqp10', 'amqp1.0', 'amqp-1-0']
    case 'amqp/ssl':
      return ['amqp/ssl', 'amqps', 'amqp-tls']
    case 'mqtt/ssl':
      return ['mqtt/ssl', 'mqtts']
    case 'stomp/ssl':
      return ['stomp/ssl', 'stomps']
    default:
      return [protocol]
  }
}

function connectionLimit({ broker, node }: ManagementContext): Reply {
  const limit = node.settingsInForce().amqp.connectionCountMax
  const connections = broker.connections.count
  if (connections < limit) return healthy({ connections, limit: limit === Infinity ? 'infinity' : limit })
  return failed('node connection limit is reached', { connections, limit })
}
