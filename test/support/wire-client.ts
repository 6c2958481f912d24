// A thin AMQP 0-9-1 client for tests: sends any method, frame or bytes, and awaits exact answers. Every wait is bounded
// and, when it fails, says what came instead. It hides nothing: no recovery, no defaults beyond zero and empty.
import assert from 'node:assert/strict'
import net from 'node:net'
import { WireChannel } from './wire-channel.ts'
import {
  BODY,
  decodeHeader,
  decodeMethod,
  encodeMethod,
  frame,
  HEADER,
  HEARTBEAT,
  METHOD,
  type Table,
} from './wire-codec.ts'
import { type Arrival, checkReply, describeArrival, expectNext, Inbox, PATIENCE_MS } from './wire-inbox.ts'

const FRAME_HEAD_BYTES = 7

/** The greeting of AMQP 0-9-1. */
export const PROTOCOL_HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])

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
