/**
 * Measures the message store alone: what a message costs on the path that every message takes, how fast batches become
 * durable, how long recovery takes, what a deep backlog costs in memory. Run it built: `node dist/test/bench/store.js`,
 * with a name (`hot`, `sync`, `backlog`) to run one part. Prints one line per figure.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SystemClock } from '../../src/base/clock.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { Turn } from '../../src/base/turn.ts'
import { MessageDraft, MessageView, writeMessage } from '../../src/model/message/message.ts'
import type { MessageStore } from '../../src/model/message/message-store.ts'
import type { Disk } from '../../src/storage/disk.ts'
import { NodeDisk } from '../../src/storage/disk-node.ts'
import { openMessageStore } from '../../src/storage/open-store.ts'
import { SILENT } from '../../src/storage/report.ts'
import type { BlockStore } from '../../src/storage/store.ts'

function fail(error: unknown): never {
  throw error
}

function say(name: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(56)} ${value.toFixed(value < 10 ? 2 : 0).padStart(10)} ${unit}\n`)
}

function weigh(_bytes: Buffer, words: Uint32Array, payloadAt: number): number {
  return words[(payloadAt >>> 2) + 5]!
}

async function open(disk: Disk | null): Promise<BlockStore> {
  const clock = new SystemClock()
  const report = { ...SILENT, onBug: fail }
  return openMessageStore({ disk, turn: new Turn(fail), clock, wheel: new TimerWheel(clock, fail), report, weigh })
}

function draftOf(bodyBytes: number): MessageDraft {
  const draft = new MessageDraft()
  draft.address('', 'queue-1')
  draft.properties = Buffer.from([0x10, 0, 2])
  draft.propertiesEnd = 3
  draft.publishedAtMs = 1_700_000_000_000
  draft.setBody(Buffer.alloc(bodyBytes, 'x'))
  return draft
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Publishes and consumes at once, a turn of 200 messages at a time: the flow through an empty queue. */
async function flow(store: MessageStore, durable: boolean, bodyBytes: number, count: number): Promise<number> {
  const ledger = store.ledger(store.newLedgerId(), durable)
  const draft = draftOf(bodyBytes)
  const view = new MessageView()
  let seen = 0
  const started = performance.now()
  for (let done = 0; done < count; ) {
    for (let i = 0; i < 200; i++, done++) {
      store.reserve(durable, 1, draft.payloadBytes())
      writeMessage(draft, store.bytes, store.words, store.payloadAt)
      ledger.enter(0, bodyBytes, 0)
    }
    for (let sequence = ledger.nextSequence - 200; sequence < ledger.nextSequence; sequence++) {
      if (store.open(ledger.addressOf(sequence), view)) seen += view.bodyBytes
      ledger.settle(sequence)
    }
    await nextTurn()
  }
  const tookMs = performance.now() - started
  if (seen !== count * bodyBytes) throw new Error('messages went missing')
  ledger.delete()
  return tookMs
}

async function hot(folder: string): Promise<void> {
  for (const [name, disk] of [
    ['memory', null],
    ['disk', new NodeDisk(join(folder, 'hot'))],
  ] as const) {
    const store = await open(disk)
    for (const durable of [false, true]) {
      for (const bodyBytes of [16, 1024]) {
        const count = bodyBytes === 16 ? 2_000_000 : 300_000
        await flow(store, durable, bodyBytes, count / 4)
        const tookMs = await flow(store, durable, bodyBytes, count)
        say(
          `${name}: reserve, write, enter, open, settle; ${durable ? 'durable' : 'transient'} ${bodyBytes} B`,
          (tookMs * 1e6) / count,
          'ns',
        )
      }
    }
    await store.close()
  }
}

async function sync(folder: string): Promise<void> {
  const store = await open(new NodeDisk(join(folder, 'sync')))
  const ledger = store.ledger(store.newLedgerId(), true)
  for (const perBatch of [1, 100, 1000]) {
    const rounds = 500
    const draft = draftOf(100)
    const started = performance.now()
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < perBatch; i++) {
        store.reserve(true, 1, draft.payloadBytes())
        writeMessage(draft, store.bytes, store.words, store.payloadAt)
        ledger.settle(ledger.enter(0, 100, 0))
      }
      await new Promise<void>((resolve) => store.awaitDurable({ onDurable: () => resolve() }))
    }
    say(`durable after, ${perBatch} × 100 B per batch`, ((performance.now() - started) * 1000) / rounds, 'µs')
  }
  await store.close()
}

function rssMb(): number {
  return process.memoryUsage().rss / 1e6
}

async function backlog(folder: string, count: number, bodyBytes: number): Promise<void> {
  const path = join(folder, `backlog-${count}`)
  let store = await open(new NodeDisk(path))
  const ledgers = Array.from({ length: 10 }, () => store.ledger(store.newLedgerId(), true))
  const draft = draftOf(bodyBytes)
  let started = performance.now()
  for (let i = 0; i < count; ) {
    for (let turn = 0; turn < 500; turn++, i++) {
      store.reserve(true, 1, draft.payloadBytes())
      writeMessage(draft, store.bytes, store.words, store.payloadAt)
      ledgers[i % 10]!.enter(0, bodyBytes, 0)
    }
    await nextTurn()
    while (store.isCongested) await nextTurn()
  }
  say(`${count} × ${bodyBytes} B published, no consumer`, (count / (performance.now() - started)) * 1000, 'msg/s')
  say('  RSS', rssMb(), 'MB')
  await store.close()
  started = performance.now()
  store = await open(new NodeDisk(path))
  say('  recovery', performance.now() - started, 'ms')
  say('  RSS', rssMb(), 'MB')
  started = performance.now()
  const view = new MessageView()
  let seen = 0
  const drains = ledgers.map(async ({ id }) => {
    const ledger = store.ledger(id, true)
    for (let sequence = ledger.nextLive(1); sequence < ledger.nextSequence; sequence++) {
      if (sequence % 50 === 0) await nextTurn()
      if (!store.open(ledger.addressOf(sequence), view)) {
        await new Promise<void>((resolve) => store.load(ledger, sequence, { onLoaded: () => resolve() }))
        if (!store.open(ledger.addressOf(sequence), view)) throw new Error('not there')
      }
      seen += view.bodyBytes
      ledger.settle(sequence)
    }
  })
  await Promise.all(drains)
  if (seen !== count * bodyBytes) throw new Error(`drained ${seen / bodyBytes} of ${count}`)
  say('  drained', (count / (performance.now() - started)) * 1000, 'msg/s')
  say('  RSS', rssMb(), 'MB')
  const { loadCount, loadedBytes, log } = store.stats()
  say('  loads', loadCount, '')
  say('  read back', loadedBytes / 1e6, 'MB')
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 10))
  say('  log files afterwards', store.stats().log.fileBytes / 1e6, 'MB')
  say('  syncs', log.syncCount, '')
  await store.close()
}

const only = process.argv[2]
const folder = mkdtempSync(join(process.env.BENCH_FOLDER ?? tmpdir(), 'warren-store-'))
try {
  if (only === undefined || only === 'hot') await hot(folder)
  if (only === undefined || only === 'sync') await sync(folder)
  if (only === undefined || only === 'backlog')
    await backlog(folder, Number(process.argv[3] ?? 1_000_000), Number(process.argv[4] ?? 100))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
