/**
 * A client that does one thing after another on a queue of its own and awaits each answer, so that what is in the queue is
 * known exactly: publish, basic.get with acknowledgement, purge, delete and declare again, transactions. Only the step that
 * the kill interrupts is uncertain.
 */
import assert from 'node:assert/strict'
import type { GetMessage } from 'amqplib'
import type { SeededRandomness } from '../../src/base/random.ts'
import { WireClient } from '../support/wire-client.ts'
import type { Table } from '../support/wire-codec.ts'
import { Client, checkedId, type Ids, SEAL_QUEUE } from './clients.ts'
import { bodyOf, idOf, randomLength } from './message-body.ts'

/** Slot of all scripted clients among the publishers: their queues are their own. */
const SLOT = 15
const BATCH_MAX = 40

/** What is known of the queue. */
export class ScriptedQueue {
  readonly name: string
  readonly queueArguments: Table
  /** In the queue for certain, in order. */
  due: number[] = []
  /** The interrupted step published them: some first ones of them may be there, behind `due`. */
  adding: number[] = []
  /** The interrupted step removed them: they may be there. */
  removing: number[] = []
  exists: boolean | 'unknown' = false
  stepCount = 0

  constructor(name: string, queueArguments: Table) {
    this.name = name
    this.queueArguments = queueArguments
  }
}

/** Works on a scripted queue until the broker dies. */
export class ScriptedClient {
  readonly #client: Client
  readonly #queue: ScriptedQueue
  readonly #ids: Ids
  readonly #random: SeededRandomness
  #isStopped = false

  constructor(client: Client, queue: ScriptedQueue, ids: Ids, random: SeededRandomness) {
    this.#client = client
    this.#queue = queue
    this.#ids = ids
    this.#random = random
  }

  /** Ends after the step that runs. */
  stop(): void {
    this.#isStopped = true
  }

  /** Resolves when the connection is gone; rejects when the broker answered wrongly. */
  async run(): Promise<void> {
    try {
      while (!this.#isStopped) await this.#step()
    } catch (error) {
      if (error instanceof assert.AssertionError || !(await this.#hasDied())) throw error
    }
  }

  /** A broken connection shows first as a failed call, then as closed. */
  async #hasDied(): Promise<boolean> {
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, 2000).unref())
    await Promise.race([this.#client.ended, deadline])
    return this.#client.isEnded
  }

  async #step(): Promise<void> {
    const queue = this.#queue
    queue.stepCount++
    if (queue.exists !== true) return this.#declare()
    const choice = this.#random.below(100)
    if (choice < 45) return this.#publish()
    if (choice < 85) return this.#take()
    if (choice < 95) return this.#purge()
    return this.#delete()
  }

  async #declare(): Promise<void> {
    this.#queue.exists = 'unknown'
    await this.#client.channel.assertQueue(this.#queue.name, {
      durable: true,
      arguments: { ...this.#queue.queueArguments },
    })
    this.#queue.exists = true
  }

  async #publish(): Promise<void> {
    const queue = this.#queue
    for (let i = this.#random.below(BATCH_MAX); i >= 0; i--) queue.adding.push(this.#ids.next(SLOT))
    for (const id of queue.adding) {
      const properties = { persistent: true, messageId: String(id), headers: { id } }
      this.#client.channel.publish('', queue.name, bodyOf(id, randomLength(this.#random)), properties)
    }
    await this.#client.channel.waitForConfirms()
    queue.due.push(...queue.adding)
    queue.adding = []
  }

  async #take(): Promise<void> {
    const queue = this.#queue
    const taken: GetMessage[] = []
    for (let i = this.#random.below(BATCH_MAX); i >= 0; i--) {
      const message = await this.#client.channel.get(queue.name, { noAck: false })
      if (message === false) break
      taken.push(message)
    }
    assert.deepEqual(taken.map(checkedId), queue.due.slice(0, taken.length), `${queue.name}: basic.get`)
    if (taken.length === 0) return
    queue.removing = queue.due.splice(0, taken.length)
    this.#client.channel.ack(taken.at(-1)!, true)
    await this.#sealed()
  }

  async #purge(): Promise<void> {
    const queue = this.#queue
    const { length } = queue.due
    queue.removing = queue.due.splice(0)
    const { messageCount } = await this.#client.channel.purgeQueue(queue.name)
    assert.equal(messageCount, length, `${queue.name}: purge`)
    await this.#sealed()
  }

  async #delete(): Promise<void> {
    const queue = this.#queue
    const { length } = queue.due
    queue.removing = queue.due.splice(0)
    queue.exists = 'unknown'
    const { messageCount } = await this.#client.channel.deleteQueue(queue.name)
    assert.equal(messageCount, length, `${queue.name}: delete`)
    queue.exists = false
    queue.removing = []
  }

  /** What was removed before is removed for good. */
  async #sealed(): Promise<void> {
    this.#client.channel.publish('', SEAL_QUEUE, Buffer.from('seal'), { persistent: true })
    await this.#client.channel.waitForConfirms()
    this.#queue.removing = []
  }
}

/** Compares a scripted queue with what is there after a restart, by taking everything out of it. */
export async function inspectScripted(url: string, queue: ScriptedQueue): Promise<void> {
  const client = await Client.open(url)
  try {
    const exists = await client.channel.checkQueue(queue.name).then(
      () => true,
      () => false,
    )
    if (queue.exists !== 'unknown') assert.equal(exists, queue.exists, `${queue.name} exists`)
    queue.exists = exists
    if (!exists) {
      queue.due = []
      queue.adding = []
      queue.removing = []
      return
    }
    const found: number[] = []
    for (;;) {
      const message = await client.channel.get(queue.name, { noAck: false })
      if (message === false) break
      found.push(checkedId(message))
    }
    compare(queue, found)
  } finally {
    if (!client.isEnded) await client.connection.close().catch(() => undefined)
  }
}

/** `found` must be: some of `removing`, all of `due`, the first ones of `adding`, each once, in this order. */
function compare(queue: ScriptedQueue, found: readonly number[]): void {
  const removing = new Set(queue.removing)
  const rest = found.filter((id) => !removing.has(id))
  const added = rest.slice(queue.due.length)
  assert.deepEqual(rest.slice(0, queue.due.length), queue.due, `${queue.name}: what is due`)
  assert.deepEqual(added, queue.adding.slice(0, added.length), `${queue.name}: what was being published`)
  const expected = [...queue.removing.filter((id) => found.includes(id)), ...queue.due, ...added]
  assert.deepEqual(found, expected, `${queue.name}: order`)
  queue.due = [...found]
  queue.adding = []
  queue.removing = []
}

/** Publishes in transactions, over the raw wire, until the broker dies. Updates the queue as the scripted client does. */
export async function runTransactions(
  port: number,
  queue: ScriptedQueue,
  ids: Ids,
  random: SeededRandomness,
  isStopped: () => boolean,
): Promise<void> {
  const wire = await WireClient.connect('127.0.0.1', port)
  try {
    await wire.open()
    const channel = await wire.channel()
    queue.exists = 'unknown'
    await channel.call('queue.declare', { queue: queue.name, durable: true, arguments: queue.queueArguments })
    queue.exists = true
    await channel.call('tx.select')
    while (!isStopped()) {
      queue.stepCount++
      const batch: number[] = []
      for (let i = random.below(BATCH_MAX); i >= 0; i--) batch.push(ids.next(SLOT))
      for (const id of batch) {
        const properties = { deliveryMode: 2, messageId: String(id), headers: { id } }
        channel.publish('', queue.name, bodyOf(id, 16 + random.below(500)), properties)
      }
      const taken: number[] = []
      for (let i = random.below(BATCH_MAX); i >= 0; i--) {
        const message = await channel.get(queue.name, false)
        if (message === undefined) break
        taken.push(idOf(message.body))
        channel.ack(Number(message.args.deliveryTag))
      }
      assert.deepEqual(taken, queue.due.slice(0, taken.length), `${queue.name}: basic.get`)
      if (random.below(5) === 0) {
        await channel.call('tx.rollback')
        await channel.call('basic.recover', { requeue: true })
        continue
      }
      queue.adding = batch
      queue.removing = queue.due.splice(0, taken.length)
      await channel.call('tx.commit')
      queue.due.push(...queue.adding)
      queue.adding = []
      queue.removing = []
    }
  } catch (error) {
    if (!wire.isClosed) await wire.closed(2000).catch(() => undefined)
    if (!wire.isClosed || error instanceof assert.AssertionError) throw error
  } finally {
    wire.socket.destroy()
  }
}
