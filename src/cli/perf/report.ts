/**
 * The report: one self-contained page, without scripts and without requests, with charts drawn as SVG.
 * Text from the outside is escaped.
 */
import { cpus, release, totalmem, type } from 'node:os'
import type { LatencySummary } from './histogram.ts'
import { formatCount, formatMs, withoutPassword } from './output.ts'
import type { LoadResult, LoadSample } from './run.ts'

const CHART_WIDTH = 860
const CHART_HEIGHT = 240
const LEFT = 76
const BOTTOM = 28
const TOP = 12
const GRID_LINES = 4

interface Line {
  readonly label: string
  readonly color: string
  readonly values: readonly number[]
}

/** The page. `title` names the run; `assertions` are lines of what was asserted and whether it held. */
export function reportHtml(
  title: string,
  result: LoadResult,
  assertions: readonly { readonly text: string; readonly holds: boolean; readonly measured: number }[],
): string {
  const { samples } = result
  const failed = assertions.some((a) => !a.holds)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main>
<h1>${escapeHtml(title)}</h1>
<p class="when">${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC · ${escapeHtml(result.plan.urls.map(withoutPassword).join(', '))}</p>
${assertions.length === 0 ? '' : `<p class="verdict ${failed ? 'bad' : 'good'}">${failed ? 'Assertions failed' : 'All assertions hold'}</p>`}
<section class="tiles">${tiles(result)}</section>
${assertions.length === 0 ? '' : assertionTable(assertions)}
<h2>Rate</h2>
${chart(samples, rateLines(result), (v) => formatCount(v), 'messages per second')}
${
  result.plan.consumers === 0
    ? ''
    : `<h2>Latency from due time to delivery</h2>${chart(
        samples,
        latencyLines(samples, (s) => s.latency),
        formatMs,
        'percentiles per second',
      )}`
}
${
  result.plan.confirmWindow === 0
    ? ''
    : `<h2>Latency of confirms</h2>${chart(
        samples,
        latencyLines(samples, (s) => s.confirmLatency),
        formatMs,
        'percentiles per second',
      )}`
}
<h2>Distribution</h2>${distribution(result)}
<h2>Errors</h2>${errors(result)}
<h2>Machine and plan</h2>${facts(result)}
</main></body></html>
`
}

function tiles(result: LoadResult): string {
  const list: [string, string][] = [['published', `${formatCount(result.publishedPerSecond)}/s`]]
  if (result.plan.confirmWindow > 0) list.push(['confirmed', `${formatCount(result.confirmedPerSecond)}/s`])
  if (result.plan.consumers > 0) {
    list.push(['received', `${formatCount(result.receivedPerSecond)}/s`])
    list.push(['latency p50', formatMs(result.latency.p50)], ['latency p99', formatMs(result.latency.p99)])
  } else if (result.plan.confirmWindow > 0) list.push(['confirm p99', formatMs(result.confirmLatency.p99)])
  list.push(['errors', formatCount(result.totals.errors)])
  return list.map(([name, value]) => `<div><b>${escapeHtml(value)}</b><span>${name}</span></div>`).join('')
}

function assertionTable(assertions: readonly { text: string; holds: boolean; measured: number }[]): string {
  const rows = assertions.map(
    (a) =>
      `<tr><td>${escapeHtml(a.text)}</td><td>${Number(a.measured.toPrecision(4))}</td><td class="${a.holds ? 'good' : 'bad'}">${a.holds ? 'holds' : 'fails'}</td></tr>`,
  )
  return `<table><tr><th>assertion</th><th>measured</th><th></th></tr>${rows.join('')}</table>`
}

function rateLines(result: LoadResult): Line[] {
  const lines: Line[] = [{ label: 'published', color: '#3b82f6', values: result.samples.map((s) => s.published) }]
  if (result.plan.confirmWindow > 0) {
    lines.push({ label: 'confirmed', color: '#a855f7', values: result.samples.map((s) => s.confirmed) })
  }
  if (result.plan.consumers > 0) {
    lines.push({ label: 'received', color: '#10b981', values: result.samples.map((s) => s.received) })
  }
  return lines
}

function latencyLines(samples: readonly LoadSample[], of: (sample: LoadSample) => LatencySummary): Line[] {
  return [
    { label: 'p50', color: '#10b981', values: samples.map((s) => of(s).p50) },
    { label: 'p95', color: '#f59e0b', values: samples.map((s) => of(s).p95) },
    { label: 'p99', color: '#ef4444', values: samples.map((s) => of(s).p99) },
  ]
}

/** A line chart with its zero, its units, and a gap where nothing was measured. */
function chart(
  samples: readonly LoadSample[],
  lines: readonly Line[],
  format: (v: number) => string,
  caption: string,
): string {
  const top = niceCeiling(Math.max(1e-9, ...lines.flatMap((line) => line.values)))
  const x = (i: number) => LEFT + ((CHART_WIDTH - LEFT - 10) * i) / Math.max(1, samples.length - 1)
  const y = (v: number) => TOP + (CHART_HEIGHT - TOP - BOTTOM) * (1 - v / top)
  const grid = Array.from({ length: GRID_LINES + 1 }, (_, i) => {
    const value = (top * i) / GRID_LINES
    return `<line class="grid" x1="${LEFT}" x2="${CHART_WIDTH - 10}" y1="${y(value)}" y2="${y(value)}"/><text class="axis" text-anchor="end" x="${LEFT - 8}" y="${y(value) + 4}">${value === 0 ? '0' : format(value)}</text>`
  }).join('')
  const step = Math.max(1, Math.ceil(samples.length / 10))
  const times = samples
    .map((s, i) =>
      i % step === 0
        ? `<text class="axis" text-anchor="middle" x="${x(i)}" y="${CHART_HEIGHT - 8}">${s.atSeconds.toFixed(0)} s</text>`
        : '',
    )
    .join('')
  const paths = lines.map((line) => {
    const points = line.values.map((v, i) => `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join('')
    return `<path d="${points}" stroke="${line.color}"/>`
  })
  const legend = lines.map((line) => `<span><i style="background:${line.color}"></i>${line.label}</span>`).join('')
  return `<figure><svg viewBox="0 0 ${CHART_WIDTH} ${CHART_HEIGHT}" role="img" aria-label="${caption}">${grid}${times}${paths.join('')}</svg><figcaption>${legend}<em>${caption}</em></figcaption></figure>`
}

/** The next 1, 2, 2.5 or 5 times a power of ten. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  for (const step of [1, 2, 2.5, 5, 10]) if (value <= step * power) return step * power
  return 10 * power
}

function distribution(result: LoadResult): string {
  const row = (name: string, l: LatencySummary) =>
    `<tr><td>${name}</td>${[l.min, l.p50, l.p75, l.p95, l.p99, l.p999, l.max].map((v) => `<td>${formatMs(v)}</td>`).join('')}<td>${formatCount(l.count)}</td></tr>`
  const rows = [
    ...(result.plan.consumers > 0 ? [row('delivery', result.latency)] : []),
    ...(result.plan.confirmWindow > 0 ? [row('confirm', result.confirmLatency)] : []),
  ]
  return `<table><tr><th></th><th>min</th><th>p50</th><th>p75</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th><th>samples</th></tr>${rows.join('')}</table>`
}

function errors(result: LoadResult): string {
  const { errors: count, nacked, returned, lastError } = result.totals
  if (count + nacked + returned === 0) return '<p>None.</p>'
  return `<p>${count} connections failed, ${nacked} messages nacked, ${returned} returned. ${escapeHtml(lastError)}</p>`
}

function facts(result: LoadResult): string {
  const { plan } = result
  const rows: [string, string][] = [
    [
      'machine',
      `${cpus()[0]?.model ?? 'unknown'} × ${cpus().length}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release()}, Node.js ${process.version}`,
    ],
    ['the tool used', `${result.toolCores.toFixed(2)} cores`],
    ['producers, consumers', `${plan.producers}, ${plan.consumers}`],
    ['body bytes', plan.sizes.join(', ')],
    ['queues', `${plan.queues}, ${plan.queueDurable ? 'durable' : 'transient'} ${JSON.stringify(plan.queueArguments)}`],
    [
      'messages',
      `${plan.persistent ? 'persistent' : 'transient'}, ${plan.confirmWindow === 0 ? 'no confirms' : `${plan.confirmWindow} unconfirmed at most`}`,
    ],
    [
      'consumers',
      plan.autoAck
        ? 'automatic acknowledgement'
        : `prefetch ${plan.prefetch || 'unlimited'}, ack every ${plan.ackEvery}`,
    ],
    [
      'rate',
      plan.pattern.length === 0
        ? 'as fast as possible'
        : plan.pattern.map((p) => `${p.fromPerSecond}..${p.toPerSecond} for ${p.seconds} s`).join(', '),
    ],
    ['measured', `${result.seconds.toFixed(1)} s after ${plan.warmupSeconds} s of warm-up`],
  ]
  return `<table class="facts">${rows.map(([k, v]) => `<tr><th>${k}</th><td>${escapeHtml(v)}</td></tr>`).join('')}</table>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1e293b;--soft:#64748b;--line:#e2e8f0;--card:#fff;--page:#f8fafc}
@media(prefers-color-scheme:dark){:root{--ink:#e2e8f0;--soft:#94a3b8;--line:#334155;--card:#1e293b;--page:#0f172a}}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:940px;margin:0 auto;padding:32px 20px}
h1{margin:0;font-size:26px}h2{font-size:17px;margin:32px 0 8px}.when{color:var(--soft);margin:4px 0 20px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(120px,1fr));gap:12px;margin-bottom:16px}.tiles div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.tiles b{display:block;font-size:22px;font-variant-numeric:tabular-nums}.tiles span{color:var(--soft)}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px}svg{width:100%;height:auto;display:block}
path{fill:none;stroke-width:2;stroke-linejoin:round}.grid{stroke:var(--line)}.axis{fill:var(--soft);font-size:11px}
figcaption{display:flex;gap:16px;color:var(--soft);font-size:13px;padding:4px 8px}figcaption i{display:inline-block;width:12px;height:3px;margin-right:6px;vertical-align:middle}figcaption em{margin-left:auto;font-style:normal}
table{border-collapse:collapse;width:100%;background:var(--card);border:1px solid var(--line);border-radius:10px;font-variant-numeric:tabular-nums}
td,th{padding:8px 12px;text-align:right;border-top:1px solid var(--line)}tr:first-child>*{border-top:0}th{color:var(--soft);font-weight:500}td:first-child,th:first-child,.facts td{text-align:left}
.verdict{display:inline-block;padding:4px 12px;border-radius:999px;color:#fff;font-weight:600}.verdict.good{background:#059669}.verdict.bad{background:#dc2626}td.good{color:#059669}td.bad{color:#dc2626}
`
