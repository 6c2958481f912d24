/**
 * Serves the console: `/`, its assets, and the addresses that RabbitMQ's interface has had. Everything else of it is in
 * the browser, after the `#`. [docs/console.md]
 *
 * The policy forbids whatever the console does not need: no script or style but its own files, no other host, no frame.
 */
import { createHash } from 'node:crypto'
import { objectNotFound } from '../http/api-error.ts'
import { type ApiRequest, type Endpoint, plain, type Reply } from '../http/endpoint.ts'
import type { ConsoleFile } from './console-files.ts'

const TAG = 'Console'
const POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'self'",
].join('; ')
const YEAR_SECONDS = 31_536_000
const NOT_BUILT = 'The console is not built: run `npm run build:ui`. The HTTP API is at /api.\n'

/** The endpoints of the console. `pathPrefix`: where the management lies, for redirects. */
export function consoleEndpoints(files: ReadonlyMap<string, ConsoleFile>, pathPrefix: string): Endpoint[] {
  const served = new Map([...files].map(([name, file]) => [name, new ServedFile(file)] as const))
  const page = (path: string, summary: string, nameOf: (request: ApiRequest) => string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: 'anyone',
      tag: TAG,
      summary,
      handle: (request) => {
        const name = nameOf(request)
        const file = served.get(name)
        if (file !== undefined) return file.reply(request)
        if (name !== 'index.html') throw objectNotFound()
        return { status: 503, text: NOT_BUILT, contentType: 'text/plain; charset=utf-8' }
      },
    })
  const moved = (path: string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: 'anyone',
      tag: TAG,
      summary: 'Leads to the console, as in RabbitMQ.',
      handle: () => ({ status: 301, headers: { location: `${pathPrefix}/` } }),
    })
  return [
    page('/', 'The console.', () => 'index.html'),
    page('/index.html', 'The console.', () => 'index.html'),
    page('/favicon.svg', 'Its icon.', () => 'favicon.svg'),
    page('/assets/:file', 'A file of the console.', (request) => `assets/${request.param('file')}`),
    moved('/mgmt'),
    moved('/favicon.ico'),
  ]
}

class ServedFile {
  readonly #file: ConsoleFile
  readonly #tag: string

  constructor(file: ConsoleFile) {
    this.#file = file
    this.#tag = `"${createHash('sha256').update(file.bytes).digest('base64url').slice(0, 22)}"`
  }

  reply(request: ApiRequest): Reply {
    const { type, bytes, gzip, brotli, isImmutable } = this.#file
    const headers: Record<string, string> = {
      etag: this.#tag,
      vary: 'accept-encoding',
      'cache-control': isImmutable ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache',
      'content-security-policy': POLICY,
    }
    if (request.header('if-none-match')?.includes(this.#tag) === true) return { status: 304, headers }
    const accepted = request.header('accept-encoding') ?? ''
    if (brotli !== null && /\bbr\b/.test(accepted)) {
      return { status: 200, bytes: brotli, contentType: type, headers: { ...headers, 'content-encoding': 'br' } }
    }
    if (gzip !== null && /\bgzip\b/.test(accepted)) {
      return { status: 200, bytes: gzip, contentType: type, headers: { ...headers, 'content-encoding': 'gzip' } }
    }
    return { status: 200, bytes, contentType: type, headers }
  }
}
