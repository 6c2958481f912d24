/** Runs a plan: starts threads, collects their reports into samples and a result. */

import { availableParallelism } from 'node:os'
import { performance, type RecordableHistogram } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { inlineDeeply } from '../../base/compiler.ts'
import { type LatencySummary, latencyHistogram, nowUs, summarize } from './histogram.ts'
import { LoadConnection } from './load-connection.ts'
import type { LoadPlan } from './plan.ts'
import {
  emptyCounters,
  type FromWorker,
  type LoadCounters,
  queueName,
  type ToWorker,
  type WorkerTask,
} from './worker-protocol.ts'

const SAMPLE_MS = 1000
const START_DELAY_US = 50_000
const READY_MS_MAX = 60_000

/** One second of a run. Rates per second, latencies in ms. */
export interface LoadSample {
  readonly atSeconds: number
  readonly published: number
  readonly confirmed: number
  readonly received: number
  readonly nacked: number
  readonly returned: number
  readonly errors: number
  readonly latency: LatencySummary
  readonly confirmLatency: LatencySummary
}

export interface LoadResult {
  readonly plan: LoadPlan
  /** Measured time, without warm-up. */
  readonly seconds: number
  readonly totals: LoadCounters
  readonly publishedPerSecond: number
  readonly confirmedPerSecond: number
  readonly receivedPerSecond: number
  readonly latency: LatencySummary
  readonly confirmLatency: LatencySummary
  readonly samples: readonly LoadSample[]
  /** CPU time that the tool itself used, in cores. */
  readonly toolCores: number
}

/** Runs the plan. `onSample` sees each second as it ends; `interrupted` ends the run early when it resolves. */
export async function runLoad(
  plan: LoadPlan,
  onSample: (sample: LoadSample) => void,
  interrupted: Promise<void> = new Promise(() => {}),
): Promise<LoadResult> {
  const run = new LoadRun(plan, onSample)
  try {
    await run.open()
    return await run.measure(interrupted)
  } finally {
    await run.close()
  }
}

class LoadRun {
  readonly #plan: LoadPlan
  readonly #onSample: (sample: LoadSample) => void
  readonly #workers: Worker[] = []
  readonly #finished = new Set<Worker>()
  readonly #samples: LoadSample[] = []
  readonly #latency = latencyHistogram()
  readonly #confirmLatency = latencyHistogram()
  #second = emptyCounters()
  #totals = emptyCounters()
  #secondLatency = latencyHistogram()
  #secondConfirmLatency = latencyHistogram()
  #measuring = false
  #done: (() => void) | null = null

  constructor(plan: LoadPlan, onSample: (sample: LoadSample) => void) {
    this.#plan = plan
    this.#onSample = onSample
  }

  async open(): Promise<void> {
    const threads = Math.max(
      1,
      Math.min(this.#plan.threads || availableParallelism(), this.#plan.producers + this.#plan.consumers),
    )
    const tasks: WorkerTask[] = Array.from({ length: threads }, () => ({
      plan: this.#plan,
      producers: [],
      consumers: [],
    }))
    for (let i = 0; i < this.#plan.consumers; i++) (tasks[i % threads]!.consumers as number[]).push(i)
    for (let i = 0; i < this.#plan.producers; i++) (tasks[threads - 1 - (i % threads)]!.producers as number[]).push(i)
    await Promise.all(tasks.map((task) => this.#startWorker(task)))
    inlineDeeply()
  }

  #startWorker(task: WorkerTask): Promise<void> {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task })
    this.#workers.push(worker)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('not all connections came up within a minute')), READY_MS_MAX)
      worker.on('error', reject)
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'report') return this.#collect(worker, message)
        clearTimeout(timer)
        if (message.type === 'ready') resolve()
        else reject(new Error(message.reason))
      })
    })
  }

  async measure(interrupted: Promise<void>): Promise<LoadResult> {
    const done = new Promise<void>((resolve) => {
      this.#done = resolve
    })
    for (const worker of this.#workers) post(worker, { type: 'start', atUs: nowUs() + START_DELAY_US })
    this.#measuring = this.#plan.warmupSeconds === 0
    if (!this.#measuring) await Promise.race([sleep(this.#plan.warmupSeconds * 1000), interrupted])
    this.#restart()
    const cpu = process.cpuUsage()
    const startMs = performance.now()
    const ticker = setInterval(() => this.#tick((performance.now() - startMs) / 1000), SAMPLE_MS)
    const ends: Promise<void>[] = [done, interrupted]
    if (this.#plan.count === 0) ends.push(sleep(this.#plan.seconds * 1000))
    await Promise.race(ends)
    clearInterval(ticker)
    if (this.#second.published + this.#second.received > 0) this.#tick((performance.now() - startMs) / 1000)
    const seconds = (performance.now() - startMs) / 1000
    const used = process.cpuUsage(cpu)
    return {
      plan: this.#plan,
      seconds,
      totals: { ...this.#totals },
      publishedPerSecond: this.#totals.published / seconds,
      confirmedPerSecond: this.#totals.confirmed / seconds,
      receivedPerSecond: this.#totals.received / seconds,
      latency: summarize(this.#latency),
      confirmLatency: summarize(this.#confirmLatency),
      samples: this.#samples,
      toolCores: (used.user + used.system) / 1e6 / seconds,
    }
  }

  /** Forgets the warm-up. */
  #restart(): void {
    this.#measuring = true
    this.#second = emptyCounters()
    this.#totals = emptyCounters()
    this.#latency.reset()
    this.#confirmLatency.reset()
  }

  #collect(worker: Worker, report: Extract<FromWorker, { type: 'report' }>): void {
    add(this.#second, report.counters)
    add(this.#totals, report.counters)
    this.#merge(this.#latency, this.#secondLatency, report.latency)
    this.#merge(this.#confirmLatency, this.#secondConfirmLatency, report.confirmLatency)
    if (report.finished) this.#finished.add(worker)
    const allReceived = this.#plan.consumers === 0 || this.#totals.received >= this.#totals.published
    if (this.#plan.count > 0 && this.#finished.size === this.#workers.length && allReceived) this.#done?.()
  }

  #merge(total: RecordableHistogram, second: RecordableHistogram, from: RecordableHistogram): void {
    if (!this.#measuring || from.count === 0) return
    total.add(from)
    second.add(from)
  }

  #tick(atSeconds: number): void {
    const { published, confirmed, received, nacked, returned, errors } = this.#second
    const sample: LoadSample = {
      atSeconds,
      published,
      confirmed,
      received,
      nacked,
      returned,
      errors,
      latency: summarize(this.#secondLatency),
      confirmLatency: summarize(this.#secondConfirmLatency),
    }
    this.#second = emptyCounters()
    this.#secondLatency = latencyHistogram()
    this.#secondConfirmLatency = latencyHistogram()
    this.#samples.push(sample)
    this.#onSample(sample)
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#workers.map((worker) => {
        const gone = new Promise((resolve) => worker.once('exit', resolve))
        post(worker, { type: 'stop' })
        return Promise.race([gone, sleep(2000).then(() => worker.terminate())])
      }),
    )
    if (!this.#plan.keepQueues) await removeQueues(this.#plan)
  }
}

async function removeQueues(plan: LoadPlan): Promise<void> {
  const connection = await LoadConnection.open(plan.urls[0]!, plan.tlsVerify)
  for (let i = 0; i < plan.queues; i++) await connection.deleteQueue(queueName(plan, i))
  connection.close()
}

function add(to: LoadCounters, from: LoadCounters): void {
  to.published += from.published
  to.confirmed += from.confirmed
  to.nacked += from.nacked
  to.returned += from.returned
  to.received += from.received
  to.acked += from.acked
  to.errors += from.errors
  if (from.lastError !== '') to.lastError = from.lastError
}

function post(worker: Worker, message: ToWorker): void {
  worker.postMessage(message)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
