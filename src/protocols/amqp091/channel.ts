/**
 * One channel: dispatches its methods and owns what it opened. The session between wire and model. [AMQP 0-9-1 §1.5 - §1.9]
 *
 * The connection hands frames in and catches what is thrown. Decoding, publishing, consuming, declaring and settling are
 * files of their own; here is only what each method means for the channel as a whole.
 *
 * Invariant: a channel that was closed, by whomever, holds nothing: its consumers are gone, its deliveries are back.
 */
import type { ChannelStatus } from '../../model/connections.ts'
import type { Queue } from '../../model/queue/queue.ts'
import { PUBLISH_REFUSED } from '../../model/routing/route.ts'
import { AckFields, decodeMethod, encodeMethod } from './codec.ts'
import { Confirms } from './confirms.ts'
import { Consuming, checkReadable } from './consuming.ts'
import { Declaring } from './declaring.ts'
import { Deliveries } from './deliveries.ts'
import { ChannelError, ConnectionError } from './errors.ts'
import { Gets } from './gets.ts'
import type { Publication } from './publication.ts'
import {
  ChannelPublisher,
  EXPECT_BODY,
  EXPECT_HEADER,
  EXPECT_METHOD,
  type PublishListener,
  type PublishScratch,
} from './publisher.ts'
import { grantedValue } from './refused.ts'
import { autoDeleteQueues } from './removal-wait.ts'
import type { Session } from './session.ts'
import * as spec from './spec.ts'
import { DurableWait, Transaction } from './transaction.ts'

/** One open channel. */
export class Channel implements PublishListener {
  readonly number: number
  readonly deliveries: Deliveries
  readonly #session: Session
  readonly #scratch: PublishScratch
  readonly #publisher: ChannelPublisher
  readonly #consuming: Consuming
  readonly #declaring: Declaring
  readonly #ack = new AckFields()
  #gets: Gets | null = null
  confirms: Confirms | null = null
  #transaction: Transaction | null = null
  #isClosed = false
  #lastUsedMs: number

  constructor(number: number, session: Session, scratch: PublishScratch) {
    this.number = number
    this.#session = session
    this.#scratch = scratch
    this.deliveries = new Deliveries(number, session, {
      onCancelled: (consumer, reason) => this.#consuming.cancelledByQueue(consumer, reason),
    })
    this.#publisher = new ChannelPublisher(session, scratch, this.deliveries, this)
    this.#consuming = new Consuming(session, this.deliveries)
    this.#declaring = new Declaring(session, number)
    this.#lastUsedMs = scratch.nowMs
  }

  // Frames

  /** One frame of this channel; the id of a method is `methodId`, else 0. */
  onFrame(type: number, methodId: number, bytes: Buffer, start: number, end: number): void {
    const publisher = this.#publisher
    this.#lastUsedMs = this.#scratch.nowMs
    if (type === spec.FRAME_METHOD) {
      if (publisher.expects !== EXPECT_METHOD) throw unexpected(publisher.expects)
      if (methodId === spec.BASIC_PUBLISH) {
        this.#session.host.onPublish()
        publisher.onMethod(bytes, start, end)
      } else if (methodId === spec.BASIC_ACK) {
        this.#ack.read(bytes, start, end)
        this.deliveries.settle(this.#ack.deliveryTag, this.#ack.multiple, 'accepted')
      } else this.#onMethod(methodId, bytes, start, end)
    } else if (type === spec.FRAME_HEADER) {
      if (publisher.expects !== EXPECT_HEADER) throw unexpected(publisher.expects)
      publisher.onHeader(bytes, start, end)
    } else {
      if (publisher.expects !== EXPECT_BODY) throw unexpected(publisher.expects)
      publisher.onBody(bytes, start, end)
    }
  }

  /** Whether a publish waits for its header or body. */
  get isMidContent(): boolean {
    return this.#publisher.expects !== EXPECT_METHOD
  }

  // PublishListener

  get replyName(): string | null {
    return this.#consuming.replyName
  }

  get isTransactional(): boolean {
    return this.#transaction !== null
  }

  hold(publication: Publication): void {
    this.#transaction?.hold(publication)
  }

  // For the connection

  /** Gives back everything. Harmless when it was done before. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#gets?.close()
    this.confirms?.close()
    this.#transaction?.rollback()
    this.deliveries.close()
  }

  /** Auto-delete queues that its consumers hold. */
  autoDeleteQueues(): Queue[] {
    return autoDeleteQueues([...this.deliveries.consumers.values()].map((consumer) => consumer.subscription?.queue))
  }

  onPressure(isHigh: boolean): void {
    this.deliveries.onPressure(isHigh)
  }

  /** Permissions changed: consumers that may no longer read are cancelled. */
  revalidate(): void {
    this.#consuming.revalidate()
  }

  status(): ChannelStatus {
    return {
      number: this.number,
      name: `${this.#session.connectionName} (${this.number})`,
      confirm: this.confirms !== null,
      transactional: this.#transaction !== null,
      consumerCount: this.deliveries.consumers.size,
      prefetchCount: this.#consuming.prefetchCount,
      globalPrefetchCount: this.deliveries.prefetchOfChannel,
      unackedCount: this.deliveries.unackedCount,
      unconfirmedCount: this.confirms?.unconfirmedCount ?? 0,
      uncommittedMessages: this.#transaction?.count ?? 0,
      uncommittedAcks: this.deliveries.held?.length ?? 0,
      idleSinceMs: this.#lastUsedMs,
      counters: this.deliveries.tallies.sum(),
      breakdown: this.deliveries.tallies,
    }
  }

  // Methods

  #onMethod(id: number, bytes: Buffer, start: number, end: number): void {
    switch (id >>> 16) {
      case spec.CHANNEL_OPEN >>> 16:
        return this.#onChannelMethod(id, bytes, start, end)
      case spec.BASIC_CLASS:
        return this.#onBasicMethod(id, bytes, start, end)
      case spec.QUEUE_DECLARE >>> 16:
        return this.#onQueueMethod(id, bytes, start, end)
      case spec.EXCHANGE_DECLARE >>> 16:
        return this.#onExchangeMethod(id, bytes, start, end)
      default:
        return this.#onModeMethod(id, bytes, start, end)
    }
  }

  #onChannelMethod(id: number, bytes: Buffer, start: number, end: number): void {
    switch (id) {
      case spec.CHANNEL_OPEN:
        throw ConnectionError.channelError("second 'channel.open' seen")
      case spec.CHANNEL_FLOW: {
        if (!decodeMethod(spec.CHANNEL_FLOW, bytes, start, end).active) {
          throw ConnectionError.notImplemented('active=false')
        }
        return this.#write(encodeMethod(spec.CHANNEL_FLOW_OK, this.number, { active: true }))
      }
      default:
        throw unimplemented()
    }
  }

  #onBasicMethod(id: number, bytes: Buffer, start: number, end: number): void {
    switch (id) {
      case spec.BASIC_QOS:
        return this.#consuming.qos(decodeMethod(id, bytes, start, end))
      case spec.BASIC_CONSUME: {
        const args = decodeMethod(id, bytes, start, end)
        return this.#consuming.consume(this.#declaring.queueName(args.queue), args)
      }
      case spec.BASIC_CANCEL: {
        const { consumerTag, noWait } = decodeMethod(id, bytes, start, end)
        return this.#consuming.cancel(consumerTag, noWait)
      }
      case spec.BASIC_GET: {
        const args = decodeMethod(id, bytes, start, end)
        return this.#get(this.#declaring.queueName(args.queue), args.noAck)
      }
      case spec.BASIC_REJECT: {
        const { deliveryTag, requeue } = decodeMethod(id, bytes, start, end)
        return this.deliveries.settle(deliveryTag, false, requeue ? 'returned-failed' : 'rejected')
      }
      case spec.BASIC_NACK: {
        const { deliveryTag, multiple, requeue } = decodeMethod(id, bytes, start, end)
        return this.deliveries.settle(deliveryTag, multiple, requeue ? 'returned' : 'discarded')
      }
      case spec.BASIC_RECOVER_ASYNC:
        return this.#recover(decodeMethod(id, bytes, start, end).requeue)
      case spec.BASIC_RECOVER:
        this.#recover(decodeMethod(id, bytes, start, end).requeue)
        return this.#write(encodeMethod(spec.BASIC_RECOVER_OK, this.number))
      default:
        throw unimplemented()
    }
  }

  #onQueueMethod(id: number, bytes: Buffer, start: number, end: number): void {
    switch (id) {
      case spec.QUEUE_DECLARE:
        return this.#declaring.declareQueue(decodeMethod(id, bytes, start, end))
      case spec.QUEUE_BIND:
        return this.#declaring.bindQueue(decodeMethod(id, bytes, start, end))
      case spec.QUEUE_UNBIND:
        return this.#declaring.unbindQueue(decodeMethod(id, bytes, start, end))
      case spec.QUEUE_PURGE:
        return this.#declaring.purgeQueue(decodeMethod(id, bytes, start, end))
      case spec.QUEUE_DELETE:
        return this.#declaring.deleteQueue(decodeMethod(id, bytes, start, end))
      default:
        throw unimplemented()
    }
  }

  #onExchangeMethod(id: number, bytes: Buffer, start: number, end: number): void {
    switch (id) {
      case spec.EXCHANGE_DECLARE:
        return this.#declaring.declareExchange(decodeMethod(id, bytes, start, end))
      case spec.EXCHANGE_DELETE:
        return this.#declaring.deleteExchange(decodeMethod(id, bytes, start, end))
      case spec.EXCHANGE_BIND:
        return this.#declaring.bindExchange(decodeMethod(id, bytes, start, end))
      case spec.EXCHANGE_UNBIND:
        return this.#declaring.unbindExchange(decodeMethod(id, bytes, start, end))
      default:
        throw unimplemented()
    }
  }

  #onModeMethod(id: number, bytes: Buffer, start: number, end: number): void {
    switch (id) {
      case spec.ACCESS_REQUEST:
        return this.#write(encodeMethod(spec.ACCESS_REQUEST_OK, this.number, { ticket: 1 }))
      case spec.CONFIRM_SELECT:
        return this.#selectConfirms(decodeMethod(id, bytes, start, end).noWait)
      case spec.TX_SELECT:
        return this.#selectTransactions()
      case spec.TX_COMMIT:
        return this.#commit(this.#requireTransaction())
      case spec.TX_ROLLBACK:
        this.#requireTransaction().rollback()
        this.deliveries.rollback()
        return this.#write(encodeMethod(spec.TX_ROLLBACK_OK, this.number))
      default:
        throw unimplemented()
    }
  }

  #get(queueName: string, noAck: boolean): void {
    const { vhost, actor } = this.#session
    checkReadable(this.#session, queueName)
    const queue = grantedValue(vhost.findQueue(queueName, actor))
    this.#gets ??= new Gets(this.#session, this.deliveries)
    this.#gets.get(queue, noAck)
  }

  #recover(requeue: boolean): void {
    if (!requeue) throw ConnectionError.notImplemented('requeue=false')
    this.deliveries.recover()
  }

  // Modes

  #selectConfirms(noWait: boolean): void {
    if (this.#transaction !== null) throw ChannelError.preconditionFailed('cannot switch from tx to confirm mode')
    const { broker, traffic } = this.#session.world
    const { turn, store, clock } = broker.world
    const { outbox } = this.#session
    const counters = [this.deliveries.tallies, traffic]
    const waitMs = traffic.confirmWaitMs
    this.confirms ??= new Confirms(this.number, { turn, store, outbox, clock, waitMs }, counters)
    if (!noWait) this.#write(encodeMethod(spec.CONFIRM_SELECT_OK, this.number))
  }

  #selectTransactions(): void {
    if (this.confirms !== null) throw ChannelError.preconditionFailed('cannot switch from confirm to tx mode')
    this.#transaction ??= new Transaction()
    this.deliveries.held ??= []
    this.#write(encodeMethod(spec.TX_SELECT_OK, this.number))
  }

  #requireTransaction(): Transaction {
    if (this.#transaction === null) throw ChannelError.preconditionFailed('channel is not transactional')
    return this.#transaction
  }

  #commit(transaction: Transaction): void {
    const { host, world } = this.#session
    let isPartial = false
    // What is still to be asked is asked before anything is published.
    for (const publication of transaction.held) this.#publisher.check(publication)
    for (const publication of transaction.take()) {
      if (this.#publisher.publishHeld(publication) === PUBLISH_REFUSED) isPartial = true
    }
    this.deliveries.commit()
    const reply = () => {
      if (isPartial) throw ChannelError.preconditionFailed('partial tx completion')
      if (!this.#isClosed) this.#write(encodeMethod(spec.TX_COMMIT_OK, this.number))
    }
    const wait = new DurableWait(world.broker.world.store, () => {
      host.complete(this.number, spec.TX_COMMIT, reply)
      host.resumeInput()
    })
    if (wait.isOver) return reply()
    wait.start()
    host.suspendInput()
  }

  #write(frame: Buffer): void {
    this.#session.outbox.write(frame)
  }
}

/** RabbitMQ: a method of a known class that is not for the server, or of an unknown one. */
function unimplemented(): ConnectionError {
  return ConnectionError.commandInvalid('unimplemented method')
}

function unexpected(expects: number): ConnectionError {
  if (expects === EXPECT_HEADER) {
    const text = `expected content header for class ${spec.BASIC_CLASS}, got non content header frame instead`
    return ConnectionError.unexpectedFrame(text)
  }
  if (expects === EXPECT_BODY) {
    return ConnectionError.unexpectedFrame('expected content body, got non content body frame instead')
  }
  return ConnectionError.unexpectedFrame('expected method frame, got non method frame instead')
}
