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
import { PROXY_HEADER_BYTES_MAX, type ProxySource, readProxyHeader } from './proxy-protocol.ts'
import { refusesPeer, type TlsSettings, tlsFacts, tlsServerOptions } from './tls.ts'
import type { Transport } from './transport.ts'

/** Where and how to listen. */
export interface ListenerOptions {
  /** For the log and the ready file: `amqp`, `amqps`, … */
  readonly name: string
  /** Empty: all interfaces, IPv6 and IPv4. */
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly backlog: number
  readonly tls: TlsSettings | null
  readonly proxyProtocol: boolean
  /** How long a PROXY header may take. */
  readonly proxyHeaderTimeoutMs: number
}

/** Takes a new connection. */
export type TransportAcceptor = (transport: Transport) => void

/** One listening port. */
export class Listener {
  readonly name: string
  readonly #options: ListenerOptions
  readonly #server: net.Server
  readonly #tlsServer: tls.Server | null
  readonly #accept: TransportAcceptor
  readonly #logger: Logger
  /** What the proxy said about a connection whose TLS handshake is under way. */
  readonly #sources = new WeakMap<net.Socket, ProxySource>()
  /** Not yet handed to the protocol. */
  readonly #greeting = new Set<net.Socket>()
  #port = 0

  constructor(options: ListenerOptions, accept: TransportAcceptor, logger: Logger) {
    this.name = options.name
    this.#options = options
    this.#accept = accept
    this.#logger = logger
    this.#server = net.createServer({ noDelay: true, allowHalfOpen: false }, (socket) => this.#onRaw(socket))
    this.#tlsServer = options.tls === null ? null : this.#createTlsServer(options.tls)
  }

  /** The port in use. */
  get port(): number {
    return this.#port
  }

  get host(): string {
    return this.#options.host
  }

  /** Resolves when it listens; rejects when it cannot. */
  listen(): Promise<void> {
    const { host, port, backlog } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, backlog, ...(host === '' ? {} : { host }) }, () => {
        this.#server.removeListener('error', reject)
        this.#server.on('error', (error) => this.#logger.error(`listener ${this.name}: ${error.message}`, { error }))
        const address = this.#server.address()
        if (typeof address === 'object' && address !== null) this.#port = address.port
        resolve()
      })
    })
  }

  /** Stops accepting. Resolves at once: it does not wait for the connections that it accepted. */
  close(): Promise<void> {
    for (const socket of this.#greeting) socket.destroy()
    this.#server.close()
    return Promise.resolve()
  }

  #onRaw(socket: net.Socket): void {
    // Nobody else listens yet, and an error without a listener would end the process.
    socket.on('error', (error) => this.#logger.debug(`${this.name}: ${error.message}`, { error }))
    if (this.#options.proxyProtocol) this.#awaitProxyHeader(socket)
    else this.#continue(socket)
  }

  #continue(socket: net.Socket): void {
    if (this.#tlsServer === null) this.#accept(new NodeTransport(socket, this.#ends(socket, null)))
    else this.#tlsServer.emit('connection', socket)
  }

  #createTlsServer(settings: TlsSettings): tls.Server {
    const server = tls.createServer(tlsServerOptions(settings), (socket) => {
      const refusal = refusesPeer(settings, socket)
      if (refusal === undefined) this.#accept(new NodeTransport(socket, this.#ends(socket, socket)))
      else {
        this.#logger.notice(`${this.name}: certificate of ${socket.remoteAddress} refused: ${refusal}`)
        socket.destroy()
      }
    })
    server.on('tlsClientError', (error, socket) => {
      this.#logger.notice(`${this.name}: TLS handshake with ${socket.remoteAddress} failed: ${error.message}`)
      socket.destroy()
    })
    return server
  }

  #awaitProxyHeader(socket: net.Socket): void {
    let collected: Buffer = Buffer.alloc(0)
    this.#greeting.add(socket)
    const stop = (reason: string) => {
      this.#logger.notice(`${this.name}: connection of ${socket.remoteAddress} refused: ${reason}`)
      socket.destroy()
    }
    const onTimeout = () => stop('no PROXY header in time')
    const onData = (chunk: Buffer) => {
      collected = collected.length === 0 ? chunk : Buffer.concat([collected, chunk])
      const header = readProxyHeader(collected)
      if (header.kind === 'invalid') stop(header.reason)
      else if (header.kind === 'header') {
        socket.removeListener('data', onData)
        socket.removeListener('timeout', onTimeout)
        socket.setTimeout(0)
        socket.pause()
        this.#greeting.delete(socket)
        if (header.source !== null) this.#sources.set(socket, header.source)
        if (header.byteCount < collected.length) socket.unshift(collected.subarray(header.byteCount))
        this.#continue(socket)
      } else if (collected.length > PROXY_HEADER_BYTES_MAX) stop('PROXY header too long')
    }
    socket.setTimeout(this.#options.proxyHeaderTimeoutMs, onTimeout)
    socket.on('close', () => this.#greeting.delete(socket))
    socket.on('data', onData)
  }

  #ends(socket: net.Socket, secured: tls.TLSSocket | null): Transport['ends'] {
    const source = this.#sources.get(socket) ?? this.#sources.get(rawOf(socket))
    const peerHost = source?.peerHost ?? plainHost(socket.remoteAddress)
    return {
      peerHost,
      peerPort: source?.peerPort ?? socket.remotePort ?? 0,
      host: source?.host ?? plainHost(socket.localAddress),
      port: source?.port ?? socket.localPort ?? 0,
      isLoopback: isLoopback(peerHost),
      tls: secured === null ? null : tlsFacts(secured),
    }
  }
}

/** The TCP socket under a TLS one, which Node keeps in a field of no official name. */
function rawOf(socket: net.Socket): net.Socket {
  return (socket as net.Socket & { readonly _parent?: net.Socket | null })._parent ?? socket
}

/** IPv4 addresses as such, also on a socket for both. */
export function plainHost(host: string | undefined): string {
  if (host === undefined) return ''
  return host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host
}

/** Whether an address is of this machine. */
export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.')
}
