/** Latency histograms: the platform's HDR histogram, in microseconds, three significant digits. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** Longest latency that is told apart: ten minutes. */
const LATENCY_US_MAX = 600_000_000

export function latencyHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: LATENCY_US_MAX, figures: 3 })
}

/** Records a latency, cut into the range. */
export function recordLatency(histogram: RecordableHistogram, us: number): void {
  histogram.record(us < 1 ? 1 : us > LATENCY_US_MAX ? LATENCY_US_MAX : Math.round(us))
}

/** Microseconds of a clock that all threads of this process share. */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + nanoseconds / 1e3
}

/** What is reported of a histogram, in milliseconds. */
export interface LatencySummary {
  readonly count: number
  readonly min: number
  readonly p50: number
  readonly p75: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Percentiles of a histogram; all zero when it is empty. */
export function summarize(histogram: RecordableHistogram): LatencySummary {
  const at = (percentile: number) => (histogram.count === 0 ? 0 : histogram.percentile(percentile) / 1000)
  return {
    count: histogram.count,
    min: histogram.count === 0 ? 0 : histogram.min / 1000,
    p50: at(50),
    p75: at(75),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    max: histogram.count === 0 ? 0 : histogram.max / 1000,
  }
}
