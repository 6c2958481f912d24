/**
 * The methods by which a channel consumes: qos, consume, cancel. [AMQP 0-9-1 §1.8; RabbitMQ: consumers]
 */
import { uniqueName } from '../../base/random.ts'
import { TURN_SESSIONS, type TurnTask } from '../../base/turn.ts'
import { whenKnown } from '../../model/access/access-pending.ts'
import type { QueueTally } from '../../model/message/session-tallies.ts'
import { NO_QUEUE_KIND } from '../../model/observe/traffic.ts'
import { CANCELLED_LATE, type ConsumerSpec, type Queue } from '../../model/queue/queue.ts'
import { REPLY_TO } from '../../model/routing/reply-to.ts'
import { integerArgument } from '../../model/values/arguments.ts'
import { queueText } from '../../model/verbs/refusals.ts'
import { encodeMethod, type MethodArguments } from './codec.ts'
import { ChannelConsumer } from './consumer.ts'
import type { Deliveries } from './deliveries.ts'
import { ChannelError, ConnectionError } from './errors.ts'
import { grantedValue, refuse } from './refused.ts'
import { afterRemoval, autoDeleteQueues } from './removal-wait.ts'
import type { Session } from './session.ts'
import {
  BASIC_CANCEL,
  BASIC_CANCEL_OK,
  type BASIC_CONSUME,
  BASIC_CONSUME_OK,
  type BASIC_QOS,
  BASIC_QOS_OK,
} from './spec.ts'

const NOT_LATE = -1

/** One per channel. */
export class Consuming implements TurnTask {
  readonly #session: Session
  readonly #deliveries: Deliveries
  /** For new consumers; 0 is no limit. */
  prefetchCount: number
  #replyConsumer: ChannelConsumer | null = null
  /** Ended by their queue in this turn, and not yet told. */
  readonly #cancelledTags: string[] = []
  /** The timeout that a client who does not understand cancels has missed. */
  #lateMs = NOT_LATE
  #isMarked = false

  constructor(session: Session, deliveries: Deliveries) {
    this.#session = session
    this.#deliveries = deliveries
    this.prefetchCount = session.world.settings.defaultPrefetchCount
  }

  /** What the broker writes into reply-to, or null without a reply consumer. */
  get replyName(): string | null {
    return this.#replyConsumer?.replies?.name ?? null
  }

  qos(args: MethodArguments<typeof BASIC_QOS>): void {
    if (args.prefetchSize !== 0) throw ConnectionError.notImplemented(`prefetch_size!=0 (${args.prefetchSize})`)
    if (args.global && this.#session.world.settings.permitsGlobalQos) this.#deliveries.limitChannel(args.prefetchCount)
    else {
      this.prefetchCount = args.prefetchCount
      // RabbitMQ: asking for one kind of limit ends the other.
      this.#deliveries.limitChannel(0)
    }
    this.#session.outbox.write(encodeMethod(BASIC_QOS_OK, this.#deliveries.channel))
  }

  /** `queueName` is complete: the last declared one where the client left it out. */
  consume(queueName: string, args: MethodArguments<typeof BASIC_CONSUME>): void {
    const { consumers } = this.#deliveries
    if (consumers.has(args.consumerTag)) {
      throw ConnectionError.notAllowed(`attempt to reuse consumer tag '${args.consumerTag}'`)
    }
    const { settings, broker } = this.#session.world
    const max = settings.consumerCountMaxPerChannel
    if (consumers.size >= max) {
      broker.counters.limits.hit('channel_consumers')
      throw ConnectionError.notAllowed(`reached maximum (${max}) of consumers per channel`)
    }
    const tag = args.consumerTag === '' ? this.#newTag() : args.consumerTag
    if (queueName === REPLY_TO) this.#consumeReplies(tag, args)
    else this.#consumeQueue(queueName, tag, args)
  }

  cancel(tag: string, noWait: boolean): void {
    const consumer = this.#deliveries.consumers.get(tag)
    const queues = autoDeleteQueues([consumer?.subscription?.queue])
    if (consumer !== undefined) {
      this.#deliveries.consumers.delete(tag)
      consumer.cancel()
      this.#deliveries.retire(consumer.index)
      if (consumer === this.#replyConsumer) this.#replyConsumer = null
    }
    const { host, outbox, world } = this.#session
    const { channel } = this.#deliveries
    const reply = () => {
      if (!noWait) outbox.write(encodeMethod(BASIC_CANCEL_OK, channel, { consumerTag: tag }))
    }
    let isLater = false
    isLater = !afterRemoval(world, queues, () => {
      if (!isLater) return reply()
      host.complete(channel, BASIC_CANCEL, reply)
      host.resumeInput()
    })
    if (isLater) host.suspendInput()
  }

  /** The queue ended the subscription: clients that understand it are told, after the reply to what ended it. */
  cancelledByQueue(consumer: ChannelConsumer, reason: string): void {
    if (this.#session.canCancelNotify) this.#cancelledTags.push(consumer.tag)
    else if (reason === CANCELLED_LATE) this.#lateMs = consumer.subscription?.ackTimeoutMs ?? 0
    else return
    if (this.#isMarked) return
    this.#isMarked = true
    this.#session.world.broker.world.turn.mark(TURN_SESSIONS, this)
  }

  onTurnEnd(): void {
    this.#isMarked = false
    const { channel, isClosed } = this.#deliveries
    const tags = this.#cancelledTags.splice(0)
    const lateMs = this.#lateMs
    this.#lateMs = NOT_LATE
    if (isClosed) return
    for (const consumerTag of tags) {
      this.#session.outbox.write(encodeMethod(BASIC_CANCEL, channel, { consumerTag, noWait: true }))
    }
    if (lateMs !== NOT_LATE) {
      this.#session.host.complete(channel, 0, () => {
        throw acknowledgedLate(channel, lateMs)
      })
    }
  }

  /** Ends consumers of queues that the user may read no more. */
  revalidate(): void {
    const { host } = this.#session
    const { channel } = this.#deliveries
    for (const consumer of [...this.#deliveries.consumers.values()]) {
      whenKnown(
        () => this.#revalidateOne(consumer),
        (error) =>
          host.complete(channel, 0, () => {
            throw error
          }),
      )
    }
  }

  #revalidateOne(consumer: ChannelConsumer): void {
    const queue = consumer.subscription?.queue
    if (queue === undefined || this.#deliveries.isClosed) return
    if (this.#session.permissions.canRead('queue', queue.name)) return
    consumer.subscription?.cancel()
    this.#deliveries.cancelledByQueue(consumer, 'access refused')
  }

  #newTag(): string {
    return uniqueName(this.#session.world.broker.world.randomness, 'amq.ctag-')
  }

  #consumeQueue(queueName: string, tag: string, args: MethodArguments<typeof BASIC_CONSUME>): void {
    const { vhost, actor } = this.#session
    checkReadable(this.#session, queueName)
    const queue = grantedValue(vhost.findQueue(queueName, actor))
    const spec: ConsumerSpec = {
      tag,
      noAck: args.noAck,
      exclusive: args.exclusive,
      priority: integerArgument(args.arguments, 'x-priority') ?? 0,
      prefetchCount: args.noAck ? 0 : this.prefetchCount,
      sharesPrefetch: this.#deliveries.prefetchOfChannel > 0,
      args: args.arguments,
      sessionName: `${this.#session.connectionName} (${this.#deliveries.channel})`,
      user: this.#session.identity.user,
    }
    refuse(queue.refusesConsumer(spec))
    const consumer = this.#add(tag, args.noAck, this.#deliveries.tallies.ofQueue(queue.name, queue.kind))
    this.#consumeOk(tag, args.noWait)
    this.#subscribe(queue, spec, consumer)
  }

  #subscribe(queue: Queue, spec: ConsumerSpec, consumer: ChannelConsumer): void {
    consumer.refresh()
    consumer.subscription = queue.subscribe(spec, consumer)
  }

  #consumeReplies(tag: string, args: MethodArguments<typeof BASIC_CONSUME>): void {
    if (this.#replyConsumer !== null) throw ChannelError.preconditionFailed('reply consumer already set')
    if (!args.noAck) throw ChannelError.preconditionFailed('reply consumer cannot acknowledge')
    const consumer = this.#add(tag, true, this.#deliveries.tallies.ofNoQueue(NO_QUEUE_KIND))
    consumer.refresh()
    consumer.replies = this.#session.vhost.replies.open(consumer)
    this.#replyConsumer = consumer
    this.#consumeOk(tag, args.noWait)
  }

  #add(tag: string, noAck: boolean, tally: QueueTally): ChannelConsumer {
    const prefetchCount = noAck ? 0 : this.prefetchCount
    const consumer = this.#deliveries.add(
      (index) => new ChannelConsumer(this.#session, this.#deliveries, { tag, noAck, prefetchCount, index, tally }),
    )
    this.#deliveries.consumers.set(tag, consumer)
    return consumer
  }

  #consumeOk(consumerTag: string, noWait: boolean): void {
    if (noWait) return
    this.#session.outbox.write(encodeMethod(BASIC_CONSUME_OK, this.#deliveries.channel, { consumerTag }))
  }
}

/** Throws 403 unless the user may read from the queue. */
export function checkReadable(session: Session, queueName: string): void {
  if (session.permissions.canRead('queue', queueName)) return
  const text = `read access to ${queueText(session.vhost.name, queueName)} refused for user '${session.identity.user}'`
  throw ChannelError.accessRefused(text)
}

/** RabbitMQ: what a client gets that cannot be told of a cancelled consumer. */
function acknowledgedLate(channel: number, timeoutMs: number): ChannelError {
  return ChannelError.preconditionFailed(
    `delivery acknowledgement on channel ${channel} timed out. Timeout value used: ${timeoutMs} ms. ` +
      'This timeout value can be configured, see consumers doc guide to learn more',
  )
}
