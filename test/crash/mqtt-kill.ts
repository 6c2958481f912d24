/**
 * kill -9 of a real broker under MQTT load with lasting sessions, again and again on one data folder, with connections
 * dropped in between. Afterwards: every acknowledged message has come, with QoS 2 exactly once, each topic's retained
 * message is no older than the last one acknowledged, and the delayed will of a client that the kill cut off was published.
 * `npm run test:crash` runs 30 rounds; `node dist/test/crash/mqtt-kill.js ROUNDS SEED` repeats them. Prints figures.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SeededRandomness } from '../../src/base/random.ts'
import { type BrokerProcess, startBrokerProcess } from '../support/broker-process.ts'
import { MqttClient } from '../support/mqtt-client.ts'
import { MqttPublisher, MqttSubscriber } from './mqtt-peers.ts'

const SETTLE_MS_MAX = 60_000
/** Comparing accounts of many messages takes a while itself. */
const LOOK_AGAIN_MS = 1_000
const POLL_MS = 20
const KEPT_TOPICS = 7
const WILL_SECONDS = 1

/** What was done and checked. */
export interface MqttKillFigures {
  kills: number
  drops: number
  acknowledged1: number
  acknowledged2: number
  received: number
  repeated1: number
  wills: number
  repeatedWills: number
}

/** Runs rounds; throws at the first broken promise, naming the seed. */
export async function killMqttBrokers(rounds: number, seed: number, afterMsMax: number): Promise<MqttKillFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-mqtt-kill-'))
  const run = new MqttKillRun(new SeededRandomness(seed), join(folder, 'data'))
  try {
    for (let round = 0; round < rounds; round++) await run.life(afterMsMax)
    await run.finish()
    return run.figures
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw new Error(`seed ${seed}, after ${run.figures.kills} kills: ${text}`, { cause: error })
  } finally {
    await run.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

class MqttKillRun {
  readonly figures: MqttKillFigures = {
    kills: 0,
    drops: 0,
    acknowledged1: 0,
    acknowledged2: 0,
    received: 0,
    repeated1: 0,
    wills: 0,
    repeatedWills: 0,
  }
  readonly #random: SeededRandomness
  readonly #dataDir: string
  readonly #failures: string[] = []
  readonly #subscriber: MqttSubscriber
  readonly #willWatcher: MqttSubscriber
  readonly #publishers: readonly MqttPublisher[]
  readonly #keeper: MqttPublisher
  #broker: BrokerProcess | undefined

  constructor(random: SeededRandomness, dataDir: string) {
    this.#random = random
    this.#dataDir = dataDir
    const fail = (text: string): void => void this.#failures.push(text)
    this.#subscriber = new MqttSubscriber('kill-subscriber', 'kill/#', fail)
    this.#willWatcher = new MqttSubscriber('kill-watcher', 'wills/#', fail)
    this.#publishers = ([1, 2] as const).map(
      (qos) =>
        new MqttPublisher({ clientId: `kill-qos${qos}`, qos, retain: false, topicOf: () => `kill/qos${qos}` }, fail),
    )
    const topicOf = (n: number): string => `kept/${n % KEPT_TOPICS}`
    this.#keeper = new MqttPublisher({ clientId: 'kill-keeper', qos: 1, retain: true, topicOf }, fail)
  }

  /** From a start to a kill. */
  async life(afterMsMax: number): Promise<void> {
    const broker = await this.#start()
    const port = broker.listeners.mqtt!
    await this.#leaveWill(port)
    const afterMs = this.#random.below(afterMsMax)
    const dropMs = this.#random.below(afterMsMax)
    await pause(Math.min(dropMs, afterMs))
    if (dropMs < afterMs) await this.#reconnectOne(port)
    await pause(Math.max(0, afterMs - dropMs))
    await broker.kill()
    this.figures.kills++
    this.#check()
  }

  /** Everything comes to rest, then the accounts are compared. */
  async finish(): Promise<void> {
    const broker = await this.#start()
    for (const publisher of [...this.#publishers, this.#keeper]) publisher.isFinishing = true
    await this.#until(() => [...this.#publishers, this.#keeper].every(({ isDone }) => isDone), 'publishers to finish')
    await this.#untilReceived()
    await this.#until(() => this.#willWatcher.counts.size >= this.figures.wills, 'wills')
    await this.#verifyRetained(broker.listeners.mqtt!)
    // What might still come twice would come now.
    await this.#reconnectAll(broker.listeners.mqtt!)
    await this.#quiet(broker.listeners.mqtt!)
    this.#verifyCounts()
    this.#check()
    await broker.stop()
    this.#broker = undefined
  }

  async dispose(): Promise<void> {
    await this.#broker?.kill()
  }

  async #start(): Promise<BrokerProcess> {
    this.#broker = await startBrokerProcess({ dataDir: this.#dataDir })
    await this.#reconnectAll(this.#broker.listeners.mqtt!)
    await this.#until(() => this.#subscriber.isSubscribed && this.#willWatcher.isSubscribed, 'subscriptions')
    return this.#broker
  }

  async #reconnectAll(port: number): Promise<void> {
    await this.#subscriber.connect(port)
    await this.#willWatcher.connect(port)
    // Only now: what is published before there is a subscription would rightly not come.
    await this.#until(() => this.#subscriber.isSubscribed, 'the subscription')
    for (const publisher of [...this.#publishers, this.#keeper]) await publisher.connect(port)
  }

  async #reconnectOne(port: number): Promise<void> {
    const peers = [this.#subscriber, ...this.#publishers, this.#keeper]
    const peer = peers[this.#random.below(peers.length)]!
    peer.drop()
    await peer.connect(port)
    this.figures.drops++
  }

  /** A client with a delayed will, which the kill cuts off. SUBACK says that its session is kept, the will with it. */
  async #leaveWill(port: number): Promise<void> {
    const number = this.figures.kills
    const client = await MqttClient.open(port)
    await client.connect({
      clientId: `kill-will-${number}`,
      cleanStart: false,
      properties: { sessionExpiryInterval: 3600 },
      will: {
        topic: `wills/${number}`,
        payload: Buffer.from('gone'),
        qos: 2,
        retain: false,
        properties: { willDelayInterval: WILL_SECONDS },
      },
    })
    await client.subscribe(['nothing'])
    this.figures.wills++
  }

  #missing(): string[] {
    const missing: string[] = []
    for (const { acknowledged, plan } of this.#publishers) {
      for (const n of acknowledged) {
        const message = `${plan.topicOf(n)} ${n}`
        if (!this.#subscriber.counts.has(message)) missing.push(message)
      }
    }
    return missing
  }

  #verifyCounts(): void {
    const [one, two] = this.#publishers
    this.figures.acknowledged1 = one!.acknowledged.size
    this.figures.acknowledged2 = two!.acknowledged.size
    for (const [message, count] of this.#subscriber.counts) {
      this.figures.received++
      if (count === 1) continue
      if (message.startsWith('kill/qos2')) this.#failures.push(`${message} came ${count} times`)
      else this.figures.repeated1++
    }
    // A kill between a will's publishing and its being forgotten has it published again.
    for (const count of this.#willWatcher.counts.values()) if (count > 1) this.figures.repeatedWills++
  }

  async #verifyRetained(port: number): Promise<void> {
    const last = new Map<string, number>()
    for (const n of this.#keeper.acknowledged) {
      const topic = this.#keeper.plan.topicOf(n)
      last.set(topic, Math.max(last.get(topic) ?? 0, n))
    }
    const client = await MqttClient.open(port)
    await client.connect({ clientId: 'kill-reader' })
    await client.subscribe(['kept/+'])
    for (let i = 0; i < last.size; i++) {
      const { topic, payload } = await client.nextMessage()
      if (Number(payload) < last.get(topic)!) this.#failures.push(`${topic} retains ${payload}, not ${last.get(topic)}`)
    }
    await client.disconnect()
  }

  /** A message of our own has come through the subscriber's queue: everything before it has. */
  async #quiet(port: number): Promise<void> {
    const client = await MqttClient.open(port)
    await client.connect({ clientId: 'kill-last' })
    await client.publishSafely({ topic: 'kill/last', payload: 'last' })
    await client.disconnect()
    await this.#until(() => this.#subscriber.counts.has('kill/last last'), 'the last message')
  }

  /** Waits as long as anything still comes: publishers are faster than a subscriber of QoS 2, and leave it a backlog. */
  async #untilReceived(): Promise<void> {
    const { counts } = this.#subscriber
    while (this.#missing().length > 0) {
      const before = counts.size
      const what = (): string => `${this.#missing().length} messages: ${this.#missing().slice(0, 5).join(', ')} …`
      await this.#until(() => counts.size > before, what)
      await pause(LOOK_AGAIN_MS)
    }
  }

  async #until(holds: () => boolean, what: string | (() => string)): Promise<void> {
    const deadline = Date.now() + SETTLE_MS_MAX
    while (!holds()) {
      this.#check()
      if (Date.now() > deadline) throw new Error(`waited too long for ${typeof what === 'string' ? what : what()}`)
      await pause(POLL_MS)
    }
  }

  #check(): void {
    if (this.#failures.length > 0) throw new Error(this.#failures.slice(0, 5).join('; '))
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rounds = Number(process.argv[2] ?? 30)
  const seed = Number(process.argv[3] ?? process.pid)
  process.stdout.write(`seed ${seed}, ${rounds} rounds\n`)
  for (const [name, value] of Object.entries(await killMqttBrokers(rounds, seed, 1500))) {
    process.stdout.write(`  ${name.padEnd(24)}${String(value).padStart(12)}\n`)
  }
}
