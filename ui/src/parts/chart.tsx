/**
 * Charts over time: lines from zero, with units, one shared crosshair for all charts of a page, and gaps where nothing is
 * known. The legend shows the values now, or at the crosshair, and hides lines.
 */
import { signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import * as format from '../base/format.ts'
import { themeVersion } from '../base/preferences.ts'
import { route, setQuery } from '../base/router.ts'
import { detailsOf } from '../base/types.ts'
import { Swatch } from './basics.tsx'
import { knownSince, type Line, lonely, nearest, niceMax, pointsOf, type Unit } from './chart-data.ts'

interface Range {
  readonly label: string
  readonly seconds: number
  readonly stepSeconds: number
}

const RANGES: Readonly<Record<string, Range>> = {
  '1m': { label: '1 min', seconds: 60, stepSeconds: 5 },
  '10m': { label: '10 min', seconds: 600, stepSeconds: 5 },
  '1h': { label: '1 h', seconds: 3_600, stepSeconds: 60 },
  '8h': { label: '8 h', seconds: 28_800, stepSeconds: 300 },
  '24h': { label: '24 h', seconds: 86_400, stepSeconds: 1_200 },
  '7d': { label: '7 d', seconds: 604_800, stepSeconds: 7_200 },
}
const STANDARD = '10m'
const HEIGHT_LINES = 12
const FORMATS = { count: format.shortCount, rate: format.rate, bytes: format.bytes, byteRate: format.byteRate }

/** Where the crosshair of all charts is: a time in seconds; null: nowhere. */
const crosshair = signal<number | null>(null)

function rangeName(): string {
  const name = route.value.query.get('range') ?? STANDARD
  return name in RANGES ? name : STANDARD
}

/** The query that asks the server for the samples of the chosen range. */
export function sampleQuery(...kinds: readonly ('lengths' | 'msg_rates' | 'data_rates' | 'node_stats')[]): string {
  const { seconds, stepSeconds } = RANGES[rangeName()]!
  return `gaps=true&${kinds.map((kind) => `${kind}_age=${seconds}&${kind}_incr=${stepSeconds}`).join('&')}`
}

/** Chooses the range of all charts of the page. `longest`: how far back this kind of object is known. */
export function RangeChooser({ longest = '7d' }: { readonly longest?: string }) {
  const names = Object.keys(RANGES)
  const offered = names.slice(0, names.indexOf(longest) + 1)
  const current = rangeName()
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would need a legend that nobody needs to see.
    <div class="segments" role="group" aria-label="Range of the charts">
      {offered.map((name) => (
        <button
          type="button"
          key={name}
          aria-pressed={name === current}
          onClick={() => setQuery({ range: name === STANDARD ? undefined : name })}
        >
          {RANGES[name]?.label}
        </button>
      ))}
    </div>
  )
}

/** Lines for fields of an object that has `<field>_details`. */
export function linesOf(
  source: object | undefined,
  fields: readonly (readonly [field: string, label: string, series: number])[],
  isCounter: boolean,
): Line[] {
  return fields.map(([field, label, series]) => ({ label, series, details: detailsOf(source, field), isCounter }))
}

function rootFontPixels(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
}

/** A chart. */
export function Chart(props: { readonly label: string; readonly unit: Unit; readonly lines: readonly Line[] }) {
  const { lines, unit } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const points = pointsOf(lines)
  const shape = `${lines.map(({ label }) => label).join()}|${unit}|${themeVersion.value}|${[...hidden].join()}`
  const latest = useRef(points)
  latest.current = points

  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const made = new uPlot(options(element, lines, unit, hidden), latest.current, element)
    plot.current = made
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT_LINES * rootFontPixels() }),
    )
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [shape])
  useEffect(() => plot.current?.setData(points))

  const [times] = points
  const at = crosshair.value
  const index = at === null ? times.length - 1 : nearest(times, at)
  const shown = FORMATS[unit]
  const summary = lines.map(({ label }, i) => `${label} ${shown(points[i + 1]?.[index] as number)}`).join(', ')
  return (
    <figure class="chart">
      <div class="canvas" ref={place} role="img" aria-label={`${props.label}: ${summary}`} />
      {at === null || times[index] === undefined ? (
        <Since seconds={knownSince(points)} />
      ) : (
        <span class="at number">{format.moment(times[index] * 1_000)}</span>
      )}
      <div class="legend">
        {lines.map(({ label, series }, i) => (
          <button
            type="button"
            key={label}
            aria-pressed={!hidden.has(label)}
            onClick={() => {
              const next = new Set(hidden)
              if (!next.delete(label)) next.add(label)
              setHidden(next)
            }}
          >
            <Swatch series={series} />
            {label} <b>{shown(points[i + 1]?.[index] as number)}</b>
          </button>
        ))}
      </div>
    </figure>
  )
}

/** Why a chart begins with a gap. */
function Since({ seconds }: { readonly seconds: number | undefined }) {
  if (seconds === undefined) return null
  return <span class="since number">known since {format.shortMoment(seconds * 1_000)}</span>
}

/** Canvas needs colours in full: a variable is resolved by the element that it stands on. */
function colour(element: HTMLElement, name: string, alpha = 1): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  element.append(probe)
  const resolved = getComputedStyle(probe).color
  probe.remove()
  const [, channels] = /^rgb\((.*)\)$/.exec(resolved) ?? []
  return channels === undefined || alpha === 1 ? resolved : `rgba(${channels}, ${alpha})`
}

function options(element: HTMLElement, lines: readonly Line[], unit: Unit, hidden: ReadonlySet<string>): uPlot.Options {
  const muted = colour(element, '--muted')
  const grid = { stroke: colour(element, '--line'), width: 1 }
  const fontPixels = Math.round(rootFontPixels() * 0.82)
  const font = `${fontPixels}px Inter, system-ui, sans-serif`
  return {
    width: Math.max(element.clientWidth, 60),
    height: HEIGHT_LINES * rootFontPixels(),
    // The last time stands under the end of the line, in full.
    padding: [8, fontPixels * 2.4, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 7 },
      drag: { x: false, y: false },
      sync: { key: 'warren' },
    },
    hooks: {
      setCursor: [
        ({ cursor, data }) => {
          const time = cursor.idx === null || cursor.idx === undefined ? null : data[0][cursor.idx]
          if (crosshair.peek() !== (time ?? null)) crosshair.value = time ?? null
        },
      ],
    },
    scales: { y: { range: (_, __, max) => [0, niceMax(max, unit)] } },
    axes: [
      {
        stroke: muted,
        font,
        grid: { show: false },
        ticks: { show: false },
        size: fontPixels * 2.2,
        space: fontPixels * 7,
        values: timeLabels,
      },
      {
        stroke: muted,
        font,
        grid,
        ticks: { show: false },
        size: fontPixels * 5.2,
        space: 34,
        splits: (_, __, ___, max) => [0, max / 4, max / 2, (max * 3) / 4, max],
        values: (_, values) => values.map((value) => FORMATS[unit](value)),
      },
    ],
    series: [
      {},
      ...lines.map(
        ({ label, series }, i): uPlot.Series => ({
          label,
          show: !hidden.has(label),
          stroke: colour(element, `--series-${series}`),
          ...(i === 0 ? { fill: colour(element, `--series-${series}`, 0.1) } : {}),
          width: 1.75,
          points: { show: false, size: 5, filter: (plot, at) => lonely([...(plot.data[at] ?? [])]) },
          spanGaps: false,
        }),
      ),
    ],
  }
}

function timeLabels(_: uPlot, splits: readonly number[]): string[] {
  const span = (splits.at(-1) ?? 0) - (splits[0] ?? 0)
  return splits.map((seconds) => {
    const date = new Date(seconds * 1_000)
    if (span > 2 * 86_400) return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
    const time: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' }
    return date.toLocaleTimeString('en-GB', span < 300 ? { ...time, second: '2-digit' } : time)
  })
}
