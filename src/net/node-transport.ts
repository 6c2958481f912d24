/**
 * A transport over one of Node's duplex streams: a TCP or TLS socket, or one end of a pair within the process.
 *
 * Node allocates every chunk anew, so chunks are ours to keep.
 */
import type { Duplex } from 'node:stream'
import type { Transport, TransportEnds, TransportSink } from './transport.ts'

/** Wraps a stream, which nobody else may read from or write to. */
export class NodeTransport implements Transport {
  readonly ends: TransportEnds
  readonly #stream: Duplex
  #error: Error | null = null

  constructor(stream: Duplex, ends: TransportEnds) {
    this.#stream = stream
    this.ends = ends
    // Before `open` too: an error that nobody listens to would end the process.
    stream.on('error', (error: Error) => {
      this.#error = error
    })
  }

  open(sink: TransportSink): void {
    const stream = this.#stream
    if (stream.destroyed) {
      process.nextTick(() => sink.onClosed(this.#error))
      return
    }
    stream.on('data', (chunk: Buffer) => sink.onBytes(chunk))
    stream.on('end', () => sink.onEnd())
    stream.on('close', () => sink.onClosed(this.#error))
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  write(bytes: Buffer, start: number, end: number, written: () => void): void {
    const range = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
    this.#stream.write(range, written)
  }

  cork(): void {
    this.#stream.cork()
  }

  uncork(): void {
    this.#stream.uncork()
  }

  end(): void {
    this.#stream.end()
  }

  destroy(): void {
    this.#stream.destroy()
  }
}
