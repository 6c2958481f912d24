// The history of statistics outlives a restart.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { ManualClock } from '../../src/base/clock.ts'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { Archive, type ArchiveStore } from '../../src/management/stats/archive.ts'
import { NODE_FIELDS, OVERVIEW_FIELDS, VHOST_FIELDS } from '../../src/management/stats/fields.ts'
import { SampleBudget } from '../../src/management/stats/sample-ring.ts'
import type { Series } from '../../src/management/stats/series.ts'
import { Series as RealSeries } from '../../src/management/stats/series.ts'
import type { Statistics } from '../../src/management/stats/statistics.ts'
import { ManagedBroker } from './managed-broker.ts'

const EVERY_MS = 5_000
const HOUR_MS = 3_600_000

/** What the archive needs of statistics. */
class FakeStatistics {
  readonly #budget = new SampleBudget(1e7)
  readonly overview = new RealSeries(OVERVIEW_FIELDS.length, EVERY_MS, true, this.#budget)
  readonly node = new RealSeries(NODE_FIELDS.length, EVERY_MS, true, this.#budget)
  readonly #vhosts = new Map<string, Series>()
  tick: (ms: number) => void = () => undefined

  vhostSeries(): Iterable<readonly [string, Series]> {
    return this.#vhosts
  }

  seriesForVhost(name: string): Series {
    const series = this.#vhosts.get(name) ?? new RealSeries(VHOST_FIELDS.length, EVERY_MS, true, this.#budget)
    this.#vhosts.set(name, series)
    return series
  }

  onTick(listener: (ms: number) => void): void {
    this.tick = listener
  }
}

function archiveOver(statistics: FakeStatistics, store: ArchiveStore): Archive {
  // The archive uses these members alone.
  return new Archive(store, statistics as unknown as Statistics, SILENT_LOGGER)
}

test('samples of the last week come back, older and unreadable ones do not', async () => {
  let kept: string | undefined
  const store: ArchiveStore = {
    read: () => Promise.resolve(kept),
    write: (text) => {
      kept = text
      return Promise.resolve()
    },
  }
  const before = new FakeStatistics()
  const field = OVERVIEW_FIELDS.indexOf('publish')
  for (let hour = 0; hour <= 200; hour++) {
    const row = new Float64Array(OVERVIEW_FIELDS.length)
    row[field] = hour
    before.overview.sample(hour * HOUR_MS, EVERY_MS, row)
  }
  before.seriesForVhost('v').sample(199 * HOUR_MS, EVERY_MS, new Float64Array(VHOST_FIELDS.length).fill(7))
  await archiveOver(before, store).stop(200 * HOUR_MS)
  const after = new FakeStatistics()
  await archiveOver(after, store).restore(200 * HOUR_MS)
  assert.equal(after.overview.slow!.valueAt(field, 150 * HOUR_MS), 150)
  assert.equal(after.overview.slow!.valueAt(field, 31 * HOUR_MS), undefined)
  assert.equal([...after.vhostSeries()][0]![1].slow!.valueAt(0, 199 * HOUR_MS), 7)
  // While the broker was away nothing is known; RabbitMQ's clients get the 0 that they know.
  const late = new FakeStatistics()
  await archiveOver(late, store).restore(210 * HOUR_MS)
  const row = new Float64Array(OVERVIEW_FIELDS.length)
  row[field] = 500
  late.overview.sample(210 * HOUR_MS, EVERY_MS, row)
  const samplesOf = (marksGaps: boolean) =>
    late.overview
      .details(field, EVERY_MS, { ageMs: 12 * HOUR_MS, incrementMs: 2 * HOUR_MS, marksGaps })
      .samples!.map(({ sample }) => sample)
  assert.deepEqual(samplesOf(true), [500, null, null, null, null, 200, 198])
  assert.deepEqual(samplesOf(false), [500, 0, 0, 0, 0, 200, 198])
  // A gap is archived, too.
  await archiveOver(late, store).stop(211 * HOUR_MS)
  const again = new FakeStatistics()
  await archiveOver(again, store).restore(211 * HOUR_MS)
  assert.ok(Number.isNaN(again.overview.slow!.valueAt(field, 205 * HOUR_MS)))
  assert.equal(again.overview.slow!.valueAt(field, 210 * HOUR_MS), 500)
  kept = '{"format":1,'
  const broken = new FakeStatistics()
  await archiveOver(broken, store).restore(200 * HOUR_MS)
  assert.equal(broken.overview.slow!.count, 0)
})

test('right after a restart charts end now, and rates of before are there without new messages', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'warren-history-'))
  const clock = new ManualClock()
  const ticking = setInterval(() => clock.advance(1), 1)
  let broker = await ManagedBroker.start({}, folder, clock)
  try {
    await broker.put('queues/%2F/kept', { durable: true })
    await broker.publish('kept', 'x', { delivery_mode: 2 })
    for (let step = 0; step < 6; step++) await broker.pass(600_000, 600_000)
    await broker.stop()
    broker = await ManagedBroker.start({}, folder, clock)
    const window =
      'msg_rates_age=3600&msg_rates_incr=600&lengths_age=3600&lengths_incr=600&node_stats_age=3600&node_stats_incr=600'
    for (const at of ['overview', 'vhosts/%2F']) {
      const { json } = await broker.get(`${at}?${window}&gaps=true`)
      const samples: { sample: number | null; timestamp: number }[] = json.message_stats.publish_details.samples
      assert.ok(
        samples.some(({ sample }) => sample === 1),
        `${at} ${JSON.stringify(samples)}`,
      )
      const [newest] = (json.queue_totals ?? json).messages_details.samples
      assert.ok(Math.abs(newest.timestamp - clock.nowMs()) < 600_000, at)
      assert.equal('publish_details' in ((await broker.get(at)).json.message_stats ?? {}), false)
    }
    const [node] = (await broker.get(`nodes?${window}`)).json
    assert.ok(Math.abs(node.mem_used_details.samples[0].timestamp - clock.nowMs()) < 600_000)
  } finally {
    clearInterval(ticking)
    await broker.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

test('a broker with a data folder writes its history when it stops', async () => {
  const { SystemClock } = await import('../../src/base/clock.ts')
  const folder = await mkdtemp(path.join(tmpdir(), 'warren-history-'))
  try {
    const first = await ManagedBroker.start({}, folder, new SystemClock() as never)
    await first.stop()
    const second = await ManagedBroker.start({}, folder, new SystemClock() as never)
    assert.equal((await second.get('overview')).status, 200)
    await second.stop()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

/** `sample`s of the ready messages of a queue, the oldest first, every hour for so many. */
async function readyByHour(broker: ManagedBroker, queue: string, hours: number): Promise<(number | null)[]> {
  const window = `lengths_age=${hours * 3_600}&lengths_incr=3600&msg_rates_age=${hours * 3_600}&msg_rates_incr=3600`
  const { json } = await broker.get(`queues/%2F/${queue}?${window}&gaps=true`)
  const samples: { sample: number | null }[] = json.messages_ready_details.samples
  assert.equal(json.message_stats.publish_details.samples.length, samples.length)
  return samples.map(({ sample }) => sample).reverse()
}

test('a queue shows what it held before a restart, with a gap; a new one of its name does not', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'warren-history-'))
  const clock = new ManualClock()
  // The log waits some milliseconds for company: they pass here as elsewhere.
  const ticking = setInterval(() => clock.advance(1), 1)
  let broker = await ManagedBroker.start({}, folder, clock)
  try {
    for (const name of ['kept', 'renewed']) await broker.put(`queues/%2F/${name}`, { durable: true })
    for (let hour = 1; hour <= 5; hour++) {
      for (const name of ['kept', 'renewed']) await broker.publish(name, 'x', { delivery_mode: 2 })
      for (let step = 0; step < 3; step++) await broker.pass(1_200_000, 1_200_000)
    }
    await broker.stop()
    clock.advance(24 * HOUR_MS)
    broker = await ManagedBroker.start({}, folder, clock)
    await broker.pass(10_000, 5_000)
    const { json } = await broker.get('queues/%2F/kept?lengths_age=60&lengths_incr=5&gaps=true')
    assert.equal(json.messages_details.rate, 0, 'what it held at the start did not come in an instant')
    const kept = await readyByHour(broker, 'kept', 30)
    const known = kept.slice(0, -1).filter((sample) => sample !== null && sample > 0)
    const newest = known.at(-1)!
    assert.ok(newest >= 4)
    assert.deepEqual(known.slice(-3), [newest - 2, newest - 1, newest])
    assert.deepEqual(kept.slice(-23, -1), new Array(22).fill(null))
    assert.equal(kept.at(-1), 5)
    await broker.delete('queues/%2F/renewed')
    await broker.put('queues/%2F/renewed', { durable: true })
    await broker.publish('renewed', 'x', { delivery_mode: 2 })
    await broker.pass(1_200_000, 1_200_000)
    const renewed = await readyByHour(broker, 'renewed', 30)
    assert.deepEqual(renewed.slice(0, -1), new Array(30).fill(null))
    assert.equal(renewed.at(-1), 1)
  } finally {
    await broker.stop()
    clearInterval(ticking)
    await rm(folder, { recursive: true, force: true })
  }
})

test('after a restart no range shows a burst, or a standstill, that never was', async () => {
  const SECOND_MS = 1_000
  const RATE = 100
  let kept: string | undefined
  const store: ArchiveStore = {
    read: () => Promise.resolve(kept),
    write: (text) => {
      kept = text
      return Promise.resolve()
    },
  }
  const field = OVERVIEW_FIELDS.indexOf('publish')
  const row = (value: number): Float64Array => {
    const values = new Float64Array(OVERVIEW_FIELDS.length)
    values[field] = value
    return values
  }
  const before = new FakeStatistics()
  const stoppedMs = 3 * HOUR_MS + 500 * SECOND_MS
  for (let ms = 0; ms <= stoppedMs; ms += EVERY_MS) {
    before.overview.sample(ms, EVERY_MS, row((ms / SECOND_MS) * RATE))
  }
  await archiveOver(before, store).stop(stoppedMs)
  const after = new FakeStatistics()
  const startedMs = stoppedMs + 60 * SECOND_MS
  await archiveOver(after, store).restore(startedMs)
  for (let i = 1; i <= 6; i++) after.overview.sample(startedMs + i * EVERY_MS, EVERY_MS, row(i))
  for (const [minutes, incrementMs] of [
    [10, 5_000],
    [60, 60_000],
    [480, 300_000],
    [1_440, 1_200_000],
  ] as const) {
    const { samples } = after.overview.details(field, EVERY_MS, {
      ageMs: minutes * 60_000,
      incrementMs,
      marksGaps: true,
    })
    const old = samples!.filter(({ sample, timestamp }) => sample !== null && timestamp <= stoppedMs)
    assert.ok(old.length > 2, `${minutes} min: ${old.length} samples`)
    for (const [i, { sample, timestamp }] of old.entries()) {
      assert.ok(Math.abs(sample! - (timestamp / SECOND_MS) * RATE) <= 1, `${minutes} min: ${sample} at ${timestamp}`)
      if (i > 0) assert.equal(old[i - 1]!.timestamp - timestamp, incrementMs)
    }
    assert.equal(samples![0]!.sample, 6, 'the newest value is that of now')
    const away = samples!.filter(({ timestamp }) => timestamp > stoppedMs && timestamp <= startedMs)
    assert.ok(
      away.every(({ sample }) => sample === null),
      'nothing is known while it was away',
    )
  }
})
