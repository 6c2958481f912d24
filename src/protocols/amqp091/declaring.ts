/**
 * The methods of a channel that change the topology: exchanges, queues, bindings. [AMQP 0-9-1 §1.6, §1.7]
 *
 * A change that is stored first answers later: the connection handles no frame meanwhile, so replies keep the order of
 * requests. Permissions are asked here, in RabbitMQ's order; everything else is the vhost's to refuse.
 */

import type { Permission, ResourceKind } from '../../model/access/authorization.ts'
import { isReplyName } from '../../model/routing/reply-to.ts'
import { type Arguments, stringArgument } from '../../model/values/arguments.ts'
import type { Answer, Answered } from '../../model/verbs/answer.ts'
import { exchangeText, queueText } from '../../model/verbs/refusals.ts'
import { type BindingRequest, cleanName, type DeclaredQueue } from '../../model/verbs/requests.ts'
import { encodeMethod, type MethodArguments } from './codec.ts'
import { checkReadable } from './consuming.ts'
import { ChannelError } from './errors.ts'
import { grantedValue } from './refused.ts'
import type { Session } from './session.ts'
import {
  EXCHANGE_BIND,
  EXCHANGE_BIND_OK,
  EXCHANGE_DECLARE,
  EXCHANGE_DECLARE_OK,
  EXCHANGE_DELETE,
  EXCHANGE_DELETE_OK,
  EXCHANGE_UNBIND,
  EXCHANGE_UNBIND_OK,
  QUEUE_BIND,
  QUEUE_BIND_OK,
  QUEUE_DECLARE,
  QUEUE_DECLARE_OK,
  QUEUE_DELETE,
  QUEUE_DELETE_OK,
  type QUEUE_PURGE,
  QUEUE_PURGE_OK,
  QUEUE_UNBIND,
  QUEUE_UNBIND_OK,
} from './spec.ts'

/** One per channel. */
export class Declaring {
  readonly #session: Session
  readonly #channel: number
  /** The queue that an empty name means; empty when there is none. */
  #lastQueue = ''

  constructor(session: Session, channel: number) {
    this.#session = session
    this.#channel = channel
  }

  /** A queue's name as given, or that of the last one declared on this channel. */
  queueName(name: string): string {
    if (name !== '') return cleanName(name)
    if (this.#lastQueue === '') throw ChannelError.notFound('no previously declared queue')
    return this.#lastQueue
  }

  // Queues

  declareQueue(args: MethodArguments<typeof QUEUE_DECLARE>): void {
    const { vhost, actor } = this.#session
    const name = cleanName(args.queue)
    if (isReplyName(name)) return this.#declareReplyQueue(name, args.noWait)
    if (args.passive) return this.#declarePassively(name === '' ? this.queueName('') : name, args.noWait)
    if (name !== '') this.#check('configure', 'queue', name)
    this.#checkDeadLetters(name, args.arguments)
    const declaration = {
      name,
      durable: args.durable && !args.exclusive,
      exclusive: args.exclusive,
      autoDelete: args.autoDelete,
      arguments: args.arguments,
    }
    this.#answering<DeclaredQueue>(
      QUEUE_DECLARE,
      (answered) => vhost.declareQueue(declaration, actor, answered),
      ({ queue }) => this.#declareOk(queue.name, queue.readyCount, queue.consumers.length, args.noWait),
    )
  }

  deleteQueue(args: MethodArguments<typeof QUEUE_DELETE>): void {
    const { vhost, actor } = this.#session
    const name = this.queueName(args.queue)
    this.#check('configure', 'queue', name)
    const conditions = { ifUnused: args.ifUnused, ifEmpty: args.ifEmpty }
    this.#answering<number>(
      QUEUE_DELETE,
      (answered) => vhost.deleteQueue(name, conditions, actor, answered),
      (messageCount) => {
        if (!args.noWait) this.#write(encodeMethod(QUEUE_DELETE_OK, this.#channel, { messageCount }))
      },
    )
  }

  purgeQueue(args: MethodArguments<typeof QUEUE_PURGE>): void {
    const { vhost, actor } = this.#session
    const name = this.queueName(args.queue)
    checkReadable(this.#session, name)
    const messageCount = grantedValue(vhost.purgeQueue(name, actor))
    if (!args.noWait) this.#write(encodeMethod(QUEUE_PURGE_OK, this.#channel, { messageCount }))
  }

  // Exchanges

  declareExchange(args: MethodArguments<typeof EXCHANGE_DECLARE>): void {
    const { vhost } = this.#session
    const name = cleanName(args.exchange)
    const reply = () => {
      if (!args.noWait) this.#write(encodeMethod(EXCHANGE_DECLARE_OK, this.#channel))
    }
    if (args.passive) {
      grantedValue(vhost.findExchange(name))
      return reply()
    }
    this.#check('configure', 'exchange', name)
    this.#checkAlternate(name, args.arguments)
    const { type, durable, autoDelete, internal } = args
    const declaration = { name, type, durable, autoDelete, internal, arguments: args.arguments }
    this.#answering<unknown>(EXCHANGE_DECLARE, (answered) => vhost.declareExchange(declaration, answered), reply)
  }

  deleteExchange(args: MethodArguments<typeof EXCHANGE_DELETE>): void {
    const { vhost } = this.#session
    const name = cleanName(args.exchange)
    this.#check('configure', 'exchange', name)
    this.#answering<null>(
      EXCHANGE_DELETE,
      (answered) => vhost.deleteExchange(name, args.ifUnused, answered),
      () => {
        if (!args.noWait) this.#write(encodeMethod(EXCHANGE_DELETE_OK, this.#channel))
      },
    )
  }

  // Bindings

  bindQueue(args: MethodArguments<typeof QUEUE_BIND>): void {
    const request = this.#queueBinding(args.queue, args.exchange, args.routingKey, args.arguments)
    this.#bind(QUEUE_BIND, request, args.noWait ? null : encodeMethod(QUEUE_BIND_OK, this.#channel))
  }

  unbindQueue(args: MethodArguments<typeof QUEUE_UNBIND>): void {
    const request = this.#queueBinding(args.queue, args.exchange, args.routingKey, args.arguments)
    this.#unbind(QUEUE_UNBIND, request, encodeMethod(QUEUE_UNBIND_OK, this.#channel))
  }

  bindExchange(args: MethodArguments<typeof EXCHANGE_BIND>): void {
    this.#bind(EXCHANGE_BIND, exchangeBinding(args), args.noWait ? null : encodeMethod(EXCHANGE_BIND_OK, this.#channel))
  }

  unbindExchange(args: MethodArguments<typeof EXCHANGE_UNBIND>): void {
    const reply = args.noWait ? null : encodeMethod(EXCHANGE_UNBIND_OK, this.#channel)
    this.#unbind(EXCHANGE_UNBIND, exchangeBinding(args), reply)
  }

  #queueBinding(queue: string, exchange: string, routingKey: string, args: Arguments): BindingRequest {
    const destination = this.queueName(queue)
    // RabbitMQ: without either, the key is the queue's name, too.
    const key = queue === '' && routingKey === '' ? destination : routingKey
    return { source: cleanName(exchange), destination, destinationKind: 'queue', routingKey: key, arguments: args }
  }

  #bind(methodId: number, request: BindingRequest, reply: Buffer | null): void {
    const { vhost, actor } = this.#session
    this.#checkBinding(request)
    this.#answering<null>(
      methodId,
      (answered) => vhost.bind(request, actor, answered),
      () => {
        if (reply !== null) this.#write(reply)
      },
    )
  }

  #unbind(methodId: number, request: BindingRequest, reply: Buffer | null): void {
    const { vhost, actor } = this.#session
    this.#checkBinding(request)
    this.#answering<null>(
      methodId,
      (answered) => vhost.unbind(request, actor, answered),
      () => {
        if (reply !== null) this.#write(reply)
      },
    )
  }

  // Passive declarations

  #declarePassively(name: string, noWait: boolean): void {
    const { vhost, actor, permissions } = this.#session
    const may =
      permissions.canConfigure('queue', name) ||
      permissions.canWrite('queue', name) ||
      permissions.canRead('queue', name)
    if (!may) this.#check('configure', 'queue', name)
    const queue = grantedValue(vhost.findQueue(name, actor))
    queue.touch()
    this.#declareOk(queue.name, queue.readyCount, queue.consumers.length, noWait)
  }

  /** A probe: is the requester there? */
  #declareReplyQueue(name: string, noWait: boolean): void {
    const { vhost } = this.#session
    if (!vhost.replies.isOpen(name)) throw ChannelError.notFound(`no ${queueText(vhost.name, name)}`)
    this.#declareOk(name, 0, 1, noWait)
  }

  #declareOk(queue: string, messageCount: number, consumerCount: number, noWait: boolean): void {
    this.#lastQueue = queue
    if (noWait) return
    this.#write(encodeMethod(QUEUE_DECLARE_OK, this.#channel, { queue, messageCount, consumerCount }))
  }

  // Permissions

  #check(kind: Permission, resource: ResourceKind, name: string): void {
    const { permissions, identity, vhost } = this.#session
    const may =
      kind === 'configure'
        ? permissions.canConfigure(resource, name)
        : kind === 'write'
          ? permissions.canWrite(resource, name)
          : permissions.canRead(resource, name)
    if (may) return
    const object = resource === 'queue' ? queueText(vhost.name, name) : exchangeText(vhost.name, name)
    throw ChannelError.accessRefused(`${kind} access to ${object} refused for user '${identity.user}'`)
  }

  /** A queue with dead letters reads from itself and writes to their exchange. */
  #checkDeadLetters(name: string, args: Arguments): void {
    const exchange = stringArgument(args, 'x-dead-letter-exchange')
    if (exchange === undefined) return
    if (name !== '') this.#check('read', 'queue', name)
    this.#check('write', 'exchange', exchange)
  }

  #checkAlternate(name: string, args: Arguments): void {
    const alternate = stringArgument(args, 'alternate-exchange')
    if (alternate === undefined) return
    this.#check('read', 'exchange', name)
    this.#check('write', 'exchange', alternate)
  }

  #checkBinding({ source, destination, destinationKind, routingKey }: BindingRequest): void {
    const { vhost, permissions, identity } = this.#session
    this.#check('write', destinationKind, destination)
    this.#check('read', 'exchange', source)
    if (vhost.exchange(source)?.type.name !== 'topic' || permissions.canReadTopic(source, routingKey)) return
    const what = `read access to topic '${routingKey}' in ${exchangeText(vhost.name, source)}`
    throw ChannelError.accessRefused(`${what} refused for user '${identity.user}'`)
  }

  // Answers

  /** Starts a verb; `reply` gets its value, now or later. A refusal closes as if the method had thrown it. */
  #answering<T>(methodId: number, start: (answered: Answered<T>) => void, reply: (value: T) => void): void {
    const { host } = this.#session
    let early: Answer<T> | null = null
    let isWaiting = false
    start((answer) => {
      if (!isWaiting) {
        early = answer
        return
      }
      host.complete(this.#channel, methodId, () => reply(grantedValue(answer)))
      host.resumeInput()
    })
    // The callback may have run: the compiler cannot see that.
    const answer = early as Answer<T> | null
    if (answer !== null) return reply(grantedValue(answer))
    isWaiting = true
    host.suspendInput()
  }

  #write(frame: Buffer): void {
    this.#session.outbox.write(frame)
  }
}

function exchangeBinding(
  args: MethodArguments<typeof EXCHANGE_BIND> | MethodArguments<typeof EXCHANGE_UNBIND>,
): BindingRequest {
  return {
    source: cleanName(args.source),
    destination: cleanName(args.destination),
    destinationKind: 'exchange',
    routingKey: args.routingKey,
    arguments: args.arguments,
  }
}
