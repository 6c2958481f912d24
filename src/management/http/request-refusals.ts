/**
 * Answers to what never becomes a request: bytes that are none, headers too long or too slow, expectations that nobody
 * fulfils. The platform would answer by itself, without the headers that every reply has. Used by `http-listener.ts`.
 */
import http from 'node:http'
import type net from 'node:net'
import type { CountedLimit, LimitCounts } from '../../model/observe/limit-counts.ts'

const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}
const LIMIT_OF: Readonly<Record<number, CountedLimit>> = { 431: 'http_headers', 408: 'http_time' }
const BAD_REQUEST = 400
const EXPECTATION_FAILED = 417

/** Refuses on behalf of one server. */
export class RequestRefusals {
  readonly #headers: Readonly<Record<string, string>>
  readonly #limits: LimitCounts | null
  /** What is being answered, by connection: a refusal must not end up in the middle of a reply. */
  readonly #replies = new WeakMap<net.Socket, http.ServerResponse>()

  constructor(headers: Readonly<Record<string, string>>, limits: LimitCounts | null) {
    this.#headers = headers
    this.#limits = limits
  }

  /** Takes the server's refusals over. */
  attach(server: http.Server): void {
    server.on('request', (request, response) => this.#replies.set(request.socket, response))
    server.on('checkExpectation', (_request, response) => {
      response.writeHead(EXPECTATION_FAILED, { ...this.#headers, 'content-length': 0 }).end()
    })
    server.on('drop', () => this.#limits?.hit('http_connections'))
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // Node.js hands over the connection that it accepted.
      this.#refuse(STATUS_OF[error.code ?? ''] ?? BAD_REQUEST, socket as net.Socket)
    })
  }

  #refuse(status: number, socket: net.Socket): void {
    const limit = LIMIT_OF[status]
    if (limit !== undefined) this.#limits?.hit(limit)
    const reply = this.#replies.get(socket)
    const isAnswering = reply?.headersSent === true && !reply.writableFinished
    if (isAnswering || !socket.writable) {
      socket.destroy()
      return
    }
    const headers = { ...this.#headers, connection: 'close', 'content-length': '0' }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${lines.join('')}\r\n`
    socket.end(head, () => socket.destroy())
  }
}
