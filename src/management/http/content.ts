/**
 * Bodies of replies on their way out: with an `etag` when they are whole, compressed when the client takes that and it
 * pays, piece by piece when they are long. Called by the API's server once status and headers are set. [RFC 9110 §8.8, §13]
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { constants, createGzip, gzip } from 'node:zlib'
import type { ReplyStream } from './endpoint.ts'

/** Below this a packet is a packet, compressed or not. */
const COMPRESSED_BYTES_MIN = 1_400
/** A reply in pieces that ends before this is one that is whole. */
const WHOLE_CHARS_MAX = 65_536
/** Listings shrink tenfold at once; more effort costs the event loop more than the network gains. */
const LEVEL = constants.Z_BEST_SPEED
const compress = promisify(gzip)

/** Sends each piece as it comes, uncompressed: waiting for more would make it anything but live. */
export async function sendLive(
  request: IncomingMessage,
  response: ServerResponse,
  content: ReplyStream,
): Promise<void> {
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  await sendPlainPieces(response, content)
}

/** Sends a body. Resolves when it has been handed over. */
export async function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  content: string | ReplyStream,
): Promise<void> {
  if (typeof content === 'string') return sendWhole(request, response, content)
  const pieces = content[Symbol.asyncIterator]()
  let begun = ''
  while (begun.length < WHOLE_CHARS_MAX) {
    const { done, value } = await pieces.next()
    if (done === true) return sendWhole(request, response, begun)
    begun += value
  }
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  await sendPieces(request, response, { [Symbol.asyncIterator]: () => after(begun, pieces) })
}

async function* after(begun: string, pieces: AsyncIterator<string>): AsyncGenerator<string> {
  yield begun
  yield* { [Symbol.asyncIterator]: () => pieces }
}

async function sendWhole(request: IncomingMessage, response: ServerResponse, content: string): Promise<void> {
  const bytes = Buffer.from(content)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && response.statusCode === 200) {
    const etag = etagOf(bytes)
    response.setHeader('etag', etag)
    if (isKnown(request, etag)) {
      response.statusCode = 304
      response.removeHeader('content-type')
      response.end()
      return
    }
  }
  if (!takesGzip(request) || bytes.length < COMPRESSED_BYTES_MIN) return end(request, response, bytes)
  response.setHeader('content-encoding', 'gzip')
  // On another thread.
  end(request, response, await compress(bytes, { level: LEVEL }))
}

function end(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  response.setHeader('content-length', bytes.length)
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

async function sendPieces(request: IncomingMessage, response: ServerResponse, content: ReplyStream): Promise<void> {
  if (!takesGzip(request)) return sendPlainPieces(response, content)
  response.setHeader('content-encoding', 'gzip')
  const packer = createGzip({ level: LEVEL })
  packer.pipe(response)
  for await (const piece of content) {
    if (response.destroyed) break
    if (!packer.write(piece)) await drained(packer, response)
  }
  packer.end()
}

async function sendPlainPieces(response: ServerResponse, content: ReplyStream): Promise<void> {
  for await (const piece of content) {
    if (response.destroyed) return
    if (!response.write(piece)) await drained(response, response)
  }
  response.end()
}

/** Weak: the same content may be compressed or not. */
function etagOf(bytes: Buffer): string {
  return `W/"${createHash('sha1').update(bytes).digest('base64url')}"`
}

function isKnown(request: IncomingMessage, etag: string): boolean {
  const known = request.headers['if-none-match']
  if (known === undefined) return false
  const opaque = etag.slice(2)
  return known
    .split(',')
    .some((candidate) => candidate.trim().replace(/^W\//, '') === opaque || candidate.trim() === '*')
}

/** Whether the client lists gzip, and not with a quality of zero. */
function takesGzip(request: IncomingMessage): boolean {
  const accepted = String(request.headers['accept-encoding'] ?? '').toLowerCase()
  return accepted.split(',').some((coding) => {
    const [name, quality] = coding.split(';', 2)
    return name!.trim() === 'gzip' && !/^\s*q=0(\.0*)?\s*$/.test(quality ?? '')
  })
}

/** Waits until `stream` takes more, or the client is gone. */
function drained(stream: NodeJS.WritableStream, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.removeListener('drain', done)
      response.removeListener('close', done)
      resolve()
    }
    stream.on('drain', done)
    response.on('close', done)
  })
}
