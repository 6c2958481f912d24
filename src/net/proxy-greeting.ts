/**
 * The PROXY header at the start of every connection of a server: read before anybody else sees the connection.
 *
 * It stands between a server of Node's (TCP, TLS, HTTP) and that server's own handling of connections. Connections that
 * have not sent the header are bounded in time and bytes, and refused without one.
 */
import net from 'node:net'
import type { Logger } from '../base/log.ts'
import { TimerEntry, type TimerOwner, type TimerWheel } from '../base/timer-wheel.ts'
import { PROXY_HEADER_BYTES_MAX, type ProxyHeader, type ProxySource, readProxyHeader } from './proxy-protocol.ts'

/** What a server's listener for connections looks like. */
type OnConnection = (socket: net.Socket) => void

/** How a greeting goes. */
export interface ProxyGreetingOptions {
  /** Of the listener, for the log. */
  readonly name: string
  readonly times: GreetingTimes
  readonly logger: Logger
}

/** How long a header may take, from the connection to its last byte. */
export interface GreetingTimes {
  readonly timeoutMs: number
  readonly timers: TimerWheel
  /** Told of each connection whose header did not come in time. */
  onTimeout(): void
}

/** A connection whose header has not come: runs out when its time does. */
class Patience implements TimerOwner {
  readonly entry = new TimerEntry(this)
  readonly #runOut: () => void

  constructor(runOut: () => void) {
    this.#runOut = runOut
  }

  onTimer(): void {
    this.#runOut()
  }
}

/** One per server that expects the header. */
export class ProxyGreeting {
  readonly #options: ProxyGreetingOptions
  /** Connections whose header has not come. */
  readonly #waiting = new Set<net.Socket>()
  readonly #sources = new WeakMap<net.Socket, ProxySource>()

  /** Puts itself in front of the server. */
  constructor(server: net.Server, options: ProxyGreetingOptions) {
    this.#options = options
    // The server's own, which it had before anybody could add another.
    const handlers = server.listeners('connection') as OnConnection[]
    server.removeAllListeners('connection')
    server.on('connection', (socket: net.Socket) => {
      this.#await(socket, () => {
        for (const handle of handlers) handle.call(server, socket)
      })
    })
  }

  /** Whose connection it is; undefined when the proxy spoke for itself. Also for the TLS connection on top. */
  sourceOf(socket: net.Socket): ProxySource | undefined {
    return this.#sources.get(socket) ?? this.#sources.get(rawOf(socket))
  }

  /** Drops connections whose header has not come. */
  close(): void {
    for (const socket of this.#waiting) socket.destroy()
  }

  #await(socket: net.Socket, proceed: () => void): void {
    const { name, times, logger } = this.#options
    let collected: Buffer = Buffer.alloc(0)
    this.#waiting.add(socket)
    const stop = (reason: string) => {
      logger.notice(`${name}: connection of ${socket.remoteAddress} refused: ${reason}`)
      socket.destroy()
    }
    const patience = new Patience(() => {
      times.onTimeout()
      stop('no PROXY header in time')
    })
    // Not the socket's own time, which a byte now and then prolongs.
    times.timers.schedule(patience.entry, times.timers.clock.nowMs() + times.timeoutMs)
    // Read on demand, not by `data`: the stream then goes to its owner as if nobody had touched it.
    const onReadable = () => {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
        collected = collected.length === 0 ? chunk : Buffer.concat([collected, chunk])
        const header = readProxyHeader(collected)
        if (header.kind === 'invalid') return stop(header.reason)
        if (header.kind === 'header') return onHeader(header)
        if (collected.length > PROXY_HEADER_BYTES_MAX) return stop('PROXY header too long')
      }
    }
    const onHeader = ({ byteCount, source }: Extract<ProxyHeader, { kind: 'header' }>) => {
      socket.removeListener('readable', onReadable)
      times.timers.cancel(patience.entry)
      this.#waiting.delete(socket)
      if (source !== null) this.#sources.set(socket, source)
      if (byteCount < collected.length) socket.unshift(collected.subarray(byteCount))
      proceed()
    }
    // Nobody else listens yet, and an error without a listener would end the process.
    socket.on('error', (error) => logger.debug(`${name}: ${error.message}`, { error }))
    socket.on('close', () => {
      times.timers.cancel(patience.entry)
      this.#waiting.delete(socket)
    })
    socket.on('readable', onReadable)
  }
}

/** The TCP socket under a TLS one, which Node keeps in a field of no official name. */
function rawOf(socket: net.Socket): net.Socket {
  const parent = (socket as net.Socket & { readonly _parent?: unknown })._parent
  return parent instanceof net.Socket ? parent : socket
}
