// Takes legal and illegal steps on one AMQP connection, and knows which answers each may get.
import type { Randomness } from '../../../src/base/random.ts'
import { encodeHeader, frame, HEADER, type Table } from '../../support/wire-codec.ts'
import { Defect, pick } from '../fuzz-target.ts'
import { frames } from '../targets/amqp091-grammar.ts'
import { AmqpLink, type Arrival } from './amqp-link.ts'
import type { Actor, Model, TrackedQueue } from './model.ts'

const CHANNELS_MAX = 3
const OPEN_IDS = [1, 2, 3, 7]

interface Delivery {
  readonly queue: TrackedQueue
  readonly id: string
}

/** What is known of one channel. */
class Channel {
  readonly id: number
  mode: 'none' | 'confirm' | 'tx' = 'none'
  /** Consumers of tracked queues, by tag. */
  readonly consumers = new Map<string, { readonly queue: TrackedQueue; readonly noAck: boolean }>()
  readonly unacked = new Map<number, Delivery>()

  constructor(id: number) {
    this.id = id
  }
}

type Step = (channel: Channel, random: Randomness) => Promise<string>

/** One connection, opened again whenever it has ended. */
export class AmqpActor implements Actor {
  readonly name: string
  readonly #port: number
  readonly #model: Model
  #link: AmqpLink | null = null
  readonly #channels = new Map<number, Channel>()
  readonly #steps: readonly Step[]
  #tagCount = 0

  constructor(name: string, port: number, model: Model) {
    this.name = name
    this.#port = port
    this.#model = model
    const legal = [
      this.#publish,
      this.#publish,
      this.#get,
      this.#get,
      this.#consume,
      this.#cancel,
      this.#settle,
      this.#settle,
      this.#declare,
      this.#select,
      this.#recover,
      this.#purge,
      this.#wild,
    ]
    const illegal = [
      this.#badSettle,
      this.#badDeclare,
      this.#badPublish,
      this.#badConsume,
      this.#badBind,
      this.#badMode,
    ]
    const fatal = [
      this.#outOfOrder,
      this.#unsupported,
      this.#unknownMethod,
      this.#noise,
      this.#closeChannel,
      this.#leave,
    ]
    this.#steps = [...legal, ...legal, ...legal, ...illegal, ...fatal].map((step) => step.bind(this))
  }

  async step(random: Randomness): Promise<string> {
    this.#link ??= await AmqpLink.open(this.#port)
    this.#collect()
    const wanted = pick(random, OPEN_IDS)
    const channel = this.#channels.get(wanted)
    if (channel === undefined) return await this.#openOrStray(wanted, random)
    const what = await pick(random, this.#steps)(channel, random)
    this.#collect()
    return `channel ${channel.id}: ${what}`
  }

  async close(): Promise<void> {
    if (this.#link === null) return
    await this.#bye(this.#link)
  }

  // Legal steps

  async #openOrStray(id: number, random: Randomness): Promise<string> {
    if (this.#channels.size < CHANNELS_MAX && random.below(20) > 0) {
      this.#send(id, 'channel.open')
      await this.#ok(id, 'channel.open-ok')
      this.#channels.set(id, new Channel(id))
      return `channel ${id} opened`
    }
    this.#send(id, 'basic.qos', { prefetchCount: 1 })
    return `a method on channel ${id}, which is not open: ${await this.#refused(id, [504])}`
  }

  async #publish(channel: Channel, random: Randomness): Promise<string> {
    const queue = pick(random, this.#model.queues)
    const ids = Array.from({ length: 1 + random.below(5) }, () => this.#model.newId())
    for (const id of ids) {
      queue.sent(id)
      this.#live.publish(channel.id, { exchange: '', routingKey: queue.name }, id, { deliveryMode: 2 })
    }
    if (channel.mode === 'confirm') await this.#confirms(channel, ids.length)
    else if (channel.mode === 'tx' && random.below(2) === 0) {
      this.#send(channel.id, 'tx.rollback')
      await this.#ok(channel.id, 'tx.rollback-ok')
      for (const id of ids) queue.settled(id)
      return `${ids.length} publishes rolled back`
    } else if (channel.mode === 'tx') {
      this.#send(channel.id, 'tx.commit')
      await this.#ok(channel.id, 'tx.commit-ok')
    } else {
      // Without confirms nobody knows, except that what is behind a barrier has arrived.
      await this.#barrier(channel)
      return `${ids.length} publishes`
    }
    for (const id of ids) queue.confirmed(id)
    return `${ids.length} publishes, answered`
  }

  #published = new Map<number, { done: number; acked: number }>()

  async #confirms(channel: Channel, count: number): Promise<void> {
    const state = this.#published.get(channel.id) ?? { done: 0, acked: 0 }
    this.#published.set(channel.id, state)
    state.done += count
    while (state.acked < state.done) {
      const ack = await this.#ok(channel.id, 'basic.ack')
      const tag = Number(ack.args.deliveryTag)
      state.acked = ack.args.multiple === true ? tag : state.acked + 1
    }
  }

  async #get(channel: Channel, random: Randomness): Promise<string> {
    const queue = pick(random, this.#model.queues)
    const noAck = random.below(3) === 0
    this.#send(channel.id, 'basic.get', { queue: queue.name, noAck })
    const got = await this.#ok(channel.id, 'basic.get-ok', 'basic.get-empty')
    if (got.name === 'basic.get-empty') return 'got nothing'
    queue.delivered(got.body)
    if (noAck) queue.settled(got.body)
    else channel.unacked.set(Number(got.args.deliveryTag), { queue, id: got.body })
    return `got ${got.body}${noAck ? ', settled' : ''}`
  }

  async #consume(channel: Channel, random: Randomness): Promise<string> {
    const queue = pick(random, this.#model.queues)
    const noAck = random.below(4) === 0
    const consumerTag = `${this.name}-${++this.#tagCount}`
    this.#send(channel.id, 'basic.qos', { prefetchCount: 1 + random.below(5) })
    await this.#ok(channel.id, 'basic.qos-ok')
    channel.consumers.set(consumerTag, { queue, noAck })
    this.#send(channel.id, 'basic.consume', { queue: queue.name, consumerTag, noAck })
    await this.#ok(channel.id, 'basic.consume-ok')
    return `consumes ${queue.name}`
  }

  async #cancel(channel: Channel, random: Randomness): Promise<string> {
    const tags = [...channel.consumers.keys(), 'nobody']
    const consumerTag = pick(random, tags)
    this.#send(channel.id, 'basic.cancel', { consumerTag })
    await this.#ok(channel.id, 'basic.cancel-ok')
    this.#collect()
    channel.consumers.delete(consumerTag)
    return `cancelled ${consumerTag}`
  }

  async #settle(channel: Channel, random: Randomness): Promise<string> {
    const tags = [...channel.unacked.keys()]
    if (tags.length === 0) return 'nothing to settle'
    const deliveryTag = pick(random, tags)
    const multiple = random.below(4) === 0
    const requeue = random.below(2) === 0
    const method = pick(random, ['basic.ack', 'basic.nack', 'basic.reject'] as const)
    const settled = tags.filter(
      (tag) => tag === deliveryTag || (multiple && method !== 'basic.reject' && tag < deliveryTag),
    )
    const deliveries = settled.map((tag) => channel.unacked.get(tag)!)
    for (const tag of settled) channel.unacked.delete(tag)
    const isGone = method === 'basic.ack' || !requeue
    // In a transaction it is settled when that is committed, which is what a step of publishing does.
    for (const { queue, id } of deliveries) if (isGone) queue.doubted(id)
    const args: Table =
      method === 'basic.ack' ? { multiple } : method === 'basic.nack' ? { multiple, requeue } : { requeue }
    this.#send(channel.id, method, { deliveryTag, ...args })
    await this.#barrier(channel)
    if (isGone && channel.mode !== 'tx') for (const { queue, id } of deliveries) queue.settled(id)
    return `${method} of ${settled.length}`
  }

  async #declare(channel: Channel, random: Randomness): Promise<string> {
    const queue = pick(random, this.#model.queues)
    const passive = random.below(2) === 0
    this.#send(channel.id, 'queue.declare', {
      queue: queue.name,
      passive,
      durable: true,
      arguments: { 'x-queue-type': queue.type, ...(queue.type === 'quorum' ? { 'x-delivery-limit': -1 } : {}) },
    })
    await this.#ok(channel.id, 'queue.declare-ok')
    return `declared ${queue.name} again`
  }

  async #select(channel: Channel, random: Randomness): Promise<string> {
    const method = random.below(4) === 0 ? 'tx' : 'confirm'
    if (channel.mode !== 'none' && channel.mode !== method) return 'another mode is chosen'
    this.#send(channel.id, `${method}.select`)
    await this.#ok(channel.id, `${method}.select-ok`)
    if (channel.mode === 'none') this.#published.delete(channel.id)
    channel.mode = method
    return `${method}.select`
  }

  async #recover(channel: Channel): Promise<string> {
    this.#send(channel.id, 'basic.recover', { requeue: true })
    await this.#ok(channel.id, 'basic.recover-ok')
    // What it had comes again, with new tags, here or elsewhere.
    channel.unacked.clear()
    return 'recovered'
  }

  async #purge(channel: Channel, random: Randomness): Promise<string> {
    if (random.below(4) > 0) return 'no purge'
    const queue = pick(random, this.#model.queues)
    this.#send(channel.id, 'queue.purge', { queue: queue.name })
    await this.#ok(channel.id, 'queue.purge-ok')
    // What is delivered stays, and deliveries may be on their way.
    queue.doubtAll()
    return `purged ${queue.name}`
  }

  /** A queue and an exchange of random kind, used and deleted: their messages are nobody's business. */
  async #wild(channel: Channel, random: Randomness): Promise<string> {
    const name = `${this.name}-wild-${random.below(3)}`
    const key = pick(random, ['x-max-length', 'x-message-ttl', 'x-expires', 'x-max-length-bytes', 'x-max-priority'])
    this.#send(channel.id, 'queue.declare', {
      queue: name,
      autoDelete: random.below(2) === 0,
      arguments: { [key]: 1 + random.below(50) },
    })
    const declared = await this.#any(channel.id, ['queue.declare-ok'], [406])
    if (declared === undefined) return 'a wild queue was there otherwise'
    const type = pick(random, ['direct', 'fanout', 'topic', 'headers'])
    this.#send(channel.id, 'exchange.declare', { exchange: `${name}-${type}`, type, autoDelete: true })
    await this.#ok(channel.id, 'exchange.declare-ok')
    this.#send(channel.id, 'queue.bind', { queue: name, exchange: `${name}-${type}`, routingKey: 'a.*' })
    if ((await this.#any(channel.id, ['queue.bind-ok'], [404])) === undefined) return 'a wild queue expired'
    this.#send(channel.id, 'queue.delete', { queue: name })
    await this.#ok(channel.id, 'queue.delete-ok')
    return `a wild queue with ${key} and a ${type} exchange`
  }

  // Illegal steps that cost the channel

  async #badSettle(channel: Channel, random: Randomness): Promise<string> {
    this.#send(channel.id, pick(random, ['basic.ack', 'basic.nack', 'basic.reject']), { deliveryTag: 1_000_000 })
    return `settled what was never delivered: ${await this.#refused(channel.id, [406])}`
  }

  async #badDeclare(channel: Channel, random: Randomness): Promise<string> {
    const queue = pick(random, this.#model.queues)
    const [args, codes]: [Table, number[]] = pick(random, [
      [{ queue: queue.name, durable: false }, [406]],
      [{ queue: queue.name, durable: true, arguments: { 'x-queue-type': queue.type, 'x-max-length': 5 } }, [406]],
      [{ queue: 'amq.mine' }, [403]],
      [{ queue: 'not-there', passive: true }, [404]],
      [{ queue: 'wrong', arguments: { 'x-max-length': -1 } }, [406]],
      [{ queue: 'wrong', arguments: { 'x-queue-type': 'no-such' } }, [406, 540]],
    ] as [Table, number[]][])
    this.#send(channel.id, 'queue.declare', args)
    return `a wrong declaration: ${await this.#refused(channel.id, codes)}`
  }

  async #badPublish(channel: Channel): Promise<string> {
    this.#live.publish(channel.id, { exchange: 'not-there', routingKey: 'a' }, 'a')
    return `a publish to no exchange: ${await this.#refused(channel.id, [404])}`
  }

  async #badConsume(channel: Channel, random: Randomness): Promise<string> {
    const method = pick(random, ['basic.consume', 'basic.get'])
    this.#send(channel.id, method, { queue: 'not-there' })
    return `${method} of no queue: ${await this.#refused(channel.id, [404])}`
  }

  async #badBind(channel: Channel, random: Randomness): Promise<string> {
    const [method, args, codes]: [string, Table, number[]] = pick(random, [
      ['queue.bind', { queue: 'not-there', exchange: 'amq.topic' }, [404]],
      ['queue.bind', { queue: 'tracked-0', exchange: 'not-there' }, [404]],
      ['queue.bind', { queue: 'tracked-0', exchange: '' }, [403]],
      ['exchange.delete', { exchange: 'amq.direct' }, [403]],
      ['exchange.declare', { exchange: 'amq.topic', type: 'fanout', durable: true }, [406]],
      ['exchange.declare', { exchange: 'not-there', passive: true }, [404]],
    ] as [string, Table, number[]][])
    this.#send(channel.id, method, args)
    return `a wrong ${method}: ${await this.#refused(channel.id, codes)}`
  }

  async #badMode(channel: Channel): Promise<string> {
    const method = channel.mode === 'confirm' ? 'tx.select' : channel.mode === 'tx' ? 'confirm.select' : 'tx.commit'
    this.#send(channel.id, method)
    return `${method} in mode ${channel.mode}: ${await this.#refused(channel.id, [406])}`
  }

  // Steps that cost the connection

  async #outOfOrder(channel: Channel, random: Randomness): Promise<string> {
    switch (random.below(4)) {
      case 0:
        this.#live.raw(frame(HEADER, channel.id, encodeHeader(1)))
        break
      case 1:
        this.#live.raw(frame(3, channel.id, Buffer.from('body')))
        break
      case 2:
        this.#send(channel.id, 'basic.publish', { exchange: '', routingKey: 'nobody' })
        this.#send(channel.id, 'basic.qos')
        break
      default:
        this.#live.raw(Buffer.from([9, 0, 0, 0, 0, 0, 0, 0xce]))
    }
    return `frames out of order: ${await this.#refused(channel.id, [501, 505])}`
  }

  async #unsupported(channel: Channel, random: Randomness): Promise<string> {
    switch (random.below(4)) {
      case 0:
        this.#send(channel.id, 'basic.qos', { prefetchSize: 1 })
        break
      case 1:
        this.#live.publish(channel.id, { exchange: '', routingKey: 'a', immediate: true }, 'a')
        break
      case 2:
        this.#send(channel.id, 'channel.flow', { active: false })
        break
      default:
        this.#send(channel.id, 'channel.open')
        return `opened twice: ${await this.#refused(channel.id, [504])}`
    }
    return `what is not supported: ${await this.#refused(channel.id, [540])}`
  }

  async #unknownMethod(channel: Channel, random: Randomness): Promise<string> {
    this.#live.raw(frame(1, channel.id, Buffer.concat([Buffer.from([0, 60, 0, 200]), random.bytes(random.below(8))])))
    return `an unknown method: ${await this.#refused(channel.id, [501, 502, 503, 540])}`
  }

  /** Random frames on a connection of their own: whatever comes, it must come. */
  async #noise(_channel: Channel, random: Randomness): Promise<string> {
    const link = await AmqpLink.open(this.#port)
    link.send(1, 'channel.open')
    await link.answer(1, 'channel.open-ok')
    for (let left = 1 + random.below(5); left > 0; left--) link.raw(frames(random))
    link.send(0, 'connection.close', { replyCode: 200, replyText: 'bye' })
    for (;;) {
      const answer = await link.answer(0, 'connection.close-ok')
      if (answer === undefined || answer.name === 'connection.close-ok') break
      if (answer.name === 'connection.close') {
        if (answer.args.replyCode === 541) throw new Defect(`random frames: ${JSON.stringify(answer.args)}`)
        link.send(0, 'connection.close-ok')
      }
    }
    link.drop()
    return 'noise'
  }

  async #closeChannel(channel: Channel): Promise<string> {
    this.#send(channel.id, 'channel.close', { replyCode: 200, replyText: 'bye' })
    await this.#ok(channel.id, 'channel.close-ok')
    // What was on its way came before.
    this.#collect()
    this.#forget(channel)
    return 'closed'
  }

  async #leave(_channel: Channel, random: Randomness): Promise<string> {
    const link = this.#live
    if (random.below(2) === 0) {
      await this.#bye(link)
      return 'left'
    }
    link.drop()
    this.#gone()
    return 'dropped'
  }

  // Answers

  get #live(): AmqpLink {
    if (this.#link === null) throw new Defect('no connection')
    return this.#link
  }

  #send(channel: number, name: string, args: Table = {}): void {
    this.#live.send(channel, name, args)
  }

  /** Everything sent before has been handled. */
  async #barrier(channel: Channel): Promise<void> {
    this.#send(channel.id, 'basic.qos', { prefetchCount: 3 })
    await this.#ok(channel.id, 'basic.qos-ok')
  }

  async #ok(channel: number, ...names: readonly string[]): Promise<Arrival> {
    const answer = await this.#live.answer(channel, ...names)
    if (answer === undefined || !names.includes(answer.name)) {
      throw new Defect(`${this.name}: ${describe(answer)} in place of ${names.join(' or ')}`)
    }
    return answer
  }

  /** One of these answers, or undefined for a close of the channel with one of these codes. */
  async #any(channel: number, names: readonly string[], codes: readonly number[]): Promise<Arrival | undefined> {
    const answer = await this.#live.answer(channel, ...names)
    if (answer !== undefined && names.includes(answer.name)) return answer
    this.#closedBy(answer, channel, codes)
    return undefined
  }

  /** The channel or the connection must be closed with one of these codes, as its scope is. */
  async #refused(channel: number, codes: readonly number[]): Promise<number> {
    return this.#closedBy(await this.#live.answer(channel), channel, codes)
  }

  #closedBy(answer: Arrival | undefined, channel: number, codes: readonly number[]): number {
    const code = Number(answer?.args.replyCode)
    const scope = code < 500 ? 'channel.close' : 'connection.close'
    if (answer?.name !== scope || !codes.includes(code)) {
      throw new Defect(`${this.name}: ${describe(answer)} in place of a close by ${codes.join(' or ')}`)
    }
    this.#collect()
    if (scope === 'channel.close') {
      this.#send(channel, 'channel.close-ok')
      const closed = this.#channels.get(channel)
      if (closed !== undefined) this.#forget(closed)
    } else {
      this.#send(0, 'connection.close-ok')
      this.#link?.drop()
      this.#gone()
    }
    return code
  }

  async #bye(link: AmqpLink): Promise<void> {
    link.send(0, 'connection.close', { replyCode: 200, replyText: 'bye' })
    await this.#ok(0, 'connection.close-ok')
    link.drop()
    this.#gone()
  }

  /** Takes the deliveries that came. */
  #collect(): void {
    for (const { channel: id, args, body } of this.#link?.taken('basic.deliver') ?? []) {
      const channel = this.#channels.get(id)
      const consumer = channel?.consumers.get(String(args.consumerTag))
      if (channel === undefined || consumer === undefined)
        throw new Defect(`a delivery for ${args.consumerTag}, who is nobody`)
      consumer.queue.delivered(body)
      if (consumer.noAck) consumer.queue.settled(body)
      else channel.unacked.set(Number(args.deliveryTag), { queue: consumer.queue, id: body })
    }
  }

  /** What its consumers were sent without acknowledgement may be lost on the way. */
  #forget(channel: Channel): void {
    this.#channels.delete(channel.id)
    this.#published.delete(channel.id)
    for (const { queue, noAck } of channel.consumers.values()) if (noAck) queue.doubtAll()
  }

  #gone(): void {
    this.#link = null
    for (const channel of [...this.#channels.values()]) this.#forget(channel)
  }
}

function describe(answer: Arrival | undefined): string {
  return answer === undefined ? 'the end of the socket' : `${answer.name} ${JSON.stringify(answer.args)}`
}
