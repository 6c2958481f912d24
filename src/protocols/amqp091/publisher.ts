/**
 * Publishing on one channel: from basic.publish, header and body frames to the vhost. The path of every message.
 *
 * A publish is complete when its body is: only then is anything checked, in RabbitMQ's order. A body that lies whole in
 * the chunk of its header is published straight from there; otherwise properties and body are collected in memory of our
 * own, which grows only as bytes arrive. [AMQP 0-9-1 §4.2.6; RabbitMQ: basic.publish]
 */
import { readU32 } from '../../base/u64.ts'
import { AccessPending } from '../../model/access/access-pending.ts'
import { MessageDraft, NO_EXPIRATION, PROTOCOL_AMQP091 } from '../../model/message/message.ts'
import { PUBLISH_REFUSED, PUBLISH_UNROUTED, type PublishOutcome, type Route } from '../../model/routing/route.ts'
import { exchangeText } from '../../model/verbs/refusals.ts'
import { ContentHeaderFields, encodeMethod, headerFrameAt, PublishFields } from './codec.ts'
import type { Confirms } from './confirms.ts'
import type { Deliveries } from './deliveries.ts'
import { writeContentCopy } from './delivery-writer.ts'
import { ChannelError, ConnectionError } from './errors.ts'
import { ABSENT, PropertyScan } from './properties.ts'
import { PropertyFacts } from './property-facts.ts'
import { HeldPublication, type Publication } from './publication.ts'
import { type PublishAddress, PublishAddresses } from './publish-address.ts'
import { expirationOf, takeExtraKeys, wantsDirectReply, withReplyTo } from './publish-properties.ts'
import { PublishRun, type Repeater } from './publish-run.ts'
import type { Session } from './session.ts'
import { BASIC_RETURN, FRAME_BODY, FRAME_HEAD_BYTES } from './spec.ts'

/** What the channel waits for. */
export const EXPECT_METHOD = 0
export const EXPECT_HEADER = 1
export const EXPECT_BODY = 2
export type Expectation = 0 | 1 | 2

/** RabbitMQ's limit of any message. */
const BODY_BYTES_LIMIT = 512 * 1024 * 1024
const COLLECT_BYTES_FIRST = 4096
const NO_ROUTE_CODE = 312
const NOTHING: Buffer = Buffer.alloc(0)

/** What publishing needs once per broker: used within one call, by one channel after another. */
export class PublishScratch {
  readonly draft = new MessageDraft()
  readonly facts = new PropertyFacts(new PropertyScan(), NOTHING)
  readonly fields = new PublishFields()
  readonly header = new ContentHeaderFields()
  readonly run = new PublishRun()
  nowMs = 0
  /** Longest body. */
  messageBytesMax = BODY_BYTES_LIMIT

  /** When a chunk arrives: the time of day, and what the settings say by now. */
  stamp(nowMs: number, messageBytesMax: number): void {
    this.nowMs = nowMs
    this.messageBytesMax = messageBytesMax
    this.run.reset()
  }
}

/** The channel's side. */
export interface PublishListener {
  /** Confirms of the channel, or null outside confirm mode. */
  readonly confirms: Confirms | null
  /** The reply queue of the channel's reply consumer, or null. */
  readonly replyName: string | null
  /** Whether a transaction holds publishes back. */
  readonly isTransactional: boolean
  /** A transaction takes the message; it copies what it keeps. */
  hold(publication: Publication): void
}

/** One per channel that publishes. Its fields are the publication under way. */
export class ChannelPublisher implements Publication, Repeater {
  readonly #session: Session
  readonly #scratch: PublishScratch
  readonly #deliveries: Deliveries
  readonly #listener: PublishListener
  readonly #addresses = new PublishAddresses()
  expects: Expectation = EXPECT_METHOD
  address!: PublishAddress
  mandatory = false
  properties = NOTHING
  propertiesStart = 0
  propertiesEnd = 0
  body = NOTHING
  bodyStart = 0
  bodyEnd = 0
  /** Of the header. */
  #bodyBytes = 0
  #collectedBytes = 0

  constructor(session: Session, scratch: PublishScratch, deliveries: Deliveries, listener: PublishListener) {
    this.#session = session
    this.#scratch = scratch
    this.#deliveries = deliveries
    this.#listener = listener
  }

  /** basic.publish. */
  onMethod(bytes: Buffer, start: number, end: number): void {
    const fields = this.#scratch.fields
    fields.read(bytes, start, end)
    this.address = this.#addresses.find(bytes, fields.routingStart, fields.routingKeyAt, fields.routingEnd)
    this.mandatory = fields.mandatory
    if (fields.immediate) throw ConnectionError.notImplemented('immediate=true')
    this.#scratch.run.begin(this, bytes, start - FRAME_HEAD_BYTES, end + 1)
    this.expects = EXPECT_HEADER
  }

  /** The content header. */
  onHeader(bytes: Buffer, start: number, end: number): void {
    this.#takeHeader(bytes, start, end)
    const { propertiesStart, propertiesEnd } = this
    const bodyBytes = this.#bodyBytes
    if (bodyBytes === 0) {
      this.body = bytes
      this.bodyStart = end
      this.bodyEnd = end
      this.#finish()
      return
    }
    this.expects = EXPECT_BODY
    this.#collectedBytes = 0
    if (!followsWhole(bytes, end + 1, bodyBytes)) {
      // The next frame may come in another chunk: what is kept is copied.
      this.properties = Buffer.from(bytes.subarray(propertiesStart, propertiesEnd))
      this.propertiesStart = 0
      this.propertiesEnd = this.properties.length
      this.body = NOTHING
    }
  }

  /** A body frame. */
  onBody(bytes: Buffer, start: number, end: number): void {
    const frameBytes = end - start
    const total = this.#collectedBytes + frameBytes
    if (total > this.#bodyBytes) {
      throw ConnectionError.frameError('content body frame exceeds remaining content size')
    }
    if (frameBytes === this.#bodyBytes) {
      this.body = bytes
      this.bodyStart = start
      this.bodyEnd = end
      const { propertiesStart, propertiesEnd } = this
      const isWhole = this.properties === bytes && propertiesEnd + 1 + FRAME_HEAD_BYTES === start
      this.#finish()
      if (isWhole) this.#scratch.run.complete(this, bytes, headerFrameAt(propertiesStart), start, end + 1)
      return
    }
    this.#collect(bytes, start, end, total)
    if (total < this.#bodyBytes) return
    this.bodyStart = 0
    this.bodyEnd = total
    this.#finish()
  }

  /** Checks and publishes a message that a transaction held back. */
  publishHeld(publication: Publication): PublishOutcome {
    return this.#publish(publication)
  }

  /** Throws unless the message of a transaction may be published now. */
  check(publication: Publication): void {
    this.#prepare(publication)
  }

  publishWhole(bytes: Buffer, headerStart: number, headerEnd: number, bodyStart: number, bodyEnd: number): void {
    this.#takeHeader(bytes, headerStart, headerEnd)
    this.body = bytes
    this.bodyStart = bodyStart
    this.bodyEnd = bodyEnd
    this.#finish()
  }

  #takeHeader(bytes: Buffer, start: number, end: number): void {
    const header = this.#scratch.header
    header.read(bytes, start, end)
    const { bodyBytes } = header
    if (bodyBytes > BODY_BYTES_LIMIT) {
      const text = `content body size ${bodyBytes} exceeds maximum allowed size ${BODY_BYTES_LIMIT}`
      throw ConnectionError.frameError(text)
    }
    this.#checkSize(bodyBytes)
    this.properties = bytes
    this.propertiesStart = header.propertiesStart
    this.propertiesEnd = header.propertiesEnd
    this.#bodyBytes = bodyBytes
  }

  get mayRepeat(): boolean {
    const { vhost, rates } = this.#session
    return !this.#listener.isTransactional && !vhost.isTraced && !rates.isLimited
  }

  repeat(body: Buffer, start: number, end: number): boolean {
    const { vhost, permissions } = this.#session
    const { draft, messageBytesMax } = this.#scratch
    const { address } = this
    const { route } = address
    const bodyBytes = end - start
    if (route === null || route.targets.length === 0 || draft.extraKeys !== null) return false
    if (bodyBytes > messageBytesMax) return false
    if (route.revision !== vhost.topologyRevision || address.permissionRevision !== permissions.revision) return false
    // Everything else is in the draft since the publish that this one is like.
    draft.body = body
    draft.bodyStart = start
    draft.bodyEnd = end
    draft.bodyBytes = bodyBytes
    this.#answer(address, vhost.publishTo(route, draft))
    return true
  }

  #finish(): void {
    this.expects = EXPECT_METHOD
    try {
      this.#publishOrHold(this)
    } catch (error) {
      if (error instanceof AccessPending) {
        const held = new HeldPublication(this)
        error.again = () => this.#publishOrHold(held)
        error.heldBytes = held.propertiesEnd + held.bodyEnd
      }
      throw error
    } finally {
      this.properties = NOTHING
      this.body = NOTHING
    }
  }

  #publishOrHold(publication: Publication): void {
    if (!this.#listener.isTransactional) {
      this.#publish(publication)
      return
    }
    this.#prepare(publication)
    this.#listener.hold(publication)
  }

  #collect(bytes: Buffer, start: number, end: number, total: number): void {
    if (total > this.body.length || this.#collectedBytes === 0) {
      const room = Math.min(this.#bodyBytes, Math.max(total, 2 * this.body.length, COLLECT_BYTES_FIRST))
      const grown = Buffer.allocUnsafeSlow(room)
      this.body.copy(grown, 0, 0, this.#collectedBytes)
      this.body = grown
    }
    bytes.copy(this.body, this.#collectedBytes, start, end)
    this.#collectedBytes = total
  }

  #checkSize(bodyBytes: number): void {
    const max = this.#scratch.messageBytesMax
    if (bodyBytes <= max) return
    const { broker } = this.#session.world
    broker.counters.limits.hit('message_size')
    const configured = max === BODY_BYTES_LIMIT ? 'max size' : 'configured max size'
    throw ChannelError.preconditionFailed(`message size ${bodyBytes} is larger than ${configured} ${max}`)
  }

  // One complete message

  #publish(publication: Publication): PublishOutcome {
    const { vhost, rates } = this.#session
    const { draft } = this.#scratch
    const { address } = publication
    this.#prepare(publication)
    const route = this.#route(address)
    if (vhost.isTraced) vhost.tracer.published(draft, route, this.#traceContext())
    const outcome = vhost.publishTo(route, draft)
    if (rates.isLimited) rates.published(draft.bodyBytes)
    if (outcome === PUBLISH_UNROUTED) this.#unrouted(publication)
    this.#answer(address, outcome)
    return outcome
  }

  /** Counts what became of the draft, and lets the client know if it asked. */
  #answer(address: PublishAddress, outcome: PublishOutcome): void {
    const { vhost, world } = this.#session
    // `#checkAddress` found both.
    address.tally!.published++
    address.exchange!.counters.publishedIn++
    world.traffic.countPublished(this.#scratch.draft.bodyBytes)
    const { confirms } = this.#listener
    if (confirms === null) return
    world.traffic.publishedForConfirm++
    if (outcome === PUBLISH_REFUSED) confirms.refused()
    else confirms.published(outcome !== PUBLISH_UNROUTED && vhost.mustWait)
  }

  /** Makes the shared draft this message, with all checks. */
  #prepare(publication: Publication): void {
    const { draft, facts, nowMs } = this.#scratch
    const { address, properties, propertiesStart, propertiesEnd } = publication
    this.#checkAddress(address)
    const { scan } = facts
    scan.scan(properties, propertiesStart, propertiesEnd)
    facts.bytes = properties
    draft.protocol = PROTOCOL_AMQP091
    draft.exchange = address.exchangeName
    draft.routingKey = address.routingKey
    draft.routing = address.routing
    draft.routingStart = 0
    draft.routingEnd = address.routing.length
    draft.facts = facts
    draft.persistent = scan.persistent
    draft.hasPriority = scan.priority !== ABSENT
    draft.priority = scan.priority === ABSENT ? 0 : scan.priority
    draft.publishedAtMs = nowMs
    draft.properties = properties
    draft.propertiesStart = propertiesStart
    draft.propertiesEnd = propertiesEnd
    draft.body = publication.body
    draft.bodyStart = publication.bodyStart
    draft.bodyEnd = publication.bodyEnd
    draft.bodyParts = null
    draft.bodyBytes = publication.bodyEnd - publication.bodyStart
    if (scan.replyToAt !== ABSENT) this.#overrideReplyTo()
    draft.expirationMs = scan.expirationAt === ABSENT ? NO_EXPIRATION : expirationOf(scan)
    takeExtraKeys(draft, facts)
    this.#checkTopics(address)
    if (scan.userIdAt !== ABSENT) this.#checkUserId()
  }

  #checkAddress(address: PublishAddress): void {
    const { permissions, vhost } = this.#session
    if (address.permissionRevision !== permissions.revision) {
      address.mayWrite = permissions.canWrite('exchange', address.exchangeName)
      address.permissionRevision = permissions.revision
    }
    if (!address.mayWrite) {
      const name = address.exchangeName === '' ? 'amq.default' : address.exchangeName
      throw this.#refused(`write access to ${exchangeText(vhost.name, name)}`)
    }
    if (address.exchangeRevision !== vhost.topologyRevision) {
      address.exchange = vhost.exchange(address.exchangeName)
      if (address.exchange !== undefined) address.tally ??= this.#deliveries.tallies.ofExchange(address.exchangeName)
      address.exchangeRevision = vhost.topologyRevision
    }
    if (address.exchange === undefined) {
      throw ChannelError.notFound(`no ${exchangeText(vhost.name, address.exchangeName)}`)
    }
    if (address.exchange.record.internal) {
      const text = `cannot publish to internal ${exchangeText(vhost.name, address.exchangeName)}`
      throw ChannelError.accessRefused(text)
    }
  }

  #route(address: PublishAddress): Route {
    const { vhost } = this.#session
    const { draft } = this.#scratch
    const known = address.route
    if (known !== null && known.revision === vhost.topologyRevision && draft.extraKeys === null) return known
    // `#checkAddress` found it.
    const route = vhost.routeOf(address.exchange!, draft)
    if (draft.extraKeys === null) address.route = route.isReusable ? route : null
    return route
  }

  #overrideReplyTo(): void {
    const { draft, facts } = this.#scratch
    if (!wantsDirectReply(facts.scan)) return
    const { replyName } = this.#listener
    if (replyName === null) throw ChannelError.preconditionFailed('fast reply consumer does not exist')
    const properties = withReplyTo(draft.properties, draft.propertiesStart, draft.propertiesEnd, replyName)
    facts.scan.scan(properties, 0, properties.length)
    facts.bytes = properties
    draft.properties = properties
    draft.propertiesStart = 0
    draft.propertiesEnd = properties.length
  }

  #checkTopics(address: PublishAddress): void {
    const { permissions, vhost } = this.#session
    if (address.exchange?.type.name !== 'topic' || !permissions.hasTopicRules(address.exchangeName)) return
    for (const key of [address.routingKey, ...(this.#scratch.draft.extraKeys ?? [])]) {
      if (permissions.canWriteTopic(address.exchangeName, key)) continue
      throw this.#refused(`write access to topic '${key}' in ${exchangeText(vhost.name, address.exchangeName)}`)
    }
  }

  #checkUserId(): void {
    const { identity } = this.#session
    const { scan } = this.#scratch.facts
    const claimed = scan.text(scan.userIdAt)
    if (claimed === identity.user || identity.tags.includes('impersonator')) return
    const text = `user_id property set to '${claimed}' but authenticated user was '${identity.user}'`
    throw ChannelError.preconditionFailed(text)
  }

  #refused(what: string): ChannelError {
    return ChannelError.accessRefused(`${what} refused for user '${this.#session.identity.user}'`)
  }

  #unrouted(publication: Publication): void {
    const { traffic } = this.#session.world
    // `#checkAddress` found both.
    const tally = publication.address.tally!
    publication.address.exchange!.counters.unroutable++
    if (!publication.mandatory) {
      tally.droppedUnroutable++
      traffic.droppedUnroutable++
      return
    }
    publication.address.exchange!.counters.returned++
    tally.returnedUnroutable++
    traffic.returnedUnroutable++
    const { outbox, frameBytesMax } = this.#session
    const { address, properties, propertiesStart, propertiesEnd, body, bodyStart, bodyEnd } = publication
    const { channel } = this.#deliveries
    const { exchangeName: exchange, routingKey } = address
    outbox.write(
      encodeMethod(BASIC_RETURN, channel, { replyCode: NO_ROUTE_CODE, replyText: 'NO_ROUTE', exchange, routingKey }),
    )
    writeContentCopy(
      outbox,
      channel,
      frameBytesMax,
      properties,
      propertiesStart,
      propertiesEnd,
      body,
      bodyStart,
      bodyEnd,
    )
  }

  #traceContext(): { connection: string; channel: number; user: string } {
    const { connectionName, identity } = this.#session
    return { connection: connectionName, channel: this.#deliveries.channel, user: identity.user }
  }
}

/** Whether the frame at byte `at` is a body frame with the whole body, in this very chunk: then it comes next. */
function followsWhole(bytes: Buffer, at: number, bodyBytes: number): boolean {
  return (
    at + FRAME_HEAD_BYTES + bodyBytes < bytes.length && bytes[at] === FRAME_BODY && readU32(bytes, at + 3) === bodyBytes
  )
}
