/**
 * A port that accepts connections, with or without TLS, with or without the PROXY protocol before it.
 *
 * It turns each connection into a transport and hands that to the protocol; it keeps what has not got that far (TLS
 * handshakes, PROXY headers) bounded in time. `close` stops accepting: connections are their protocol's to end.
 */
import net from 'node:net'
import tls from 'node:tls'
import type { Logger } from '../base/log.ts'
import { NodeTransport } from './node-transport.ts'
import { Port, type PortOptions } from './port.ts'
import { type GreetingTimes, ProxyGreeting } from './proxy-greeting.ts'
import { socketEnds } from './socket-ends.ts'
import type { TlsContext } from './tls-context.ts'
import type { Transport } from './transport.ts'

/** Where and how to listen. */
export interface ListenerOptions extends PortOptions {
  /** Send small packets at once. */
  readonly noDelay: boolean
  /** Send TCP's own probes. */
  readonly keepAlive: boolean
  readonly tls: TlsContext | null
  readonly proxyProtocol: boolean
  /** Of PROXY headers. */
  readonly greetingTimes: GreetingTimes
}

/** Takes a new connection. */
export type TransportAcceptor = (transport: Transport) => void

/** One listening port. */
export class Listener {
  readonly port: Port
  readonly #options: ListenerOptions
  readonly #server: net.Server
  readonly #greeting: ProxyGreeting | null

  constructor(options: ListenerOptions, accept: TransportAcceptor, logger: Logger) {
    const { name, noDelay, keepAlive, tls: context } = options
    this.#options = options
    const socketOptions = { noDelay, keepAlive, allowHalfOpen: false }
    const onSocket = (socket: net.Socket) => this.#onSocket(socket, accept)
    this.#server =
      context === null
        ? net.createServer(socketOptions, onSocket)
        : tls.createServer({ ...socketOptions, ...context.options }, onSocket)
    // What the compiler cannot know: with a context it is a TLS server.
    context?.attach(this.#server as tls.Server, name, logger)
    this.port = new Port(this.#server, options, logger)
    this.#greeting = options.proxyProtocol
      ? new ProxyGreeting(this.#server, { name, times: options.greetingTimes, logger })
      : null
  }

  /** Stops accepting. Resolves at once: it does not wait for the connections that it accepted. */
  close(): Promise<void> {
    this.#greeting?.close()
    this.#server.close()
    return Promise.resolve()
  }

  #onSocket(socket: net.Socket, accept: TransportAcceptor): void {
    if (socket.destroyed) return
    const { tls: context, proxyProtocol } = this.#options
    const ends = socketEnds(socket, this.#greeting?.sourceOf(socket))
    accept(
      context === null && !proxyProtocol ? NodeTransport.ofAccepted(socket, ends) : new NodeTransport(socket, ends),
    )
  }
}
