/**
 * A queue's counters at their start.
 */
import type { QueueCounters } from '../../model/queue/queue.ts'

/** Counters of a new queue. */
export function newCounters(): QueueCounters {
  return {
    published: 0,
    delivered: 0,
    deliveredNoAck: 0,
    got: 0,
    gotNoAck: 0,
    getEmpty: 0,
    acked: 0,
    redelivered: 0,
    expired: 0,
    rejected: 0,
    droppedMaxLength: 0,
    deliveryLimitReached: 0,
  }
}
