// An AMQP connection of the stateful fuzzer: sends methods, keeps what comes, and waits patiently for one of several answers.
import net from 'node:net'
import { FrameReader, type FrameSink } from '../../../src/protocols/amqp091/frame-reader.ts'
import { PROTOCOL_HEADER } from '../../support/wire-client.ts'
import {
  BODY,
  decodeHeader,
  decodeMethod,
  encodeHeader,
  encodeMethod,
  frame,
  HEADER,
  METHOD,
  type Table,
} from '../../support/wire-codec.ts'
import { Defect } from '../fuzz-target.ts'

/** A broker that says nothing for so long hangs. */
const HANG_MS_MAX = 60_000

/** What came. */
export interface Arrival {
  readonly channel: number
  readonly name: string
  readonly args: Table
  body: string
}

/** One connection. */
export class AmqpLink implements FrameSink {
  readonly #socket: net.Socket
  readonly #reader = new FrameReader(this, 0)
  readonly #arrivals: Arrival[] = []
  readonly #partial = new Map<number, { arrival: Arrival; left: number }>()
  #wake: () => void = () => undefined
  isClosed = false

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      this.#reader.feed(chunk)
      this.#wake()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  /** A connection that is open. */
  static async open(port: number): Promise<AmqpLink> {
    const link = await new Promise<AmqpLink>((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(new AmqpLink(socket)))
      socket.once('error', reject)
    })
    link.raw(PROTOCOL_HEADER)
    await link.answer(0, 'connection.start')
    link.send(0, 'connection.start-ok', {
      clientProperties: { capabilities: { consumer_cancel_notify: true, authentication_failure_close: true } },
      mechanism: 'PLAIN',
      response: '\0guest\0guest',
      locale: 'en_US',
    })
    await link.answer(0, 'connection.tune')
    link.send(0, 'connection.tune-ok', { channelMax: 2_047, frameMax: 131_072, heartbeat: 0 })
    link.send(0, 'connection.open', { virtualHost: '/' })
    await link.answer(0, 'connection.open-ok')
    return link
  }

  onFrame(type: number, channel: number, borrowed: Buffer, start: number, end: number): void {
    const bytes = Buffer.from(borrowed.subarray(start, end))
    const partial = this.#partial.get(channel)
    if (type === METHOD) {
      const { row, args } = decodeMethod(bytes)
      const arrival = { channel, name: row.name, args, body: '' }
      if (row.hasContent) this.#partial.set(channel, { arrival, left: -1 })
      else this.#arrivals.push(arrival)
    } else if (type === HEADER && partial !== undefined) {
      partial.left = decodeHeader(bytes).bodySize
      this.#complete(channel, partial)
    } else if (type === BODY && partial !== undefined) {
      partial.arrival.body += bytes.toString('latin1')
      partial.left -= bytes.length
      this.#complete(channel, partial)
    }
  }

  #complete(channel: number, { arrival, left }: { arrival: Arrival; left: number }): void {
    if (left > 0) return
    this.#partial.delete(channel)
    this.#arrivals.push(arrival)
  }

  raw(bytes: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  send(channel: number, name: string, args: Table = {}): void {
    this.raw(frame(METHOD, channel, encodeMethod(name, args)))
  }

  publish(channel: number, args: Table, body: string, properties: Table = {}): void {
    const bytes = Buffer.from(body)
    this.send(channel, 'basic.publish', args)
    this.raw(frame(HEADER, channel, encodeHeader(bytes.length, properties)))
    if (bytes.length > 0) this.raw(frame(BODY, channel, bytes))
  }

  /** All that came of these kinds, removed. */
  taken(...names: readonly string[]): Arrival[] {
    const found = this.#arrivals.filter(({ name }) => names.includes(name))
    for (const arrival of found) this.#arrivals.splice(this.#arrivals.indexOf(arrival), 1)
    return found
  }

  /**
   * The next of these on the channel, or a close of the channel or the connection, or undefined when the socket ended.
   * Throws when nothing comes.
   */
  async answer(channel: number, ...names: readonly string[]): Promise<Arrival | undefined> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#wake()
    }, HANG_MS_MAX)
    try {
      for (;;) {
        const at = this.#arrivals.findIndex(
          (arrival) =>
            arrival.name === 'connection.close' ||
            (arrival.channel === channel && (names.includes(arrival.name) || arrival.name === 'channel.close')),
        )
        if (at >= 0) return this.#arrivals.splice(at, 1)[0]
        if (this.isClosed) return undefined
        if (isLate) throw new Defect(`no ${names.join(' or ')} on channel ${channel} in ${HANG_MS_MAX} ms`)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
    }
  }

  async closed(): Promise<void> {
    await this.answer(-1)
    while (!this.isClosed) await this.answer(-1)
  }

  drop(): void {
    this.#socket.destroy()
  }
}
