/**
 * One AMQP 0-9-1 connection of the load tool: handshake and declarations through the codec, then frames as fast as
 * possible. What a connection does once it is open (produce or consume) is its role's business.
 * Errors end the connection and are reported once, in words.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { decodeMethod, encodeMethod, HEARTBEAT, type MethodInput, readMethodId } from '../../protocols/amqp091/codec.ts'
import { fromPlain, type PlainValue } from '../../protocols/amqp091/field-values.ts'
import { FrameReader } from '../../protocols/amqp091/frame-reader.ts'
import {
  BASIC_CONSUME,
  BASIC_QOS,
  CHANNEL_CLOSE,
  CHANNEL_OPEN,
  CONFIRM_SELECT,
  CONNECTION_BLOCKED,
  CONNECTION_CLOSE,
  CONNECTION_CLOSE_OK,
  CONNECTION_OPEN,
  CONNECTION_OPEN_OK,
  CONNECTION_START,
  CONNECTION_START_OK,
  CONNECTION_TUNE,
  CONNECTION_TUNE_OK,
  CONNECTION_UNBLOCKED,
  EXCHANGE_DECLARE,
  FRAME_BODY,
  FRAME_HEADER,
  FRAME_METHOD,
  type MethodId,
  PROTOCOL_HEADER,
  QUEUE_BIND,
  QUEUE_DECLARE,
  QUEUE_DELETE,
} from '../../protocols/amqp091/spec.ts'
import type { LoadPlan } from './plan.ts'

/** The one channel that each connection uses. */
export const CHANNEL = 1
const CONNECT_MS_MAX = 10_000
const DEFAULT_PORT = 5672
const DEFAULT_TLS_PORT = 5671
const FRAME_BYTES_BEFORE_TUNING = 131_072

/** What a connection tells its role. Ranges are borrowed until return. */
export interface LoadRole {
  onMethod(id: number, bytes: Buffer, start: number, end: number): void
  onHeader(bytes: Buffer, start: number, end: number): void
  onBody(bytes: Buffer, start: number, end: number): void
  /** The socket took everything that it was given. */
  onDrain(): void
  /** The broker asks to pause, or says that it may go on. */
  onBlocked(blocked: boolean): void
  onFailure(reason: string): void
}

type Waiter = { readonly resolve: () => void; readonly reject: (error: Error) => void }

export class LoadConnection {
  readonly #socket: Socket
  readonly #reader: FrameReader
  readonly #url: URL
  #role: LoadRole | null = null
  #waiting: Waiter | null = null
  #closing = false
  frameBytesMax = FRAME_BYTES_BEFORE_TUNING

  private constructor(url: URL, socket: Socket) {
    this.#url = url
    this.#socket = socket
    this.#reader = new FrameReader({ onFrame: (...frame) => this.#onFrame(...frame) }, FRAME_BYTES_BEFORE_TUNING)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#feed(chunk))
    socket.on('drain', () => this.#role?.onDrain())
    socket.on('error', (error) => this.#fail(error.message))
    socket.on('close', () => this.#fail('the broker closed the connection'))
  }

  /** Connects, signs in and opens the channel. Rejects with a sentence. */
  static async open(address: string, tlsVerify: boolean): Promise<LoadConnection> {
    const url = new URL(address)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const secure = url.protocol === 'amqps:'
    const port = Number(url.port) || (secure ? DEFAULT_TLS_PORT : DEFAULT_PORT)
    const socket = secure
      ? connectTls({ host, port, rejectUnauthorized: tlsVerify, servername: host })
      : connectTcp({ host, port })
    const connection = new LoadConnection(url, socket)
    const timer = setTimeout(() => connection.#fail(`no answer within ${CONNECT_MS_MAX} ms`), CONNECT_MS_MAX)
    try {
      await connection.#wait(() => socket.write(Buffer.from(PROTOCOL_HEADER)))
      await connection.call(CHANNEL_OPEN, {})
    } finally {
      clearTimeout(timer)
    }
    return connection
  }

  /** Sends a method on the channel and resolves with its answer; rejects when the broker closes instead. */
  call<Id extends MethodId>(id: Id, args: MethodInput<Id>): Promise<void> {
    return this.#wait(() => this.#send(id, CHANNEL, args))
  }

  async declare(plan: LoadPlan, queue: string, routingKey: string): Promise<void> {
    const none = new Map()
    await this.call(QUEUE_DECLARE, {
      queue,
      passive: false,
      durable: plan.queueDurable,
      exclusive: false,
      autoDelete: false,
      noWait: false,
      arguments: fromPlain(plan.queueArguments as Record<string, PlainValue>),
    })
    if (plan.exchange === '') return
    if (!plan.exchange.startsWith('amq.')) {
      await this.call(EXCHANGE_DECLARE, {
        exchange: plan.exchange,
        type: plan.exchangeType,
        passive: false,
        durable: plan.queueDurable,
        autoDelete: false,
        internal: false,
        noWait: false,
        arguments: none,
      })
    }
    await this.call(QUEUE_BIND, { queue, exchange: plan.exchange, routingKey, noWait: false, arguments: none })
  }

  /** Switches to confirms. */
  confirms(): Promise<void> {
    return this.call(CONFIRM_SELECT, { noWait: false })
  }

  async consume(plan: LoadPlan, queue: string, role: LoadRole): Promise<void> {
    if (plan.prefetch > 0) await this.call(BASIC_QOS, { prefetchSize: 0, prefetchCount: plan.prefetch, global: false })
    this.#role = role
    const none = new Map()
    const flags = { noLocal: false, noAck: plan.autoAck, exclusive: false, noWait: false }
    await this.call(BASIC_CONSUME, { queue, consumerTag: 'perf', ...flags, arguments: none })
  }

  deleteQueue(queue: string): Promise<void> {
    return this.call(QUEUE_DELETE, { queue, ifUnused: false, ifEmpty: false, noWait: false })
  }

  /** From now on frames go to the role. */
  serve(role: LoadRole): void {
    this.#role = role
  }

  /** Writes encoded frames; `written` is called when the socket no longer needs the bytes. False: wait for `onDrain`. */
  write(bytes: Buffer, written?: () => void): boolean {
    return this.#socket.write(bytes, written)
  }

  /** Says goodbye; does not wait. */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.#socket.end(encodeMethod(CONNECTION_CLOSE, 0, { replyCode: 200, replyText: 'done', classId: 0, methodId: 0 }))
    this.#socket.resume()
  }

  // Input

  #feed(chunk: Buffer): void {
    try {
      this.#reader.feed(chunk)
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    }
  }

  #onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): void {
    if (type === FRAME_METHOD) this.#onMethod(readMethodId(bytes, start), channel, bytes, start, end)
    else if (type === FRAME_HEADER) this.#role?.onHeader(bytes, start, end)
    else if (type === FRAME_BODY) this.#role?.onBody(bytes, start, end)
    else this.#socket.write(HEARTBEAT)
  }

  #onMethod(id: number, channel: number, bytes: Buffer, start: number, end: number): void {
    switch (id) {
      case CONNECTION_START:
        return this.#signIn()
      case CONNECTION_TUNE:
        return this.#tune(decodeMethod(CONNECTION_TUNE, bytes, start, end))
      case CONNECTION_OPEN_OK:
        return this.#answer()
      case CONNECTION_BLOCKED:
        return this.#role?.onBlocked(true)
      case CONNECTION_UNBLOCKED:
        return this.#role?.onBlocked(false)
      case CONNECTION_CLOSE: {
        const { replyText } = decodeMethod(CONNECTION_CLOSE, bytes, start, end)
        this.#socket.write(encodeMethod(CONNECTION_CLOSE_OK, 0))
        return this.#fail(replyText)
      }
      case CONNECTION_CLOSE_OK:
        return
      case CHANNEL_CLOSE:
        return this.#fail(decodeMethod(CHANNEL_CLOSE, bytes, start, end).replyText)
      default:
        if (channel === CHANNEL && this.#waiting !== null && isAnswer(id)) this.#answer()
        else this.#role?.onMethod(id, bytes, start, end)
    }
  }

  #signIn(): void {
    const user = decodeURIComponent(this.#url.username) || 'guest'
    const password = decodeURIComponent(this.#url.password) || 'guest'
    const clientProperties = fromPlain({
      product: 'warren perf',
      capabilities: { 'connection.blocked': true, authentication_failure_close: true },
    })
    const response = `\0${user}\0${password}`
    this.#send(CONNECTION_START_OK, 0, { clientProperties, mechanism: 'PLAIN', response, locale: 'en_US' })
  }

  #tune(offer: { readonly channelMax: number; readonly frameMax: number }): void {
    this.frameBytesMax = offer.frameMax === 0 ? FRAME_BYTES_BEFORE_TUNING : offer.frameMax
    this.#reader.frameBytesMax = offer.frameMax
    this.#send(CONNECTION_TUNE_OK, 0, { channelMax: offer.channelMax, frameMax: offer.frameMax, heartbeat: 0 })
    const path = this.#url.pathname.slice(1)
    this.#send(CONNECTION_OPEN, 0, { virtualHost: path === '' ? '/' : decodeURIComponent(path) })
  }

  #send<Id extends MethodId>(id: Id, channel: number, args: MethodInput<Id>): void {
    const encode = encodeMethod as (id: MethodId, channel: number, args: unknown) => Buffer
    this.#socket.write(encode(id, channel, args))
  }

  #wait(act: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      act()
    })
  }

  #answer(): void {
    const waiter = this.#waiting
    this.#waiting = null
    waiter?.resolve()
  }

  #fail(reason: string): void {
    if (this.#closing) return
    this.#closing = true
    this.#socket.destroy()
    this.#waiting?.reject(new Error(reason))
    this.#waiting = null
    this.#role?.onFailure(reason)
  }
}

/** Whether a method answers one of the tool's calls: their answers are numbered one above the request. */
function isAnswer(id: number): boolean {
  const requests: readonly number[] = [
    CHANNEL_OPEN,
    QUEUE_DECLARE,
    EXCHANGE_DECLARE,
    QUEUE_BIND,
    QUEUE_DELETE,
    BASIC_QOS,
    BASIC_CONSUME,
    CONFIRM_SELECT,
  ]
  return requests.includes(id - 1)
}
