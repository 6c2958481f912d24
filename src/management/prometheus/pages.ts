/**
 * The pages that Prometheus reads: `/metrics`, `/metrics/per-object`, `/metrics/detailed`, `/metrics/memory-breakdown`.
 * Served on the metrics port and on the HTTP API's. [RabbitMQ: prometheus plug-in]
 */
import { memoryBreakdown } from '../api/nodes.ts'
import type { ManagementContext } from '../context.ts'
import { type Endpoint, plain, type ReplyStream } from '../http/endpoint.ts'
import { CONTENT_TYPE, head, labels, sample, single } from './exposition.ts'
import type { NodeMetrics } from './node-metrics.ts'
import { type ObjectsQuery, objectMetrics } from './objects.ts'

const NO_FAMILIES: ReadonlySet<string> = new Set()
const AGGREGATED: ObjectsQuery = { prefix: 'rabbitmq_', perObject: false, families: null, vhosts: null, queue: null }

/** The endpoints. */
export function metricsEndpoints(context: ManagementContext, node: NodeMetrics): Endpoint[] {
  const { path: base, perObject } = context.settings.prometheus
  const page = (path: string, summary: string, text: (query: URLSearchParams) => ReplyStream | string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: 'anyone',
      tag: 'Metrics',
      summary,
      handle: ({ query }) => ({ status: 200, text: text(query), contentType: CONTENT_TYPE }),
    })
  const pages = [
    page(base, 'Metrics, summed over objects.', () => everything(context, node, { ...AGGREGATED, perObject })),
    page(`${base}/per-object`, 'Metrics of every object.', () =>
      everything(context, node, { ...AGGREGATED, perObject: true }),
    ),
    page(
      `${base}/detailed`,
      'Metrics of chosen families (`family`), virtual hosts (`vhost`), queues (`queue`).',
      (query) => detailed(context, node, query),
    ),
    page(`${base}/memory-breakdown`, 'Memory by what uses it.', () => node.identity('memory-breakdown') + memoryPage()),
  ]
  return pages
}

async function* everything(context: ManagementContext, node: NodeMetrics, query: ObjectsQuery): AsyncGenerator<string> {
  yield node.all(query.perObject ? 'per-object' : 'aggregated')
  yield* objectMetrics(context, query)
}

function detailed(context: ManagementContext, node: NodeMetrics, params: URLSearchParams): ReplyStream {
  const vhosts = params.getAll('vhost')
  const query: ObjectsQuery = {
    prefix: 'rabbitmq_detailed_',
    perObject: true,
    families: new Set(params.getAll('family')),
    vhosts: vhosts.length === 0 ? null : new Set(vhosts),
    queue: queueFilter(params.get('queue')),
  }
  return detailedText(context, node, query)
}

async function* detailedText(
  context: ManagementContext,
  node: NodeMetrics,
  query: ObjectsQuery,
): AsyncGenerator<string> {
  yield node.identity('detailed') + node.families(query.families ?? NO_FAMILIES)
  yield* objectMetrics(context, query)
  if (query.families?.has('vhost_status') !== true) return
  const name = 'rabbitmq_cluster_vhost_status'
  const samples = [...context.broker.vhosts()].map((vhost) => sample(name, labels({ vhost: vhost.name }), 1))
  yield head({ name, type: 'gauge', help: 'Whether a given vhost is running' }) + samples.join('')
}

/** A name with `*` for anything. No regular expression: anybody may ask, and some never end. */
function queueFilter(pattern: string | null): ((name: string) => boolean) | null {
  if (pattern === null || pattern === '') return null
  const [first, ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return (name) => name === pattern
  return (name) => {
    if (!name.startsWith(first!)) return false
    let at = first!.length
    for (const part of rest) {
      const found = name.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return name.length - last.length >= at && name.endsWith(last)
  }
}

function memoryPage(): string {
  let text = ''
  for (const [name, bytes] of Object.entries(memoryBreakdown())) {
    if (typeof bytes !== 'number') continue
    text += single(
      { name: `rabbitmq_memory_${name}_bytes`, type: 'gauge', help: `Memory: ${name.replaceAll('_', ' ')}` },
      bytes,
    )
  }
  return text
}
