// What the scenarios of abuse.ts share: the broker, what it holds, and the witness beside them.
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { SeededRandomness } from '../../../src/base/random.ts'
import type { BrokerProcess } from '../../support/broker-process.ts'
import type { WitnessReport } from './witness.ts'

/** One way to misuse a broker. Returns a line of figures; throws when the broker did not stand it. */
export interface Scenario {
  readonly name: string
  run(world: World): Promise<string>
}

/** What the broker holds. */
export interface Holdings {
  readonly connections: number
  readonly channels: number
  readonly consumers: number
  readonly queues: number
  readonly exchanges: number
}

/** What the broker's process uses. */
export interface Usage {
  readonly rssBytes: number
  readonly handles: number
}

/** Of witness.ts. */
const WITNESS_QUEUE = 'abuse-witness'
const SETTLE_MS_MAX = 120_000
const LOOK_EVERY_MS = 500

/** One broker under abuse. */
export class World {
  readonly broker: BrokerProcess
  readonly random: SeededRandomness
  readonly #witness: Worker

  private constructor(broker: BrokerProcess, random: SeededRandomness, witness: Worker) {
    this.broker = broker
    this.random = random
    this.#witness = witness
  }

  static async start(broker: BrokerProcess, seed: number): Promise<World> {
    const witness = new Worker(new URL('./witness.js', import.meta.url), { workerData: broker.amqpUrl })
    await new Promise((resolve, reject) => {
      witness.once('message', resolve)
      witness.once('error', reject)
    })
    return new World(broker, new SeededRandomness(seed), witness)
  }

  /** A port by the listener's name. */
  port(name: string): number {
    const port = this.broker.listeners[name]
    if (port === undefined) throw new Error(`no listener ${name}`)
    return port
  }

  /** What the witness saw since the last call. Throws when something was wrong. */
  async report(): Promise<WitnessReport> {
    const answer = new Promise<WitnessReport>((resolve) => this.#witness.once('message', resolve))
    this.#witness.postMessage('report')
    const report = await answer
    if (report.problem !== '') throw new Error(`the well-behaved client: ${report.problem}`)
    return report
  }

  usage(): Usage {
    const { pid } = this.broker
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return {
      rssBytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024,
      handles: readdirSync(`/proc/${pid}/fd`).length,
    }
  }

  async holdings(): Promise<Holdings> {
    const overview: unknown = await this.get('overview')
    // The shape of /api/overview.
    return (overview as { object_totals: Holdings }).object_totals
  }

  /** What the broker holds with the witness alone, once its statistics know. */
  async settled(): Promise<Holdings> {
    for (;;) {
      const held = await this.holdings()
      if (held.consumers === 1 && held.channels === 1) return held
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** Waits until the broker holds as little as at the start. */
  async settle(base: Holdings): Promise<Holdings> {
    const deadline = performance.now() + SETTLE_MS_MAX
    for (;;) {
      const held = await this.holdings()
      const names = ['connections', 'channels', 'consumers', 'queues', 'exchanges'] as const
      if (names.every((name) => held[name] <= base[name])) return held
      if (performance.now() > deadline) {
        throw new Error(`left behind: ${JSON.stringify(held)}, at the start ${JSON.stringify(base)}`)
      }
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** Deletes queues and exchanges of clients, except for the witness's: random frames may have declared some. */
  async sweep(): Promise<void> {
    for (const kind of ['queues', 'exchanges'] as const) {
      // The shape of both listings.
      const listed = (await this.get(`${kind}?columns=name`)) as readonly { readonly name: string }[]
      const own = kind === 'queues' ? listed.filter(({ name }) => name !== WITNESS_QUEUE) : listed.filter(isDeclared)
      for (const { name } of own) await this.#ask('DELETE', `${kind}/%2F/${encodeURIComponent(name)}`)
    }
  }

  /** Reads from the HTTP API. */
  async get(path: string): Promise<unknown> {
    return (await this.#ask('GET', path)).json()
  }

  async #ask(method: string, path: string): Promise<Response> {
    const response = await fetch(`http://127.0.0.1:${this.port('http')}/api/${path}`, {
      method,
      headers: { authorization: `Basic ${btoa('guest:guest')}` },
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
    return response
  }

  async stop(): Promise<void> {
    await this.#witness.terminate()
  }
}

function isDeclared({ name }: { readonly name: string }): boolean {
  return name !== '' && !name.startsWith('amq.')
}
