/**
 * A port, or a local socket, on which HTTP requests arrive. Bounds connections, headers and times, and refuses what is no
 * request in the broker's own words. Only the broker's own user may connect to a local socket.
 */
import http from 'node:http'
import https from 'node:https'
import type { Server as TlsServer } from 'node:tls'
import type { Logger } from '../../base/log.ts'
import type { LimitCounts } from '../../model/observe/limit-counts.ts'
import type { TlsContext } from '../../net/tls-context.ts'
import { RequestRefusals } from './request-refusals.ts'

/** Connections at most; more are refused by the system. */
const CONNECTIONS_MAX = 2_000

/** How long clients may take. */
export interface HttpTimes {
  /** From the first byte of a request to the end of its headers. */
  readonly headersMs: number
  /** To the end of its body. */
  readonly requestMs: number
  /** Between requests. */
  readonly keepAliveMs: number
  /** Without a byte in either direction, also while a reply is not read. */
  readonly idleMs: number
  /** How often the first two are looked at. */
  readonly checkEveryMs: number
}

const USUAL_TIMES: HttpTimes = {
  headersMs: 30_000,
  requestMs: 120_000,
  keepAliveMs: 60_000,
  idleMs: 300_000,
  checkEveryMs: 5_000,
}

/** Where to listen. */
export interface HttpListenerOptions {
  /** `http`, `https`, `prometheus`, `local`: for listings and the ready file. */
  readonly name: string
  readonly host: string | null
  /** 0: a free one. */
  readonly port: number
  /** Name of a local socket, in place of host and port. */
  readonly socketPath?: string
  readonly tls?: TlsContext
  readonly times?: HttpTimes
  /** Of refusals; handlers set those of their own replies. */
  readonly headers?: Readonly<Record<string, string>>
  /** Counts what is refused because of a limit. */
  readonly limits?: LimitCounts
}

/** Takes from group and others the right to open what is made. */
const OWNER_ONLY_UMASK = 0o177

/** Answers requests. */
export type RequestHandler = (request: http.IncomingMessage, response: http.ServerResponse) => void

/** One listening port. */
export class HttpListener {
  readonly name: string
  readonly #options: HttpListenerOptions
  readonly #server: http.Server | https.Server
  readonly #logger: Logger
  #port = 0
  #host = ''

  constructor(options: HttpListenerOptions, handler: RequestHandler, logger: Logger) {
    this.name = options.name
    this.#options = options
    this.#logger = logger
    const { tls } = options
    const { headersMs, requestMs, keepAliveMs, idleMs, checkEveryMs } = options.times ?? USUAL_TIMES
    // The handler refuses requests without a host itself, as it does others.
    const checks = { connectionsCheckingInterval: checkEveryMs, requireHostHeader: false }
    const server =
      tls === undefined
        ? http.createServer(checks, handler)
        : https.createServer({ ...tls.options, ...checks }, handler)
    // What the compiler cannot know: with a context it is a TLS server.
    tls?.attach(server as unknown as TlsServer, options.name, logger)
    server.maxConnections = CONNECTIONS_MAX
    server.headersTimeout = headersMs
    server.requestTimeout = requestMs
    server.keepAliveTimeout = keepAliveMs
    server.timeout = idleMs
    new RequestRefusals(options.headers ?? {}, options.limits ?? null).attach(server)
    this.#server = server
  }

  /** The port in use; 0 for a local socket. */
  get port(): number {
    return this.#port
  }

  get host(): string {
    return this.#host
  }

  get isTls(): boolean {
    return this.#options.tls !== undefined
  }

  /** Resolves when it listens; rejects when it cannot. */
  listen(): Promise<void> {
    const { host, port, socketPath, name } = this.#options
    const where = socketPath === undefined ? { port, ...(host === null ? {} : { host }) } : { path: socketPath }
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      // Node.js makes a local socket right here, before `listen` returns: nobody else gets in meanwhile.
      const umask = socketPath === undefined ? null : process.umask(OWNER_ONLY_UMASK)
      this.#server.listen(where, () => {
        this.#server.removeListener('error', reject)
        this.#server.on('error', (error) => this.#logger.error(`listener ${name}: ${error.message}`, { error }))
        const address = this.#server.address()
        if (typeof address === 'object' && address !== null) {
          this.#port = address.port
          this.#host = address.address
        }
        resolve()
      })
      if (umask !== null) process.umask(umask)
    })
  }

  /** Stops listening and ends what is under way. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}
