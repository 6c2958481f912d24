/**
 * Samples the broker's plain counters at an even pace and keeps their history, bounded, for rates and charts.
 *
 * A tick is a sweep over all objects, cut into slices of some hundred, one slice per turn: whatever the number of
 * queues, nobody waits longer for it. Objects that never did anything have no history and cost one comparison. What the
 * sweep adds up on its way (depths, totals of virtual hosts) is what the overview shows for large brokers.
 *
 * Counting goes on when an object is gone: its last numbers are added to those of its virtual host. [docs/metrics.md]
 */
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'
import { TURN_SESSIONS, type Turn, type TurnTask } from '../../base/turn.ts'
import type { Broker } from '../../model/broker.ts'
import type { ConnectionHandle } from '../../model/connections.ts'
import type { ExchangeTally, QueueTally } from '../../model/message/session-tallies.ts'
import type { Queue } from '../../model/queue/queue.ts'
import type { Exchange } from '../../model/routing/exchange.ts'
import type { Flow } from '../../model/routing/flows.ts'
import type { Vhost } from '../../model/vhost.ts'
import { ColdHeads } from './cold-heads.ts'
import {
  CHANNEL_FIELDS,
  CONNECTION_FIELDS,
  deliveryRow,
  EXCHANGE_FIELDS,
  flowRow,
  LENGTH_FIELDS,
  NODE_FIELDS,
  OVERVIEW_FIELDS,
  publishRow,
  QUEUE_FIELDS,
  QUEUE_MESSAGE_FIELDS,
  type Row,
  VHOST_FIELDS,
  writeLengths,
  writeMessageCounters,
  writeQueueCounters,
} from './fields.ts'
import type { QueueHistory } from './history/queue-history.ts'
import { SampleBudget } from './sample-ring.ts'
import { Series } from './series.ts'

/** All histories together. */
const HISTORY_BYTES_MAX = 48 * 2 ** 20
/** Objects looked at per turn. */
const SLICE = 256
/** A connection that has exchanged less has said hello and is idle: it gets no history, because there may be very many. */
const HELLO_BYTES_MAX = 256
/** Up to so many queues the totals are added up anew for every request. */
const LIVE_QUEUES_MAX = 1_000

/** What the node itself counts. */
export interface NodeProbe {
  /** Writes the numbers of `NODE_FIELDS` that come before the churn. */
  writeNode(into: Row): void
  readonly diskReads: number
  readonly diskWrites: number
}

/** What statistics are made from. */
export interface StatisticsOptions {
  readonly broker: Broker
  readonly turn: Turn
  readonly timers: TimerWheel
  readonly everyMs: number
  readonly probe: NodeProbe
  /** False samples nothing (`management.disable_stats`). */
  readonly enabled: boolean
  /** Where the numbers of queues are kept for days; null: nowhere. */
  readonly queueHistory: QueueHistory | null
}

/** Depths of all queues, and the number of consumers. */
export interface Totals {
  readonly messages: number
  readonly ready: number
  readonly unacked: number
  readonly consumers: number
}

const NO_TOTALS: Totals = { messages: 0, ready: 0, unacked: 0, consumers: 0 }

/** Numbers of a virtual host that add up over its objects, gone ones included. */
class VhostTally {
  readonly series: Series
  /** Of objects that are gone. */
  readonly retired = new Float64Array(VHOST_FIELDS.length)
  readonly row = new Float64Array(VHOST_FIELDS.length)

  constructor(series: Series) {
    this.series = series
  }
}

/** History of a broker. */
export class Statistics implements TimerOwner, TurnTask {
  readonly everyMs: number
  readonly budget = new SampleBudget(HISTORY_BYTES_MAX)
  /** Learns the ages of messages that are on disk alone. */
  readonly startedAtMs: number
  readonly coldHeads: ColdHeads
  readonly overview: Series
  readonly node: Series
  readonly #options: StatisticsOptions
  readonly #timer = new TimerEntry(this)
  readonly #queues = new Map<Queue, Series>()
  readonly #exchanges = new Map<Exchange, Series>()
  readonly #connections = new Map<string, Series>()
  readonly #channels = new Map<string, Series>()
  readonly #channelVhosts = new Map<string, string>()
  /** What channels moved, by queue and by exchange; what exchanges gave to queues. */
  readonly #tallies = new Map<QueueTally | ExchangeTally | Flow, Series>()
  readonly #vhosts = new Map<string, VhostTally>()
  /** Stands for histories that do not exist. */
  readonly #blank: Series
  #sweep: Iterator<void> | null = null
  #hasSwept = false
  #totals = NO_TOTALS
  /** Set while a sweep brings the numbers of all queues to it. */
  #history: QueueHistory | null = null
  #listeners: ((tickMs: number) => void)[] = []
  #stopped = false

  constructor(options: StatisticsOptions) {
    this.#options = options
    this.everyMs = options.everyMs
    this.startedAtMs = options.timers.clock.nowMs()
    this.coldHeads = new ColdHeads(options.timers.clock)
    this.overview = new Series(OVERVIEW_FIELDS.length, this.everyMs, true, this.budget)
    this.node = new Series(NODE_FIELDS.length, this.everyMs, true, this.budget)
    this.#blank = new Series(1, this.everyMs, false, this.budget)
  }

  /** Begins to sample. */
  start(): void {
    // Until the first tick windows end now, not in 1970.
    const nowMs = this.#options.timers.clock.nowMs()
    const tickMs = nowMs - (nowMs % this.everyMs)
    for (const series of [this.overview, this.node, ...[...this.#vhosts.values()].map((tally) => tally.series)]) {
      series.seenMs = Math.max(series.seenMs, tickMs)
    }
    if (this.#options.enabled) this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#sweep = null
    this.#options.timers.cancel(this.#timer)
  }

  /** Calls after every tick. */
  onTick(listener: (tickMs: number) => void): void {
    this.#listeners.push(listener)
  }

  // Reading

  // An object that never did anything has no history of its own: its charts are level lines at zero.

  ofQueue(queue: Queue): Series {
    return this.#queues.get(queue) ?? this.#blank
  }

  ofExchange(exchange: Exchange): Series {
    return this.#exchanges.get(exchange) ?? this.#blank
  }

  ofConnection(id: string): Series {
    return this.#connections.get(id) ?? this.#blank
  }

  /** By the channel's name, which contains that of its connection. */
  ofChannel(name: string): Series {
    return this.#channels.get(name) ?? this.#blank
  }

  /** Of one channel and one queue or exchange, or of an exchange and a queue. */
  ofTally(tally: QueueTally | ExchangeTally | Flow): Series {
    return this.#tallies.get(tally) ?? this.#blank
  }

  ofVhost(name: string): Series {
    return this.#vhosts.get(name)?.series ?? this.#blank
  }

  /** Numbers of a virtual host, in the order of `VHOST_FIELDS`: now, or as of the last tick when it is large. */
  vhostRow(vhost: Vhost): Row {
    const tally = this.#tallyOf(vhost.name)
    if (vhost.queueCount <= LIVE_QUEUES_MAX) this.#fillLive(vhost, tally)
    return tally.row
  }

  /** Series of virtual hosts by name, for the archive. */
  vhostSeries(): Iterable<readonly [string, Series]> {
    return [...this.#vhosts].map(([name, tally]) => [name, tally.series] as const)
  }

  /** The series of a virtual host, made when it is missing: the archive fills it before the first tick. */
  seriesForVhost(name: string): Series {
    return this.#tallyOf(name).series
  }

  /** Depths now, or as of the last tick when there are many queues. */
  totals(): Totals {
    const vhosts = [...this.#options.broker.vhosts()]
    const queueCount = vhosts.reduce((sum, vhost) => sum + vhost.queueCount, 0)
    if (queueCount > LIVE_QUEUES_MAX && this.#options.enabled) return this.#totals
    return totalsOf(vhosts)
  }

  /** Numbers of the overview, now. */
  overviewRow(totals: Totals): Row {
    const { broker, probe } = this.#options
    const row = new Float64Array(OVERVIEW_FIELDS.length)
    writeMessageCounters(broker.counters.messages(), row)
    row[OVERVIEW_FIELDS.indexOf('disk_reads')] = probe.diskReads
    row[OVERVIEW_FIELDS.indexOf('disk_writes')] = probe.diskWrites
    row.set([totals.messages, totals.ready, totals.unacked], OVERVIEW_FIELDS.indexOf('messages'))
    this.#writeChurn(row, OVERVIEW_FIELDS.indexOf('connection_created'))
    return row
  }

  /** Numbers of the node, now. */
  nodeRow(): Row {
    const row = new Float64Array(NODE_FIELDS.length)
    this.#options.probe.writeNode(row)
    this.#writeChurn(row, NODE_FIELDS.indexOf('connection_created'))
    return row
  }

  /** Counts a message that was published over no channel: by the HTTP API. */
  countPublished(vhost: string): void {
    const tally = this.#tallyOf(vhost)
    tally.retired[0]!++
    tally.row[0]!++
  }

  /** Brings the numbers of all queues at once: the broker stops. */
  noteQueues(into: QueueHistory): void {
    const row = new Float64Array(QUEUE_FIELDS.length)
    for (const vhost of this.#options.broker.vhosts()) {
      for (const queue of vhost.queues()) {
        writeQueueCounters(queue, row)
        writeLengths(queue.status(), row, QUEUE_MESSAGE_FIELDS.length)
        into.note(queue.record, row)
      }
    }
  }

  /** Forgets all history (`DELETE /api/reset`). */
  reset(): void {
    this.#sweep = null
    for (const map of [this.#queues, this.#exchanges, this.#connections, this.#channels, this.#tallies]) {
      for (const series of map.values()) series.release()
      map.clear()
    }
    this.#channelVhosts.clear()
  }

  // Sampling

  onTimer(nowMs: number): void {
    this.#schedule()
    // A sweep that takes longer than the pace is finished first.
    if (this.#sweep !== null) return
    this.#sweep = this.#slices(nowMs - (nowMs % this.everyMs))
    this.#options.turn.mark(TURN_SESSIONS, this)
  }

  onTurnEnd(): void {
    if (this.#sweep === null) return
    if (this.#sweep.next().done === true) this.#sweep = null
    else this.#options.turn.again(TURN_SESSIONS, this)
  }

  #schedule(): void {
    if (this.#stopped) return
    const { timers } = this.#options
    const nowMs = timers.clock.nowMs()
    const tickMs = nowMs - (nowMs % this.everyMs)
    if (this.#blank.seenMs === 0) this.#blank.seenMs = tickMs
    this.#hasSwept = true
    timers.schedule(this.#timer, tickMs + this.everyMs)
  }

  /** One sweep; yields after every slice. */
  *#slices(tickMs: number): Generator<void> {
    const { broker, queueHistory } = this.#options
    this.#history = queueHistory?.begin(tickMs) === true ? queueHistory : null
    const live = new Map<string, Float64Array>()
    let totals = NO_TOTALS
    for (const vhost of broker.vhosts()) {
      const row = new Float64Array(VHOST_FIELDS.length)
      live.set(vhost.name, row)
      totals = yield* this.#sampleQueues(vhost, tickMs, row, totals)
      yield* this.#sampleFlows(vhost, tickMs)
      yield* this.#sampleExchanges(vhost, tickMs)
    }
    this.#history?.end(tickMs)
    yield* this.#sampleConnections(tickMs, live)
    this.#retire(tickMs)
    this.#totals = totals
    for (const [name, row] of live) this.#sampleVhost(name, tickMs, row)
    for (const name of [...this.#vhosts.keys()]) if (!live.has(name)) this.#dropVhost(name)
    this.overview.sample(tickMs, this.everyMs, this.overviewRow(totals))
    this.node.sample(tickMs, this.everyMs, this.nodeRow())
    this.#blank.seenMs = tickMs
    for (const listener of this.#listeners) listener(tickMs)
  }

  *#sampleQueues(vhost: Vhost, tickMs: number, ofVhost: Row, before: Totals): Generator<void, Totals> {
    const row = new Float64Array(QUEUE_FIELDS.length)
    // The messages that a queue has at the start did not come in an instant.
    const levelsAt = this.#hasSwept ? row.length : QUEUE_MESSAGE_FIELDS.length
    let { ready, unacked, consumers } = before
    let seen = 0
    for (const queue of vhost.queues()) {
      const status = queue.status()
      writeQueueCounters(queue, row)
      writeLengths(status, row, QUEUE_MESSAGE_FIELDS.length)
      this.#sample(this.#queues, queue, tickMs, row, levelsAt)
      this.#history?.note(queue.record, row)
      if (status.oldestReadyAtMs === 0 && status.readyCount > 0) this.coldHeads.onCold(queue)
      addQueue(ofVhost, row)
      ready += status.readyCount
      unacked += status.unackedCount
      consumers += status.consumerCount
      if (++seen % SLICE === 0) yield
    }
    return { messages: ready + unacked, ready, unacked, consumers }
  }

  *#sampleFlows({ flows }: Vhost, tickMs: number): Generator<void> {
    let seen = 0
    for (const flow of flows.all()) {
      this.#sample(this.#tallies, flow, tickMs, flowRow(flow))
      if (++seen % SLICE === 0) yield
    }
  }

  *#sampleExchanges(vhost: Vhost, tickMs: number): Generator<void> {
    const row = new Float64Array(EXCHANGE_FIELDS.length)
    let seen = 0
    for (const exchange of vhost.exchanges()) {
      row[0] = exchange.counters.publishedIn
      row[1] = exchange.counters.publishedOut
      this.#sample(this.#exchanges, exchange, tickMs, row)
      if (++seen % SLICE === 0) yield
    }
  }

  *#sampleConnections(tickMs: number, live: ReadonlyMap<string, Row>): Generator<void> {
    const row = new Float64Array(CONNECTION_FIELDS.length)
    let seen = 0
    for (const connection of this.#options.broker.connections.all()) {
      const status = connection.status()
      row[0] = status.receivedBytes
      row[1] = status.sentBytes
      if (row[0] + row[1] > HELLO_BYTES_MAX || this.#connections.has(connection.id)) {
        this.#sample(this.#connections, connection.id, tickMs, row)
      }
      const vhostRow = live.get(connection.vhost)
      if (vhostRow !== undefined) {
        const at = VHOST_FIELDS.indexOf('recv_oct')
        vhostRow[at]! += row[0]
        vhostRow[at + 1]! += row[1]
      }
      this.#sampleChannels(connection, status, tickMs, vhostRow)
      if (++seen % SLICE === 0) yield
    }
  }

  #sampleChannels(
    connection: ConnectionHandle,
    status: ReturnType<ConnectionHandle['status']>,
    tickMs: number,
    vhostRow: Row | undefined,
  ): void {
    if (status.channels.length === 0) return
    const row = new Float64Array(CHANNEL_FIELDS.length)
    for (const channel of status.channels) {
      if (channel.counters === undefined) continue
      writeMessageCounters(channel.counters, row)
      this.#sample(this.#channels, channel.name, tickMs, row)
      this.#channelVhosts.set(channel.name, connection.vhost)
      if (vhostRow !== undefined) addChannel(vhostRow, row)
      for (const tally of channel.breakdown?.queues ?? [])
        this.#sample(this.#tallies, tally, tickMs, deliveryRow(tally))
      for (const tally of channel.breakdown?.exchanges ?? [])
        this.#sample(this.#tallies, tally, tickMs, publishRow(tally))
    }
  }

  /** An object that never did anything gets no series. Fields from `levelsAt` on were as they are before it was seen first. */
  #sample<K>(map: Map<K, Series>, key: K, tickMs: number, row: Row, levelsAt = row.length): void {
    let series = map.get(key)
    if (series === undefined) {
      if (!row.some((value) => value !== 0)) return
      series = new Series(row.length, this.everyMs, false, this.budget)
      map.set(key, series)
      // It did nothing before it was seen first.
      const before = new Float64Array(row.length)
      before.set(row.subarray(levelsAt), levelsAt)
      series.sample(tickMs - this.everyMs, this.everyMs, before)
    }
    series.sample(tickMs, this.everyMs, row)
  }

  #sampleVhost(name: string, tickMs: number, live: Row): void {
    const tally = this.#tallyOf(name)
    for (let i = 0; i < tally.row.length; i++) tally.row[i] = live[i]! + tally.retired[i]!
    tally.series.sample(tickMs, this.everyMs, tally.row)
  }

  /** Drops the series of objects that the sweep did not see, and remembers their last numbers. */
  #retire(tickMs: number): void {
    for (const [queue, series] of this.#queues) {
      if (series.seenMs === tickMs) continue
      const last = Float64Array.from(series.fine.rowAt(series.fine.count - 1).slice(1))
      // Depths end with the queue.
      last.fill(0, QUEUE_MESSAGE_FIELDS.length)
      const tally = this.#vhosts.get(queue.vhost)
      if (tally !== undefined) addQueue(tally.retired, last)
      drop(this.#queues, queue, series)
    }
    for (const [exchange, series] of this.#exchanges) {
      if (series.seenMs !== tickMs) drop(this.#exchanges, exchange, series)
    }
    for (const [tally, series] of this.#tallies) if (series.seenMs !== tickMs) drop(this.#tallies, tally, series)
    for (const [id, series] of this.#connections) if (series.seenMs !== tickMs) drop(this.#connections, id, series)
    for (const [name, series] of this.#channels) {
      if (series.seenMs === tickMs) continue
      const tally = this.#vhosts.get(this.#channelVhosts.get(name) ?? '')
      if (tally !== undefined) addChannel(tally.retired, series.fine.rowAt(series.fine.count - 1).slice(1))
      this.#channelVhosts.delete(name)
      drop(this.#channels, name, series)
    }
  }

  #fillLive(vhost: Vhost, tally: VhostTally): void {
    const { row } = tally
    const lengths = totalsOf([vhost])
    row.set([lengths.messages, lengths.ready, lengths.unacked], VHOST_FIELDS.indexOf('messages'))
    const live = new Float64Array(VHOST_FIELDS.length)
    const counters = new Float64Array(QUEUE_FIELDS.length)
    for (const queue of vhost.queues()) {
      writeQueueCounters(queue, counters)
      addQueue(live, counters)
    }
    // What was published is known to channels, as of the last tick.
    for (let i = 1; i < QUEUE_MESSAGE_FIELDS.length; i++) row[i] = live[i]! + tally.retired[i]!
  }

  #tallyOf(name: string): VhostTally {
    let tally = this.#vhosts.get(name)
    if (tally === undefined) {
      tally = new VhostTally(new Series(VHOST_FIELDS.length, this.everyMs, true, this.budget))
      this.#vhosts.set(name, tally)
    }
    return tally
  }

  #dropVhost(name: string): void {
    this.#vhosts.get(name)?.series.release()
    this.#vhosts.delete(name)
  }

  #writeChurn(row: Row, at: number): void {
    const { counters } = this.#options.broker
    row[at] = counters.connectionsOpened
    row[at + 1] = counters.connectionsClosed
    row[at + 2] = counters.channelsOpened
    row[at + 3] = counters.channelsClosed
    row[at + 4] = counters.queuesDeclared
    row[at + 5] = counters.queuesCreated
    row[at + 6] = counters.queuesDeleted
  }
}

function drop<K>(map: Map<K, Series>, key: K, series: Series): void {
  series.release()
  map.delete(key)
}

function totalsOf(vhosts: Iterable<Vhost>): Totals {
  let ready = 0
  let unacked = 0
  let consumers = 0
  for (const vhost of vhosts) {
    for (const queue of vhost.queues()) {
      const status = queue.status()
      ready += status.readyCount
      unacked += status.unackedCount
      consumers += status.consumerCount
    }
  }
  return { messages: ready + unacked, ready, unacked, consumers }
}

/** Adds a queue's row to that of its virtual host; publishing is counted at channels. */
function addQueue(vhostRow: Row, queueRow: Row): void {
  for (let i = 1; i < QUEUE_MESSAGE_FIELDS.length; i++) vhostRow[i]! += queueRow[i]!
  const at = VHOST_FIELDS.indexOf('messages')
  for (let i = 0; i < LENGTH_FIELDS.length; i++) vhostRow[at + i]! += queueRow[QUEUE_MESSAGE_FIELDS.length + i]!
}

/** Adds what channels alone know: what was published, confirmed, unroutable. */
function addChannel(vhostRow: Row, channelRow: ArrayLike<number>): void {
  vhostRow[0]! += channelRow[0]!
  for (let i = QUEUE_MESSAGE_FIELDS.length; i < CHANNEL_FIELDS.length; i++) vhostRow[i]! += channelRow[i]!
}
