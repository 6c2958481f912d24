/**
 * Counts of messages that passed a session: plain fields, counted by the session, read by the management.
 * `ProtocolTraffic` has the same names for all sessions of a protocol.
 */

/** What went in. */
export interface PublishCounters {
  published: number
  confirmed: number
  /** Unroutable and mandatory. */
  returnedUnroutable: number
  /** Unroutable and not mandatory. */
  droppedUnroutable: number
}

/** What went out. */
export interface DeliveryCounters {
  delivered: number
  deliveredNoAck: number
  got: number
  gotNoAck: number
  getEmpty: number
  acked: number
  redelivered: number
}

/** Counters of one session since it was opened, or a sum of such. */
export class MessageCounters implements PublishCounters, DeliveryCounters {
  published = 0
  confirmed = 0
  returnedUnroutable = 0
  droppedUnroutable = 0
  delivered = 0
  deliveredNoAck = 0
  got = 0
  gotNoAck = 0
  getEmpty = 0
  acked = 0
  redelivered = 0

  addPublishes(of: PublishCounters): void {
    this.published += of.published
    this.confirmed += of.confirmed
    this.returnedUnroutable += of.returnedUnroutable
    this.droppedUnroutable += of.droppedUnroutable
  }

  addDeliveries(of: DeliveryCounters): void {
    this.delivered += of.delivered
    this.deliveredNoAck += of.deliveredNoAck
    this.got += of.got
    this.gotNoAck += of.gotNoAck
    this.getEmpty += of.getEmpty
    this.acked += of.acked
    this.redelivered += of.redelivered
  }
}
