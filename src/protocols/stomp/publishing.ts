/**
 * SEND on one connection: from the frame in the socket's chunk to the vhost. The path of every message.
 *
 * Address, route and permission are remembered by the destination's bytes; draft and stored headers are shared memory: a
 * message that resembles the one before allocates nothing. A queue is declared before the first message to it; while that
 * is stored the frame waits, and comes again. [STOMP 1.2 "SEND"; RabbitMQ: STOMP]
 */
import { NO_EXPIRATION, PROPERTIES_BYTES_MAX } from '../../model/message/message.ts'
import { REPLY_TO as DIRECT_REPLY_TO } from '../../model/routing/reply-to.ts'
import { PUBLISH_REFUSED, PUBLISH_UNROUTED, type PublishOutcome, type Route } from '../../model/routing/route.ts'
import { exchangeText } from '../../model/verbs/refusals.ts'
import type { Frame } from './codec.ts'
import type { DeclaredQueues } from './declared-queues.ts'
import { shownReplyTo, TEMPORARY_PREFIX } from './destinations.ts'
import { invalidHeader, refusalError, StompError } from './errors.ts'
import { integerOf } from './queue-arguments.ts'
import { type SendAddress, SendAddresses } from './send-address.ts'
import * as spec from './spec.ts'
import type { Session } from './world.ts'

/** Ten years: RabbitMQ's limit of any duration. */
const EXPIRATION_MS_MAX = 315_360_000_000
const PRIORITY_MAX = 255
const ABSENT = -1

/** What publishing needs of the subscriptions. */
export interface ReplyTargets {
  /** Name of the queue behind a `/temp-queue/…` of this connection, made at first use. */
  temporaryQueue(destination: string): string
  /** The reply queue that this connection consumes from directly, or null. */
  readonly directReplyName: string | null
}

/** What the headers of a SEND say, as indices of its headers; `ABSENT` for those that are not there. One per connection. */
class SendHeaders {
  destination = ABSENT
  receipt = ABSENT
  transaction = ABSENT
  priority = ABSENT
  expiration = ABSENT
  replyTo = ABSENT
  userId = ABSENT
  timestamp = ABSENT
  persistent = false

  /** Finds them. Throws for one that a client must not send. */
  read(frame: Frame): void {
    this.destination = ABSENT
    this.receipt = ABSENT
    this.transaction = ABSENT
    this.priority = ABSENT
    this.expiration = ABSENT
    this.replyTo = ABSENT
    this.userId = ABSENT
    this.timestamp = ABSENT
    this.persistent = false
    // Backwards: of one name, the first counts.
    for (let i = frame.headerCount - 1; i >= 0; i--) {
      switch (frame.headerIdAt(i)) {
        case spec.DESTINATION:
          this.destination = i
          break
        case spec.RECEIPT:
          this.receipt = i
          break
        case spec.TRANSACTION:
          this.transaction = i
          break
        case spec.PRIORITY:
          this.priority = i
          break
        case spec.EXPIRATION:
          this.expiration = i
          break
        case spec.REPLY_TO:
          this.replyTo = i
          break
        case spec.USER_ID:
          this.userId = i
          break
        case spec.TIMESTAMP:
          this.timestamp = i
          break
        case spec.PERSISTENT:
          this.persistent = frame.valueText(i) === 'true'
          break
        case spec.MESSAGE_ID:
          throw invalidHeader("'message-id' is not allowed on 'SEND'.")
      }
    }
  }
}

/** One per connection that sends. */
export class Publishing {
  readonly #session: Session
  readonly #declared: DeclaredQueues
  readonly #replies: ReplyTargets
  readonly #addresses: SendAddresses
  readonly #headers = new SendHeaders()

  constructor(session: Session, declared: DeclaredQueues, replies: ReplyTargets) {
    this.#session = session
    this.#declared = declared
    this.#replies = replies
    this.#addresses = new SendAddresses(session.world.settings.topicExchange)
  }

  /**
   * Publishes the message of a frame. Returns the name of the transaction that it belongs to instead, when it was checked
   * only; undefined when all is done, or the frame will come again.
   */
  send(frame: Frame, isCommitted: boolean): string | undefined {
    const headers = this.#headers
    headers.read(frame)
    const address = this.#addresses.find(frame, headers.destination)
    if (!this.#isReady(frame, address)) return undefined
    this.#checkAddress(address)
    if (headers.transaction !== ABSENT && !isCommitted) {
      this.#prepare(frame, address)
      return frame.valueText(headers.transaction)
    }
    this.#prepare(frame, address)
    this.#publish(frame, address)
    return undefined
  }

  /** Declares the queue of a `/queue/` destination, once per connection. False: the frame waits, and comes again. */
  #isReady(frame: Frame, { queueName }: SendAddress): boolean {
    if (queueName === null || this.#declared.has(queueName)) return true
    const { host } = this.#session
    let isDone = false
    let isWaiting = false
    let failure: Error | undefined
    this.#declared.declare(queueName, frame.headers(), (error) => {
      isDone = true
      failure = error
      if (!isWaiting) return
      if (error !== undefined) host.fail(error)
      else host.resume()
    })
    if (isDone) {
      if (failure !== undefined) throw failure
      return true
    }
    isWaiting = true
    host.suspend(true)
    return false
  }

  #checkAddress(address: SendAddress): void {
    const { permissions, vhost, identity } = this.#session
    const { exchangeName, routingKey } = address
    if (address.permissionRevision !== permissions.revision) {
      address.mayWrite = permissions.canWrite('exchange', exchangeName)
      address.permissionRevision = permissions.revision
    }
    if (address.exchangeRevision !== vhost.topologyRevision) {
      address.exchange = vhost.exchange(exchangeName)
      if (address.exchange !== undefined) address.tally ??= this.#session.tallies.ofExchange(exchangeName)
      address.exchangeRevision = vhost.topologyRevision
    }
    const { exchange } = address
    const shownName = exchangeName === '' ? 'amq.default' : exchangeName
    if (!address.mayWrite) {
      const text = `write access to ${exchangeText(vhost.name, shownName)} refused for user '${identity.user}'`
      throw refusalError({ code: 'access-refused', text })
    }
    if (exchange === undefined) {
      throw refusalError({ code: 'not-found', text: `no ${exchangeText(vhost.name, exchangeName)}` })
    }
    if (exchange.record.internal) {
      const text = `cannot publish to internal ${exchangeText(vhost.name, exchangeName)}`
      throw refusalError({ code: 'access-refused', text })
    }
    if (exchange.type.name !== 'topic' || !permissions.hasTopicRules(exchangeName)) return
    if (permissions.canWriteTopic(exchangeName, routingKey)) return
    const topic = `write access to topic '${routingKey}' in ${exchangeText(vhost.name, exchangeName)}`
    throw refusalError({ code: 'access-refused', text: `${topic} refused for user '${identity.user}'` })
  }

  /** Makes the shared draft this message, with all checks. */
  #prepare(frame: Frame, address: SendAddress): void {
    const { world } = this.#session
    const { draft, stored, facts, broker, settings } = world
    const headers = this.#headers
    const bodyBytes = frame.bodyEnd - frame.bodyStart
    if (bodyBytes > settings.messageBytesMax) {
      broker.counters.limits.hit('message_size')
      const text = `message size ${bodyBytes} is larger than configured max size ${settings.messageBytesMax}`
      throw refusalError({ code: 'precondition-failed', text })
    }
    draft.hasPriority = headers.priority !== ABSENT
    draft.priority = headers.priority === ABSENT ? 0 : priorityOf(frame.valueText(headers.priority))
    draft.expirationMs =
      headers.expiration === ABSENT ? NO_EXPIRATION : expirationOf(frame.valueText(headers.expiration))
    if (headers.timestamp !== ABSENT) integerOf('timestamp', frame.valueText(headers.timestamp))
    if (headers.userId !== ABSENT) this.#checkUserId(frame.valueText(headers.userId))
    this.#store(frame)
    if (stored.length > PROPERTIES_BYTES_MAX) throw invalidHeader('the headers are too long')
    facts.bytes = stored.bytes
    facts.end = stored.length
    draft.exchange = address.exchangeName
    draft.routingKey = address.routingKey
    draft.routing = address.routing
    draft.routingStart = 0
    draft.routingEnd = address.routing.length
    draft.persistent = headers.persistent
    draft.publishedAtMs = broker.world.clock.nowMs()
    draft.properties = stored.bytes
    draft.propertiesStart = 0
    draft.propertiesEnd = stored.length
    draft.body = frame.bytes
    draft.bodyStart = frame.bodyStart
    draft.bodyEnd = frame.bodyEnd
    draft.bodyBytes = bodyBytes
  }

  /** Collects the headers that the message keeps. */
  #store(frame: Frame): void {
    const { stored } = this.#session.world
    stored.begin()
    for (let i = 0; i < frame.headerCount; i++) {
      switch (frame.headerIdAt(i)) {
        case spec.DESTINATION:
        case spec.CONTENT_LENGTH:
        case spec.RECEIPT:
        case spec.TRANSACTION:
        case spec.SUBSCRIPTION:
        case spec.REDELIVERED:
        case spec.ACK_HEADER:
          break
        case spec.PERSISTENT:
          if (this.#headers.persistent) stored.copy(frame, i)
          break
        case spec.REPLY_TO:
          if (i === this.#headers.replyTo) stored.replace(frame, i, this.#replyTo(frame.valueText(i)))
          break
        default:
          stored.copy(frame, i)
      }
    }
  }

  #replyTo(replyTo: string): string {
    if (replyTo.startsWith(TEMPORARY_PREFIX)) return shownReplyTo(this.#replies.temporaryQueue(replyTo))
    if (replyTo !== DIRECT_REPLY_TO) return shownReplyTo(replyTo)
    const name = this.#replies.directReplyName
    if (name === null) {
      throw refusalError({ code: 'precondition-failed', text: 'fast reply consumer does not exist' })
    }
    return shownReplyTo(name)
  }

  #checkUserId(claimed: string): void {
    const { identity } = this.#session
    if (claimed === identity.user || identity.tags.includes('impersonator')) return
    const text = `user_id property set to '${claimed}' but authenticated user was '${identity.user}'`
    throw refusalError({ code: 'precondition-failed', text })
  }

  #publish(frame: Frame, address: SendAddress): void {
    const { vhost, world, receipts, rates } = this.#session
    const { draft, traffic } = world
    const route = this.#route(address)
    if (vhost.isTraced) this.#trace(route)
    const outcome = vhost.publishTo(route, draft)
    if (rates.isLimited) rates.published(draft.bodyBytes)
    // `#checkAddress` found both.
    const tally = address.tally!
    tally.published++
    traffic.countPublished(draft.bodyBytes)
    const ofExchange = address.exchange!.counters
    ofExchange.publishedIn++
    if (outcome === PUBLISH_UNROUTED) {
      ofExchange.unroutable++
      tally.droppedUnroutable++
      traffic.droppedUnroutable++
    }
    const { receipt } = this.#headers
    if (receipt === ABSENT) return
    traffic.publishedForConfirm++
    this.#answer(frame.valueText(receipt), outcome, receipts)
  }

  #answer(receipt: string, outcome: PublishOutcome, receipts: Session['receipts']): void {
    const { host, vhost } = this.#session
    if (outcome === PUBLISH_REFUSED) {
      const error = new StompError('Message rejected', 'A queue is full and rejected the message\n')
      return host.complain(error, [['receipt-id', receipt]])
    }
    receipts.addForPublish(receipt, outcome !== PUBLISH_UNROUTED && vhost.mustWait)
  }

  #route(address: SendAddress): Route {
    const { vhost, world } = this.#session
    const known = address.route
    if (known !== null && known.revision === vhost.topologyRevision) return known
    // `#checkAddress` found it.
    const route = vhost.routeOf(address.exchange!, world.draft)
    address.route = route.isReusable ? route : null
    return route
  }

  #trace(route: Route): void {
    const { vhost, world, connectionName, identity } = this.#session
    vhost.tracer.published(world.draft, route, { connection: connectionName, channel: 1, user: identity.user })
  }
}

function priorityOf(text: string): number {
  const priority = integerOf('priority', text)
  if (priority < 0) throw invalidHeader(`'priority' must not be negative, not '${text}'.`)
  return Math.min(priority, PRIORITY_MAX)
}

/** The expiration in ms. Throws for what is no number of ms, in RabbitMQ's words. */
function expirationOf(text: string): number {
  const match = /^[+-]?\d+/.exec(text)
  if (match === null) throw invalidExpiration(text, 'no_integer')
  const rest = text.slice(match[0].length)
  if (rest !== '') throw invalidExpiration(text, `{leftover_string,"${rest}"}`)
  const ms = Number(text)
  if (ms < 0) throw invalidExpiration(text, `{value_negative,${ms}}`)
  if (ms > EXPIRATION_MS_MAX) throw invalidExpiration(text, `{value_too_large,${text}}`)
  return ms
}

function invalidExpiration(text: string, reason: string): StompError {
  return refusalError({ code: 'precondition-failed', text: `invalid expiration '${text}': ${reason}` })
}
