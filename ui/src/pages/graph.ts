/**
 * The picture of a topology: exchanges, queues and consumers in columns, edges between them. Pure: objects in, places out.
 */
import type { Binding, Consumer, Exchange, Queue } from '../base/types.ts'

/** Something in the picture. */
export interface GraphNode {
  readonly id: string
  readonly kind: 'exchange' | 'queue' | 'consumer'
  readonly name: string
  column: number
  row: number
}

/** A line of the picture. */
export interface GraphEdge {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly label: string
}

/** The picture. */
export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  readonly columnCount: number
  readonly rowCount: number
  /** Objects left out to keep it readable. */
  readonly hiddenCount: number
  /** Edges that arrive at, or leave, a node. */
  readonly incomingCounts: ReadonlyMap<string, number>
  readonly outgoingCounts: ReadonlyMap<string, number>
}

/** What is drawn. */
export interface GraphInput {
  readonly exchanges: readonly Exchange[]
  readonly queues: readonly Queue[]
  readonly bindings: readonly Binding[]
  readonly consumers: readonly Consumer[]
  /** A part of a name; what it names is shown with its neighbours. */
  readonly filter: string
  /** Ids of nodes: only they and their neighbours are shown. */
  readonly only?: ReadonlySet<string>
  /** Given for the way of a message: only what is bound is drawn, when true that to the default exchange, too. */
  readonly withDefault?: boolean
}

/** Objects drawn at most. */
export const NODES_MAX = 600
/** Exchanges that lead to each other stand in so many columns after the first, at most. */
const EXCHANGE_COLUMNS_MAX = 4

const idOf = (kind: GraphNode['kind'], name: string): string => `${kind} ${name}`

/** Who consumes, as named in the picture. */
export function consumerName({ channel_details: details, consumer_tag: tag }: Consumer): string {
  return details?.connection_name ?? details?.name ?? tag
}

/** Draws it. */
export function layOut(input: GraphInput): Graph {
  const edges = edgesOf(input)
  const linked = new Set([...edges.flatMap(({ from, to }) => [from, to]), ...alone(input)])
  const wanted = input.filter.toLowerCase()
  const isMeant = (id: string) => id.toLowerCase().includes(wanted) && (input.only?.has(id) ?? true)
  const named = new Set([...linked].filter(isMeant))
  const kept =
    wanted === '' && input.only === undefined
      ? linked
      : new Set([...named, ...edges.flatMap(({ from, to }) => (named.has(from) || named.has(to) ? [from, to] : []))])
  const ids = [...kept].slice(0, NODES_MAX)
  const shown = new Set(ids)
  const shownEdges = edges.filter(({ from, to }) => shown.has(from) && shown.has(to))
  const nodes = ids.map((id): GraphNode => {
    const space = id.indexOf(' ')
    const kind = id.slice(0, space) as GraphNode['kind']
    return { id, kind, name: id.slice(space + 1), column: 0, row: 0 }
  })
  const columnCount = placeColumns(nodes, shownEdges)
  placeRows(nodes, shownEdges, columnCount)
  const rowCount = Math.max(1, ...nodes.map(({ row }) => row + 1))
  return {
    nodes,
    edges: shownEdges,
    columnCount,
    rowCount,
    hiddenCount: kept.size - ids.length,
    incomingCounts: countBy(edges.map(({ to }) => to)),
    outgoingCounts: countBy(edges.map(({ from }) => from)),
  }
}

/** Queues that are known by their names alone, and exchanges that lead nowhere; those that every virtual host has say nothing. */
function alone({ exchanges, queues, withDefault }: GraphInput): readonly string[] {
  // The way of a message shows what it passes, and nothing else.
  if (withDefault !== undefined) return []
  const own = exchanges.filter(({ name }) => name !== '' && !name.startsWith('amq.'))
  return [...own.map(({ name }) => idOf('exchange', name)), ...queues.map(({ name }) => idOf('queue', name))]
}

function countBy(ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

function edgesOf({ bindings, consumers, withDefault }: GraphInput): GraphEdge[] {
  const merged = new Map<string, string[]>()
  const add = (from: string, to: string, label: string) => {
    const key = `${from}\n${to}`
    merged.set(key, [...(merged.get(key) ?? []), label].filter(Boolean))
  }
  for (const binding of bindings) {
    // Every queue is bound to the default exchange: that says nothing.
    if (binding.source === '' && withDefault !== true) continue
    add(idOf('exchange', binding.source), idOf(binding.destination_type, binding.destination), binding.routing_key)
  }
  for (const consumer of consumers)
    add(idOf('queue', consumer.queue.name), idOf('consumer', consumerName(consumer)), '')
  return [...merged].map(([id, labels]) => {
    const [from = '', to = ''] = id.split('\n')
    return { id, from, to, label: labels.join(', ') }
  })
}

/** Edges without those that lead back to where a way came from. */
function withoutCycles(edges: readonly GraphEdge[]): readonly GraphEdge[] {
  const outgoing = new Map<string, GraphEdge[]>()
  for (const edge of edges) outgoing.set(edge.from, [...(outgoing.get(edge.from) ?? []), edge])
  const onTheWay = new Set<string>()
  const seen = new Set<string>()
  const forward: GraphEdge[] = []
  const follow = (id: string): void => {
    seen.add(id)
    onTheWay.add(id)
    for (const edge of outgoing.get(id) ?? []) {
      if (onTheWay.has(edge.to)) continue
      forward.push(edge)
      if (!seen.has(edge.to)) follow(edge.to)
    }
    onTheWay.delete(id)
  }
  for (const id of outgoing.keys()) if (!seen.has(id)) follow(id)
  return forward
}

/** Exchanges by their distance from those that nothing is bound to, then queues, then consumers. */
function placeColumns(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): number {
  const byId = new Map(nodes.map((node) => [node.id, node] as const))
  let deepest = 0
  const forward = withoutCycles(
    edges.filter(({ from, to }) => from.startsWith('exchange') && to.startsWith('exchange')),
  )
  for (let round = 0; round < nodes.length; round++) {
    let isChanged = false
    for (const { from, to } of forward) {
      const [source, target] = [byId.get(from), byId.get(to)]
      if (source === undefined || target === undefined || target.column > source.column) continue
      if (source.column + 1 > EXCHANGE_COLUMNS_MAX) continue
      target.column = source.column + 1
      deepest = Math.max(deepest, target.column)
      isChanged = true
    }
    if (!isChanged) break
  }
  for (const node of nodes) {
    if (node.kind === 'queue') node.column = deepest + 1
    if (node.kind === 'consumer') node.column = deepest + 2
  }
  return deepest + 3
}

/**
 * Puts what belongs together side by side: queues in the order of the exchanges that lead to them, everything else beside
 * the middle of its neighbours. Lines stay short, however many objects there are.
 */
function placeRows(nodes: readonly GraphNode[], edges: readonly GraphEdge[], columnCount: number): void {
  const byId = new Map(nodes.map((node) => [node.id, node] as const))
  const outgoing = new Map<string, GraphNode[]>()
  const incoming = new Map<string, GraphNode[]>()
  for (const { from, to } of edges) {
    const [source, target] = [byId.get(from), byId.get(to)]
    if (source === undefined || target === undefined) continue
    outgoing.set(from, [...(outgoing.get(from) ?? []), target])
    incoming.set(to, [...(incoming.get(to) ?? []), source])
  }
  const byName = (a: GraphNode, b: GraphNode) => a.name.localeCompare(b.name, 'en', { numeric: true })
  const queues = queuesInOrder([...nodes].sort(byName), outgoing, byName)
  queues.forEach((node, i) => {
    node.row = i
  })
  const queueColumn = columnCount - 2
  // From the queues to both sides, so that neighbours have their rows already.
  for (let column = queueColumn - 1; column >= 0; column--) alignColumn(nodes, column, outgoing)
  alignColumn(nodes, queueColumn + 1, incoming)
}

function queuesInOrder(
  sorted: readonly GraphNode[],
  outgoing: ReadonlyMap<string, readonly GraphNode[]>,
  byName: (a: GraphNode, b: GraphNode) => number,
): GraphNode[] {
  const seen = new Set<string>()
  const queues: GraphNode[] = []
  const visit = (node: GraphNode): void => {
    if (seen.has(node.id)) return
    seen.add(node.id)
    if (node.kind === 'queue') queues.push(node)
    if (node.kind === 'exchange') [...(outgoing.get(node.id) ?? [])].sort(byName).forEach(visit)
  }
  // Exchanges that others lead to are reached from those.
  for (const node of sorted) if (node.kind === 'exchange' && node.column === 0) visit(node)
  for (const node of sorted) visit(node)
  return queues
}

/** Gives each node of a column the middle of its neighbours' rows, and none the place of another. */
function alignColumn(
  nodes: readonly GraphNode[],
  column: number,
  neighbours: ReadonlyMap<string, readonly GraphNode[]>,
): void {
  // What has no neighbours stands below the others.
  const middle = (node: GraphNode): number => {
    const rows = (neighbours.get(node.id) ?? []).filter((other) => other.column !== column).map(({ row }) => row)
    return rows.length === 0 ? Number.POSITIVE_INFINITY : rows.reduce((sum, row) => sum + row, 0) / rows.length
  }
  let next = 0
  const wanted = nodes.filter((node) => node.column === column).map((node) => ({ node, row: middle(node) }))
  for (const { node, row } of wanted.sort((a, b) => a.row - b.row)) {
    node.row = row === Number.POSITIVE_INFINITY ? next : Math.max(row, next)
    next = node.row + 1
  }
}
