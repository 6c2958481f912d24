/** A load thread: opens its connections, reports that it is ready, then produces and consumes until told to stop. */
import { parentPort, workerData } from 'node:worker_threads'
import { Consumer } from './consumer.ts'
import { latencyHistogram, nowUs } from './histogram.ts'
import { LoadConnection } from './load-connection.ts'
import { type LoadPlan, patternAt } from './plan.ts'
import { Producer } from './producer.ts'
import { emptyCounters, type FromWorker, queueName, type ToWorker, type WorkerTask } from './worker-protocol.ts'

const REPORT_MS = 200
/** Between two looks at the pace; also the resolution of due times of slow paces. */
const PACE_MS = 1
/** Connections that are opened at the same time. */
const OPENING_MAX = 50

const port = parentPort!
const { plan, producers, consumers } = workerData as WorkerTask

class LoadThread {
  readonly #plan: LoadPlan
  readonly #producers: Producer[] = []
  readonly #consumers: Consumer[] = []
  readonly #connections: LoadConnection[] = []
  readonly #counters = emptyCounters()
  #latency = latencyHistogram()
  #confirmLatency = latencyHistogram()
  #startUs = 0

  constructor(plan: LoadPlan) {
    this.#plan = plan
  }

  async open(): Promise<void> {
    await inParallel(consumers, (index) => this.#openConsumer(index))
    await inParallel(producers, (index) => this.#openProducer(index))
  }

  start(atUs: number): void {
    this.#startUs = atUs
    setInterval(() => this.#report(), REPORT_MS)
    if (this.#plan.pattern.length > 0) setInterval(() => this.#pace(), PACE_MS)
    else {
      const share =
        this.#plan.count === 0 ? Number.POSITIVE_INFINITY : Math.ceil(this.#plan.count / this.#plan.producers)
      for (const producer of this.#producers) {
        producer.allow(share)
        producer.pump()
      }
    }
  }

  stop(): void {
    for (const connection of this.#connections) connection.close()
    this.#report()
    port.close()
    process.exit(0)
  }

  async #connect(index: number): Promise<LoadConnection> {
    const connection = await LoadConnection.open(this.#plan.urls[index % this.#plan.urls.length]!, this.#plan.tlsVerify)
    this.#connections.push(connection)
    return connection
  }

  async #openConsumer(index: number): Promise<void> {
    const connection = await this.#connect(index)
    const queue = queueName(this.#plan, index)
    await connection.declare(this.#plan, queue, this.#plan.routingKey ?? queue)
    const consumer = new Consumer(connection, this.#plan, this.#counters, this.#latency)
    await connection.consume(this.#plan, queue, consumer)
    this.#consumers.push(consumer)
  }

  async #openProducer(index: number): Promise<void> {
    const connection = await this.#connect(index)
    const queue = queueName(this.#plan, index)
    const routingKey = this.#plan.routingKey ?? queue
    await connection.declare(this.#plan, queue, routingKey)
    if (this.#plan.confirmWindow > 0) await connection.confirms()
    this.#producers.push(new Producer(connection, this.#plan, routingKey, this.#counters, this.#confirmLatency))
  }

  /** Tells each producer how many messages are due by now, and when each one was. */
  #pace(): void {
    const { pattern } = this.#plan
    const count = this.#plan.producers
    const seconds = (nowUs() - this.#startUs) / 1e6
    const { perSecond, total } = patternAt(pattern, seconds)
    const limit = this.#plan.count === 0 ? total : Math.min(total, this.#plan.count)
    const dueUs = (index: number) =>
      this.#startUs + (seconds - Math.max(0, total - (index + 1) * count) / perSecond) * 1e6
    for (const producer of this.#producers) {
      producer.allow(limit / count)
      producer.pump(dueUs)
    }
  }

  #report(): void {
    const share =
      this.#plan.count === 0 ? Number.POSITIVE_INFINITY : Math.floor(this.#plan.count / this.#plan.producers)
    const finished = this.#producers.every((p) => p.failed || (p.published >= share && p.unconfirmed === 0))
    const report: FromWorker = {
      type: 'report',
      counters: { ...this.#counters },
      latency: this.#latency,
      confirmLatency: this.#confirmLatency,
      finished,
    }
    port.postMessage(report)
    Object.assign(this.#counters, emptyCounters())
    this.#latency = latencyHistogram()
    this.#confirmLatency = latencyHistogram()
    for (const consumer of this.#consumers) consumer.histogram = this.#latency
    for (const producer of this.#producers) producer.histogram = this.#confirmLatency
  }
}

async function inParallel(indexes: readonly number[], open: (index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < indexes.length; from += OPENING_MAX) {
    await Promise.all(indexes.slice(from, from + OPENING_MAX).map(open))
  }
}

const thread = new LoadThread(plan)
port.on('message', (message: ToWorker) => {
  if (message.type === 'start') thread.start(message.atUs)
  else thread.stop()
})
thread.open().then(
  () => port.postMessage({ type: 'ready' } satisfies FromWorker),
  (error: Error) => port.postMessage({ type: 'failed', reason: error.message } satisfies FromWorker),
)
