/**
 * What a queue costs per message, in ns, over the message store in memory: publish (admit, write, enter), deliver and
 * settle, 200 messages a turn. The first line is the store alone, so that the difference is the queue's own.
 *
 * Run it built: `node dist/test/bench/queue.js`, with a name (`classic`, `quorum`) to run one kind. The fastest of a few
 * rounds counts; every delivery is consumed.
 */
import { SystemClock } from '../../src/base/clock.ts'
import { Histogram, WAIT_MS_BOUNDS } from '../../src/base/histogram.ts'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { Turn } from '../../src/base/turn.ts'
import { MessageDraft, MessageView, NO_EXPIRATION, writeMessage } from '../../src/model/message/message.ts'
import type { MessageStore } from '../../src/model/message/message-store.ts'
import { DeathCounters } from '../../src/model/observe/deaths.ts'
import { Events } from '../../src/model/observe/events.ts'
import { NO_POLICY } from '../../src/model/policy/policy.ts'
import { DEAD_LETTER_TAKEN } from '../../src/model/queue/dead-letter.ts'
import { ADMIT_STORED, type Consumer, type ConsumerSink, type Queue } from '../../src/model/queue/queue.ts'
import { QUEUE_DEFAULTS, type QueueHost } from '../../src/model/queue/queue-host.ts'
import { type Arguments, integerValue } from '../../src/model/values/arguments.ts'
import { storeArguments } from '../../src/model/values/arguments-json.ts'
import { queueKinds } from '../../src/queues/registry.ts'
import { openMessageStore } from '../../src/storage/open-store.ts'
import { SILENT } from '../../src/storage/report.ts'

const ROUNDS = 8
const OPERATIONS = 400_000
const PER_TURN = 200
const BODY_BYTES = 16

function fail(error: unknown): never {
  throw error
}

function weigh(_bytes: Buffer, words: Uint32Array, payloadAt: number): number {
  return words[(payloadAt >>> 2) + 5]!
}

let consumed = 0

/** Takes everything, and settles it a turn later. */
class Consuming implements ConsumerSink {
  hasCredit = true
  consumer: Consumer | null = null
  readonly #sequences = new Float64Array(4 * PER_TURN)
  #count = 0

  deliver(view: MessageView, sequence: number): void {
    consumed += view.bodyBytes
    this.#sequences[this.#count++] = sequence
  }

  cancelled(): void {}

  settleAll(): void {
    const consumer = this.consumer!
    for (let i = 0; i < this.#count; i++) consumer.settle(this.#sequences[i]!, 'accepted')
    this.#count = 0
  }

  forget(): void {
    this.#count = 0
  }
}

interface Case {
  readonly name: string
  readonly kind: string
  readonly args: Arguments
  readonly noAck: boolean
  readonly expirationMs: number
  readonly priorities: number
}

const PLAIN: Case = {
  name: '',
  kind: 'classic',
  args: new Map(),
  noAck: false,
  expirationMs: NO_EXPIRATION,
  priorities: 0,
}

const CASES: readonly Case[] = [
  { ...PLAIN, name: 'classic' },
  { ...PLAIN, name: 'classic, no-ack', noAck: true },
  { ...PLAIN, name: 'classic, max-length', args: new Map([['x-max-length', integerValue(1_000)]]) },
  { ...PLAIN, name: 'classic, queue TTL', args: new Map([['x-message-ttl', integerValue(60_000)]]) },
  { ...PLAIN, name: 'classic, message TTL', expirationMs: 60_000 },
  { ...PLAIN, name: 'classic, 10 priorities', args: new Map([['x-max-priority', integerValue(9)]]), priorities: 10 },
  { ...PLAIN, name: 'quorum', kind: 'quorum' },
  { ...PLAIN, name: 'quorum, 10 priorities', kind: 'quorum', priorities: 10 },
]

interface World {
  readonly store: MessageStore
  readonly turn: Turn
  readonly host: QueueHost
  readonly clock: SystemClock
}

async function openWorld(): Promise<World> {
  const clock = new SystemClock()
  const turn = new Turn(fail, () => undefined)
  const timers = new TimerWheel(clock, fail)
  const store: MessageStore = await openMessageStore({
    disk: null,
    turn,
    clock,
    wheel: timers,
    report: { ...SILENT, onBug: fail },
    weigh,
  })
  const host: QueueHost = {
    turn,
    clock,
    timers,
    store,
    deadLetters: { deadLetter: () => DEAD_LETTER_TAKEN },
    defaults: QUEUE_DEFAULTS,
    log: SILENT_LOGGER,
    events: new Events(),
    deaths: new DeathCounters(),
    waitMs: new Histogram(WAIT_MS_BOUNDS),
    requestDelete: () => undefined,
  }
  return { store, turn, host, clock }
}

function draftFor(durable: boolean, expirationMs: number): MessageDraft {
  const draft = new MessageDraft()
  draft.address('', 'queue-1')
  draft.properties = Buffer.from([0x10, 0, durable ? 2 : 1])
  draft.propertiesEnd = 3
  draft.persistent = durable
  draft.expirationMs = expirationMs
  draft.setBody(Buffer.alloc(BODY_BYTES, 'x'))
  return draft
}

function publish(world: World, queue: Queue, draft: MessageDraft): void {
  if (queue.admit(draft) !== ADMIT_STORED) throw new Error('the queue refused')
  const { store } = world
  const address = store.reserve(queue.keeps(draft.persistent), 1, draft.payloadBytes())
  writeMessage(draft, store.bytes, store.words, store.payloadAt)
  queue.enter(draft, 0, address)
}

function storeAlone(world: World): number {
  const { store } = world
  const ledger = store.ledger(store.newLedgerId(), true)
  const draft = draftFor(true, NO_EXPIRATION)
  const view = new MessageView()
  const started = performance.now()
  for (let done = 0; done < OPERATIONS; done += PER_TURN) {
    const first = ledger.nextSequence
    for (let i = 0; i < PER_TURN; i++) {
      store.reserve(true, 1, draft.payloadBytes())
      writeMessage(draft, store.bytes, store.words, store.payloadAt)
      ledger.enter(0, BODY_BYTES, 0)
    }
    for (let sequence = first; sequence < ledger.nextSequence; sequence++) {
      if (store.open(ledger.addressOf(sequence), view)) consumed += view.bodyBytes
      ledger.settle(sequence)
    }
    world.turn.end()
  }
  const tookMs = performance.now() - started
  ledger.delete()
  return tookMs
}

async function throughQueue(world: World, options: Case): Promise<number> {
  const { kind, args, noAck, expirationMs, priorities } = options
  const record = {
    vhost: '/',
    name: 'queue-1',
    type: kind,
    durable: true,
    autoDelete: false,
    exclusive: false,
    arguments: storeArguments(args),
    ledgerId: world.store.newLedgerId(),
    owner: null,
    declaredBy: 'bench',
  }
  const queue = queueKinds.get(kind)!.create(record, NO_POLICY, world.host)
  const sink = new Consuming()
  const spec = {
    tag: 'c',
    noAck,
    exclusive: false,
    priority: 0,
    prefetchCount: 0,
    args: new Map(),
    sessionName: '',
    user: '',
  }
  sink.consumer = queue.subscribe(spec, sink)
  const draft = draftFor(true, expirationMs)
  const before = consumed
  const started = performance.now()
  for (let done = 0; done < OPERATIONS; done += PER_TURN) {
    draft.publishedAtMs = world.clock.nowMs()
    for (let i = 0; i < PER_TURN; i++) {
      if (priorities > 0) {
        draft.hasPriority = true
        draft.priority = i % priorities
      }
      publish(world, queue, draft)
    }
    world.turn.end()
    if (noAck) sink.forget()
    else sink.settleAll()
  }
  for (let turns = 0; turns < 8 && consumed - before < OPERATIONS * BODY_BYTES; turns++) {
    await new Promise((resolve) => setImmediate(resolve))
    world.turn.end()
    sink.settleAll()
  }
  const tookMs = performance.now() - started
  if (consumed - before !== OPERATIONS * BODY_BYTES) throw new Error('messages went missing')
  if (queue.status().unackedCount !== 0) throw new Error('messages were not settled')
  queue.close('deleted')
  return tookMs
}

function say(name: string, tookMs: number): void {
  process.stdout.write(`${name.padEnd(40)} ${((tookMs * 1e6) / OPERATIONS).toFixed(1).padStart(8)} ns\n`)
}

async function main(): Promise<void> {
  const world = await openWorld()
  const wanted = process.argv[2] ?? ''
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) best = Math.min(best, storeAlone(world))
  say('the store alone', best)
  for (const each of CASES.filter((candidate) => candidate.kind.startsWith(wanted))) {
    best = Number.POSITIVE_INFINITY
    for (let round = 0; round < ROUNDS; round++) best = Math.min(best, await throughQueue(world, each))
    say(each.name, best)
  }
}

await main()
