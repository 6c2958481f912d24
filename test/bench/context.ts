/** What a benchmark scenario works with: a fresh broker process, load runs, and rows of figures. */
import { readFileSync } from 'node:fs'
import type { LoadPlan } from '../../src/cli/perf/plan.ts'
import { type LoadResult, type LoadSample, runLoad } from '../../src/cli/perf/run.ts'
import { type BrokerProcess, startBrokerProcess } from '../support/broker-process.ts'

/** One figure: what was measured, in which unit, and the target when there is one. */
export interface BenchRow {
  readonly scenario: string
  readonly figure: string
  readonly value: number
  readonly unit: string
  readonly target?: string
  readonly holds?: boolean
}

/** A scenario: a name to select it by, a sentence, and the measurement. */
export interface BenchScenario {
  readonly name: string
  readonly description: string
  /** Runs only when it is named. */
  readonly isLong?: boolean
  measure(context: BenchContext): Promise<readonly Omit<BenchRow, 'scenario'>[]>
}

/** Handed to every scenario. */
export class BenchContext {
  /** Seconds of each measured run. */
  readonly seconds: number
  /** Minutes of a long scenario. */
  readonly minutes: number
  readonly #profile: string | null

  constructor(seconds: number, minutes: number, profile: string | null) {
    this.seconds = seconds
    this.minutes = minutes
    this.#profile = profile
  }

  /** Runs with a broker of its own, which is stopped afterwards. `set`: further settings. */
  async withBroker<T>(run: (broker: BrokerProcess) => Promise<T>, set: readonly string[] = []): Promise<T> {
    const nodeArgs = this.#profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${this.#profile}`]
    const broker = await startBrokerProcess({ set, nodeArgs })
    try {
      return await run(broker)
    } finally {
      await broker.stop()
    }
  }

  /**
   * Loads a broker by a plan that says only what differs from one producer, one consumer, 16 bytes, auto-ack.
   * `onSample` sees each second; `interrupted` ends the run early.
   */
  load(
    broker: BrokerProcess,
    plan: Partial<LoadPlan>,
    onSample: (sample: LoadSample) => void = () => {},
    interrupted?: Promise<void>,
  ): Promise<LoadResult> {
    return runLoad({ ...BASE_PLAN, urls: [broker.amqpUrl], seconds: this.seconds, ...plan }, onSample, interrupted)
  }
}

const BASE_PLAN: Omit<LoadPlan, 'urls' | 'seconds'> = {
  producers: 1,
  consumers: 1,
  sizes: [16],
  warmupSeconds: 1,
  confirmWindow: 0,
  persistent: false,
  mandatory: false,
  autoAck: true,
  prefetch: 0,
  ackEvery: 1,
  queues: 1,
  queueName: 'bench',
  queueDurable: false,
  queueArguments: {},
  exchange: '',
  exchangeType: 'direct',
  routingKey: null,
  pattern: [],
  count: 0,
  threads: 1,
  keepQueues: false,
  tlsVerify: false,
}

/** Persistent, confirmed, acknowledged: the plan of the durable workloads. */
export const DURABLE: Partial<LoadPlan> = {
  persistent: true,
  queueDurable: true,
  confirmWindow: 1000,
  autoAck: false,
  prefetch: 1000,
  ackEvery: 100,
}

/** Resident memory of a process, bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match![1]) * 1024
}

/** CPU time that a process has used, seconds. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  const ticksPerSecond = 100
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** A figure that should be at least `target`. */
export function atLeast(figure: string, value: number, unit: string, target: number): Omit<BenchRow, 'scenario'> {
  return { figure, value, unit, target: `≥ ${target}`, holds: value >= target }
}

/** A figure that should be at most `target`. */
export function atMost(figure: string, value: number, unit: string, target: number): Omit<BenchRow, 'scenario'> {
  return { figure, value, unit, target: `≤ ${target}`, holds: value <= target }
}

/** A figure without a target. */
export function plain(figure: string, value: number, unit: string): Omit<BenchRow, 'scenario'> {
  return { figure, value, unit }
}
