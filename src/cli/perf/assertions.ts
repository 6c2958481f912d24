/** Assertions that fail a run: `p99<5ms`, `rate>100000`, `errors<=0`. */
import type { LoadResult } from './run.ts'

/** What can be asserted, with its unit: latencies in ms, rates per second, counts. */
const FIGURES: Readonly<Record<string, (result: LoadResult) => number>> = {
  rate: (r) => (r.plan.consumers > 0 ? r.receivedPerSecond : r.publishedPerSecond),
  published: (r) => r.publishedPerSecond,
  confirmed: (r) => r.confirmedPerSecond,
  received: (r) => r.receivedPerSecond,
  min: (r) => r.latency.min,
  p50: (r) => r.latency.p50,
  p75: (r) => r.latency.p75,
  p95: (r) => r.latency.p95,
  p99: (r) => r.latency.p99,
  'p99.9': (r) => r.latency.p999,
  max: (r) => r.latency.max,
  'confirm-p50': (r) => r.confirmLatency.p50,
  'confirm-p99': (r) => r.confirmLatency.p99,
  'confirm-max': (r) => r.confirmLatency.max,
  errors: (r) => r.totals.errors,
  nacked: (r) => r.totals.nacked,
  returned: (r) => r.totals.returned,
}

const UNITS: Readonly<Record<string, number>> = { '': 1, us: 0.001, ms: 1, s: 1000, k: 1000 }

export interface Assertion {
  readonly text: string
  readonly figure: string
  readonly operator: '<' | '<=' | '>' | '>='
  readonly bound: number
}

/** Reads one assertion; throws a sentence. */
export function parseAssertion(text: string): Assertion {
  const match = /^([a-z0-9.-]+)\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)\s*(us|ms|s|k)?$/i.exec(text.trim())
  if (match === null || FIGURES[match[1]!] === undefined) {
    throw new Error(
      `assertion "${text}" is not understood: write p99<5ms or rate>100000; figures: ${Object.keys(FIGURES).join(', ')}`,
    )
  }
  const operator = match[2] as Assertion['operator']
  return { text, figure: match[1]!, operator, bound: Number(match[3]) * UNITS[match[4] ?? '']! }
}

/** Holds a result against an assertion: what was measured, and whether it holds. */
export function checkAssertion(assertion: Assertion, result: LoadResult): { measured: number; holds: boolean } {
  const measured = FIGURES[assertion.figure]!(result)
  switch (assertion.operator) {
    case '<':
      return { measured, holds: measured < assertion.bound }
    case '<=':
      return { measured, holds: measured <= assertion.bound }
    case '>':
      return { measured, holds: measured > assertion.bound }
    case '>=':
      return { measured, holds: measured >= assertion.bound }
  }
}
