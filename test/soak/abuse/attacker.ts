// An AMQP connection that misbehaves: writes whatever it is told without waiting, counts what comes back, and may stop
// reading. As light as ten thousand of them in one process need.
import net from 'node:net'
import { FrameReader, type FrameSink } from '../../../src/protocols/amqp091/frame-reader.ts'
import { PROTOCOL_HEADER } from '../../support/wire-client.ts'
import {
  BODY,
  decodeMethod,
  encodeHeader,
  encodeMethod,
  frame,
  HEADER,
  METHOD,
  type Table,
} from '../../support/wire-codec.ts'

/** Nothing that a scenario waits for takes longer, also on a busy machine. */
export const PATIENCE_MS = 120_000
const FRAME_BYTES_MAX = 131_072

/** Who connects, and how. */
export interface AttackerOptions {
  readonly user?: string
  readonly password?: string
  readonly heartbeat?: number
  /** A loopback address of its own: another source. */
  readonly from?: string
}

/** One frame of a method. */
export function methodFrame(channel: number, name: string, args: Table = {}): Buffer {
  return frame(METHOD, channel, encodeMethod(name, args))
}

/** The frames of a publish with a body. */
export function publishFrames(
  channel: number,
  exchange: string,
  routingKey: string,
  body: Buffer,
  properties: Table = {},
): Buffer {
  const parts = [
    methodFrame(channel, 'basic.publish', { exchange, routingKey }),
    frame(HEADER, channel, encodeHeader(body.length, properties)),
  ]
  for (let at = 0; at < body.length; at += FRAME_BYTES_MAX - 8) {
    parts.push(frame(BODY, channel, body.subarray(at, at + FRAME_BYTES_MAX - 8)))
  }
  return Buffer.concat(parts)
}

/** All of a handshake at once. */
function handshake({ user, password, heartbeat }: AttackerOptions): Buffer {
  return Buffer.concat([
    PROTOCOL_HEADER,
    methodFrame(0, 'connection.start-ok', {
      clientProperties: { capabilities: { authentication_failure_close: true, 'connection.blocked': true } },
      mechanism: 'PLAIN',
      response: `\0${user ?? 'guest'}\0${password ?? 'guest'}`,
      locale: 'en_US',
    }),
    methodFrame(0, 'connection.tune-ok', { channelMax: 2_047, frameMax: FRAME_BYTES_MAX, heartbeat: heartbeat ?? 0 }),
    methodFrame(0, 'connection.open', { virtualHost: '/' }),
  ])
}

/** One connection. */
export class Attacker implements FrameSink {
  readonly socket: net.Socket
  readonly #reader = new FrameReader(this, 0)
  readonly #counts = new Map<number, number>()
  #wake: () => void = () => undefined
  /** Why the broker closed the connection or a channel, last. */
  closeCode = 0
  isClosed = false

  private constructor(socket: net.Socket) {
    this.socket = socket
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

  /** Connects, and sends a handshake without waiting for it. */
  static async start(port: number, options: AttackerOptions = {}): Promise<Attacker> {
    const attacker = await Attacker.connect(port, options.from)
    attacker.socket.write(handshake(options))
    return attacker
  }

  /** Connects and waits until the connection is open. */
  static async open(port: number, options: AttackerOptions = {}): Promise<Attacker> {
    const attacker = await Attacker.start(port, options)
    await attacker.until(() => attacker.count(10, 41) > 0, 'connection.open-ok')
    return attacker
  }

  /** Connects alone. */
  static connect(port: number, from?: string): Promise<Attacker> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: '127.0.0.1', port, ...(from === undefined ? {} : { localAddress: from }) })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Attacker(socket))
      })
    })
  }

  onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): void {
    if (type !== METHOD) return
    const id = bytes.readUInt32BE(start)
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1)
    if (id !== 0x0014_0028 && id !== 0x000a_0032) return
    this.closeCode = Number(decodeMethod(Buffer.from(bytes.subarray(start, end))).args.replyCode)
    this.send(channel, channel === 0 ? 'connection.close-ok' : 'channel.close-ok')
  }

  /** Methods of this kind that have come. */
  count(classId: number, methodId: number): number {
    return this.#counts.get(classId * 65_536 + methodId) ?? 0
  }

  send(channel: number, name: string, args: Table = {}): void {
    this.write(methodFrame(channel, name, args))
  }

  write(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  /** As `write`, and resolves when the system has taken it, or the connection has ended. */
  async flush(bytes: Buffer): Promise<void> {
    if (this.socket.destroyed || this.socket.write(bytes)) return
    await new Promise<void>((resolve) => {
      const done = () => {
        this.socket.off('drain', done)
        this.socket.off('close', done)
        resolve()
      }
      this.socket.on('drain', done)
      this.socket.on('close', done)
    })
  }

  /** Waits for a condition, which is looked at whenever something comes. */
  async until(holds: () => boolean, what: string, patienceMs = PATIENCE_MS): Promise<void> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#wake()
    }, patienceMs)
    while (!holds() && !isLate && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    clearTimeout(timer)
    if (!holds()) throw new Error(`${this.isClosed ? `closed (${this.closeCode})` : 'late'}: ${what}`)
  }

  /** Waits until the broker has closed it. */
  closed(patienceMs = PATIENCE_MS): Promise<void> {
    return this.until(() => this.isClosed, 'the end of the connection', patienceMs)
  }

  /** Goes without a goodbye. */
  drop(): void {
    this.socket.destroy()
  }
}
