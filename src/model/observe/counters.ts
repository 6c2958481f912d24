/**
 * Counts of what happened on this node since it started. Sessions and vhosts count; the management reads.
 */

import { Histogram, WAIT_MS_BOUNDS } from '../../base/histogram.ts'

/** Node-wide counters: plain fields. */
export class BrokerCounters {
  connectionsOpened = 0
  connectionsClosed = 0
  channelsOpened = 0
  channelsClosed = 0
  queuesDeclared = 0
  queuesCreated = 0
  queuesDeleted = 0
  published = 0
  confirmed = 0
  /** Unroutable and mandatory. */
  returnedUnroutable = 0
  /** Unroutable and not mandatory. */
  droppedUnroutable = 0
  delivered = 0
  deliveredNoAck = 0
  got = 0
  gotNoAck = 0
  getEmpty = 0
  acked = 0
  redelivered = 0
  deadLettered = 0
  authenticationSucceeded = 0
  authenticationFailed = 0
  /** From the first publish of a turn to its confirm, ms, for every confirmed message. */
  readonly confirmWaitMs = new Histogram(WAIT_MS_BOUNDS)
  /** From publishing to delivery, ms: one message of every delivery run, which stands for all of that run. */
  readonly queueWaitMs = new Histogram(WAIT_MS_BOUNDS)
}
