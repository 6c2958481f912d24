/**
 * Reads the bodies of requests, and bounds what one may have, and what all that are on their way may have together: many
 * clients that send large ones at the same time would else take the broker's memory. Used by `api-server.ts`.
 */
import type { IncomingMessage } from 'node:http'
import { type ApiError, BodyBeyondLimit } from './api-error.ts'

/** Of all bodies on their way. */
const TOGETHER_BYTES_MAX = 256 * 1024 * 1024

/** The bodies of one server. */
export class RequestBodies {
  readonly #togetherBytesMax: number
  #heldBytes = 0

  constructor(togetherBytesMax = TOGETHER_BYTES_MAX) {
    this.#togetherBytesMax = togetherBytesMax
  }

  /** The whole body as text. Throws a 400 for one that is too large, a 503 when all together are. */
  async read(request: IncomingMessage, bytesMax: number): Promise<string> {
    const tooLarge = (): ApiError =>
      new BodyBeyondLimit(400, 'payload_too_large', `the body is larger than ${bytesMax} bytes`)
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge()
    const parts: Buffer[] = []
    let readBytes = 0
    try {
      // The request is not an object stream: its chunks are buffers.
      for await (const part of request as AsyncIterable<Buffer>) {
        readBytes += part.length
        this.#heldBytes += part.length
        if (readBytes > bytesMax) throw tooLarge()
        if (this.#heldBytes > this.#togetherBytesMax) {
          throw new BodyBeyondLimit(503, 'service_unavailable', 'too many large requests at the same time', {
            'retry-after': '1',
          })
        }
        parts.push(part)
      }
      return Buffer.concat(parts, readBytes).toString('utf8')
    } finally {
      this.#heldBytes -= readBytes
    }
  }
}
