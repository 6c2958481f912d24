/**
 * The status of a queue, put together from its parts: for listings, on request.
 */
import type { Ledger } from '../../model/message/message-store.ts'
import type { QueueStatus } from '../../model/queue/queue.ts'
import type { Entries } from './entries.ts'
import type { EntryReader } from './entry-reader.ts'
import type { Roster } from './roster.ts'

/** What a status is made of. */
export interface StatusParts {
  readonly ledger: Ledger
  readonly reader: EntryReader
  readonly entries: Entries
  readonly roster: Roster
  readonly isStopped: boolean
  readonly idleSinceMs: number
  readonly effective: QueueStatus['effective']
  /** Live entries, and their bytes, that are neither ready, dead nor unacked: parked, not committed. */
  readonly heldCount: number
  readonly heldBytes: number
  readonly delayedCount: number
  readonly persistentCount: number
}

/** The status at this moment. Moves the reader's view. */
export function statusOf(parts: StatusParts): QueueStatus {
  const { entries, ledger, roster } = parts
  const consumerCount = roster.count
  const isServed = entries.readyCount === 0 || roster.next() !== null
  return {
    state: parts.isStopped ? 'stopped' : 'running',
    readyCount: entries.readyCount,
    readyBytes: entries.readyBytes,
    unackedCount: ledger.liveCount - entries.readyCount - entries.deadCount - parts.heldCount,
    unackedBytes: ledger.liveBytes - entries.readyBytes - entries.deadBytes - parts.heldBytes,
    delayedCount: parts.delayedCount,
    persistentCount: parts.persistentCount,
    diskBytes: ledger.diskBytes,
    consumerCount,
    consumerCapacity: consumerCount > 0 && isServed ? 1 : 0,
    oldestReadyAtMs: oldestReadyAtMs(parts),
    idleSinceMs: parts.idleSinceMs,
    singleActiveTag: roster.active?.spec.tag ?? null,
    effective: parts.effective,
  }
}

function oldestReadyAtMs({ reader, entries }: StatusParts): number {
  const head = entries.order.peek()
  return head === 0 ? 0 : reader.publishedAtMs(head)
}
