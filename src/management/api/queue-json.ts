/**
 * Queues as the HTTP API shows them.
 */

import type { ConnectionHandle } from '../../model/connections.ts'
import type { EffectivePolicy } from '../../model/policy/policy.ts'
import type { Queue, QueueStatus } from '../../model/queue/queue.ts'
import { argumentsToJson, restoreArguments } from '../../model/values/arguments-json.ts'
import type { ManagementContext } from '../context.ts'
import type { JsonObject } from '../http/list-reply.ts'
import {
  isAnySet,
  LENGTH_FIELDS,
  QUEUE_FIELDS,
  QUEUE_MESSAGE_FIELDS,
  withDetails,
  writeLengths,
  writeQueueCounters,
} from '../stats/fields.ts'
import type { LongHistory, SampleWindows } from '../stats/series.ts'

/** How much of a queue is shown. */
export interface QueueDetail {
  readonly windows: SampleWindows
  /** Neither rates nor figures. */
  readonly withoutStats: boolean
  /** Depths nevertheless. */
  readonly withTotals: boolean
}

/** A queue of a list; with `past` as far back as that reaches. */
export function queueJson(
  context: ManagementContext,
  queue: Queue,
  detail: QueueDetail,
  past: LongHistory | null = null,
): JsonObject {
  const { record } = queue
  const status = queue.status()
  const base = {
    arguments: argumentsToJson(restoreArguments(record.arguments)),
    auto_delete: record.autoDelete,
    durable: record.durable,
    exclusive: record.exclusive,
    name: record.name,
    node: context.node.name,
    state: status.state,
    type: queue.kind,
    vhost: record.vhost,
  }
  if (detail.withoutStats) {
    const plain = {
      ...base,
      ...namedPolicy(context, queue),
      ...(queue.kind === 'quorum' ? members(context.node.name) : {}),
    }
    return detail.withTotals ? { ...plain, ...plainLengths(status) } : plain
  }
  return { ...base, ...figures(context, queue, status), ...rates(context, queue, status, detail.windows, past) }
}

function plainLengths({ readyCount, unackedCount }: QueueStatus): JsonObject {
  return { messages: readyCount + unackedCount, messages_ready: readyCount, messages_unacknowledged: unackedCount }
}

function figures(context: ManagementContext, queue: Queue, status: QueueStatus): JsonObject {
  const { record } = queue
  const count = status.readyCount + status.unackedCount
  const bytes = status.readyBytes + status.unackedBytes
  const policy = policyOf(context, queue)
  const exclusiveTag = queue.consumers.find(({ spec }) => spec.exclusive)?.spec.tag ?? null
  return {
    consumer_capacity: status.consumerCapacity,
    consumer_utilisation: status.consumerCapacity,
    consumers: status.consumerCount,
    effective_policy_definition: policy.definition,
    exclusive_consumer_tag: exclusiveTag,
    head_message_timestamp: status.oldestReadyAtMs === 0 ? null : Math.floor(status.oldestReadyAtMs / 1_000),
    ...idleSince(context, status.idleSinceMs),
    memory: 0,
    message_bytes: bytes,
    message_bytes_paged_out: 0,
    message_bytes_persistent: count === 0 ? 0 : Math.round((bytes * status.persistentCount) / count),
    message_bytes_ram: bytes,
    message_bytes_ready: status.readyBytes,
    message_bytes_unacknowledged: status.unackedBytes,
    messages_paged_out: 0,
    messages_persistent: status.persistentCount,
    messages_ram: count,
    messages_ready_ram: status.readyCount,
    messages_unacknowledged_ram: status.unackedCount,
    disk_bytes: status.diskBytes,
    oldest_message_age_ms:
      status.oldestReadyAtMs === 0 ? null : Math.max(context.clock.nowMs() - status.oldestReadyAtMs, 0),
    ...(status.delayedCount > 0 ? { delayed: status.delayedCount } : {}),
    operator_policy: policy.operatorPolicyName,
    policy: policy.policyName,
    ...(record.owner === null ? {} : { owner_pid_details: ownerDetails(context.broker.connections.get(record.owner)) }),
    recoverable_slaves: null,
    reductions: 0,
    reductions_details: { rate: 0 },
    garbage_collection: GARBAGE_COLLECTION,
    single_active_consumer_tag: status.singleActiveTag,
    ...(queue.kind === 'quorum' ? quorumFigures(context, status.singleActiveTag) : {}),
    storage_version: 2,
  }
}

/** When something happened last; left out while things happen, which tools show as running. */
export function idleSince({ clock, statistics }: ManagementContext, sinceMs: number): JsonObject {
  const isIdle = sinceMs > 0 && clock.nowMs() - sinceMs >= statistics.everyMs
  return isIdle ? { idle_since: new Date(sinceMs).toISOString() } : {}
}

/** Shown for tools that read it: there is no heap per object here. */
export const GARBAGE_COLLECTION = {
  fullsweep_after: 65_535,
  max_heap_size: 0,
  min_bin_vheap_size: 46_422,
  min_heap_size: 233,
  minor_gcs: 0,
} as const

/** A quorum queue of one node. Messages on their way to a dead-letter exchange are counted as unacknowledged. */
function quorumFigures({ node }: ManagementContext, tag: string | null): JsonObject {
  return {
    ...members(node.name),
    open_files: { [node.name]: 0 },
    single_active_consumer_ctag: tag,
    messages_dlx: 0,
    message_bytes_dlx: 0,
  }
}

function members(name: string): JsonObject {
  return { leader: name, members: [name], online: [name] }
}

const NO_KEYS: ReadonlySet<string> = new Set()

/** RabbitMQ: a list without figures names the policy only where there is one. */
function namedPolicy(context: ManagementContext, queue: Queue): JsonObject {
  const { policyName } = policyOf(context, queue)
  return policyName === null ? {} : { policy: policyName }
}

/** The policy in force on a queue. */
export function policyOf({ broker, queueKinds }: ManagementContext, queue: Queue): EffectivePolicy {
  const unsupportedKeys = queueKinds.get(queue.kind)?.unsupportedPolicyKeys ?? NO_KEYS
  return broker.policies.effective(queue.vhost, { name: queue.name, kind: queue.kind, unsupportedKeys })
}

function ownerDetails(owner: ConnectionHandle | undefined): JsonObject | null {
  return owner === undefined ? null : { name: owner.name, peer_host: owner.peerHost, peer_port: owner.peerPort }
}

function rates(
  { statistics }: ManagementContext,
  queue: Queue,
  status: QueueStatus,
  windows: SampleWindows,
  past: LongHistory | null,
): JsonObject {
  const row = new Float64Array(QUEUE_FIELDS.length)
  writeQueueCounters(queue, row)
  writeLengths(status, row, QUEUE_MESSAGE_FIELDS.length)
  const series = statistics.ofQueue(queue)
  const lengths = withDetails(QUEUE_FIELDS, LENGTH_FIELDS, row, series, statistics.everyMs, windows.lengths, past)
  if (past === null && !isAnySet(QUEUE_FIELDS, QUEUE_MESSAGE_FIELDS, row)) return lengths
  const stats = withDetails(
    QUEUE_FIELDS,
    QUEUE_MESSAGE_FIELDS,
    row,
    series,
    statistics.everyMs,
    windows.msg_rates,
    past,
  )
  return { ...lengths, message_stats: stats }
}
