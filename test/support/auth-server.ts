// A web server that speaks the protocol of the HTTP back end: answers as a test says, at once or when it says so.
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'

/** A question as it arrived. */
export interface Asked {
  readonly method: string
  /** `user`, `vhost`, `resource`, `topic`. */
  readonly path: string
  readonly form: Readonly<Record<string, string>>
}

/** The text of an answer, a status with a text, or when it comes. */
export type Answering = (asked: Asked) => string | { status: number; body: string } | Promise<string>

/** One server. */
export class AuthServer {
  readonly asked: Asked[] = []
  /** Everything is allowed unless a test says otherwise. */
  answer: Answering = () => 'allow'
  readonly #server: http.Server
  readonly #scheme: string

  private constructor(tls: https.ServerOptions | null) {
    const handle = (request: http.IncomingMessage, response: http.ServerResponse): void =>
      void this.#handle(request, response)
    this.#scheme = tls === null ? 'http' : 'https'
    this.#server = tls === null ? http.createServer(handle) : https.createServer(tls, handle)
  }

  /** With options of TLS, it speaks HTTPS. */
  static async start(tls: https.ServerOptions | null = null): Promise<AuthServer> {
    const server = new AuthServer(tls)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  /** Settings of a broker that asks this server. */
  settings(method = 'get'): Record<string, string> {
    const base = `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}/auth`
    return {
      'auth_backends.1': 'http',
      'auth_http.http_method': method,
      'auth_http.user_path': `${base}/user`,
      'auth_http.vhost_path': `${base}/vhost`,
      'auth_http.resource_path': `${base}/resource`,
      'auth_http.topic_path': `${base}/topic`,
    }
  }

  /** Questions of one path. */
  of(path: string): Asked[] {
    return this.asked.filter((asked) => asked.path === path)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const form = request.method === 'POST' ? Buffer.concat(parts).toString() : url.search.slice(1)
    const asked = {
      method: request.method ?? '',
      path: url.pathname.slice('/auth/'.length),
      form: Object.fromEntries(new URLSearchParams(form)),
    }
    this.asked.push(asked)
    const answer = await this.answer(asked)
    const { status, body } = typeof answer === 'string' ? { status: 200, body: answer } : answer
    response.statusCode = status
    response.end(body)
  }
}

/** An answer that waits until the test opens the gate. */
export class Gate {
  #open: (text: string) => void = () => undefined
  readonly answer = new Promise<string>((resolve) => {
    this.#open = resolve
  })

  open(text = 'allow'): void {
    this.#open(text)
  }
}
