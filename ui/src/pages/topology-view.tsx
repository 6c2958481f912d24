/** The drawing of a topology: lines and boxes, each box a link. Also used to show the way of a message. */
import { useMemo, useState } from 'preact/hooks'
import * as format from '../base/format.ts'
import { href } from '../base/router.ts'
import type { Connection, Exchange, Queue } from '../base/types.ts'
import { rateOf } from '../base/types.ts'
import type { Graph, GraphNode } from './graph.ts'
import { problemOf } from './lists.tsx'

const WIDTH = 210
const HEIGHT = 40
const GAP_X = 120
const GAP_Y = 12
const MARGIN = 12
const LABEL_CHARACTERS = 26

/** What is known of the objects in the picture. */
export interface Knowledge {
  readonly vhost: string
  readonly exchanges: ReadonlyMap<string, Exchange>
  readonly queues: ReadonlyMap<string, Queue>
  readonly connections: ReadonlyMap<string, Connection>
}

interface Face {
  readonly title: string
  readonly note: string
  readonly tone: string
  readonly link: string
  readonly rate: number
}

function faceOf(node: GraphNode, known: Knowledge): Face {
  if (node.kind === 'exchange') {
    const exchange = known.exchanges.get(node.name)
    const rate = rateOf(exchange?.message_stats, 'publish_in') ?? 0
    return {
      title: node.name,
      note: `${exchange?.type ?? ''}, ${format.rate(rate)} in`,
      tone: 'exchange',
      link: href(['exchanges', known.vhost, node.name]),
      rate,
    }
  }
  if (node.kind === 'queue') {
    const queue = known.queues.get(node.name)
    const problem = queue === undefined ? undefined : problemOf(queue)
    const rate = rateOf(queue?.message_stats, 'publish') ?? 0
    return {
      title: node.name,
      note: `${format.shortCount(queue?.messages)} messages, ${problem?.text ?? `${format.rate(rate)} in`}`,
      tone: problem?.tone ?? 'queue',
      link: href(['queues', known.vhost, node.name]),
      rate,
    }
  }
  const connection = known.connections.get(node.name)
  return {
    title: connection?.user_provided_name ?? node.name,
    note: connection?.user ?? 'consumer',
    tone: 'consumer',
    link: href(['connections', node.name]),
    rate: 0,
  }
}

function short(text: string): string {
  return text.length > LABEL_CHARACTERS ? `${text.slice(0, LABEL_CHARACTERS - 1)}…` : text
}

/** The picture. `lit`: ids of edges and nodes that are highlighted; null: all alike. */
export function TopologyView(props: {
  readonly graph: Graph
  readonly known: Knowledge
  readonly lit: ReadonlySet<string> | null
}) {
  const { graph, known } = props
  const [hovered, setHovered] = useState<string | null>(null)
  const byId = useMemo(() => new Map(graph.nodes.map((node) => [node.id, node] as const)), [graph])
  const place = ({ column, row }: GraphNode) => ({
    x: MARGIN + column * (WIDTH + GAP_X),
    y: MARGIN + row * (HEIGHT + GAP_Y),
  })
  const near = new Set(
    hovered === null
      ? []
      : graph.edges.flatMap(({ id, from, to }) => (from === hovered || to === hovered ? [id, from, to] : [])),
  )
  const focus = hovered === null ? props.lit : near
  const look = (id: string) => (focus === null ? '' : focus.has(id) || id === hovered ? 'lit' : 'dim')
  const width = graph.columnCount * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN
  const height = graph.rowCount * (HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="topology" tabIndex={0} aria-label="Topology">
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        aria-label="Exchanges, queues and consumers"
      >
        <g>
          {graph.edges.map((edge) => {
            const [from, to] = [byId.get(edge.from), byId.get(edge.to)]
            if (from === undefined || to === undefined) return null
            const [a, b] = [place(from), place(to)]
            const [x1, y1, x2, y2] = [a.x + WIDTH, a.y + HEIGHT / 2, b.x, b.y + HEIGHT / 2]
            const bend = Math.max(40, (x2 - x1) / 2)
            const rate = faceOf(to.kind === 'consumer' ? from : to, known).rate
            const isLit = look(edge.id) === 'lit'
            return (
              <g key={edge.id} class={`edge ${look(edge.id)}`}>
                <path
                  d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
                  stroke-width={1 + Math.min(4, Math.log10(1 + rate) * 1.3)}
                />
                {isLit && edge.label !== '' ? (
                  <text x={(x1 + x2) / 2} y={(y1 + y2) / 2 - 4} text-anchor="middle">
                    {short(edge.label)}
                  </text>
                ) : null}
              </g>
            )
          })}
        </g>
        {graph.nodes.map((node) => {
          const { x, y } = place(node)
          const face = faceOf(node, known)
          return (
            <a
              key={node.id}
              href={face.link}
              class={`node ${face.tone} ${look(node.id)}`}
              onMouseEnter={() => setHovered(node.id)}
              onMouseLeave={() => setHovered(null)}
              onFocus={() => setHovered(node.id)}
              onBlur={() => setHovered(null)}
            >
              <title>{`${node.kind} ${face.title}`}</title>
              <rect x={x} y={y} width={WIDTH} height={HEIGHT} rx={node.kind === 'queue' ? 5 : 20} />
              <text class="name" x={x + 14} y={y + 17}>
                {short(face.title)}
              </text>
              <text class="note" x={x + 14} y={y + 31}>
                {short(face.note)}
              </text>
            </a>
          )
        })}
      </svg>
    </section>
  )
}
