/**
 * Both kinds of queues over the real store on a disk in memory: what a restart and a power loss leave.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../base/clock.ts'
import { Histogram, WAIT_MS_BOUNDS } from '../base/histogram.ts'
import { SILENT_LOGGER } from '../base/log.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { MessageDraft, NO_EXPIRATION, writeMessage } from '../model/message/message.ts'
import { DeathCounters } from '../model/observe/deaths.ts'
import { Events } from '../model/observe/events.ts'
import { NO_POLICY } from '../model/policy/policy.ts'
import { QUEUE_DEFAULTS, type QueueHost } from '../model/queue/queue-host.ts'
import type { QueueRecord } from '../model/records/records.ts'
import { MemoryDisk } from '../storage/disk-memory.ts'
import { openMessageStore } from '../storage/open-store.ts'
import { SILENT } from '../storage/report.ts'
import type { BlockStore } from '../storage/store.ts'
import { bodyOf, NotingDeadLetters, NotingSink } from './common/test-bed.ts'
import { queueKinds } from './registry.ts'

const SMALL_BLOCK_BYTES = 4_096
const SPEC = {
  tag: 'c',
  noAck: false,
  exclusive: false,
  priority: 0,
  prefetchCount: 0,
  args: new Map(),
  sessionName: '',
  user: '',
}

function fail(error: unknown): never {
  throw error
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** One queue of a broker that runs from `open` to `close`. */
async function open(kind: string, disk: MemoryDisk, clock: ManualClock) {
  const turn = new Turn(fail, () => undefined)
  const timers = new TimerWheel(clock, fail)
  const store: BlockStore = await openMessageStore({
    disk,
    turn,
    clock,
    wheel: timers,
    report: { ...SILENT, onBug: fail },
    weigh: (_bytes, words, payloadAt) => words[(payloadAt >>> 2) + 5]!,
    blockBytes: SMALL_BLOCK_BYTES,
    residentBytes: 16 * SMALL_BLOCK_BYTES,
  })
  const deadLetters = new NotingDeadLetters()
  const host: QueueHost = {
    turn,
    clock,
    timers,
    store,
    deadLetters,
    defaults: QUEUE_DEFAULTS,
    log: SILENT_LOGGER,
    events: new Events(),
    waitMs: new Histogram(WAIT_MS_BOUNDS),
    deaths: new DeathCounters(),
    requestDelete: () => undefined,
  }
  const record: QueueRecord = {
    vhost: '/',
    name: 'q',
    type: kind,
    durable: true,
    autoDelete: false,
    exclusive: false,
    arguments: [],
    ledgerId: 7,
    owner: null,
    declaredBy: 'guest',
  }
  const queue = queueKinds.get(kind)!.create(record, NO_POLICY, host)
  const draft = new MessageDraft()
  return {
    queue,
    store,
    publish(body: string, expirationMs = NO_EXPIRATION): void {
      draft.address('', 'q')
      draft.setBody(Buffer.from(body))
      draft.persistent = true
      draft.expirationMs = expirationMs
      draft.publishedAtMs = clock.nowMs()
      assert.equal(queue.admit(draft), 0)
      const address = store.reserve(queue.keeps(true), 1, draft.payloadBytes())
      writeMessage(draft, store.bytes, store.words, store.payloadAt)
      queue.enter(draft, 0, address)
    },
    subscribe(prefetch = 0): NotingSink {
      const sink = new NotingSink(prefetch, false)
      sink.consumer = queue.subscribe({ ...SPEC, prefetchCount: prefetch }, sink)
      return sink
    },
    /** Ends turns until the condition holds. */
    async until(condition: () => boolean): Promise<void> {
      for (let turns = 0; !condition(); turns++) {
        assert.ok(turns < 20_000, 'the condition does not come true')
        turn.end()
        await settled()
      }
    },
    async close(): Promise<void> {
      queue.stop()
      const closed = store.close()
      turn.end()
      await closed
    },
  }
}

for (const kind of ['classic', 'quorum']) {
  test(`${kind}: a backlog larger than memory is delivered in order, also after a restart`, async () => {
    const disk = new MemoryDisk()
    const clock = new ManualClock()
    const count = 3_000
    const body = (i: number): string => `${i}`.padEnd(100, '.')
    let it = await open(kind, disk, clock)
    for (let i = 0; i < count; i++) it.publish(body(i))
    await it.until(() => it.store.durable === it.store.appended && it.queue.readyCount === count)
    const first = it.subscribe(10)
    await it.until(() => first.bodies.length === 10)
    for (let i = 0; i < 5; i++) first.settle('accepted')
    await it.until(() => first.bodies.length === 15)
    await it.close()

    it = await open(kind, disk, clock)
    assert.equal(it.queue.readyCount, count - 5)
    const sink = it.subscribe()
    await it.until(() => sink.bodies.length === count - 5)
    assert.deepEqual(
      sink.bodies,
      Array.from({ length: count - 5 }, (_, i) => body(i + 5)),
    )
    assert.equal(sink.deliveries.filter((delivery) => delivery.redelivered).length, 10)
    while (sink.unacked.length > 0) sink.settle('accepted')
    assert.deepEqual([it.queue.readyCount, it.queue.status().unackedCount], [0, 0])
    await it.close()
  })

  test(`${kind}: what is durable survives a power loss, deadlines included`, async () => {
    const disk = new MemoryDisk()
    const clock = new ManualClock()
    let it = await open(kind, disk, clock)
    it.publish('kept')
    it.publish('expiring', 1_000)
    const position = it.store.appended
    await it.until(() => it.store.durable >= position)
    const after = disk.powerLoss()
    clock.advance(999)
    it = await open(kind, after, clock)
    await it.until(() => it.queue.readyCount === 2)
    clock.advance(1)
    await it.until(() => it.queue.readyCount === 1)
    let taken = ''
    it.queue.take(true, {
      onTaken: (each) => {
        taken = each === null ? 'nothing' : bodyOf(each.view)
      },
    })
    await it.until(() => taken !== '')
    assert.equal(taken, 'kept')
    await it.close()
  })
}
