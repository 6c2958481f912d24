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
}

/** What is drawn. */
export interface GraphInput {
  readonly exchanges: readonly Exchange[]
  readonly queues: readonly Queue[]
  readonly bindings: readonly Binding[]
  readonly consumers: readonly Consumer[]
  /** A part of a name; what it names is shown with its neighbours. */
  readonly filter: string
}

/** Objects drawn at most. */
export const NODES_MAX = 500
const SWEEPS = 4

const idOf = (kind: GraphNode['kind'], name: string): string => `${kind} ${name}`

/** Who consumes, as named in the picture. */
export function consumerName({ channel_details: details, consumer_tag: tag }: Consumer): string {
  return details?.connection_name ?? details?.name ?? tag
}

/** Draws it. */
export function layOut(input: GraphInput): Graph {
  const edges = edgesOf(input)
  const linked = new Set(edges.flatMap(({ from, to }) => [from, to]))
  const wanted = input.filter.toLowerCase()
  const named = new Set([...linked].filter((id) => id.toLowerCase().includes(wanted)))
  const kept =
    wanted === ''
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
  return { nodes, edges: shownEdges, columnCount, rowCount, hiddenCount: kept.size - ids.length }
}

function edgesOf({ bindings, consumers }: GraphInput): GraphEdge[] {
  const merged = new Map<string, string[]>()
  const add = (from: string, to: string, label: string) => {
    const key = `${from}\n${to}`
    merged.set(key, [...(merged.get(key) ?? []), label].filter(Boolean))
  }
  for (const binding of bindings) {
    // Every queue is bound to the default exchange: that says nothing.
    if (binding.source === '') continue
    add(idOf('exchange', binding.source), idOf(binding.destination_type, binding.destination), binding.routing_key)
  }
  for (const consumer of consumers)
    add(idOf('queue', consumer.queue.name), idOf('consumer', consumerName(consumer)), '')
  return [...merged].map(([id, labels]) => {
    const [from = '', to = ''] = id.split('\n')
    return { id, from, to, label: labels.join(', ') }
  })
}

/** Exchanges by their distance from those that nothing is bound to, then queues, then consumers. */
function placeColumns(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): number {
  const byId = new Map(nodes.map((node) => [node.id, node] as const))
  let deepest = 0
  // A cycle of exchanges ends after as many rounds as there are exchanges.
  for (let round = 0; round < nodes.length; round++) {
    let isChanged = false
    for (const { from, to } of edges) {
      const [source, target] = [byId.get(from), byId.get(to)]
      if (source?.kind !== 'exchange' || target?.kind !== 'exchange' || target.column > source.column) continue
      if (source.column + 1 > 4) continue
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

/** Orders each column by the middle of its neighbours, a few times to and fro, so that few lines cross. */
function placeRows(nodes: readonly GraphNode[], edges: readonly GraphEdge[], columnCount: number): void {
  const byId = new Map(nodes.map((node) => [node.id, node] as const))
  const neighbours = new Map<string, string[]>()
  for (const { from, to } of edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to])
    neighbours.set(to, [...(neighbours.get(to) ?? []), from])
  }
  const columns = Array.from({ length: columnCount }, (_, column) =>
    nodes
      .filter((node) => node.column === column)
      .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
  )
  for (const column of columns) {
    column.forEach((node, i) => {
      node.row = i
    })
  }
  const middle = (node: GraphNode): number => {
    const rows = (neighbours.get(node.id) ?? []).map((id) => byId.get(id)?.row ?? 0)
    return rows.length === 0 ? node.row : rows.reduce((sum, row) => sum + row, 0) / rows.length
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const column of sweep % 2 === 0 ? columns : [...columns].reverse()) {
      const keyed = column.map((node) => ({ node, key: middle(node) })).sort((a, b) => a.key - b.key)
      keyed.forEach(({ node }, i) => {
        node.row = i
      })
    }
  }
  const tallest = Math.max(1, ...columns.map(({ length }) => length))
  for (const column of columns) {
    const offset = (tallest - column.length) / 2
    for (const node of column) node.row += offset
  }
}
