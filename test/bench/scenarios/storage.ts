/**
 * The storage through the whole broker: recovery of deep queues, memory while they grow, their drain, the folder after it,
 * idle queues, an old message among millions of others, and a wide fan-out. Needs about 3 GB of disk. [docs/durability.md]
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import amqp from 'amqplib'
import { type BrokerProcess, startBrokerProcess } from '../../support/broker-process.ts'
import {
  atLeast,
  atMost,
  type BenchContext,
  type BenchRow,
  type BenchScenario,
  DURABLE,
  plain,
  residentBytes,
} from '../context.ts'

type Row = Omit<BenchRow, 'scenario'>

const QUEUES = 10
const IDLE_QUEUES = 10_000
const IDLE_AT_ONCE = 200
const FLOW_MESSAGES = 2_000_000
const FANOUT_QUEUES = 100
const FANOUT_MESSAGES = 2_000
const FANOUT_BODY_BYTES = 4096
const SAMPLE_MS = 100
const DRAIN_SECONDS_MAX = 600
const SETTLED_MS_MAX = 20_000
/** A start that takes this long must have told of its progress: it does once it recovers for a second. */
const PROGRESS_SECONDS = 3.5
/** The newest segments wait for a snapshot or for compaction, whatever is in them. */
const RECENT_SEGMENTS = 6
const MB = 1e6

/** One depth of backlog, with what it must keep to. */
interface Backlog {
  readonly count: number
  readonly bodyBytes: number
  readonly recoverySecondsMax: number
}

const BACKLOGS: readonly Backlog[] = [
  { count: 1_000_000, bodyBytes: 100, recoverySecondsMax: 2 },
  { count: 10_000_000, bodyBytes: 100, recoverySecondsMax: 10 },
  { count: 2_000_000, bodyBytes: 1024, recoverySecondsMax: 10 },
]

/** Bytes of all files below a folder. */
function folderBytes(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}

/** The lowest size that the folder reaches while the broker tidies up. */
async function settledFolderBytes(folder: string, enough: number): Promise<number> {
  let bytes = folderBytes(folder)
  for (const deadline = performance.now() + SETTLED_MS_MAX; bytes > enough && performance.now() < deadline; ) {
    await sleep(SAMPLE_MS)
    bytes = folderBytes(folder)
  }
  return bytes
}

/** Segments of the log that lie far behind its newest one: something in them is still needed. */
function pinnedSegments(folder: string): number {
  const numbers = readdirSync(join(folder, 'messages'))
    .filter((name) => /^[0-9a-f]{8}\.log$/.test(name))
    .map((name) => Number.parseInt(name, 16))
  return numbers.filter((number) => number < Math.max(...numbers) - RECENT_SEGMENTS).length
}

/** The largest resident memory of a process while something runs. */
async function whileWatchingMemory<T>(pid: number, run: Promise<T>): Promise<{ result: T; bytesMax: number }> {
  let bytesMax = residentBytes(pid)
  const timer = setInterval(() => {
    bytesMax = Math.max(bytesMax, residentBytes(pid))
  }, SAMPLE_MS)
  try {
    return { result: await run, bytesMax }
  } finally {
    clearInterval(timer)
  }
}

/** Starts a broker on a folder; resolves with the time from launch to ready. */
async function startOn(dataDir: string): Promise<{ broker: BrokerProcess; seconds: number }> {
  const startedMs = performance.now()
  const broker = await startBrokerProcess({ dataDir })
  return { broker, seconds: (performance.now() - startedMs) / 1000 }
}

async function measureBacklog(
  context: BenchContext,
  { count, bodyBytes, recoverySecondsMax }: Backlog,
): Promise<Row[]> {
  const name = `${count / 1e6} M × ${bodyBytes} B`
  const folder = mkdtempSync(join(tmpdir(), 'warren-bench-'))
  const shape = { ...DURABLE, sizes: [bodyBytes] }
  let { broker, seconds } = await startOn(folder)
  const rows: Row[] = []
  try {
    const empty = await context.load(broker, { ...shape, queueName: 'bench-empty' })
    const deep = { ...shape, queueName: 'bench-deep', queues: QUEUES, keepQueues: true, warmupSeconds: 0 }
    const filling = context.load(broker, { ...deep, producers: QUEUES, consumers: 0, count })
    const { result, bytesMax } = await whileWatchingMemory(broker.pid, filling)
    rows.push(
      plain(`${name}: published, no consumer`, result.confirmedPerSecond, 'msg/s'),
      atMost(`${name}: RSS at most, no consumer`, bytesMax / MB, 'MB', 400),
      plain(`${name}: data folder`, folderBytes(folder) / MB, 'MB'),
    )
    await broker.kill()
    ;({ broker, seconds } = await startOn(folder))
    rows.push(atMost(`${name}: ready after kill -9`, seconds, 's', recoverySecondsMax))
    if (seconds > PROGRESS_SECONDS && !broker.output.includes('recovering messages')) {
      throw new Error(`nothing was said during ${seconds} s of recovery:\n${broker.output}`)
    }
    rows.push(plain(`${name}: RSS after recovery`, residentBytes(broker.pid) / MB, 'MB'))
    const drain = await drainAll(context, broker, count, deep)
    const rate = drain.result
    rows.push(
      plain(`${name}: drained`, rate, 'msg/s'),
      atMost(`${name}: RSS at most, draining`, drain.bytesMax / MB, 'MB', 400),
      atLeast(`${name}: drain against an empty queue's flow`, (100 * rate) / empty.receivedPerSecond, '%', 33),
      atMost(`${name}: data folder afterwards`, (await settledFolderBytes(folder, 64 * MB)) / MB, 'MB', 64),
    )
  } finally {
    await broker.kill()
    rmSync(folder, { recursive: true, force: true })
  }
  return rows
}

/** Consumes everything with acknowledgements; messages per second, and the largest memory meanwhile. */
async function drainAll(
  context: BenchContext,
  broker: BrokerProcess,
  count: number,
  plan: Parameters<BenchContext['load']>[1],
): Promise<{ result: number; bytesMax: number }> {
  const startedMs = performance.now()
  let endedMs = 0
  let stopped = (): void => {}
  const interrupted = new Promise<void>((resolve) => {
    stopped = resolve
  })
  // Acknowledgements in batches leave the last few of each queue unacknowledged; closing the channel returns them.
  const enough = count - QUEUES * DURABLE.ackEvery!
  let received = 0
  const running = context.load(
    broker,
    { ...plan, producers: 0, consumers: QUEUES, seconds: DRAIN_SECONDS_MAX, count: 0 },
    (sample) => {
      received += sample.received
      if (received < enough) return
      endedMs = performance.now()
      stopped()
    },
    interrupted,
  )
  const { bytesMax } = await whileWatchingMemory(broker.pid, running)
  if (endedMs === 0) throw new Error(`only ${received} of ${count} messages came`)
  const connection = await amqp.connect(broker.amqpUrl)
  const channel = await connection.createChannel()
  for (let i = 0; i < QUEUES; i++) await channel.purgeQueue(`bench-deep-${i}`)
  await connection.close()
  return { result: received / ((endedMs - startedMs) / 1000), bytesMax }
}

async function measureIdleQueues(context: BenchContext): Promise<Row[]> {
  return context.withBroker(async (broker) => {
    const connection = await amqp.connect(broker.amqpUrl)
    const channel = await connection.createChannel()
    for (let i = 0; i < IDLE_AT_ONCE; i++) await channel.assertQueue(`warm-${i}`, { durable: true })
    const before = residentBytes(broker.pid)
    for (let i = 0; i < IDLE_QUEUES; i += IDLE_AT_ONCE) {
      const names = Array.from({ length: IDLE_AT_ONCE }, (_, k) => `idle-${i + k}`)
      await Promise.all(names.map((name) => channel.assertQueue(name, { durable: true })))
    }
    await sleep(1000)
    const growth = (residentBytes(broker.pid) - before) / MB
    await connection.close()
    return [atMost('10,000 idle durable queues', growth, 'MB', 100)]
  })
}

/**
 * One message of a queue stays unacknowledged while millions go through another one. Then the start after a kill must
 * take no longer than that of a broker through which hardly anything went.
 */
async function measureOldMessage(context: BenchContext): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'warren-bench-'))
  let { broker, seconds } = await startOn(folder)
  const emptySeconds = seconds
  try {
    const connection = await amqp.connect(broker.amqpUrl)
    connection.on('error', () => undefined)
    const channel = await connection.createConfirmChannel()
    await channel.assertQueue('bench-old', { durable: true })
    channel.sendToQueue('bench-old', Buffer.alloc(1000), { persistent: true })
    await channel.waitForConfirms()
    if ((await channel.get('bench-old', { noAck: false })) === false) throw new Error('the old message is not there')
    const flow = { ...DURABLE, sizes: [1024], count: FLOW_MESSAGES, warmupSeconds: 0, queueName: 'bench-flow' }
    await context.load(broker, flow)
    const bytes = await settledFolderBytes(folder, 64 * MB)
    const pinned = pinnedSegments(folder)
    await broker.kill()
    ;({ broker, seconds } = await startOn(folder))
    const again = await amqp.connect(broker.amqpUrl)
    const { messageCount } = await (await again.createChannel()).checkQueue('bench-old')
    await again.close()
    if (messageCount !== 1) throw new Error(`the old message is there ${messageCount} times after the kill`)
    return [
      atMost('folder with one old unacked message, 2 GB gone by', bytes / MB, 'MB', 64),
      atMost('segments that the old message pins', pinned, 'segments', 1),
      plain('ready with an empty folder', emptySeconds, 's'),
      atMost('ready after those 2 GB', seconds, 's', 2),
    ]
  } finally {
    await broker.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a fan-out writes, from the broker's own counter of log bytes. */
async function measureFanout(context: BenchContext): Promise<Row[]> {
  return context.withBroker(async (broker) => {
    const connection = await amqp.connect(broker.amqpUrl)
    const channel = await connection.createConfirmChannel()
    await channel.assertExchange('bench-wide', 'fanout', { durable: true })
    for (let i = 0; i < FANOUT_QUEUES; i++) {
      await channel.assertQueue(`wide-${i}`, { durable: true })
      await channel.bindQueue(`wide-${i}`, 'bench-wide', '')
    }
    const before = await writtenBytes(broker)
    for (let i = 0; i < FANOUT_MESSAGES; i++) {
      channel.publish('bench-wide', '', Buffer.alloc(FANOUT_BODY_BYTES), { persistent: true })
    }
    await channel.waitForConfirms()
    const each = ((await writtenBytes(broker)) - before) / FANOUT_MESSAGES
    await connection.close()
    return [
      atMost('log bytes of a 4 KiB message to 100 queues', each, 'B', 2 * FANOUT_BODY_BYTES),
      plain('log bytes per queue beyond the body', (each - FANOUT_BODY_BYTES) / FANOUT_QUEUES, 'B'),
    ]
  })
}

async function writtenBytes({ listeners }: BrokerProcess): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${listeners.prometheus}/metrics`)
  const match = /^rabbitmq_io_write_bytes_total(?:\{[^}]*\})? (\S+)$/m.exec(await response.text())
  if (match === null) throw new Error('the metrics do not tell the bytes of the log')
  return Number(match[1])
}

export const storage: BenchScenario = {
  name: 'storage',
  description: 'deep backlogs: recovery, memory, drain, disk space; idle queues; an old message; a wide fan-out',
  measure: async (context) => {
    const rows: Row[] = []
    for (const backlog of BACKLOGS) rows.push(...(await measureBacklog(context, backlog)))
    rows.push(...(await measureIdleQueues(context)))
    rows.push(...(await measureOldMessage(context)))
    rows.push(...(await measureFanout(context)))
    return rows
  },
}
