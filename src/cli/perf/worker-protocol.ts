/** What the main thread and the load threads say to each other. */
import type { RecordableHistogram } from 'node:perf_hooks'
import type { LoadPlan } from './plan.ts'

/** Counts since the last report. */
export interface LoadCounters {
  published: number
  confirmed: number
  nacked: number
  returned: number
  received: number
  acked: number
  errors: number
  lastError: string
}

export function emptyCounters(): LoadCounters {
  return { published: 0, confirmed: 0, nacked: 0, returned: 0, received: 0, acked: 0, errors: 0, lastError: '' }
}

/** A thread's part: producers and consumers are numbered over all threads. */
export interface WorkerTask {
  readonly plan: LoadPlan
  readonly producers: readonly number[]
  readonly consumers: readonly number[]
}

export type ToWorker = { readonly type: 'start'; readonly atUs: number } | { readonly type: 'stop' }

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly reason: string }
  | {
      readonly type: 'report'
      readonly counters: LoadCounters
      readonly latency: RecordableHistogram
      readonly confirmLatency: RecordableHistogram
      /** Every producer has published its share and had it confirmed. */
      readonly finished: boolean
    }

/** Name of queue `index`. */
export function queueName(plan: LoadPlan, index: number): string {
  return plan.queues === 1 ? plan.queueName : `${plan.queueName}-${index % plan.queues}`
}
