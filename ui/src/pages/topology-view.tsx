/**
 * The drawing of a topology: lines and boxes, each box a link. Also used to show the way of a message.
 *
 * The picture is one memoized layer; what is pointed at, or lit, is drawn once more above it while the layer fades. So
 * moving over 500 objects draws a few of them.
 */
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import * as format from '../base/format.ts'
import { Button } from '../parts/basics.tsx'
import type { Graph, GraphEdge, GraphNode } from './graph.ts'
import { type Face, faceOf, type Knowledge, rateOfEdge } from './topology-face.ts'

const WIDTH = 210
const GAP_X = 130
const MARGIN = 12
const CHARACTER_PIXELS = 7.2
const ZOOMS = [0.15, 0.25, 0.4, 0.6, 0.8, 1, 1.3, 1.7, 2.2] as const
/** The size of letters for which the picture is drawn. */
const FONT_PIXELS = 14
/** Below this scale nobody reads small text. */
const ZOOM_READABLE = 0.6

interface Shape {
  readonly height: number
  readonly gap: number
}

/** With many objects each takes one line. */
const ROOMY: Shape = { height: 40, gap: 12 }
const DENSE: Shape = { height: 24, gap: 6 }
const DENSE_FROM = 120

interface Picture {
  readonly graph: Graph
  readonly known: Knowledge
  readonly shape: Shape
  readonly byId: ReadonlyMap<string, GraphNode>
}

const placeOf = ({ column, row }: GraphNode, { height, gap }: Shape) => ({
  x: MARGIN + column * (WIDTH + GAP_X),
  y: MARGIN + row * (height + gap),
})

/** The scale that shows letters as large as those of the page. */
function standardZoom(): number {
  return Math.max(1, Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / FONT_PIXELS)
}

function short(text: string, pixels: number): string {
  const most = Math.floor(pixels / CHARACTER_PIXELS)
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

/** The picture. `lit`: ids of edges and nodes that are highlighted; null: all alike. */
export function TopologyView(props: {
  readonly graph: Graph
  readonly known: Knowledge
  readonly lit: ReadonlySet<string> | null
}) {
  const { graph, known, lit } = props
  const [hovered, setHovered] = useState<string | null>(null)
  const [chosenZoom, setZoom] = useState<number | null>(null)
  const place = useRef<HTMLElement>(null)
  const [placePixels, setPlacePixels] = useState(0)
  const shape = graph.nodes.length > DENSE_FROM ? DENSE : ROOMY
  const picture = useMemo<Picture>(
    () => ({ graph, known, shape, byId: new Map(graph.nodes.map((node) => [node.id, node] as const)) }),
    [graph, known],
  )
  const width = graph.columnCount * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN
  const height = graph.rowCount * (shape.height + shape.gap) - shape.gap + 2 * MARGIN
  // As wide as there is room, while it can be read; letters are as large as those of the page at most.
  const zoom = chosenZoom ?? Math.min(Math.max(placePixels / width, ZOOM_READABLE), standardZoom())
  useLayoutEffect(() => setPlacePixels(place.current?.clientWidth ?? 0), [graph.columnCount])
  const base = useMemo(
    () => <Layer picture={picture} wanted={null} onPoint={setHovered} isFine={zoom >= ZOOM_READABLE} />,
    [picture, zoom],
  )
  const focus = useMemo(() => (hovered === null ? lit : around(hovered, graph)), [hovered, lit, graph])
  return (
    <>
      <Zoom zoom={zoom} setZoom={setZoom} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section class="topology" tabIndex={0} aria-label="Topology" ref={place}>
        <svg
          width={width * zoom}
          height={height * zoom}
          viewBox={`0 0 ${width} ${height}`}
          class={focus === null ? '' : 'focused'}
          aria-label="Exchanges, queues and consumers"
        >
          {base}
          {focus === null ? null : (
            // biome-ignore lint/a11y/noAriaHiddenOnFocusable: the same is below it, for everybody; this takes no focus.
            <g class="above" aria-hidden="true">
              <Layer picture={picture} wanted={focus} onPoint={null} isFine />
            </g>
          )}
        </svg>
      </section>
    </>
  )
}

function Zoom({ zoom, setZoom }: { readonly zoom: number; readonly setZoom: (zoom: number) => void }) {
  const smaller = ZOOMS.findLast((step) => step < zoom)
  const larger = ZOOMS.find((step) => step > zoom)
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would need a legend that nobody needs to see.
    <div class="zoom" role="group" aria-label="Size of the picture">
      <span class="muted small grow">Point at a box to see its ways alone; a click leads to it.</span>
      <Button
        icon="minus"
        label="Smaller"
        look="low"
        disabled={smaller === undefined}
        onClick={() => setZoom(smaller ?? zoom)}
      />
      <span class="number small">{format.percent(zoom)}</span>
      <Button
        icon="plus"
        label="Larger"
        look="low"
        disabled={larger === undefined}
        onClick={() => setZoom(larger ?? zoom)}
      />
    </div>
  )
}

/** What a node is connected to directly. */
function around(id: string, graph: Graph): ReadonlySet<string> {
  const near = graph.edges.flatMap(({ id: edge, from, to }) => (from === id || to === id ? [edge, from, to] : []))
  return new Set([id, ...near])
}

/** Edges below nodes; all, or the wanted ones. */
function Layer(props: {
  readonly picture: Picture
  readonly wanted: ReadonlySet<string> | null
  readonly onPoint: ((id: string | null) => void) | null
  readonly isFine: boolean
}) {
  const { picture, wanted, onPoint, isFine } = props
  const has = ({ id }: { readonly id: string }) => wanted === null || wanted.has(id)
  return (
    <g class={wanted === null ? 'all' : ''}>
      {picture.graph.edges.filter(has).map((edge) => (
        <Edge key={edge.id} edge={edge} picture={picture} isLit={wanted !== null} isFine={isFine} />
      ))}
      {picture.graph.nodes.filter(has).map((node) =>
        onPoint === null ? (
          <g key={node.id} class={`node lit ${faceOf(node, picture.known).tone}`}>
            <Box node={node} picture={picture} face={faceOf(node, picture.known)} />
          </g>
        ) : (
          <Link key={node.id} node={node} picture={picture} onPoint={onPoint} />
        ),
      )}
    </g>
  )
}

function Edge(props: {
  readonly edge: GraphEdge
  readonly picture: Picture
  readonly isLit: boolean
  readonly isFine: boolean
}) {
  const { edge, isLit } = props
  const { byId, shape, known, graph } = props.picture
  const [from, to] = [byId.get(edge.from), byId.get(edge.to)]
  if (from === undefined || to === undefined) return null
  const [a, b] = [placeOf(from, shape), placeOf(to, shape)]
  const [x1, y1, x2, y2] = [a.x + WIDTH, a.y + shape.height / 2, b.x, b.y + shape.height / 2]
  // A line that leads back leaves and arrives in a wide bow.
  const bend = x2 > x1 ? Math.max(40, (x2 - x1) / 2) : GAP_X
  const rate = rateOfEdge(edge, from, to, known, graph)
  return (
    <g class={isLit ? 'edge lit' : 'edge'}>
      <path
        d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
        stroke-width={1 + Math.min(4, Math.log10(1 + (rate ?? 0)) * 1.3)}
      />
      {rate !== undefined && rate > 0 && props.isFine ? (
        <text class="rate" x={x2 - 6} y={y2 - 5} text-anchor="end">
          {format.rate(rate)}
        </text>
      ) : null}
      {isLit && edge.label !== '' ? (
        // At the end of the line, below its rate: at its beginning all lines of an exchange meet.
        <text x={x2 - 6} y={y2 + 13} text-anchor="end">
          {short(edge.label, GAP_X)}
        </text>
      ) : null}
    </g>
  )
}

function Link(props: {
  readonly node: GraphNode
  readonly picture: Picture
  readonly onPoint: (id: string | null) => void
}) {
  const { node, picture, onPoint } = props
  const face = faceOf(node, picture.known)
  return (
    <a
      href={face.link}
      class={`node ${face.tone}`}
      onMouseEnter={() => onPoint(node.id)}
      onMouseLeave={() => onPoint(null)}
      onFocus={() => onPoint(node.id)}
      onBlur={() => onPoint(null)}
    >
      <title>{`${node.kind} ${face.title}: ${face.note}`}</title>
      <Box node={node} picture={picture} face={face} />
    </a>
  )
}

function Box({ node, picture, face }: { readonly node: GraphNode; readonly picture: Picture; readonly face: Face }) {
  const { shape } = picture
  const { x, y } = placeOf(node, shape)
  const radius = node.kind === 'queue' ? 5 : shape.height / 2
  return (
    <>
      <rect x={x} y={y} width={WIDTH} height={shape.height} rx={radius} />
      {shape === ROOMY ? (
        <>
          <text class="name" x={x + 14} y={y + 17}>
            {short(face.title, WIDTH - 28)}
          </text>
          <text class="note" x={x + 14} y={y + 31}>
            {short(face.note, WIDTH - 10)}
          </text>
        </>
      ) : (
        <>
          <text class="name" x={x + 10} y={y + 16}>
            {short(face.title, WIDTH - 70)}
          </text>
          <text class="note" x={x + WIDTH - 8} y={y + 16} text-anchor="end">
            {face.brief}
          </text>
        </>
      )}
    </>
  )
}
