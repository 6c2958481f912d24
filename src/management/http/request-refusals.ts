/**
 * Answers to what never becomes a request: bytes that are none, headers too long or too slow, expectations that nobody
 * fulfils. The platform would answer by itself, without the headers that every reply has. Used by `http-listener.ts`.
 */
import http from 'node:http'
import type net from 'node:net'

const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}
const BAD_REQUEST = 400
const EXPECTATION_FAILED = 417

/** Refuses on behalf of one server. */
export class RequestRefusals {
  readonly #headers: Readonly<Record<string, string>>
  /** What is being answered, by connection: a refusal must not end up in the middle of a reply. */
  readonly #replies = new WeakMap<net.Socket, http.ServerResponse>()

  constructor(headers: Readonly<Record<string, string>>) {
    this.#headers = headers
  }

  /** Takes the server's refusals over. */
  attach(server: http.Server): void {
    server.on('request', (request, response) => this.#replies.set(request.socket, response))
    server.on('checkExpectation', (_request, response) => {
      response.writeHead(EXPECTATION_FAILED, { ...this.#headers, 'content-length': 0 }).end()
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // Node.js hands over the connection that it accepted.
      this.#refuse(STATUS_OF[error.code ?? ''] ?? BAD_REQUEST, socket as net.Socket)
    })
  }

  #refuse(status: number, socket: net.Socket): void {
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
