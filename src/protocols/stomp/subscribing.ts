/**
 * SUBSCRIBE and UNSUBSCRIBE of one connection, and the queues behind them: those that a destination names, those that a
 * subscription to an exchange makes, and the temporary ones for replies. [STOMP 1.2 "SUBSCRIBE"; RabbitMQ: STOMP destinations]
 *
 * Steps that are stored answer in a later turn; the connection handles no frame meanwhile.
 */

import { uniqueName } from '../../base/random.ts'
import { whenKnown } from '../../model/access/access-pending.ts'
import type { QueueTally } from '../../model/message/session-tallies.ts'
import { NO_QUEUE_KIND } from '../../model/observe/traffic.ts'
import type { ConsumerSpec } from '../../model/queue/queue.ts'
import { REPLY_TO as DIRECT_REPLY_TO } from '../../model/routing/reply-to.ts'
import { integerArgument, NO_ARGUMENTS } from '../../model/values/arguments.ts'
import { exchangeText } from '../../model/verbs/refusals.ts'
import { check, type DeclaredQueues, type Done, declareQueue } from './declared-queues.ts'
import { type Destination, destinationRefused, parseDestination, TEMPORARY_PREFIX } from './destinations.ts'
import { grantedValue, invalidHeader, refusalError, refuse, StompError } from './errors.ts'
import type { ReplyTargets } from './publishing.ts'
import { booleanHeader, consumerArguments, integerOf, queueArguments } from './queue-arguments.ts'
import { type AckMode, StompSubscription, type SubscriptionListener } from './subscription.ts'
import { durableQueueName } from './subscription-names.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { Session } from './world.ts'

/** Prefix of queues that subscriptions to exchanges make. */
const QUEUE_PREFIX = 'stomp-subscription-'
const PREFETCH_MAX = 2 ** 31 - 1

interface Request {
  readonly headers: ReadonlyMap<string, string>
  readonly destination: Destination
  readonly destinationText: string
  readonly id: string | null
  readonly tag: string
}

/** One per connection. */
export class Subscribing implements ReplyTargets {
  readonly #session: Session
  readonly #subscriptions: Subscriptions
  readonly #declared: DeclaredQueues
  readonly #listener: SubscriptionListener
  /** Queues of `/temp-queue/…`, by destination. */
  readonly #temporary = new Map<string, string>()

  constructor(
    session: Session,
    subscriptions: Subscriptions,
    declared: DeclaredQueues,
    listener: SubscriptionListener,
  ) {
    this.#session = session
    this.#subscriptions = subscriptions
    this.#declared = declared
    this.#listener = listener
  }

  /** Subscribes. May throw, before it returns, what `done` would get. */
  subscribe(headers: ReadonlyMap<string, string>, done: Done): void {
    const request = this.#read(headers)
    const { destination } = request
    const started = (queueName: string, isDurable: boolean) => (error: Error | undefined) => {
      if (error !== undefined) return done(error)
      this.#step(done, () => {
        this.#consume(request, queueName, isDurable)
        done(undefined)
      })
    }
    switch (destination.kind) {
      case 'queue': {
        const { name } = destination
        if (this.#declared.has(name)) return started(name, false)(undefined)
        return this.#declared.declare(name, headers, started(name, false), true)
      }
      case 'existing':
        if (destination.name === DIRECT_REPLY_TO)
          return this.#step(done, () => {
            this.#consumeReplies(request)
            done(undefined)
          })
        return started(destination.name, false)(undefined)
      case 'temporary':
        throw destinationRefused(request.destinationText, 'SUBSCRIBE')
      case 'topic':
        return this.#subscribeTo(this.#session.world.settings.topicExchange, destination.key, request, done, started)
      case 'exchange':
        return this.#subscribeTo(destination.exchange, destination.key, request, done, started)
    }
  }

  /** Unsubscribes. A durable subscription's queue goes when its header says so. */
  unsubscribe(headers: ReadonlyMap<string, string>, done: Done): void {
    const id = headers.get('id')
    const destination = headers.get('destination')
    if (id?.startsWith(TEMPORARY_PREFIX) === true) {
      throw new StompError('Invalid id', `UNSUBSCRIBE 'id' may not start with ${TEMPORARY_PREFIX}\n`)
    }
    if (id === undefined && destination === undefined) {
      throw new StompError('Missing destination or id', "UNSUBSCRIBE must include a 'destination' or 'id' header")
    }
    const subscription = this.#subscriptions.get(tagOf(id, destination ?? ''))
    if (subscription === undefined) {
      const text = `Subscription to "${describe(id, destination ?? '')}" not found.\n`
      throw new StompError('No subscription found', `UNSUBSCRIBE must refer to an existing subscription.\n${text}`)
    }
    const { queueName, isDurable } = subscription
    const queue = subscription.consumer?.queue
    this.#subscriptions.end(subscription)
    if (isDurable && booleanHeader(headers, 'durable', booleanHeader(headers, 'persistent', false))) {
      return this.#deleteQueue(queueName, done)
    }
    if (queue?.record.autoDelete !== true) return done(undefined)
    const { vhost, world } = this.#session
    if (queue.consumers.length > 0 || vhost.queue(queueName) !== queue) return done(undefined)
    // The removal was proposed before: it is committed by then, or has failed.
    void world.broker.world.metadata.barrier().then(
      () => done(undefined),
      () => done(undefined),
    )
  }

  // Replies

  get directReplyName(): string | null {
    for (const { replies } of this.#subscriptions.all()) if (replies !== null) return replies.name
    return null
  }

  temporaryQueue(destination: string): string {
    const known = this.#temporary.get(destination)
    if (known !== undefined) return known
    parseDestination(destination)
    const { vhost, actor, world } = this.#session
    this.#subscriptions.checkRoom()
    const declaration = { name: '', durable: false, exclusive: true, autoDelete: true, arguments: NO_ARGUMENTS }
    let name = ''
    let failure: StompError | undefined
    // Exclusive queues are there when the verb returns.
    vhost.declareQueue(declaration, actor, (answer) => {
      if (answer.refusal === null) name = grantedValue(answer).queue.name
      else failure = refusalError(answer.refusal)
    })
    if (failure !== undefined) throw failure
    if (name === '') throw new Error('an exclusive queue was not declared at once')
    const request: Request = {
      headers: new Map(),
      destination: { kind: 'existing', name },
      destinationText: destination,
      id: destination,
      tag: tagOf(destination, ''),
    }
    this.#consume(request, name, false)
    this.#temporary.set(destination, name)
    world.logger.debug(`${this.#session.connectionName}: ${destination} is ${name}`)
    return name
  }

  // Subscribing

  #read(headers: ReadonlyMap<string, string>): Request {
    const destinationText = headers.get('destination')
    if (destinationText === undefined) {
      throw new StompError('Missing destination', `"SUBSCRIBE" must include a 'destination' header\n`)
    }
    if (headers.has('selector')) throw invalidHeader("'selector' is not supported on 'SUBSCRIBE'.")
    const destination = parseDestination(destinationText)
    const id = headers.get('id')
    const tag = tagOf(id, destinationText)
    if (this.#subscriptions.get(tag) !== undefined) {
      const text = `A subscription identified by '${tag}' already exists.`
      throw new StompError('Duplicated subscription identifier', text)
    }
    this.#subscriptions.checkRoom()
    return { headers, destination, destinationText, id: id ?? null, tag }
  }

  /** Declares a queue of the subscription's own, binds it, and consumes from it. */
  #subscribeTo(
    exchange: string,
    key: string,
    request: Request,
    done: Done,
    started: (queueName: string, isDurable: boolean) => Done,
  ): void {
    const { headers } = request
    const { vhost, world } = this.#session
    grantedValue(vhost.findExchange(exchange))
    const isPersistent = booleanHeader(headers, 'durable', booleanHeader(headers, 'persistent', false))
    const isDurable = isPersistent && !booleanHeader(headers, 'auto-delete', true)
    if (isDurable && request.id === null) {
      throw new StompError('Missing Header', "Header 'id' is required for durable subscriptions")
    }
    const given = headers.get('x-queue-name')
    const made = isDurable
      ? durableQueueName(key, request.id ?? '')
      : uniqueName(world.broker.world.randomness, QUEUE_PREFIX)
    const name = given ?? made
    const needsOwner = given === undefined || !world.broker.world.settings.permitsTransientQueues
    const declaration = {
      name,
      durable: isPersistent,
      exclusive: booleanHeader(headers, 'exclusive', !isPersistent && needsOwner),
      autoDelete: booleanHeader(headers, 'auto-delete', true),
      arguments: queueArguments(headers),
    }
    this.#step(done, () =>
      declareQueue(this.#session, declaration, (error) => {
        if (error !== undefined) return done(error)
        this.#step(done, () => this.#bind(name, exchange, key, started(name, isDurable)))
      }),
    )
  }

  /** Runs a step as soon as its permissions are known; what it throws goes to `done`. */
  #step(done: Done, step: () => void): void {
    const unlessClosed = (): void => {
      if (!this.#session.host.isOver) step()
    }
    whenKnown(unlessClosed, (error) => done(error instanceof Error ? error : new Error(String(error))))
  }

  #bind(queueName: string, exchange: string, routingKey: string, done: Done): void {
    const session = this.#session
    const { vhost, permissions, identity, actor } = session
    check(session, 'write', 'queue', queueName)
    check(session, 'read', 'exchange', exchange)
    if (vhost.exchange(exchange)?.type.name === 'topic' && !permissions.canReadTopic(exchange, routingKey)) {
      const what = `read access to topic '${routingKey}' in ${exchangeText(vhost.name, exchange)}`
      throw refusalError({ code: 'access-refused', text: `${what} refused for user '${identity.user}'` })
    }
    const request = {
      source: exchange,
      destination: queueName,
      destinationKind: 'queue',
      routingKey,
      arguments: NO_ARGUMENTS,
    } as const
    vhost.bind(request, actor, ({ refusal }) => done(refusal === null ? undefined : refusalError(refusal)))
  }

  #consume(request: Request, queueName: string, isDurable: boolean): void {
    const session = this.#session
    const { vhost, actor, identity, connectionName } = session
    check(session, 'read', 'queue', queueName)
    const queue = grantedValue(vhost.findQueue(queueName, actor))
    const subscription = this.#make(request, session.tallies.ofQueue(queue.name, queue.kind))
    const args = consumerArguments(request.headers)
    const { ackMode, prefetchCount } = subscription.options
    const spec: ConsumerSpec = {
      tag: request.tag,
      noAck: ackMode === 'auto',
      exclusive: false,
      priority: integerArgument(args, 'x-priority') ?? 0,
      prefetchCount: ackMode === 'auto' ? 0 : prefetchCount,
      args,
      sessionName: `${connectionName} (1)`,
      user: identity.user,
    }
    refuse(queue.refusesConsumer(spec))
    subscription.isDurable = isDurable
    this.#subscriptions.add(subscription)
    subscription.consumer = queue.subscribe(spec, subscription)
  }

  #consumeReplies(request: Request): void {
    if (this.directReplyName !== null) {
      throw refusalError({ code: 'precondition-failed', text: 'reply consumer already set' })
    }
    const subscription = this.#make(request, this.#session.tallies.ofNoQueue(NO_QUEUE_KIND))
    if (subscription.options.ackMode !== 'auto') {
      throw refusalError({ code: 'precondition-failed', text: 'reply consumer cannot acknowledge' })
    }
    this.#subscriptions.add(subscription)
    subscription.replies = this.#session.vhost.replies.open(subscription)
  }

  #make({ headers, id, tag, destinationText }: Request, tally: QueueTally): StompSubscription {
    const prefetch = headers.get('prefetch-count')
    const prefetchCount = prefetch === undefined ? 0 : integerOf('prefetch-count', prefetch)
    if (prefetchCount < 0 || prefetchCount > PREFETCH_MAX) {
      throw invalidHeader(`'prefetch-count' must be between 0 and ${PREFETCH_MAX}.`)
    }
    return new StompSubscription(
      this.#session,
      {
        tag,
        id,
        description: describe(id ?? undefined, destinationText),
        ackMode: ackModeOf(headers.get('ack')),
        prefetchCount,
        tally,
        firstNumber: this.#subscriptions.firstNumber,
      },
      this.#listener,
    )
  }

  #deleteQueue(name: string, done: Done): void {
    const session = this.#session
    const { vhost, actor } = session
    check(session, 'configure', 'queue', name)
    const conditions = { ifUnused: false, ifEmpty: false }
    vhost.deleteQueue(name, conditions, actor, ({ refusal }) =>
      done(refusal === null ? undefined : refusalError(refusal)),
    )
  }
}

function ackModeOf(ack: string | undefined): AckMode {
  switch (ack) {
    case undefined:
    case 'auto':
      return 'auto'
    case 'client':
    case 'client-individual':
      return ack
    default:
      throw invalidHeader(`'ack' must be 'auto', 'client' or 'client-individual', not '${ack}'.`)
  }
}

/** The tag of a subscription: by its id, or by its destination where the client gave none. */
function tagOf(id: string | undefined, destination: string): string {
  return id === undefined ? `Q_${destination}` : `T_${id}`
}

/** As errors name a subscription. */
function describe(id: string | undefined, destination: string): string {
  return id === undefined ? `destination='${destination}'` : `id='${id}'`
}
