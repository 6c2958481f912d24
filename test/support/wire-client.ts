// A thin AMQP 0-9-1 client for tests: sends any method, frame or bytes, and awaits exact answers. Every wait is bounded
// and, when it fails, says what came instead. It hides nothing: no recovery, no defaults beyond zero and empty.
import assert from 'node:assert/strict'
import net from 'node:net'
import {
  BODY,
  decodeHeader,
  decodeMethod,
  encodeHeader,
  encodeMethod,
  frame,
  HEADER,
  HEARTBEAT,
  METHOD,
  type Table,
} from './wire-codec.ts'

/** How long any expectation waits. */
export const PATIENCE_MS = 5000

const FRAME_HEAD_BYTES = 7

/** The greeting of AMQP 0-9-1. */
export const PROTOCOL_HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])

/** What the broker sent: a method, with its content where it has one. */
export interface Arrival {
  readonly name: string
  readonly args: Table
  readonly properties: Table
  /** The header table of the content, or an empty one. */
  readonly headers: Table
  readonly body: Buffer
  /** The content header's payload, for tests that look at its bytes. */
  readonly headerPayload: Buffer
  /** Sizes of the body frames it came in. */
  readonly bodyFrames: readonly number[]
}

/** How to open a connection. */
export interface OpenOptions {
  readonly user?: string
  readonly password?: string
  readonly vhost?: string
  readonly heartbeat?: number
  readonly frameMax?: number
  readonly channelMax?: number
  readonly clientProperties?: Table
}

/** What a client tells about itself unless a test says otherwise. */
export const CAPABILITIES: Table = {
  capabilities: {
    'connection.blocked': true,
    consumer_cancel_notify: true,
    authentication_failure_close: true,
  },
}

interface Waiter {
  readonly wants: (arrival: Arrival) => boolean
  readonly settle: (arrival: Arrival | Error) => void
}

/** Arrivals of one channel, in order, and those who wait for them. */
class Inbox {
  readonly #arrivals: Arrival[] = []
  readonly #waiters: Waiter[] = []
  #ended: Error | undefined

  push(arrival: Arrival): void {
    const at = this.#waiters.findIndex((waiter) => waiter.wants(arrival))
    if (at < 0) this.#arrivals.push(arrival)
    else this.#waiters.splice(at, 1)[0]!.settle(arrival)
  }

  /** Whoever waits now or later learns why nothing comes any more. */
  end(reason: Error): void {
    this.#ended ??= reason
    for (const waiter of this.#waiters.splice(0)) waiter.settle(reason)
  }

  next(what: string, wants: (arrival: Arrival) => boolean): Promise<Arrival> {
    const at = this.#arrivals.findIndex(wants)
    if (at >= 0) return Promise.resolve(this.#arrivals.splice(at, 1)[0]!)
    if (this.#ended !== undefined)
      return Promise.reject(new Error(`waited for ${what}, but ${this.#ended.message}${this.describe()}`))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(new Error(`waited ${PATIENCE_MS} ms for ${what}; it did not come${this.describe()}`))
      }, PATIENCE_MS)
      const waiter: Waiter = {
        wants,
        settle: (outcome) => {
          clearTimeout(timer)
          if (outcome instanceof Error)
            reject(new Error(`waited for ${what}, but ${outcome.message}${this.describe()}`))
          else resolve(outcome)
        },
      }
      this.#waiters.push(waiter)
    })
  }

  get pending(): readonly Arrival[] {
    return this.#arrivals
  }

  describe(): string {
    if (this.#arrivals.length === 0) return ''
    return `; unread: ${this.#arrivals.map(describeArrival).join(', ')}`
  }
}

function describeArrival(arrival: Arrival): string {
  return `${arrival.name} ${JSON.stringify(arrival.args)}`
}

interface Partial {
  readonly name: string
  readonly args: Table
  headerPayload: Buffer | undefined
  bodySize: number
  properties: Table
  parts: Buffer[]
  received: number
}

/** One connection to a broker. */
export class WireClient {
  readonly socket: net.Socket
  /** The 8 octets of a refusal, when the broker answered with its own greeting. */
  greeting: Buffer | undefined
  heartbeats = 0
  /** What connection.start and connection.tune said. */
  start: Table = {}
  tune: Table = {}
  frameMax = 131072
  #pending: Buffer = Buffer.alloc(0)
  readonly #inboxes = new Map<number, Inbox>()
  readonly #partials = new Map<number, Partial>()
  #closed = false
  readonly #closedWaiters: (() => void)[] = []
  readonly #heartbeatWaiters: (() => void)[] = []
  #failure: Error | undefined

  private constructor(socket: net.Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#onBytes(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => this.#onClose())
  }

  /** A TCP connection, nothing sent yet. */
  static connect(host: string, port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, host)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new WireClient(socket))
      })
    })
  }

  /** Greets and reads connection.start. */
  async greet(): Promise<Arrival> {
    this.sendRaw(PROTOCOL_HEADER)
    const start = await this.expect('connection.start')
    this.start = start.args
    return start
  }

  /** From the greeting to connection.tune. */
  async authenticate(options: OpenOptions = {}): Promise<Arrival> {
    await this.greet()
    this.startOk(options)
    const tune = await this.expect('connection.tune')
    this.tune = tune.args
    return tune
  }

  /** Sends connection.start-ok with PLAIN credentials. */
  startOk(options: OpenOptions = {}): void {
    this.send('connection.start-ok', {
      clientProperties: options.clientProperties ?? CAPABILITIES,
      mechanism: 'PLAIN',
      response: `\0${options.user ?? 'guest'}\0${options.password ?? 'guest'}`,
      locale: 'en_US',
    })
  }

  /** The whole handshake. */
  async open(options: OpenOptions = {}): Promise<this> {
    await this.authenticate(options)
    this.tuneOk(options)
    this.send('connection.open', { virtualHost: options.vhost ?? '/' })
    await this.expect('connection.open-ok')
    return this
  }

  /** Accepts the broker's limits unless told otherwise; no heartbeats unless asked for. */
  tuneOk(options: OpenOptions = {}): void {
    this.frameMax = options.frameMax ?? Number(this.tune.frameMax)
    this.send('connection.tune-ok', {
      channelMax: options.channelMax ?? Number(this.tune.channelMax),
      frameMax: this.frameMax,
      heartbeat: options.heartbeat ?? 0,
    })
  }

  /** Opens a channel. */
  async channel(id = 1): Promise<WireChannel> {
    const channel = new WireChannel(this, id)
    await channel.call('channel.open')
    return channel
  }

  /** A method on channel 0. */
  send(name: string, args: Table = {}): void {
    this.sendRaw(frame(METHOD, 0, encodeMethod(name, args)))
  }

  sendRaw(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  sendFrame(type: number, channel: number, payload: Buffer): void {
    this.sendRaw(frame(type, channel, payload))
  }

  /** Sends one octet per TCP segment, as far as the system lets us: each write waits for the one before. */
  async sendByteByByte(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at++) {
      await new Promise<void>((resolve) => this.socket.write(bytes.subarray(at, at + 1), () => resolve()))
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  /** The next method on channel 0, which must be this one. */
  expect(name: string): Promise<Arrival> {
    return expectNext(this.inbox(0), name)
  }

  /** The broker closes the connection with this code and text; confirms it and waits for the end of the socket. */
  async refused(code: number, text: string | RegExp, classId?: number, methodId?: number): Promise<Arrival> {
    const close = await this.inbox(0).next('connection.close', (arrival) => arrival.name !== 'connection.blocked')
    assert.equal(close.name, 'connection.close', describeArrival(close))
    checkReply(close, code, text, classId, methodId)
    this.send('connection.close-ok')
    await this.closed()
    return close
  }

  /** Resolves when the socket has ended. */
  closed(patienceMs = PATIENCE_MS): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the broker did not close the socket within ${patienceMs} ms`)),
        patienceMs,
      )
      this.#closedWaiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Resolves with the next heartbeat frame. */
  heartbeat(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no heartbeat within ${PATIENCE_MS} ms`)), PATIENCE_MS)
      this.#heartbeatWaiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Closes the connection by the book. */
  async close(): Promise<void> {
    this.send('connection.close', { replyCode: 200, replyText: 'bye' })
    await this.expect('connection.close-ok')
    this.socket.end()
    await this.closed()
  }

  /** Drops the socket. */
  destroy(): void {
    this.socket.destroy()
  }

  inbox(channel: number): Inbox {
    let inbox = this.#inboxes.get(channel)
    if (inbox === undefined) {
      inbox = new Inbox()
      this.#inboxes.set(channel, inbox)
      if (this.#failure !== undefined) inbox.end(this.#failure)
    }
    return inbox
  }

  #onClose(): void {
    this.#closed = true
    this.#fail(new Error('the connection ended'))
    for (const waiter of this.#closedWaiters.splice(0)) waiter()
  }

  #fail(reason: Error, spared?: number): void {
    this.#failure ??= reason
    for (const [channel, inbox] of this.#inboxes) if (channel !== spared) inbox.end(reason)
  }

  #onBytes(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    if (this.#pending.length >= 8 && this.#pending.subarray(0, 4).equals(PROTOCOL_HEADER.subarray(0, 4))) {
      this.greeting = Buffer.from(this.#pending.subarray(0, 8))
      this.#pending = this.#pending.subarray(8)
    }
    while (this.#pending.length >= FRAME_HEAD_BYTES) {
      const end = FRAME_HEAD_BYTES + this.#pending.readUInt32BE(3)
      if (this.#pending.length <= end) return
      const type = this.#pending.readUInt8(0)
      const channel = this.#pending.readUInt16BE(1)
      const payload = Buffer.from(this.#pending.subarray(FRAME_HEAD_BYTES, end))
      assert.equal(this.#pending.readUInt8(end), 0xce, 'the broker ended a frame with another octet')
      assert.ok(this.frameMax === 0 || end + 1 <= this.frameMax, `the broker sent a frame of ${end + 1} octets`)
      this.#pending = this.#pending.subarray(end + 1)
      this.#onFrame(type, channel, payload)
    }
  }

  #onFrame(type: number, channel: number, payload: Buffer): void {
    if (type === HEARTBEAT) {
      this.heartbeats++
      for (const waiter of this.#heartbeatWaiters.splice(0)) waiter()
      return
    }
    if (type === METHOD) {
      this.#onMethod(channel, payload)
      return
    }
    const partial = this.#partials.get(channel)
    assert.ok(partial !== undefined, 'the broker sent content without a method')
    if (type === HEADER) {
      const header = decodeHeader(payload)
      partial.headerPayload = payload
      partial.bodySize = header.bodySize
      partial.properties = header.properties
    } else {
      assert.equal(type, BODY)
      assert.ok(payload.length > 0, 'the broker sent an empty body frame')
      partial.parts.push(payload)
      partial.received += payload.length
    }
    if (partial.headerPayload !== undefined && partial.received >= partial.bodySize) this.#onContent(channel, partial)
  }

  #onMethod(channel: number, payload: Buffer): void {
    assert.ok(!this.#partials.has(channel), 'the broker sent a method inside a content')
    const { row, args } = decodeMethod(payload)
    if (row.hasContent) {
      const partial = {
        name: row.name,
        args,
        headerPayload: undefined,
        bodySize: 0,
        properties: {},
        parts: [],
        received: 0,
      }
      this.#partials.set(channel, partial)
      return
    }
    const arrival = { name: row.name, args, ...NO_CONTENT }
    this.inbox(channel).push(arrival)
    if (row.name === 'connection.close') this.#fail(new Error(`the broker closed: ${describeArrival(arrival)}`), 0)
  }

  #onContent(channel: number, partial: Partial): void {
    this.#partials.delete(channel)
    this.inbox(channel).push({
      name: partial.name,
      args: partial.args,
      properties: partial.properties,
      headers: (partial.properties.headers ?? {}) as Table,
      body: Buffer.concat(partial.parts),
      headerPayload: partial.headerPayload ?? Buffer.alloc(0),
      bodyFrames: partial.parts.map((part) => part.length),
    })
  }
}

const NO_CONTENT = {
  properties: {},
  headers: {},
  body: Buffer.alloc(0),
  headerPayload: Buffer.alloc(0),
  bodyFrames: [],
} as const

async function expectNext(inbox: Inbox, name: string): Promise<Arrival> {
  const arrival = await inbox.next(name, () => true)
  if (arrival.name !== name) assert.fail(`waited for ${name}, got ${describeArrival(arrival)}${inbox.describe()}`)
  return arrival
}

function checkReply(close: Arrival, code: number, text: string | RegExp, classId?: number, methodId?: number): void {
  const said = String(close.args.replyText)
  // A reply text longer than a short string is cut to 252 octets and three dots.
  if (typeof text === 'string') assert.equal(said, text.length > 255 ? `${text.slice(0, 252)}...` : text)
  else assert.match(said, text)
  assert.equal(close.args.replyCode, code, said)
  if (classId !== undefined) {
    assert.deepEqual([close.args.classId, close.args.methodId], [classId, methodId ?? 0], 'failing method')
  }
}

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

/** Yields between two looks at a condition. */
export function pause(ms = 4): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Repeats a check until it passes, at most for the usual patience. */
export async function eventually(check: () => Promise<void> | void, patienceMs = PATIENCE_MS): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; ) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await pause()
  }
}
