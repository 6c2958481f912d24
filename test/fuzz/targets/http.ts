// Requests of the HTTP API: method, path and body, given to the API of a broker in memory as its listeners would give
// them. The first two bytes of an input choose the endpoint and the words of its path, the rest is the body.
// Held: every request is answered, a bug (500) is not among the answers, and errors have the API's own shape.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { SILENT_LOGGER } from '../../../src/base/log.ts'
import type { Randomness } from '../../../src/base/random.ts'
import { Certificates } from '../../../src/boot/certificates.ts'
import { OpenListeners } from '../../../src/boot/listeners.ts'
import { openManagement } from '../../../src/boot/management.ts'
import { startBroker } from '../../../src/boot.ts'
import { settingsWith } from '../../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../../src/config/free-ports.ts'
import { allEndpoints } from '../../../src/management/api/endpoints.ts'
import { ApiServer } from '../../../src/management/http/api-server.ts'
import type { Endpoint } from '../../../src/management/http/endpoint.ts'
import { Router } from '../../../src/management/http/router.ts'
import { Defect, type FuzzTarget, holds, pick, words } from '../fuzz-target.ts'
import { anyJson, jsonOf, jsonText } from './json-grammar.ts'

/** A broker lives for so many requests: what they made goes with it. */
const REQUESTS_PER_BROKER = 20_000
/** A broker's store takes blocks of 16 MiB as messages come, and ends with the broker. */
const GROWTH_BYTES_MAX = 128 * 1024 * 1024
const BODY_BYTES_MAX = 65_536
const WORDS = ['%2F', 'a', 'guest', 'amq.topic', 'amq.default', 'q', 'e', 'none', '~', '%00', 'queue', 'exchange']
/** Broken UTF-8, in a path. */
const BAD_WORD = '%ff'
const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'] as const
const NOT_FOR_FUZZING = /shutdown|\/traces|\/live|reload|health\/checks/

/** What the server sees of a response, without a socket. */
class Answer {
  statusCode = 0
  headersSent = false
  destroyed = false
  body = ''
  readonly headers = new Map<string, unknown>()

  setHeader(name: string, value: unknown): void {
    this.headers.set(name.toLowerCase(), value)
  }

  write(piece: string): boolean {
    this.headersSent = true
    this.body += piece
    return true
  }

  end(content?: string | Uint8Array): void {
    this.headersSent = true
    if (typeof content === 'string') this.body += content
  }

  once(): this {
    return this
  }

  on(): this {
    return this
  }

  removeListener(): this {
    return this
  }

  destroy(): void {
    this.destroyed = true
  }
}

/** A broker and its API. */
interface Api {
  readonly server: ApiServer
  readonly endpoints: readonly Endpoint[]
  readonly errors: Error[]
  stop(): Promise<void>
}

async function startApi(): Promise<Api> {
  const settings = settingsWith({ ...FREE_PORTS, 'management.http.max_body_size': BODY_BYTES_MAX })
  const booted = await startBroker({ settings, dataDir: null, logger: SILENT_LOGGER, listen: false })
  const { foundation, broker } = booted.parts
  const world = { admits: () => true, timers: foundation.wheel, limits: broker.counters.limits }
  const listeners = new OpenListeners(settings, world, SILENT_LOGGER)
  const certificates = new Certificates(settings, booted.parts.foundation.wheel, SILENT_LOGGER)
  const controls = { log: undefined, shutdown: () => undefined }
  const management = await openManagement(booted.parts, listeners, certificates, controls)
  const endpoints = allEndpoints(management.context).filter(({ path }) => !NOT_FOR_FUZZING.test(path))
  const errors: Error[] = []
  const logger = Object.assign(Object.create(SILENT_LOGGER), {
    error: (text: string, fields?: { error?: unknown }) =>
      errors.push(fields?.error instanceof Error ? fields.error : new Error(text)),
  })
  const server = new ApiServer({
    router: new Router(endpoints),
    authentication: management.context.authentication,
    pathPrefix: '',
    bodyBytesMax: BODY_BYTES_MAX,
    corsOrigins: ['*'],
    corsAgeSeconds: 1,
    headers: {},
    limits: booted.parts.broker.counters.limits,
    strictTransport: null,
    audit: management.context.audit,
    logger,
  })
  const stop = async () => {
    await management.stop()
    certificates.stop()
    await booted.stop()
  }
  return { server, endpoints, errors, stop }
}

function requestOf(endpoint: Endpoint, choice: number, body: Buffer): IncomingMessage {
  let left = choice
  const path = endpoint.path.replaceAll(/:\w+|\{\w+\}/g, () => {
    const word = WORDS[left % WORDS.length]!
    left = Math.floor(left / WORDS.length)
    return choice === 255 ? BAD_WORD : word
  })
  const method = choice % 16 === 15 ? METHODS[choice % METHODS.length]! : endpoint.method
  const query = choice % 8 === 7 ? `?${body.toString('latin1', 0, 64)}` : ''
  const stream = Readable.from(body.length === 0 ? [] : [body], { objectMode: false })
  return Object.assign(stream, {
    method,
    url: `${path}${query}`,
    headers: { 'content-type': 'application/json' },
    socket: { remoteAddress: '127.0.0.1' },
    complete: true,
    // All that the server looks at.
  }) as unknown as IncomingMessage
}

class HttpFuzz {
  #api: Api
  #left = REQUESTS_PER_BROKER

  constructor(api: Api) {
    this.#api = api
  }

  async check(input: Buffer): Promise<string> {
    if (this.#left-- === 0) {
      await this.#api.stop()
      this.#api = await startApi()
      this.#left = REQUESTS_PER_BROKER
    }
    const { endpoints, server, errors } = this.#api
    const endpoint = endpoints[(input[0] ?? 0) % endpoints.length]!
    const answer = new Answer()
    const request = requestOf(endpoint, input[1] ?? 0, input.subarray(2))
    // All that the server uses of a response.
    await server.handle(request, answer as unknown as ServerResponse, true)
    request.destroy()
    const error = errors.pop()
    if (error !== undefined) throw error
    const { statusCode, headersSent, destroyed } = answer
    holds(headersSent && !destroyed, `${request.method} ${request.url} was not answered`)
    holds(statusCode >= 200 && statusCode < 500, `${request.method} ${request.url} was answered with ${statusCode}`)
    if (statusCode >= 400 && statusCode !== 405) checkError(answer)
    return `${endpoint.method} ${endpoint.path} ${statusCode}`
  }

  close(): Promise<void> {
    return this.#api.stop()
  }
}

function checkError({ body, statusCode }: Answer): void {
  if (body === '') return
  const json: unknown = JSON.parse(body)
  if (typeof json !== 'object' || json === null || !('reason' in json)) throw new Defect(`${statusCode}: ${body}`)
}

/** The target. */
export async function httpTarget(random: Randomness): Promise<FuzzTarget> {
  const api = await startApi()
  const fuzz = new HttpFuzz(api)
  const { endpoints } = api
  const withBody = [...endpoints.keys()].filter(
    (i) => endpoints[i]!.body !== undefined || endpoints[i]!.rawBody === true,
  )
  const generate = (from: Randomness): Buffer => {
    const index = from.below(5) > 0 ? pick(from, withBody) : from.below(endpoints.length)
    const schema = endpoints[index]!.body
    const json = schema === undefined ? anyJson(from) : jsonOf(from, schema)
    return Buffer.concat([Buffer.from([index, from.below(256)]), Buffer.from(jsonText(from, json))])
  }
  return {
    name: 'http',
    seeds: [
      ...endpoints.map((_, index) => Buffer.from([index, index, ...Buffer.from('{}')])),
      ...Array.from({ length: 30 }, () => generate(random)),
    ],
    dictionary: words(
      '"',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      'null',
      'true',
      '-1',
      '1e999',
      '"a"',
      '\\u0000',
      '\xff',
      '__proto__',
      '{"name":"a"}',
      'page=1',
      '&',
    ),
    generate,
    growthBytesMax: GROWTH_BYTES_MAX,
    check: (input) => fuzz.check(input),
    close: () => fuzz.close(),
  }
}
