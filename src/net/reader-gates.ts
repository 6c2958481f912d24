/**
 * Holds a connection while a rate is overdrawn: its input by reader and socket, its output by the outbox. For protocols
 * whose reader keeps what came and goes on with it later.
 */
import { PAUSE_RATE, type Socket } from './socket.ts'

/** A reader that waits while any reason holds it. Reasons are the socket's. */
export interface HoldableReader {
  hold(again: boolean, reason: number): void
  /** Throws what the protocol throws for bytes that were kept. */
  release(reason: number): void
}

/** One per connection; made for the rates of its user and virtual host. */
export class ReaderGates {
  readonly #socket: Socket
  readonly #reader: HoldableReader
  readonly #fail: (error: unknown) => void

  /** `fail` is the protocol's one place that says goodbye. */
  constructor(socket: Socket, reader: HoldableReader, fail: (error: unknown) => void) {
    this.#socket = socket
    this.#reader = reader
    this.#fail = fail
  }

  holdRate(direction: 'in' | 'out'): void {
    if (direction === 'out') return this.#socket.outbox.hold()
    this.#reader.hold(false, PAUSE_RATE)
    this.#socket.pause(PAUSE_RATE)
  }

  releaseRate(direction: 'in' | 'out'): void {
    if (direction === 'out') return this.#socket.outbox.release()
    this.#socket.resume(PAUSE_RATE)
    try {
      this.#reader.release(PAUSE_RATE)
    } catch (error) {
      this.#fail(error)
    }
  }
}
