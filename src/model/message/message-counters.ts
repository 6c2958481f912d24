/**
 * Counts of messages that passed a channel (or a session of another protocol): plain fields, counted by the session,
 * read by the management. `BrokerCounters` has the same names for the whole node.
 */

/** Counters of one channel since it was opened. */
export class MessageCounters {
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
}
