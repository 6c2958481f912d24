/**
 * Fills the disk of a real broker while publishers publish, twice: with the limit of free space, which must block them
 * before the disk is full, and without it, when writes begin to fail. Then makes room, and expects everything to go on by
 * itself, and everything confirmed to be there. `node dist/test/crash/disk-full.js` prints what happened.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type BrokerProcess, startBrokerProcess } from '../support/broker-process.ts'
import { noFigures, QueueAccount } from './account.ts'
import { Client, checkedId, Ids } from './clients.ts'
import { readAll } from './inspection.ts'
import { bodyOf } from './message-body.ts'
import { SmallDisk } from './small-disk.ts'

const QUEUES: readonly string[] = ['full-classic', 'full-quorum']
const WINDOW = 500
const BODY_BYTES = 2000
const NUDGE_MS = 100
const DECLARATIONS = 400
const WAIT_MS_MAX = 30_000

/** How a disk is filled. */
export interface FullDiskCase {
  /** Zero: writes fail. Otherwise publishers are blocked when less than this is free. */
  readonly freeBytesLimit: number
}

/** What happened. */
export interface FullDiskFigures {
  /** Free when the publishers were blocked or nothing was confirmed any more. */
  freeBytesAtStop: number
  confirmedBefore: number
  confirmedAfter: number
  nackedCount: number
  blockedReason: string
  /** From room being made to the next confirm. */
  resumedAfterMs: number
  foundCount: number
  /** Queues that were declared with ok while the disk was full, of `DECLARATIONS`. */
  declaredWhileFull: number
}

/** Publishes to both queues in turn. */
class Flood {
  readonly client: Client
  readonly accounts: readonly QueueAccount[]
  readonly #ids = new Ids()
  #outstanding = 0
  #isStopped = false
  confirmedCount = 0
  nackedCount = 0
  blockedReason = ''
  isBlocked = false

  constructor(client: Client) {
    this.client = client
    this.accounts = QUEUES.map((queue) => new QueueAccount(queue, queue.includes('quorum'), noFigures()))
    client.connection.on('blocked', (reason: unknown) => {
      this.isBlocked = true
      this.blockedReason = String(reason)
    })
    client.connection.on('unblocked', () => {
      this.isBlocked = false
    })
  }

  pump(): void {
    if (this.client.isEnded || this.#isStopped) return
    for (let i = 0; i < 20 && this.#outstanding < WINDOW && !this.isBlocked; i++) this.#publish()
    setImmediate(() => this.pump())
  }

  /** Publishes one message beyond the window. */
  nudge(): void {
    if (!this.isBlocked) this.#publish()
  }

  #publish(): void {
    const id = this.#ids.next(0)
    const account = this.accounts[(id / 16) % QUEUES.length]!
    account.sent(id, 'kept')
    this.#outstanding++
    const properties = { persistent: true, messageId: String(id), headers: { id } }
    this.client.channel.publish('', account.queue, bodyOf(id, BODY_BYTES), properties, (refusal) => {
      this.#outstanding--
      if (refusal !== null && refusal !== undefined) {
        this.nackedCount++
        return
      }
      this.confirmedCount++
      account.confirmed(id)
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.client.channel.waitForConfirms().catch(() => undefined)
  }
}

/** Runs one case on a mounted disk; the disk is left mounted. */
export async function fillDisk(disk: SmallDisk, { freeBytesLimit }: FullDiskCase): Promise<FullDiskFigures> {
  const dataDir = join(disk.folder, 'data')
  const set = [`disk_free_limit.absolute=${freeBytesLimit}`, 'warren.storage.block_bytes=1048576']
  let broker = await startBrokerProcess({ dataDir, set })
  try {
    const setUp = await Client.open(broker.amqpUrl)
    for (const queue of QUEUES) {
      const type = queue.includes('quorum') ? 'quorum' : 'classic'
      await setUp.channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': type } })
    }
    await setUp.connection.close()
    const flood = new Flood(await Client.open(broker.amqpUrl))
    flood.pump()
    await until('the first confirms', () => flood.confirmedCount > 1000)
    if (freeBytesLimit === 0) disk.fill(2 * 2 ** 20)
    else disk.fill(freeBytesLimit + 8 * 2 ** 20)
    // It is a publish after the alarm that a connection is blocked for: one whose window is full would never learn of it.
    const nudging = setInterval(() => flood.nudge(), NUDGE_MS)
    await until('publishers are stopped', () => flood.isBlocked || flood.nackedCount > 0).finally(() =>
      clearInterval(nudging),
    )
    const freeBytesAtStop = disk.freeBytes
    await quiet(flood)
    const confirmedBefore = flood.confirmedCount
    await stillServes(broker)
    const declared = new Set<string>()
    const declarations = declareMany(broker, declared)
    // On a full disk they may have to wait for room.
    await (freeBytesLimit > 0 ? declarations : Promise.race([declarations, sleep(1500)]))
    const declaredWhileFull = declared.size
    if (freeBytesLimit > 0) assert.equal(declared.size, DECLARATIONS, 'declarations above the limit')
    disk.free()
    const freedMs = performance.now()
    await until('confirms go on', () => flood.confirmedCount > confirmedBefore)
    const resumedAfterMs = Math.round(performance.now() - freedMs)
    await until('publishers are let go', () => !flood.isBlocked)
    await until('many confirms', () => flood.confirmedCount > confirmedBefore + 500)
    await flood.stop()
    await declarations
    const again = new Set<string>()
    await declareMany(broker, again)
    assert.equal(again.size, DECLARATIONS, 'declarations with room again')
    await broker.kill()
    await flood.client.ended
    broker = await startBrokerProcess({ dataDir, set })
    const foundCount = await verify(broker, flood.accounts, declared)
    return {
      freeBytesAtStop,
      confirmedBefore,
      confirmedAfter: flood.confirmedCount,
      nackedCount: flood.nackedCount,
      blockedReason: flood.blockedReason,
      resumedAfterMs,
      foundCount,
      declaredWhileFull,
    }
  } catch (error) {
    throw new Error(`${String(error)}\n${broker.output}`, { cause: error })
  } finally {
    await broker.kill()
  }
}

/** Waits until no confirm has come for a while: what is sent is either confirmed or waits. */
async function quiet(flood: Flood): Promise<void> {
  for (let seen = -1; seen !== flood.confirmedCount; await sleep(300)) seen = flood.confirmedCount
}

/** The process lives: a new connection is served, reads and passive declarations work. */
async function stillServes(broker: BrokerProcess): Promise<void> {
  const client = await Client.open(broker.amqpUrl)
  const { messageCount } = await client.channel.checkQueue(QUEUES[0]!)
  assert.ok(messageCount > 0)
  const message = await client.channel.get(QUEUES[0]!, { noAck: false })
  assert.ok(message !== false)
  checkedId(message)
  await client.connection.close()
}

/** Declares queues one after another until one is refused; those with ok are added. */
async function declareMany(broker: BrokerProcess, declared: Set<string>): Promise<void> {
  const client = await Client.open(broker.amqpUrl)
  try {
    for (let i = 0; i < DECLARATIONS; i++) {
      await client.channel.assertQueue(`full-late-${i}`, { durable: true })
      declared.add(`full-late-${i}`)
    }
  } catch (error) {
    if (!/RESOURCE|closed|ended/i.test(String(error))) throw error
  } finally {
    if (!client.isEnded) await client.connection.close().catch(() => undefined)
  }
}

async function verify(
  broker: BrokerProcess,
  accounts: readonly QueueAccount[],
  declared: ReadonlySet<string>,
): Promise<number> {
  const client = await Client.open(broker.amqpUrl)
  let count = 0
  for (const account of accounts) {
    const messages = await readAll(client, account.queue)
    account.verify(messages.map((message) => ({ id: checkedId(message), redelivered: message.fields.redelivered })))
    count += messages.length
  }
  for (const queue of declared) await client.channel.checkQueue(queue)
  await client.connection.close()
  return count
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + WAIT_MS_MAX; !holds(); await sleep(5)) {
    assert.ok(performance.now() < deadline, `waited ${WAIT_MS_MAX} ms: ${what}`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const freeBytesLimit of [32 * 2 ** 20, 0]) {
    const disk = SmallDisk.mount(freeBytesLimit === 0 ? 64 : 128)
    if (disk === undefined) throw new Error('a small file system cannot be mounted: it needs root')
    try {
      process.stdout.write(
        `disk_free_limit ${freeBytesLimit}: ${JSON.stringify(await fillDisk(disk, { freeBytesLimit }))}\n`,
      )
    } finally {
      disk.unmount()
    }
  }
}
