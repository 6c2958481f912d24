/**
 * One data folder through many lives of a real broker process: load from several publishers, consumers, scripted clients
 * and topology changes, then an end (kill -9, or SIGTERM), then a verification of everything that was answered.
 * [docs/durability.md]
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandomness } from '../../src/base/random.ts'
import { type BrokerProcess, projectRoot, startBrokerProcess } from '../support/broker-process.ts'
import { type AccountFigures, noFigures, QueueAccount } from './account.ts'
import { Churner, ChurnState, type Endpoints, verifyChurn } from './churn.ts'
import { Client, Consumer, Ids, Publisher, SEAL_QUEUE, type Target } from './clients.ts'
import { inspect } from './inspection.ts'
import { inspectScripted, runTransactions, ScriptedClient, ScriptedQueue } from './scripted-client.ts'

const FANOUT = 'crash-fanout'
const FLEETING = 'crash-fleeting'
const PUBLISHERS = 4
/** Publishers pause above this many messages in a queue. */
const LIVE_MAX = 20_000
/** Messages that a queue keeps from one life to the next. */
const KEEP_MAX = 1500

const CLASSIC = { 'x-queue-type': 'classic' }
/** Without a limit: messages that are requeued often are not dropped. */
const QUORUM = { 'x-queue-type': 'quorum', 'x-delivery-limit': -1 }

/** What all lives together saw. */
export interface RunFigures extends AccountFigures {
  kills: number
  killsDuringStart: number
  cleanStops: number
  scriptedSteps: number
  topologyChanges: number
  slowestStartMs: number
  folderBytesMax: number
}

/** Zero everywhere. */
export function noRunFigures(): RunFigures {
  return {
    ...noFigures(),
    kills: 0,
    killsDuringStart: 0,
    cleanStops: 0,
    scriptedSteps: 0,
    topologyChanges: 0,
    slowestStartMs: 0,
    folderBytesMax: 0,
  }
}

/** How a life ends. */
export interface Ending {
  readonly kind: 'kill' | 'stop'
  /** Counted from the first confirm. */
  readonly afterMs: number
  /** Kill the next process this long after its launch, before it is started for good; 0: not. */
  readonly killStartAfterMs: number
}

/** A data folder and everything that is known of it. */
export class BrokerRun {
  readonly #random: SeededRandomness
  readonly #figures: RunFigures
  readonly #folder = mkdtempSync(join(tmpdir(), 'warren-crash-'))
  readonly #settings: readonly string[]
  readonly #ids = new Ids()
  readonly #accounts: readonly QueueAccount[]
  readonly #targets: readonly Target[]
  readonly #scripted: readonly ScriptedQueue[]
  readonly #transacted: ScriptedQueue
  readonly #churns: readonly ChurnState[]
  #isFirstLife = true
  #broker: BrokerProcess | null = null

  constructor(random: SeededRandomness, figures: RunFigures) {
    this.#random = random
    this.#figures = figures
    // The smallest blocks roll, compact and spill within a second.
    const blockBytes = random.below(3) === 0 ? 16_777_216 : 1_048_576
    this.#settings = [`warren.storage.block_bytes=${blockBytes}`, 'warren.storage.resident_bytes=33554432']
    const accounts = ['classic-0', 'classic-1', 'classic-2', 'quorum-0', 'quorum-1'].map(
      (name) => new QueueAccount(`crash-${name}`, name.startsWith('quorum'), figures),
    )
    this.#accounts = accounts
    this.#targets = [
      ...accounts.map((account) => ({ exchange: '', routingKey: account.queue, accounts: [account] })),
      { exchange: FANOUT, routingKey: 'any', accounts: accounts.slice(1, 4) },
    ]
    this.#scripted = [
      new ScriptedQueue('crash-script-classic', CLASSIC),
      new ScriptedQueue('crash-script-quorum', QUORUM),
    ]
    this.#transacted = new ScriptedQueue('crash-script-tx', CLASSIC)
    this.#churns = [new ChurnState('churn-a-'), new ChurnState('churn-b-')]
  }

  /** Starts, verifies what the life before left, works, and ends. */
  async life(ending: Ending): Promise<void> {
    if (ending.killStartAfterMs > 0) await this.#killDuringStart(ending.killStartAfterMs)
    const broker = await this.#start()
    await this.#verify(broker)
    await this.#work(broker, ending)
  }

  /** Starts a last time, verifies, stops. */
  async finish(): Promise<void> {
    const broker = await this.#start()
    await this.#verify(broker)
    assert.equal(await broker.stop(), 0, `the exit code of SIGTERM: ${broker.output}`)
    this.#broker = null
  }

  /** Removes the folder; also after a failure. */
  async dispose(): Promise<void> {
    await this.#broker?.kill().catch(() => undefined)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  // Starting

  async #start(): Promise<BrokerProcess> {
    const startedMs = performance.now()
    const broker = await startBrokerProcess({ dataDir: this.#folder, set: this.#settings })
    this.#broker = broker
    this.#figures.slowestStartMs = Math.max(this.#figures.slowestStartMs, Math.round(performance.now() - startedMs))
    assert.doesNotMatch(broker.output, /damaged|a bug/i)
    return broker
  }

  async #killDuringStart(afterMs: number): Promise<void> {
    const args = ['bin/warren.js', 'server', '--data-dir', this.#folder]
    const ports = ['listeners.tcp.default', 'management.tcp.port', 'prometheus.tcp.port', 'mqtt.listeners.tcp.default']
    for (const setting of [
      ...[...ports, 'web_mqtt.tcp.port'].map((port) => `${port}=0`),
      'stomp.listeners.tcp=none',
      ...this.#settings,
    ]) {
      args.push('--set', setting)
    }
    const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: 'ignore' })
    const exited = once(child, 'exit')
    await sleep(afterMs)
    child.kill('SIGKILL')
    await exited
    this.#figures.killsDuringStart++
  }

  // Verifying

  async #verify(broker: BrokerProcess): Promise<void> {
    const { amqpUrl } = broker
    if (this.#isFirstLife) {
      this.#isFirstLife = false
      await this.#declare(amqpUrl)
      return
    }
    const client = await Client.open(amqpUrl)
    for (const account of this.#accounts) await inspect(client, account, this.#random, KEEP_MAX)
    await client.connection.close()
    for (const queue of [...this.#scripted, this.#transacted]) await inspectScripted(amqpUrl, queue)
    await verifyChurn(endpointsOf(broker), this.#churns)
    await this.#expectNothingFleeting(amqpUrl)
    this.#figures.folderBytesMax = Math.max(this.#figures.folderBytesMax, folderBytes(this.#folder))
  }

  async #declare(url: string): Promise<void> {
    const { connection, channel } = await Client.open(url)
    await channel.assertExchange(FANOUT, 'fanout', { durable: true })
    const seals = { ...CLASSIC, 'x-max-length': 1000 }
    await channel.assertQueue(SEAL_QUEUE, { durable: true, arguments: seals })
    for (const { queue, keepsTransient } of this.#accounts) {
      await channel.assertQueue(queue, { durable: true, arguments: keepsTransient ? QUORUM : CLASSIC })
    }
    for (const { queue } of this.#targets.at(-1)!.accounts) await channel.bindQueue(queue, FANOUT, '')
    await connection.close()
  }

  /** A queue and an exchange that are not durable must be gone, with the binding. */
  async #expectNothingFleeting(url: string): Promise<void> {
    for (const check of ['checkQueue', 'checkExchange'] as const) {
      const client = await Client.open(url)
      await assert.rejects(client.channel[check](FLEETING), /404/, `${check} ${FLEETING}`)
      await client.connection.close()
    }
  }

  // Working

  async #work(broker: BrokerProcess, ending: Ending): Promise<void> {
    const { amqpUrl } = broker
    let failure: unknown
    const fail = (error: unknown): void => {
      failure ??= error
    }
    const fleeting = await Client.open(amqpUrl)
    await fleeting.channel.assertQueue(FLEETING, { durable: false })
    await fleeting.channel.assertExchange(FLEETING, 'fanout', { durable: false })
    await fleeting.channel.bindQueue(FLEETING, FLEETING, '')
    const clients: Client[] = [fleeting]
    const open = async (): Promise<Client> => {
      const client = await Client.open(amqpUrl)
      clients.push(client)
      return client
    }
    const publishers: Publisher[] = []
    for (let i = 0; i < PUBLISHERS; i++) {
      publishers.push(new Publisher(await open(), i, this.#ids, this.#targets, this.#fork(), LIVE_MAX))
    }
    for (const account of this.#accounts) {
      for (let i = this.#random.below(3); i > 0; i--) {
        await new Consumer(await open(), account, this.#fork(), fail).start()
      }
    }
    let isStopped = false
    const runs: Promise<void>[] = []
    const begin = (run: Promise<void>): void => {
      runs.push(run)
      run.catch(fail)
    }
    const stops: (() => void)[] = [() => (isStopped = true)]
    for (const queue of this.#scripted) {
      const client = new ScriptedClient(await open(), queue, this.#ids, this.#fork())
      stops.push(() => client.stop())
      begin(client.run())
    }
    begin(runTransactions(broker.listeners.amqp!, this.#transacted, this.#ids, this.#fork(), () => isStopped))
    for (const state of this.#churns) {
      const churner = new Churner(endpointsOf(broker), await open(), state, this.#fork())
      stops.push(() => churner.stop())
      begin(churner.run())
    }
    for (const publisher of publishers) publisher.start()
    await until(() => failure !== undefined || publishers.some(({ confirmedCount }) => confirmedCount > 0))
    await sleep(ending.afterMs)
    if (failure === undefined) await this.#end(broker, ending, publishers, stops, runs)
    else await broker.kill()
    await Promise.all(clients.map(({ ended }) => ended))
    await Promise.allSettled(runs)
    this.#count()
    if (failure !== undefined) throw failure
  }

  async #end(
    broker: BrokerProcess,
    { kind }: Ending,
    publishers: readonly Publisher[],
    stops: readonly (() => void)[],
    runs: readonly Promise<void>[],
  ): Promise<void> {
    assert.deepEqual(
      publishers.map(({ nackedCount, client }) => (client.isEnded ? 0 : nackedCount)),
      publishers.map(() => 0),
      'publishes were nacked',
    )
    if (kind === 'kill') {
      this.#figures.kills++
      await broker.kill()
    } else {
      this.#figures.cleanStops++
      for (const stop of stops) stop()
      await Promise.all([...publishers.map((publisher) => publisher.stop()), ...runs])
      assert.equal(await broker.stop(), 0, `the exit code of SIGTERM: ${broker.output}`)
    }
    this.#broker = null
  }

  #count(): void {
    for (const queue of [...this.#scripted, this.#transacted]) {
      this.#figures.scriptedSteps += queue.stepCount
      queue.stepCount = 0
    }
    for (const state of this.#churns) {
      this.#figures.topologyChanges += state.answeredCount
      state.answeredCount = 0
    }
  }

  #fork(): SeededRandomness {
    return new SeededRandomness(this.#random.below(2 ** 31))
  }
}

function endpointsOf({ amqpUrl, listeners }: BrokerProcess): Endpoints {
  return { amqpUrl, httpUrl: `http://127.0.0.1:${listeners.http}` }
}

/** Polls a condition that must become true. */
async function until(holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 30_000; !holds(); await sleep(2)) {
    assert.ok(performance.now() < deadline, 'nothing was confirmed within 30 s')
  }
}

/** Bytes of all files below a folder. */
export function folderBytes(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}
