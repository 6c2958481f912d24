// Exchanges that keep messages, over the real store and the real queues: what is confirmed is there after a crash.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../src/base/clock.ts'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { SeededRandomness } from '../../src/base/random.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { TURN_DELIVER, Turn } from '../../src/base/turn.ts'
import { Broker } from '../../src/model/broker.ts'
import { MessageView } from '../../src/model/message/message.ts'
import type { Taken } from '../../src/model/queue/queue.ts'
import type { Metadata } from '../../src/model/records/metadata.ts'
import { exchangeTypes } from '../../src/model/routing/exchange-types.ts'
import { PUBLISH_ROUTED } from '../../src/model/routing/route.ts'
import { argumentsToJson } from '../../src/model/values/arguments-json.ts'
import type { Vhost } from '../../src/model/vhost.ts'
import { queueKinds } from '../../src/queues/registry.ts'
import { MemoryDisk } from '../../src/storage/disk-memory.ts'
import { createMemoryMetadata } from '../../src/storage/metadata-memory.ts'
import { openMessageStore } from '../../src/storage/open-store.ts'
import { SILENT } from '../../src/storage/report.ts'
import type { BlockStore } from '../../src/storage/store.ts'
import {
  ALICE,
  binding,
  draftOf,
  JSON_FORMAT,
  type MessageSketch,
  queueDeclaration,
  SETTINGS,
  texts,
  VHOST,
  value,
} from '../support/model-world.ts'

interface Life {
  readonly store: BlockStore
  readonly vhost: Vhost
  readonly clock: ManualClock
}

function rethrow(error: unknown): never {
  throw error
}

/** A broker on a disk, as it comes up. */
async function liveOn(disk: MemoryDisk, metadata: Metadata, startMs: number, keepsUnclaimed = false): Promise<Life> {
  const clock = new ManualClock(startMs)
  const turn = new Turn(rethrow)
  const timers = new TimerWheel(clock, rethrow)
  const view = new MessageView()
  const weigh = (bytes: Buffer, words: Uint32Array, payloadAt: number): number => {
    view.at(bytes, words, payloadAt)
    return view.bodyBytes
  }
  const store = await openMessageStore({ disk, turn, clock, wheel: timers, report: SILENT, weigh, blockBytes: 65536 })
  store.ledgers.keepsUnclaimed = keepsUnclaimed
  const broker = new Broker({
    metadata,
    store,
    turn,
    timers,
    clock,
    randomness: new SeededRandomness(1),
    logger: SILENT_LOGGER,
    exchangeTypes: exchangeTypes(),
    queueKinds,
    formats: new Map([[JSON_FORMAT.protocol, JSON_FORMAT]]),
    encoder: { protocol: 1, encode: (headers) => Buffer.from(JSON.stringify(argumentsToJson(headers))) },
    settings: SETTINGS,
  })
  broker.start()
  if (broker.vhost('/') === undefined) value((answered) => broker.putVhost(VHOST, answered))
  return { store, vhost: broker.vhost('/')!, clock }
}

function publish({ vhost }: Life, sketch: MessageSketch): void {
  const draft = draftOf(sketch)
  const route = vhost.routeOf(vhost.exchange(draft.exchange)!, draft)
  assert.equal(vhost.publishTo(route, draft), PUBLISH_ROUTED)
  assert.equal(vhost.mustWait, true)
}

function durable({ store }: Life): Promise<void> {
  const target = store.appended
  return new Promise((resolve) => {
    const sink = {
      onDurable: (upTo: number): void => (upTo >= target ? resolve() : store.awaitDurable(sink)),
    }
    store.awaitDurable(sink)
  })
}

/** Lets turns pass until the condition holds: what is not in memory has to be read. */
async function until(holds: () => boolean): Promise<void> {
  const turns = new Turn(rethrow)
  while (!holds()) await new Promise<void>((resolve) => turns.mark(TURN_DELIVER, { onTurnEnd: resolve }))
}

async function bodies({ vhost }: Life, name: string): Promise<string[]> {
  const queue = vhost.queue(name)!
  const found: string[] = []
  for (;;) {
    const taken = await new Promise<Taken | null>((resolve) => {
      queue.take(true, {
        onTaken: (each) => {
          if (each !== null) {
            const { bytes, bodyStart, bodyEnd } = each.view
            found.push(bytes.toString('utf8', bodyStart, bodyEnd))
          }
          resolve(each)
        },
      })
    })
    if (taken === null) return found
  }
}

test('delayed messages survive a crash with their deadlines, and come at theirs', async () => {
  const disk = new MemoryDisk()
  const metadata = createMemoryMetadata()
  const startMs = 1_700_000_000_000
  const first = await liveOn(disk, metadata, startMs)
  const { vhost } = first
  value((answered) =>
    vhost.declareExchange(
      {
        name: 'later',
        type: 'x-delayed-message',
        durable: true,
        autoDelete: false,
        internal: false,
        arguments: texts({ 'x-delayed-type': 'direct' }),
      },
      answered,
    ),
  )
  value((answered) => vhost.declareQueue(queueDeclaration('q'), ALICE, answered))
  value((answered) => vhost.bind(binding('later', 'q', 'k'), ALICE, answered))
  for (let i = 0; i < 1000; i++) {
    const delay = 1000 + ((i * 7919) % 1000)
    publish(first, { exchange: 'later', key: 'k', body: `${delay}`, headers: { 'x-delay': delay } })
  }
  await durable(first)
  first.clock.advance(1500)
  const before = await bodies(first, 'q')
  await durable(first)

  const second = await liveOn(disk.processDeath(), metadata, startMs + 1600)
  second.clock.advance(10_000)
  await durable(second)
  await until(() => second.vhost.exchange('later')!.index.keeper!.keptCount === 0)
  const after = await bodies(second, 'q')
  const all = [...before, ...after].map(Number)
  assert(before.length > 0 && before.every((body) => Number(body) <= 1500))
  assert.deepEqual(
    after.map(Number),
    after.map(Number).sort((left, right) => left - right),
  )
  assert.equal(new Set(all).size, 1000)
  assert.equal(all.length, 1000)
})

test('the history of an exchange survives a crash', async () => {
  const disk = new MemoryDisk()
  const metadata = createMemoryMetadata()
  const first = await liveOn(disk, metadata, 1_700_000_000_000)
  const declaration = {
    type: 'x-recent-history',
    durable: true,
    autoDelete: false,
    internal: false,
    arguments: texts({}),
  }
  value((answered) => first.vhost.declareExchange({ name: 'news', ...declaration }, answered))
  for (let i = 1; i <= 30; i++) publish(first, { exchange: 'news', body: `${i}`, persistent: true })
  await durable(first)

  const second = await liveOn(disk.processDeath(), metadata, 1_700_000_001_000)
  value((answered) => second.vhost.declareQueue(queueDeclaration('q'), ALICE, answered))
  value((answered) => second.vhost.bind(binding('news', 'q'), ALICE, answered))
  await until(() => second.vhost.queue('q')!.readyCount === 20)
  assert.deepEqual(
    await bodies(second, 'q'),
    Array.from({ length: 20 }, (_, i) => `${i + 11}`),
  )
})

test('a transient message that also went to a quorum queue is gone from the others after a crash', async () => {
  const disk = new MemoryDisk()
  const metadata = createMemoryMetadata()
  const first = await liveOn(disk, metadata, 1_700_000_000_000)
  const { vhost } = first
  const quorum = { ...queueDeclaration('quorum'), arguments: texts({ 'x-queue-type': 'quorum' }) }
  const news = { name: 'news', type: 'x-recent-history', durable: true, autoDelete: false, internal: false }
  value((answered) => vhost.declareExchange({ ...news, arguments: texts({}) }, answered))
  value((answered) => vhost.declareQueue(quorum, ALICE, answered))
  value((answered) => vhost.declareQueue(queueDeclaration('classic'), ALICE, answered))
  for (const name of ['quorum', 'classic']) value((answered) => vhost.bind(binding('news', name), ALICE, answered))
  for (let i = 0; i < 100; i++) publish(first, { exchange: 'news', body: `${i}`, persistent: i % 2 === 0 })
  await durable(first)

  const second = await liveOn(disk.processDeath(), metadata, 1_700_000_001_000)
  const classic = second.vhost.queue('classic')!
  assert.equal(classic.readyCount, 50)
  assert.equal(classic.status().persistentCount, 50)
  assert.deepEqual(
    await bodies(second, 'classic'),
    Array.from({ length: 50 }, (_, i) => `${i * 2}`),
  )
  assert.equal((await bodies(second, 'quorum')).length, 100)
  value((answered) => second.vhost.declareQueue(queueDeclaration('late'), ALICE, answered))
  value((answered) => second.vhost.bind(binding('news', 'late'), ALICE, answered))
  await until(() => second.vhost.queue('late')!.readyCount === 10)
})

test('messages whose queue was lost with its record are kept, and come back when it is declared again', async () => {
  const disk = new MemoryDisk()
  const first = await liveOn(disk, createMemoryMetadata(), 1_700_000_000_000)
  for (const name of ['mine', 'other']) value((done) => first.vhost.declareQueue(queueDeclaration(name), ALICE, done))
  for (let i = 0; i < 10; i++) publish(first, { key: i % 2 === 0 ? 'mine' : 'other', body: `${i}`, persistent: true })
  await durable(first)

  // Two starts without the records.
  const second = await liveOn(disk.processDeath(), createMemoryMetadata(), 1_700_000_001_000, true)
  await durable(second)
  await second.store.close()
  const third = await liveOn(disk.processDeath(), createMemoryMetadata(), 1_700_000_002_000, true)
  value((done) => third.vhost.declareQueue({ ...queueDeclaration('mine'), durable: false }, ALICE, done))
  assert.equal(third.vhost.queue('mine')!.readyCount, 0)
  value((done) => third.vhost.declareQueue(queueDeclaration('other'), ALICE, done))
  assert.deepEqual(await bodies(third, 'other'), ['1', '3', '5', '7', '9'])

  // Without a loss, what nobody claims goes: a queue of the same name is a new one.
  const fourth = await liveOn(disk.processDeath(), createMemoryMetadata(), 1_700_000_003_000)
  value((done) => fourth.vhost.declareQueue(queueDeclaration('mine'), ALICE, done))
  assert.deepEqual(await bodies(fourth, 'mine'), [])
})
