/**
 * Writes the metrics of objects, summed or row by row, in slices: other work of the event loop goes on between them.
 */
import { breathe } from '../../base/breathe.ts'
import type { ManagementContext } from '../context.ts'
import {
  CHANNEL_GROUPS,
  type ChannelSubject,
  CONNECTION_GROUPS,
  type ColumnGroup,
  type ConnectionSubject,
  EXCHANGE_GROUPS,
  QUEUE_GROUPS,
  type QueueSubject,
} from './columns.ts'
import { head, labels, sample } from './exposition.ts'
import { queueTypeOf } from './global-metrics.ts'

/** Objects looked at before others run. */
const SLICE = 256

/** What is written. */
export interface ObjectsQuery {
  /** `rabbitmq_` or `rabbitmq_detailed_`. */
  readonly prefix: string
  readonly perObject: boolean
  /** Families wanted; null for all. */
  readonly families: ReadonlySet<string> | null
  /** Virtual hosts wanted; null for all. */
  readonly vhosts: ReadonlySet<string> | null
  /** Whether a queue of this name is wanted; null for all. */
  readonly queue: ((name: string) => boolean) | null
}

interface Row {
  readonly labels: string
  readonly values: Float64Array
}

/** All metrics of objects that the query wants. */
export async function* objectMetrics(context: ManagementContext, query: ObjectsQuery): AsyncGenerator<string> {
  yield* table(query, QUEUE_GROUPS, queues(context, query), ({ queue }) => ({ vhost: queue.vhost, queue: queue.name }))
  yield* queueInfo(context, query)
  yield* table(query, EXCHANGE_GROUPS, exchanges(context, query), ({ record }) => ({
    vhost: record.vhost,
    exchange: record.name,
  }))
  yield* table(query, CONNECTION_GROUPS, connections(context, query), ({ connection }) => ({
    connection: connection.name,
    vhost: connection.vhost,
  }))
  yield* table(query, CHANNEL_GROUPS, channels(context, query), ({ channel }) => ({ channel: channel.name }))
}

/** Families whose page also tells what sort of queue each is. */
const INFORMED_FAMILIES = ['queue_coarse_metrics', 'queue_consumer_count', 'queue_metrics']

/** One sample per queue with what does not change. */
async function* queueInfo(context: ManagementContext, query: ObjectsQuery): AsyncGenerator<string> {
  const { families, prefix, perObject } = query
  if (!perObject || (families !== null && !INFORMED_FAMILIES.some((family) => families.has(family)))) return
  const name = `${prefix}queue_info`
  let text = head({ name, type: 'gauge', help: 'A metric with a constant value of 1 and labels that describe a queue' })
  let seen = 0
  for (const { queue } of queues(context, query)) {
    const described = {
      vhost: queue.vhost,
      queue: queue.name,
      queue_type: queueTypeOf(queue.kind),
      membership: 'leader',
    }
    text += sample(name, labels(described), 1)
    if (++seen % SLICE > 0) continue
    yield text
    text = ''
    await breathe()
  }
  yield text
}

async function* table<T>(
  query: ObjectsQuery,
  groups: readonly ColumnGroup<T>[],
  subjects: Iterable<T>,
  labelsOf: (subject: T) => Readonly<Record<string, string>>,
): AsyncGenerator<string> {
  const wanted = groups.filter(({ family }) => query.families?.has(family) ?? true)
  const columns = wanted.flatMap((group) => group.columns).filter(({ sums }) => sums || query.perObject)
  if (columns.length === 0) return
  const sum = new Float64Array(columns.length)
  const rows: Row[] = []
  let seen = 0
  for (const subject of subjects) {
    const values = query.perObject ? new Float64Array(columns.length) : sum
    for (let i = 0; i < columns.length; i++) values[i]! += columns[i]!.read(subject)
    if (query.perObject) rows.push({ labels: labels(labelsOf(subject)), values })
    if (++seen % SLICE === 0) await breathe()
  }
  if (!query.perObject) rows.push({ labels: '', values: sum })
  for (const [i, column] of columns.entries()) {
    const name = query.prefix + column.name
    if (rows.length > 0) yield head({ name, type: column.type, help: column.help })
    yield* samples(name, rows, i)
  }
}

async function* samples(name: string, rows: readonly Row[], column: number): AsyncGenerator<string> {
  let text = ''
  for (const [i, row] of rows.entries()) {
    text += sample(name, row.labels, row.values[column]!)
    if ((i + 1) % SLICE === 0) {
      yield text
      text = ''
      await breathe()
    }
  }
  yield text
}

function* queues(
  { broker, clock }: ManagementContext,
  { vhosts, queue: wanted }: ObjectsQuery,
): Generator<QueueSubject> {
  const nowMs = clock.nowMs()
  for (const vhost of broker.vhosts()) {
    if (vhosts?.has(vhost.name) === false) continue
    for (const queue of vhost.queues()) {
      if (wanted?.(queue.name) !== false) yield { queue, status: queue.status(), nowMs }
    }
  }
}

function* exchanges(
  { broker }: ManagementContext,
  { vhosts }: ObjectsQuery,
): Generator<Parameters<(typeof EXCHANGE_GROUPS)[number]['columns'][number]['read']>[0]> {
  for (const vhost of broker.vhosts()) if (vhosts?.has(vhost.name) !== false) yield* vhost.exchanges()
}

function* connections({ broker }: ManagementContext, { vhosts }: ObjectsQuery): Generator<ConnectionSubject> {
  for (const connection of broker.connections.all()) {
    if (vhosts?.has(connection.vhost) !== false) yield { connection, status: connection.status() }
  }
}

function* channels(context: ManagementContext, query: ObjectsQuery): Generator<ChannelSubject> {
  for (const { status } of connections(context, query)) for (const channel of status.channels) yield { channel }
}
