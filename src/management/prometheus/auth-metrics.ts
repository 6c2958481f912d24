/** Metrics of the back ends that decide logins and permissions outside of this process. [docs/metrics.md] */
import type { BackendCounters } from '../../auth/backends/questions.ts'
import { head, labels, type MetricType, sample } from './exposition.ts'

interface Figure {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly read: (counters: Readonly<BackendCounters>) => number
}

const FIGURES: readonly Figure[] = [
  {
    name: 'warren_auth_backend_waiting',
    type: 'gauge',
    help: 'Questions to a back end that are not answered yet',
    read: ({ waiting }) => waiting,
  },
  {
    name: 'warren_auth_backend_answered_total',
    type: 'counter',
    help: 'Questions that a back end answered',
    read: ({ answered }) => answered,
  },
  {
    name: 'warren_auth_backend_answer_seconds_total',
    type: 'counter',
    help: 'Time that a back end took for all its answers',
    read: ({ answeredMs }) => answeredMs / 1_000,
  },
  {
    name: 'warren_auth_backend_failed_total',
    type: 'counter',
    help: 'Questions that a back end could not answer, those that took too long included; each is a refusal',
    read: ({ failed }) => failed,
  },
  {
    name: 'warren_auth_backend_timed_out_total',
    type: 'counter',
    help: 'Questions that a back end did not answer in time',
    read: ({ timedOut }) => timedOut,
  },
  {
    name: 'warren_auth_backend_dropped_total',
    type: 'counter',
    help: 'Questions that were refused unasked, because too many were waiting',
    read: ({ dropped }) => dropped,
  },
]

/** The page's part; nothing when no back end was asked. */
export function backendMetrics(counters: ReadonlyMap<string, Readonly<BackendCounters>>): string {
  if (counters.size === 0) return ''
  return FIGURES.map(({ name, type, help, read }) => {
    const samples = [...counters].map(([backend, one]) => sample(name, labels({ backend }), read(one)))
    return head({ name, type, help }) + samples.join('')
  }).join('')
}
