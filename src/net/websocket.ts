/**
 * WebSocket as a carrier of bytes: a listener that upgrades HTTP connections, and the transport over one of them.
 * Protocols above see a stream, whatever way it is cut into frames. [RFC 6455]
 *
 * The `ws` library does the framing and stands behind this file alone. A frame is as long as a packet may be; frames of
 * the wrong kind, path or sub-protocol end the one connection they come on.
 */

import { isUtf8 } from 'node:buffer'
import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import type tls from 'node:tls'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import type { Logger } from '../base/log.ts'
import type { TransportAcceptor } from './listener.ts'
import { isLocalRequest, isOwnPage } from './local-request.ts'
import { Port, type PortOptions } from './port.ts'
import { type GreetingTimes, ProxyGreeting } from './proxy-greeting.ts'
import { socketEnds } from './socket-ends.ts'
import type { TlsContext } from './tls-context.ts'
import type { HttpLogin, Transport, TransportEnds, TransportSink } from './transport.ts'

const NORMAL_CLOSURE = 1000
const UNSUPPORTED_DATA = 1003
/** How long a client may take from connecting to its upgrade request. */
const UPGRADE_MS_MAX = 10_000
/** Connections that have not upgraded, and are only asking. */
const UPGRADE_REQUIRED = 426

/** Where and how to listen. */
export interface WebSocketListenerOptions extends PortOptions {
  readonly tls: TlsContext | null
  readonly proxyProtocol: boolean
  /** Of PROXY headers. */
  readonly greetingTimes: GreetingTimes
  /** Path of the upgrade request. */
  readonly path: string
  /** Sub-protocols of which a client must offer one; the first of ours that is offered is taken. */
  readonly subprotocols: readonly string[]
  /** A client may also offer none at all. */
  readonly needsNoSubprotocol?: boolean
  /** Reads user and password of the request's basic authentication. */
  readonly readsHttpLogin?: boolean
  /** Origins whose pages may connect; empty: all, and those of other hosts log in by what they send alone. */
  readonly origins: readonly string[]
  readonly frameBytesMax: number
  /** What the protocol speaks: binary frames only, or text as well, which is then also sent. */
  readonly frames: 'binary' | 'text'
}

/** One listening port. */
export class WebSocketListener {
  readonly port: Port
  readonly #options: WebSocketListenerOptions
  readonly #server: http.Server
  readonly #greeting: ProxyGreeting | null
  readonly #sockets: WebSocketServer
  readonly #accept: TransportAcceptor
  readonly #logger: Logger

  constructor(options: WebSocketListenerOptions, accept: TransportAcceptor, logger: Logger) {
    this.#options = options
    this.#accept = accept
    this.#logger = logger
    const refuse: http.RequestListener = (_request, response) => {
      response.writeHead(UPGRADE_REQUIRED, { connection: 'close', upgrade: 'websocket' }).end()
    }
    const { name, tls: context } = options
    this.#server = context === null ? http.createServer(refuse) : https.createServer(context.options, refuse)
    // What the compiler cannot know: with a context it is a TLS server.
    context?.attach(this.#server as unknown as tls.Server, name, logger)
    this.port = new Port(this.#server, options, logger)
    this.#greeting = options.proxyProtocol
      ? new ProxyGreeting(this.#server, { name, times: options.greetingTimes, logger })
      : null
    this.#server.headersTimeout = UPGRADE_MS_MAX
    this.#server.requestTimeout = UPGRADE_MS_MAX
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket as net.Socket, head))
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: options.frameBytesMax,
      handleProtocols: (offered) => options.subprotocols.find((name) => offered.has(name)) ?? false,
    })
  }

  /** Stops accepting. Connections are their protocol's to end. */
  close(): Promise<void> {
    this.#greeting?.close()
    this.#server.close()
    this.#server.closeIdleConnections()
    return Promise.resolve()
  }

  #onUpgrade(request: http.IncomingMessage, socket: net.Socket, head: Buffer): void {
    // Nobody else listens yet, and an error without a listener would end the process.
    socket.on('error', (error) => this.#logger.debug(`${this.port.name}: ${error.message}`, { error }))
    const refusal = this.#refuses(request)
    if (refusal !== undefined) {
      this.#logger.info(`${this.port.name}: ${socket.remoteAddress} refused: ${refusal}`)
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    socket.setNoDelay(true)
    const ends = this.#ends(request, socket)
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#accept(new WebSocketTransport(webSocket, socket, ends, this.#options.frames))
    })
  }

  /** Browsers show the certificate and the password of their user for pages of any site: those must be named to come in by them. */
  #ends({ headers }: http.IncomingMessage, socket: net.Socket): TransportEnds {
    const { origins, readsHttpLogin } = this.#options
    const found = socketEnds(socket, this.#greeting?.sourceOf(socket))
    const isLoopback = found.isLoopback && isLocalRequest(headers)
    const isKnown = isOwnPage(headers) || origins.includes(headers.origin ?? '')
    if (!isKnown) return { ...found, isLoopback, tls: found.tls && { ...found.tls, peerCertificate: null } }
    const login = readsHttpLogin === true ? httpLogin(headers.authorization) : undefined
    return { ...found, isLoopback, ...(login !== undefined && { httpLogin: login }) }
  }

  /** The status line that says why this request is not upgraded, or undefined. */
  #refuses({ url, headers }: http.IncomingMessage): string | undefined {
    const { path, subprotocols, origins } = this.#options
    if ((url ?? '').split('?', 1)[0] !== path) return '404 Not Found'
    // Programs send no origin; browsers always do.
    if (origins.length > 0 && headers.origin !== undefined && !origins.includes(headers.origin)) return '403 Forbidden'
    const names = headers['sec-websocket-protocol']
    const isWithout = names === undefined && this.#options.needsNoSubprotocol === true
    const offered = (names ?? '').split(',').map((name) => name.trim())
    const isOffered = isWithout || offered.some((name) => subprotocols.includes(name))
    return isOffered ? undefined : '400 Bad Request'
  }
}

/** A transport over one WebSocket. */
export class WebSocketTransport implements Transport {
  readonly ends: TransportEnds
  readonly #webSocket: WebSocket
  readonly #socket: net.Socket
  readonly #frames: 'binary' | 'text'
  #error: Error | null = null

  constructor(webSocket: WebSocket, socket: net.Socket, ends: TransportEnds, frames: 'binary' | 'text') {
    this.#webSocket = webSocket
    this.#socket = socket
    this.ends = ends
    this.#frames = frames
    // Before `open` too: an error that nobody listens to would end the process.
    webSocket.on('error', (error: Error) => {
      this.#error = error
    })
  }

  open(sink: TransportSink): void {
    const webSocket = this.#webSocket
    if (webSocket.readyState === webSocket.CLOSED) {
      process.nextTick(() => sink.onClosed(this.#error))
      return
    }
    webSocket.on('message', (data: RawData, isBinary: boolean) => {
      if (!isBinary && this.#frames === 'binary') webSocket.close(UNSUPPORTED_DATA, 'binary frames only')
      // The library is left at its default of one buffer per message.
      else sink.onBytes(data as Buffer)
    })
    webSocket.on('close', () => sink.onClosed(this.#error))
  }

  pause(): void {
    this.#webSocket.pause()
  }

  resume(): void {
    this.#webSocket.resume()
  }

  write(bytes: Buffer, start: number, end: number, written: () => void): void {
    const range = bytes.subarray(start, end)
    // A text frame that is no text would end the connection.
    const binary = this.#frames === 'binary' || !isUtf8(range)
    this.#webSocket.send(range, { binary }, () => written())
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  end(): void {
    this.#webSocket.close(NORMAL_CLOSURE)
  }

  destroy(): void {
    this.#webSocket.terminate()
  }
}

/** User and password of a basic authentication; undefined for anything else. */
function httpLogin(authorization: string | undefined): HttpLogin | undefined {
  const match = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? '')
  if (match === null) return undefined
  const text = Buffer.from(match[1]!, 'base64').toString()
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
