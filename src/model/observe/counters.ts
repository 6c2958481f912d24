/**
 * Counts of what happened on this node since it started. Sessions and vhosts count; the management reads.
 */

import { Histogram, WAIT_MS_BOUNDS } from '../../base/histogram.ts'
import { MessageCounters } from '../message/message-counters.ts'
import { DeathCounters } from './deaths.ts'
import { LimitCounts } from './limit-counts.ts'
import { type ProtocolLabel, ProtocolTraffic } from './traffic.ts'

/** Node-wide counters: plain fields. */
export class BrokerCounters {
  connectionsOpened = 0
  connectionsClosed = 0
  channelsOpened = 0
  channelsClosed = 0
  queuesDeclared = 0
  queuesCreated = 0
  queuesDeleted = 0
  /** Letters published to dead letter exchanges. */
  deadLettered = 0
  readonly deaths = new DeathCounters()
  authenticationSucceeded = 0
  authenticationFailed = 0
  readonly limits = new LimitCounts()
  /** From publishing to delivery, ms: one message of every delivery run, which stands for all of that run. */
  readonly queueWaitMs = new Histogram(WAIT_MS_BOUNDS)
  readonly #traffic = new Map<ProtocolLabel, ProtocolTraffic>()

  /** What sessions of a protocol count. */
  traffic(protocol: ProtocolLabel): ProtocolTraffic {
    let traffic = this.#traffic.get(protocol)
    if (traffic === undefined) {
      traffic = new ProtocolTraffic()
      this.#traffic.set(protocol, traffic)
    }
    return traffic
  }

  /** All protocols that ever had a session, by their label. */
  get protocols(): ReadonlyMap<ProtocolLabel, ProtocolTraffic> {
    return this.#traffic
  }

  /** Messages of all protocols together. */
  messages(): MessageCounters {
    const sum = new MessageCounters()
    for (const traffic of this.#traffic.values()) traffic.addTo(sum)
    return sum
  }
}
