/**
 * A small HTTP client for the broker's own questions to other systems: keeps connections, bounds their number and the size
 * of answers, follows no redirects. Whoever asks bounds the time, by the signal.
 *
 * Errors name the server and the reason, never query or body: passwords travel in them.
 */
import http from 'node:http'
import https from 'node:https'
import { type ConnectionOptions, connect } from 'node:tls'

/** TLS of a client: certificates come as bytes. */
export interface TlsClientSettings {
  /** False accepts any certificate of the server. */
  readonly verifiesPeer: boolean
  /** Whether the certificate must name the host that was asked for. */
  readonly verifiesHost: boolean
  /** Authorities; null is the system's. */
  readonly authorities: Buffer | null
  readonly certificate: Buffer | null
  readonly key: Buffer | null
  readonly keyPassword: string | null
  /** The name to ask for; null is that of the address. */
  readonly serverName: string | null
}

/** What the client is made of. */
export interface HttpClientOptions {
  readonly tls: TlsClientSettings | null
  readonly connectionCountMax: number
}

/** A request. */
export interface HttpRequest {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly bodyBytesMax: number
  readonly signal: AbortSignal
}

/** Options of a TLS connection to another system. */
export function tlsClientOptions(tls: TlsClientSettings): ConnectionOptions {
  return {
    rejectUnauthorized: tls.verifiesPeer,
    ...(!tls.verifiesHost && { checkServerIdentity: () => undefined }),
    ...(tls.authorities !== null && { ca: tls.authorities }),
    ...(tls.certificate !== null && { cert: tls.certificate }),
    ...(tls.key !== null && { key: tls.key }),
    ...(tls.keyPassword !== null && { passphrase: tls.keyPassword }),
    ...(tls.serverName !== null && { servername: tls.serverName }),
  }
}

/** Opens a TLS connection, for clients of other protocols. */
export const connectTls = connect

/** Sends requests over connections that it keeps. */
export class HttpClient {
  readonly #agent: http.Agent
  readonly #secureAgent: https.Agent

  constructor({ tls, connectionCountMax }: HttpClientOptions) {
    const pool = { keepAlive: true, maxSockets: connectionCountMax }
    this.#agent = new http.Agent(pool)
    this.#secureAgent = new https.Agent({ ...pool, ...(tls === null ? {} : tlsClientOptions(tls)) })
  }

  /** Resolves with whatever status; rejects when there is no answer. */
  request({
    url,
    method,
    headers,
    body,
    bodyBytesMax,
    signal,
  }: HttpRequest): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(new Error(`${url.origin}${url.pathname}: ${error.message}`))
      const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const options = { method, headers: { ...headers, ...length }, signal }
      const request =
        url.protocol === 'https:'
          ? https.request(url, { ...options, agent: this.#secureAgent })
          : http.request(url, { ...options, agent: this.#agent })
      request.on('error', fail)
      request.on('response', (response) => {
        const parts: Buffer[] = []
        let byteCount = 0
        response.on('data', (part: Buffer) => {
          byteCount += part.length
          if (byteCount > bodyBytesMax) request.destroy(new Error(`the answer is longer than ${bodyBytesMax} bytes`))
          else parts.push(part)
        })
        response.on('error', fail)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }))
      })
      request.end(body ?? undefined)
    })
  }

  /** Closes all connections. */
  close(): void {
    this.#agent.destroy()
    this.#secureAgent.destroy()
  }
}
