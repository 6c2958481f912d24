/**
 * Publishers and consumers of the crash tests: an unmodified third-party client, one connection each, writing everything
 * they send and are told into accounts. They work until their broker dies or they are closed.
 */
import amqp, { type ChannelModel, type ConfirmChannel, type ConsumeMessage } from 'amqplib'
import type { SeededRandomness } from '../../src/base/random.ts'
import { PUBLISHERS_MAX, type QueueAccount } from './account.ts'
import { bodyOf, idOf, randomLength } from './message-body.ts'

/** Queue that takes the publishes whose confirms seal earlier settlements. Bounded. */
export const SEAL_QUEUE = 'crash-seals'
const SEAL_EVERY = 40
const BURST_MAX = 40
const PREFETCH = 200

/** Where a publisher publishes, and which queues that reaches. */
export interface Target {
  readonly exchange: string
  readonly routingKey: string
  readonly accounts: readonly QueueAccount[]
}

/** Ids of one run: unique, growing. */
export class Ids {
  #last = 0

  next(publisher: number): number {
    return ++this.#last * PUBLISHERS_MAX + publisher
  }
}

/** A connection that may die at any moment. Failures of checks go to `fail`. */
export class Client {
  readonly connection: ChannelModel
  readonly channel: ConfirmChannel
  readonly ended: Promise<void>
  isEnded = false

  constructor(connection: ChannelModel, channel: ConfirmChannel) {
    this.connection = connection
    this.channel = channel
    channel.on('error', () => undefined)
    connection.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      connection.on('close', () => {
        this.isEnded = true
        resolve()
      })
    })
  }

  static async open(url: string): Promise<Client> {
    const connection = await amqp.connect(`${url}?heartbeat=0`)
    connection.on('error', () => undefined)
    return new Client(connection, await connection.createConfirmChannel())
  }
}

/** Publishes as fast as confirms come. */
export class Publisher {
  readonly client: Client
  readonly #slot: number
  readonly #ids: Ids
  readonly #targets: readonly Target[]
  readonly #random: SeededRandomness
  readonly #window: number
  readonly #liveMax: number
  #outstanding = 0
  #isStopped = false
  confirmedCount = 0
  nackedCount = 0

  constructor(
    client: Client,
    slot: number,
    ids: Ids,
    targets: readonly Target[],
    random: SeededRandomness,
    liveMax: number,
  ) {
    this.client = client
    this.#slot = slot
    this.#ids = ids
    this.#targets = targets
    this.#random = random
    this.#window = 50 + random.below(1500)
    this.#liveMax = liveMax
  }

  start(): void {
    setImmediate(() => this.#burst())
  }

  /** No further publishes; resolves when everything sent is answered. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (!this.client.isEnded) await this.client.channel.waitForConfirms()
  }

  #burst(): void {
    if (this.client.isEnded || this.#isStopped) return
    let hasRoom = true
    for (let i = this.#random.below(BURST_MAX); i >= 0 && this.#outstanding < this.#window && hasRoom; i--) {
      const target = this.#targets[this.#random.below(this.#targets.length)]!
      if (target.accounts.some(({ liveCount }) => liveCount > this.#liveMax)) continue
      hasRoom = this.#publish(target)
    }
    if (hasRoom) setImmediate(() => this.#burst())
    else this.client.channel.once('drain', () => this.#burst())
  }

  #publish({ exchange, routingKey, accounts }: Target): boolean {
    const id = this.#ids.next(this.#slot)
    const persistent = this.#random.below(10) > 0
    for (const account of accounts) account.sent(id, persistent || account.keepsTransient ? 'kept' : 'lost')
    this.#outstanding++
    const properties = { persistent, messageId: String(id), headers: { id } }
    return this.client.channel.publish(
      exchange,
      routingKey,
      bodyOf(id, randomLength(this.#random)),
      properties,
      (refusal) => {
        this.#outstanding--
        if (refusal !== null && refusal !== undefined) {
          this.nackedCount++
          return
        }
        this.confirmedCount++
        for (const account of accounts) account.confirmed(id)
      },
    )
  }
}

/** The id of a delivery, checked against everything that carries it. */
export function checkedId({ content, properties }: ConsumeMessage | amqp.GetMessage): number {
  const id = idOf(content)
  if (properties.messageId !== String(id) || properties.headers?.id !== id) {
    throw new Error(`message ${id} came with the properties of ${String(properties.messageId)}`)
  }
  return id
}

/** Consumes one queue and settles at random: one by one, many at once, late, or back into the queue. */
export class Consumer {
  readonly client: Client
  readonly #account: QueueAccount
  readonly #random: SeededRandomness
  readonly #fail: (error: unknown) => void
  readonly #unacked = new Map<number, { readonly id: number; readonly message: ConsumeMessage }>()
  #unsealedDeliveries: number[] = []
  #unsealedSettlements: number[] = []

  constructor(client: Client, account: QueueAccount, random: SeededRandomness, fail: (error: unknown) => void) {
    this.client = client
    this.#account = account
    this.#random = random
    this.#fail = fail
  }

  async start(): Promise<void> {
    await this.client.channel.prefetch(PREFETCH)
    await this.client.channel.consume(this.#account.queue, (message) => {
      if (message === null) return
      try {
        this.#take(message)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #take(message: ConsumeMessage): void {
    const id = checkedId(message)
    this.#account.delivered(id)
    this.#unacked.set(message.fields.deliveryTag, { id, message })
    this.#unsealedDeliveries.push(id)
    const choice = this.#random.below(100)
    if (this.#unacked.size > PREFETCH / 2 || choice < 10) this.#settle(message, true)
    else if (choice < 60) this.#settle(message, false)
    else if (choice < 65) this.#drop(message)
    else if (choice < 70) this.#requeue(message)
    if (this.#unsealedDeliveries.length >= SEAL_EVERY) this.#seal()
  }

  #settle(message: ConsumeMessage, multiple: boolean): void {
    const upTo = message.fields.deliveryTag
    for (const [tag, { id }] of this.#unacked) {
      if (multiple ? tag > upTo : tag !== upTo) continue
      this.#account.settled(id)
      this.#unsealedSettlements.push(id)
      this.#unacked.delete(tag)
    }
    this.client.channel.ack(message, multiple)
  }

  #drop(message: ConsumeMessage): void {
    const { id } = this.#unacked.get(message.fields.deliveryTag)!
    this.#account.settled(id)
    this.#unsealedSettlements.push(id)
    this.#unacked.delete(message.fields.deliveryTag)
    this.client.channel.nack(message, false, false)
  }

  #requeue(message: ConsumeMessage): void {
    this.#unacked.delete(message.fields.deliveryTag)
    this.client.channel.nack(message, false, true)
  }

  /** What was settled before a publish on this channel is on disk when the publish is confirmed. */
  #seal(): void {
    const delivered = this.#unsealedDeliveries
    const settled = this.#unsealedSettlements
    this.#unsealedDeliveries = []
    this.#unsealedSettlements = []
    this.client.channel.publish('', SEAL_QUEUE, Buffer.from('seal'), { persistent: true }, (refusal) => {
      if (refusal !== null && refusal !== undefined) return
      for (const id of delivered) this.#account.flagSealed(id)
      for (const id of settled) this.#account.settledSealed(id)
    })
  }
}
