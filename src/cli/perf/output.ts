/** Results for people and programs: a live table, a summary, JSON, CSV. */
import type { LatencySummary } from './histogram.ts'
import type { LoadResult, LoadSample } from './run.ts'

const BAR_CELLS = 24

/** A rate or a count with thousands separated. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Milliseconds with three significant digits and a unit that fits. */
export function formatMs(ms: number): string {
  if (ms === 0) return '–'
  if (ms < 1) return `${Number((ms * 1000).toPrecision(3))} µs`
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`
  return `${Number((ms / 1000).toPrecision(3))} s`
}

const COLUMNS = ['time', 'published/s', 'confirmed/s', 'received/s', 'latency p50', 'p95', 'p99', 'max', 'confirm p99']

/** Head of the live table. */
export function tableHead(): string {
  return COLUMNS.map((column) => column.padStart(12)).join('')
}

/** One row of the live table. */
export function tableRow(sample: LoadSample): string {
  const { latency } = sample
  const cells = [
    `${sample.atSeconds.toFixed(0)} s`,
    formatCount(sample.published),
    formatCount(sample.confirmed),
    formatCount(sample.received),
    formatMs(latency.p50),
    formatMs(latency.p95),
    formatMs(latency.p99),
    formatMs(latency.max),
    formatMs(sample.confirmLatency.p99),
  ]
  const trouble = sample.errors + sample.nacked + sample.returned
  const tail = trouble === 0 ? '' : `   ${sample.errors} errors, ${sample.nacked} nacked, ${sample.returned} returned`
  return cells.map((cell) => cell.padStart(12)).join('') + tail
}

/** A progress bar for a terminal. */
export function progressBar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR_CELLS)
  return `[${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}] ${Math.round(Math.min(1, share) * 100)} %`
}

/** The summary of a run, several lines. */
export function summaryText(result: LoadResult): string {
  const lines = [
    `published  ${formatCount(result.publishedPerSecond).padStart(12)} /s   ${formatCount(result.totals.published)} in ${result.seconds.toFixed(1)} s`,
  ]
  if (result.plan.confirmWindow > 0) {
    lines.push(
      `confirmed  ${formatCount(result.confirmedPerSecond).padStart(12)} /s   ${latencyText(result.confirmLatency)}`,
    )
  }
  if (result.plan.consumers > 0) {
    lines.push(`received   ${formatCount(result.receivedPerSecond).padStart(12)} /s   ${latencyText(result.latency)}`)
  }
  const { errors, nacked, returned, lastError } = result.totals
  if (errors + nacked + returned > 0) {
    lines.push(
      `trouble    ${errors} errors${lastError === '' ? '' : ` (${lastError})`}, ${nacked} nacked, ${returned} returned`,
    )
  }
  lines.push(`the tool itself used ${result.toolCores.toFixed(2)} cores`)
  return lines.join('\n')
}

function latencyText(latency: LatencySummary): string {
  return `p50 ${formatMs(latency.p50)}  p95 ${formatMs(latency.p95)}  p99 ${formatMs(latency.p99)}  p99.9 ${formatMs(latency.p999)}  max ${formatMs(latency.max)}`
}

/** Everything measured, as JSON. Passwords in URLs are left out. */
export function resultJson(result: LoadResult): string {
  const urls = result.plan.urls.map(withoutPassword)
  return JSON.stringify({ ...result, plan: { ...result.plan, urls } }, null, 2)
}

/** A URL for people to see. */
export function withoutPassword(address: string): string {
  const url = new URL(address)
  if (url.password !== '') url.password = '***'
  return url.href
}

/** One line per second. */
export function resultCsv(result: LoadResult): string {
  const head =
    'seconds,published,confirmed,received,nacked,returned,errors,latency_p50_ms,latency_p95_ms,latency_p99_ms,latency_max_ms,confirm_p50_ms,confirm_p99_ms'
  const rows = result.samples.map((s) =>
    [
      s.atSeconds.toFixed(2),
      s.published,
      s.confirmed,
      s.received,
      s.nacked,
      s.returned,
      s.errors,
      s.latency.p50,
      s.latency.p95,
      s.latency.p99,
      s.latency.max,
      s.confirmLatency.p50,
      s.confirmLatency.p99,
    ].join(','),
  )
  return `${[head, ...rows].join('\n')}\n`
}
