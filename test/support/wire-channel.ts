// One channel of the tests' client: sends methods and content, awaits exact answers. Made by wire-client.ts.
import assert from 'node:assert/strict'
import type { WireClient } from './wire-client.ts'
import { BODY, encodeHeader, encodeMethod, HEADER, METHOD, type Table } from './wire-codec.ts'
import { type Arrival, checkReply, describeArrival, eventually, expectNext, PATIENCE_MS, pause } from './wire-inbox.ts'

/** The broker's name for a message's flags on publishing. */
export interface PublishFlags {
  readonly mandatory?: boolean
  readonly immediate?: boolean
}

/** One channel of a WireClient. */
export class WireChannel {
  readonly client: WireClient
  readonly id: number
  constructor(client: WireClient, id: number) {
    this.client = client
    this.id = id
  }

  /** Sends a method without waiting. */
  send(name: string, args: Table = {}): void {
    this.client.sendFrame(METHOD, this.id, encodeMethod(name, args))
  }

  /** Sends a method and awaits its -ok as the next arrival. */
  async call(name: string, args: Table = {}): Promise<Table> {
    this.send(name, args)
    return (await this.expect(`${name}-ok`)).args
  }

  /** The next arrival on this channel, which must be this method. */
  expect(name: string): Promise<Arrival> {
    return expectNext(this.client.inbox(this.id), name)
  }

  /** The first arrival with this name, whatever else is there. */
  take(name: string): Promise<Arrival> {
    return this.client.inbox(this.id).next(name, (arrival) => arrival.name === name)
  }

  /** The broker closes the channel with this code and text; confirms it. The id can be opened again. */
  async refused(code: number, text: string | RegExp, classId?: number, methodId?: number): Promise<Arrival> {
    const close = await this.expect('channel.close')
    checkReply(close, code, text, classId, methodId)
    this.send('channel.close-ok')
    return close
  }

  /** Publishes one message as method, header and body frames of the negotiated size. */
  publish(
    exchange: string,
    routingKey: string,
    body: string | Buffer = '',
    properties: Table = {},
    flags: PublishFlags = {},
  ): void {
    const bytes = Buffer.from(body as string)
    this.send('basic.publish', {
      exchange,
      routingKey,
      mandatory: flags.mandatory ?? false,
      immediate: flags.immediate ?? false,
    })
    this.client.sendFrame(HEADER, this.id, encodeHeader(bytes.length, properties))
    const step = this.client.frameMax - 8
    for (let at = 0; at < bytes.length; at += step) {
      this.client.sendFrame(BODY, this.id, bytes.subarray(at, at + step))
    }
  }

  /** Publishes and waits for the positive confirm of exactly this message; the channel must be in confirm mode. */
  async publishConfirmed(
    exchange: string,
    routingKey: string,
    body: string | Buffer = '',
    properties: Table = {},
  ): Promise<void> {
    this.publish(exchange, routingKey, body, properties)
    await this.take('basic.ack')
  }

  /** basic.get: the message, or undefined when the queue is empty. */
  async get(queue: string, noAck = true): Promise<Arrival | undefined> {
    this.send('basic.get', { queue, noAck })
    const answer = await this.client.inbox(this.id).next('basic.get-ok', () => true)
    if (answer.name === 'basic.get-empty') return undefined
    if (answer.name !== 'basic.get-ok') assert.fail(`waited for basic.get-ok, got ${describeArrival(answer)}`)
    return answer
  }

  /** Polls basic.get until a message is there. */
  async getSoon(queue: string, noAck = true): Promise<Arrival> {
    for (const deadline = Date.now() + PATIENCE_MS; ; ) {
      const message = await this.get(queue, noAck)
      if (message !== undefined) return message
      if (Date.now() > deadline) assert.fail(`no message in ${queue} within ${PATIENCE_MS} ms`)
      await pause()
    }
  }

  /** Consumes and returns the tag; deliveries follow. */
  async consume(queue: string, args: Table = {}): Promise<string> {
    return String((await this.call('basic.consume', { queue, ...args })).consumerTag)
  }

  /** The next arrival must be a delivery. */
  delivery(): Promise<Arrival> {
    return this.expect('basic.deliver')
  }

  /** The bodies of the next deliveries. */
  async bodies(count: number): Promise<string[]> {
    const bodies: string[] = []
    for (let n = 0; n < count; n++) bodies.push((await this.delivery()).body.toString())
    return bodies
  }

  ack(deliveryTag: number | Arrival, multiple = false): void {
    this.send('basic.ack', { deliveryTag: tagOf(deliveryTag), multiple })
  }

  nack(deliveryTag: number | Arrival, flags: { multiple?: boolean; requeue?: boolean } = {}): void {
    this.send('basic.nack', {
      deliveryTag: tagOf(deliveryTag),
      multiple: flags.multiple ?? false,
      requeue: flags.requeue ?? false,
    })
  }

  reject(deliveryTag: number | Arrival, requeue = false): void {
    this.send('basic.reject', { deliveryTag: tagOf(deliveryTag), requeue })
  }

  /** Ready messages and consumers of a queue. */
  async status(queue: string): Promise<{ messages: number; consumers: number }> {
    this.send('queue.declare', { queue, passive: true })
    const ok = await this.take('queue.declare-ok')
    return { messages: Number(ok.args.messageCount), consumers: Number(ok.args.consumerCount) }
  }

  /** Ready messages of a queue. */
  async depth(queue: string): Promise<number> {
    return (await this.status(queue)).messages
  }

  /** Waits until a queue holds this many ready messages. */
  async depthBecomes(queue: string, expected: number): Promise<void> {
    await eventually(async () => assert.equal(await this.depth(queue), expected, `depth of ${queue}`))
  }

  /** Fails when anything arrived that was not read: the answer to a round trip must be the next arrival. */
  async quiet(queue?: string): Promise<void> {
    if (queue === undefined) await this.call('channel.flow', { active: true })
    else await this.call('queue.declare', { queue, passive: true })
  }

  /** Closes the channel by the book. */
  async close(): Promise<void> {
    await this.call('channel.close', { replyCode: 200, replyText: 'bye' })
  }
}

function tagOf(deliveryTag: number | Arrival): number {
  return typeof deliveryTag === 'number' ? deliveryTag : Number(deliveryTag.args.deliveryTag)
}
