/** The way to a web server, as back ends see it: `net/http-client.ts` fulfils it. */

/** A request. */
export interface WebRequest {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** Answers that are longer are errors. */
  readonly bodyBytesMax: number
  readonly signal: AbortSignal
}

/** Its answer. */
export interface WebAnswer {
  readonly status: number
  readonly body: string
}

/** Sends requests. Errors name the server, never the query or the body. */
export interface WebClient {
  request(request: WebRequest): Promise<WebAnswer>
  /** Closes idle connections. */
  close(): void
}
