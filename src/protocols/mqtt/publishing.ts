/**
 * Publishing on one connection: from a PUBLISH in the socket's chunk to the vhost. The path of every message.
 *
 * Topic, route and permission are remembered by the topic's bytes, the draft and its properties are shared memory: a
 * message that resembles the one before allocates nothing. Acknowledgements wait in the ack line. [MQTT 5.0 §3.3, §4.3]
 */

import type { RateMeter } from '../../model/limits/rate-meter.ts'
import { NO_EXPIRATION, PROPERTIES_BYTES_MAX } from '../../model/message/message.ts'
import type { MessageCounters } from '../../model/message/message-counters.ts'
import type { ProtocolTraffic } from '../../model/observe/traffic.ts'
import { PUBLISH_REFUSED, PUBLISH_UNROUTED, type PublishOutcome, type Route } from '../../model/routing/route.ts'
import type { AckLine } from './ack-line.ts'
import { MqttError, protocolError } from './errors.ts'
import type { ReceivedIds } from './exactly-once.ts'
import type { PublishScan } from './publish-scan.ts'
import {
  LEVEL_5,
  NO_MATCHING_SUBSCRIBERS,
  NOT_AUTHORIZED,
  PACKET_TOO_LARGE,
  type ProtocolLevel,
  PUBACK,
  PUBREC,
  QUOTA_EXCEEDED,
  RECEIVE_MAXIMUM_EXCEEDED,
  SUCCESS,
  TOPIC_ALIAS_INVALID,
} from './spec.ts'
import { FLAG_PROPERTIES, FLAG_PUBLISHER } from './stored-properties.ts'
import { InboundAliases } from './topic-aliases.ts'
import type { CachedTopic } from './topic-cache.ts'
import { type Member, type MqttWorld, mayPublish } from './world.ts'

/** Longest life that fits a record; longer ones do not expire. */
const EXPIRATION_MS_MAX = NO_EXPIRATION - 1

/** The session's side of a publish. */
export interface PublishSession {
  readonly name: string
  readonly level: ProtocolLevel
  readonly counters: MessageCounters
  /** Null before it is open. */
  readonly rates: RateMeter | null
  readonly acks: AckLine
  readonly receivedCount: number
  readonly clientIdBytes: Buffer
  /** QoS 2 identifiers of the session, made at first use; `stored` is called once the session will be found after a restart. */
  receivedIds(): ReceivedIds
  /** Makes the session last over a restart, if it is one that lasts and does not already; null when nothing has to be waited for. */
  keep(): ((stored: () => void) => void) | null
}

/** One per connection that publishes. */
export class Publishing {
  readonly #world: MqttWorld
  readonly #member: Member
  readonly #session: PublishSession
  readonly #traffic: ProtocolTraffic
  #aliases: InboundAliases | null = null
  #last: CachedTopic | null = null
  /** The topic that was allowed last, and the permissions' revision then. */
  #allowed: CachedTopic | null = null
  #allowedRevision = -1
  /** QoS 1 publishes not acknowledged yet. */
  unackedCount = 0

  constructor(world: MqttWorld, member: Member, session: PublishSession) {
    this.#world = world
    this.#member = member
    this.#session = session
    this.#traffic = world.trafficOf(session.level)
  }

  /** Publishes what the scan points at. Throws `MqttError`. */
  publish(scan: PublishScan): void {
    const topic = this.#topic(scan)
    if (scan.qos > 0) this.#checkReceiveMaximum()
    if (scan.qos === 2 && this.#session.receivedIds().has(scan.packetId, scan.dup)) {
      return this.#session.acks.add(PUBREC, scan.packetId, SUCCESS, true)
    }
    if (!this.#isAllowed(topic)) return this.#refuse(scan, NOT_AUTHORIZED)
    const { counters, rates } = this.#session
    counters.published++
    const traffic = this.#traffic
    traffic.countPublished(scan.payloadEnd - scan.payloadStart)
    if (scan.qos > 0) traffic.publishedForConfirm++
    const outcome = this.#send(scan, topic)
    if (rates?.isLimited === true) rates.published(scan.payloadEnd - scan.payloadStart)
    if (topic.counters !== null) topic.counters.publishedIn++
    if (outcome === PUBLISH_UNROUTED) {
      if (topic.counters !== null) topic.counters.unroutable++
      counters.droppedUnroutable++
      traffic.droppedUnroutable++
    }
    if (scan.retain && outcome !== PUBLISH_REFUSED) return this.#retain(scan, topic, outcome)
    if (scan.qos === 0) return
    if (outcome === PUBLISH_REFUSED) return this.#refuse(scan, QUOTA_EXCEEDED)
    this.#acknowledge(scan, this.#reasonOf(outcome))
  }

  #topic(scan: PublishScan): CachedTopic {
    const { bytes, topicStart, topicEnd, topicAlias } = scan
    if (topicAlias !== 0) return this.#aliased(scan)
    const last = this.#last
    if (last?.is(bytes, topicStart, topicEnd) === true) return last
    const topic = this.#world.topicsOf(this.#member.vhost).find(bytes, topicStart, topicEnd)
    this.#last = topic
    return topic
  }

  #aliased({ bytes, topicStart, topicEnd, topicAlias }: PublishScan): CachedTopic {
    if (topicAlias < 1 || topicAlias > this.#world.settings.topicAliasMax) {
      throw new MqttError(TOPIC_ALIAS_INVALID, `topic alias is not between 1 and ${this.#world.settings.topicAliasMax}`)
    }
    this.#aliases ??= new InboundAliases()
    if (topicStart === topicEnd) {
      const known = this.#aliases.get(topicAlias)
      if (known === undefined) throw protocolError(`topic alias ${topicAlias} is not set`)
      return known
    }
    const topic = this.#world.topicsOf(this.#member.vhost).find(bytes, topicStart, topicEnd)
    this.#aliases.set(topicAlias, topic)
    return topic
  }

  #checkReceiveMaximum(): void {
    if (this.#session.level !== LEVEL_5) return
    const { receiveMax } = this.#world.settings
    if (this.unackedCount + this.#session.receivedCount < receiveMax) return
    throw new MqttError(RECEIVE_MAXIMUM_EXCEEDED, `more than ${receiveMax} publishes are unfinished`)
  }

  #isAllowed(topic: CachedTopic): boolean {
    const { permissions } = this.#member
    if (this.#allowed === topic && this.#allowedRevision === permissions.revision) return true
    if (!mayPublish(permissions, this.#world.settings.exchange, topic.routingKey)) return false
    this.#allowed = topic
    this.#allowedRevision = permissions.revision
    return true
  }

  #send(scan: PublishScan, topic: CachedTopic): PublishOutcome {
    const { draft, stored, facts, broker } = this.#world
    const { vhost } = this.#member
    stored.ofScan(scan, this.#world.wantsPublisher ? this.#session.clientIdBytes : null)
    if (stored.length > PROPERTIES_BYTES_MAX) throw new MqttError(PACKET_TOO_LARGE, 'properties are too long')
    draft.persistent = scan.qos > 0
    draft.expirationMs = expirationMs(scan.expirySeconds)
    draft.publishedAtMs = broker.world.clock.nowMs()
    draft.properties = stored.bytes
    draft.propertiesStart = 0
    draft.propertiesEnd = stored.length
    draft.body = scan.bytes
    draft.bodyStart = scan.payloadStart
    draft.bodyEnd = scan.payloadEnd
    draft.bodyBytes = scan.payloadEnd - scan.payloadStart
    const flags = stored.bytes[0]!
    facts.bytes = stored.bytes
    facts.end = stored.length
    facts.start = (flags & FLAG_PROPERTIES) === 0 ? stored.length : blockAt(flags, stored.bytes)
    const route = this.#world.topicsOf(vhost).route(topic, draft)
    if (route === undefined) return PUBLISH_UNROUTED
    this.#world.fanout.spend(route.targets.length)
    if (vhost.isTraced) this.#trace(route)
    if (scan.qos < 2) return vhost.publishTo(route, draft)
    return this.#sendOnce(route, scan.packetId)
  }

  #sendOnce(route: Route, packetId: number): PublishOutcome {
    const { vhost } = this.#member
    const received = this.#session.receivedIds()
    const outcome = vhost.publishTo(received.routeWith(route, packetId), this.#world.draft)
    if (outcome === PUBLISH_REFUSED) received.refused()
    else received.add(packetId)
    // The session's own ledger is no subscriber.
    return route.targets.length === 0 ? PUBLISH_UNROUTED : outcome
  }

  #trace(route: Route): void {
    const { vhost, identity } = this.#member
    const context = { connection: this.#session.name, channel: 0, user: identity.user }
    vhost.tracer.published(this.#world.draft, route, context)
  }

  #retain(scan: PublishScan, topic: CachedTopic, outcome: PublishOutcome): void {
    const { retained, stored, draft } = this.#world
    const { vhost } = this.#member
    let release = (): void => undefined
    if (scan.qos > 0) release = this.#acknowledgeLater(scan, this.#reasonOf(outcome))
    const done = (error: Error | null): void => {
      if (error !== null)
        this.#world.logger.error(`a retained message of ${topic.topic} is not stored: ${error.message}`)
      release()
    }
    if (scan.payloadStart === scan.payloadEnd) return retained.drop(vhost.name, topic.routingKey, done)
    const flags = stored.bytes[0]!
    const hasBlock = (flags & FLAG_PROPERTIES) !== 0
    const record = {
      payload: scan.bytes.toString('base64', scan.payloadStart, scan.payloadEnd),
      properties: hasBlock ? stored.bytes.toString('base64', blockAt(flags, stored.bytes), stored.length) : '',
      qos: scan.qos,
      publishedAtMs: draft.publishedAtMs,
      expirationMs: draft.expirationMs,
    }
    retained.put(vhost.name, topic.routingKey, record, done)
  }

  #reasonOf(outcome: PublishOutcome): number {
    return outcome === PUBLISH_UNROUTED && this.#session.level === LEVEL_5 ? NO_MATCHING_SUBSCRIBERS : SUCCESS
  }

  #acknowledge(scan: PublishScan, reasonCode: number): void {
    const { acks } = this.#session
    const { mustWait } = this.#member.vhost
    if (scan.qos === 1) {
      this.unackedCount++
      return acks.add(PUBACK, scan.packetId, reasonCode, mustWait)
    }
    const keep = this.#session.keep()
    if (keep === null) return acks.add(PUBREC, scan.packetId, reasonCode, mustWait)
    keep(acks.addHeld(PUBREC, scan.packetId, reasonCode, mustWait))
  }

  #acknowledgeLater(scan: PublishScan, reasonCode: number): () => void {
    const { acks } = this.#session
    const { mustWait } = this.#member.vhost
    if (scan.qos === 1) {
      this.unackedCount++
      return acks.addHeld(PUBACK, scan.packetId, reasonCode, mustWait)
    }
    const release = acks.addHeld(PUBREC, scan.packetId, reasonCode, mustWait)
    const keep = this.#session.keep()
    return keep === null ? release : () => keep(release)
  }

  /** Not taken. Before 5.0 there is no way to say so: a refusal by permission closes, one by a full queue gets no answer. */
  #refuse(scan: PublishScan, reasonCode: number): void {
    const isUnauthorized = reasonCode === NOT_AUTHORIZED
    if (isUnauthorized && this.#world.settings.disconnectsUnauthorized) {
      throw new MqttError(NOT_AUTHORIZED, 'not allowed to publish to this topic')
    }
    if (scan.qos === 0) return
    const type = scan.qos === 1 ? PUBACK : PUBREC
    if (this.#session.level === LEVEL_5) this.#session.acks.add(type, scan.packetId, reasonCode, false)
    else if (isUnauthorized) this.#session.acks.add(type, scan.packetId, SUCCESS, false)
    else return
    if (scan.qos === 1) this.unackedCount++
  }
}

/** Where the property block starts behind the flags and the publisher. */
function blockAt(flags: number, bytes: Buffer): number {
  return (flags & FLAG_PUBLISHER) === 0 ? 1 : 2 + bytes[1]!
}

/** Life of a message as its record has it. */
export function expirationMs(seconds: number): number {
  if (seconds < 0) return NO_EXPIRATION
  const ms = seconds * 1000
  return ms > EXPIRATION_MS_MAX ? NO_EXPIRATION : ms
}
