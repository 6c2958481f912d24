/**
 * A transport over one of Node's duplex streams: a TCP or TLS socket, or one end of a pair within the process.
 */
import type net from 'node:net'
import type { Duplex } from 'node:stream'
import { SharedReads } from './shared-reads.ts'
import type { Transport, TransportEnds, TransportSink } from './transport.ts'

/** Where a stream's transport hangs: its listeners are the same functions for all streams, so that an idle one has none of its own. */
const CARRIED: unique symbol = Symbol('transport')

/** A stream with its transport. */
interface Carrier extends Duplex {
  [CARRIED]: NodeTransport
}

function onData(this: Carrier, chunk: Buffer): void {
  this[CARRIED].onBytes(chunk)
}

function onEnd(this: Carrier): void {
  this[CARRIED].onEnd()
}

function onError(this: Carrier, error: Error): void {
  this[CARRIED].onError(error)
}

function onClose(this: Carrier): void {
  this[CARRIED].onClose()
}

const sharedReads = new SharedReads(function (this: net.Socket, chunk: Buffer): void {
  onData.call(this as unknown as Carrier, chunk)
})

/** Wraps a stream, which nobody else may read from or write to. */
export class NodeTransport implements Transport {
  readonly ends: TransportEnds
  readonly #stream: Duplex
  #sink: TransportSink | null = null
  #error: Error | null = null

  constructor(stream: Duplex, ends: TransportEnds) {
    this.#stream = stream
    this.ends = ends
    const carrier = stream as Carrier // the property is set right here
    carrier[CARRIED] = this
    // Before `open` too: an error that nobody listens to would end the process.
    stream.on('error', onError)
  }

  /** Of a TCP socket just accepted, which nobody has read from. */
  static ofAccepted(accepted: net.Socket, ends: TransportEnds): NodeTransport {
    return new NodeTransport(sharedReads.move(accepted) ?? accepted, ends)
  }

  open(sink: TransportSink): void {
    const stream = this.#stream
    if (stream.destroyed) {
      process.nextTick(() => sink.onClosed(this.#error))
      return
    }
    this.#sink = sink
    stream.on('end', onEnd)
    stream.on('close', onClose)
    // Of no effect where the socket hands its bytes over by itself.
    stream.on('data', onData)
    stream.resume()
  }

  // What the stream tells

  onBytes(chunk: Buffer): void {
    this.#sink?.onBytes(chunk)
  }

  onEnd(): void {
    this.#sink?.onEnd()
  }

  onError(error: Error): void {
    this.#error = error
  }

  onClose(): void {
    this.#sink?.onClosed(this.#error)
  }

  // What the socket asks

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
