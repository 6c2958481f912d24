/** What objects of a topology look like and say: names, figures, problems, the rates of their connections. */
import * as format from '../base/format.ts'
import { href } from '../base/router.ts'
import type { Connection, Exchange, Queue } from '../base/types.ts'
import { rateOf } from '../base/types.ts'
import type { Graph, GraphEdge, GraphNode } from './graph.ts'
import { DEFAULT_EXCHANGE, problemOf } from './lists.tsx'

/** What is known of the objects in the picture. */
export interface Knowledge {
  readonly vhost: string
  readonly exchanges: ReadonlyMap<string, Exchange>
  readonly queues: ReadonlyMap<string, Queue>
  readonly connections: ReadonlyMap<string, Connection>
}

/** How an object is shown. */
export interface Face {
  readonly title: string
  readonly note: string
  /** The note where there is little room. */
  readonly brief: string
  readonly tone: string
  readonly link: string
}

/** How an object is shown. */
export function faceOf(node: GraphNode, known: Knowledge): Face {
  if (node.kind === 'exchange') return exchangeFace(node, known)
  if (node.kind === 'queue') return queueFace(node, known)
  const connection = known.connections.get(node.name)
  const user = connection?.user ?? 'consumer'
  return {
    title: connection?.user_provided_name ?? node.name,
    note: user,
    brief: user,
    tone: 'consumer',
    link: href(['connections', node.name]),
  }
}

function exchangeFace({ name }: GraphNode, known: Knowledge): Face {
  const exchange = known.exchanges.get(name)
  // What comes by bindings or as dead letters is not counted as published to it.
  const published = rateOf(exchange?.message_stats, 'publish_in') ?? 0
  const rate = published === 0 ? '' : format.rate(published)
  return {
    title: name === '' ? '(default exchange)' : name,
    note: `${exchange?.type ?? ''}${rate === '' ? '' : `, ${rate} in`}`,
    brief: rate === '' ? (exchange?.type ?? '') : rate,
    tone: 'exchange',
    link: href(['exchanges', known.vhost, name === '' ? DEFAULT_EXCHANGE : name]),
  }
}

function queueFace({ name }: GraphNode, known: Knowledge): Face {
  const queue = known.queues.get(name)
  const problem = queue === undefined ? undefined : problemOf(queue)
  const amount = queue?.messages ?? 0
  const rate = format.rate(rateOf(queue?.message_stats, 'publish') ?? 0)
  return {
    title: name,
    note: `${format.shortCount(amount)} ${amount === 1 ? 'message' : 'messages'}, ${problem?.text ?? `${rate} in`}`,
    brief: format.shortCount(amount),
    tone: problem?.tone ?? 'queue',
    link: href(['queues', known.vhost, name]),
  }
}

/** How much flows along a connection; undefined where several share what is known. */
export function rateOfEdge(
  { from, to }: GraphEdge,
  source: GraphNode,
  target: GraphNode,
  known: Knowledge,
  graph: Graph,
): number | undefined {
  if (target.kind === 'consumer') {
    if ((graph.outgoingCounts.get(from) ?? 0) > 1) return undefined
    return rateOf(known.queues.get(source.name)?.message_stats, 'deliver_get')
  }
  if ((graph.incomingCounts.get(to) ?? 0) > 1) return undefined
  return target.kind === 'queue'
    ? rateOf(known.queues.get(target.name)?.message_stats, 'publish')
    : rateOf(known.exchanges.get(target.name)?.message_stats, 'publish_in')
}
