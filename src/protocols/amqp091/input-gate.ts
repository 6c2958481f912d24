/**
 * Feeds chunks to the frame reader, or keeps them while the connection waits for something.
 *
 * Reasons to wait nest: a declaration that is being stored, a get that reads from disk, an alarm. While there is one the
 * socket is paused, so what is kept is bounded by what was under way: the rest of a chunk and one or two more.
 */
import { ReaderGates } from '../../net/reader-gates.ts'
import type { Socket } from '../../net/socket.ts'
import type { FrameReader } from './frame-reader.ts'

/** One per connection. */
export class InputGate {
  readonly #reader: FrameReader
  readonly #socket: Socket
  readonly #kept: Buffer[] = []
  /** Reasons by pause bit, with how many hold each. */
  readonly #holds = new Map<number, number>()

  constructor(reader: FrameReader, socket: Socket) {
    this.#reader = reader
    this.#socket = socket
  }

  /** Hands the chunk's frames on, now or when the gate opens. Throws what the reader throws. */
  feed(chunk: Buffer): void {
    if (this.#kept.length > 0) {
      this.#kept.push(Buffer.from(chunk))
      return
    }
    const end = this.#reader.feed(chunk)
    if (end < chunk.length) this.#kept.push(Buffer.from(chunk.subarray(end)))
  }

  /** No frame after this one, for this reason (a pause of the socket). */
  shut(reason: number): void {
    this.#holds.set(reason, (this.#holds.get(reason) ?? 0) + 1)
    this.#reader.suspend()
    this.#socket.pause(reason)
  }

  /** One reason less: when it was the last, kept input is handed on. Throws what the reader throws. */
  open(reason: number): void {
    const holds = (this.#holds.get(reason) ?? 0) - 1
    if (holds > 0) {
      this.#holds.set(reason, holds)
      return
    }
    this.#holds.delete(reason)
    if (this.#holds.size === 0) this.#drain()
    if (!this.#holds.has(reason)) this.#socket.resume(reason)
  }

  /** The gate as rates hold it. `fail` takes what the reader throws when it goes on. */
  rateGates(fail: (error: unknown) => void): ReaderGates {
    const input = {
      hold: (_again: boolean, reason: number) => this.shut(reason),
      release: (reason: number) => this.open(reason),
    }
    return new ReaderGates(this.#socket, input, fail)
  }

  /** Whether input waits. */
  get isShut(): boolean {
    return this.#holds.size > 0
  }

  /** Whether input waits for this reason. */
  isHeldBy(reason: number): boolean {
    return this.#holds.has(reason)
  }

  #drain(): void {
    this.#reader.resume()
    for (let chunk = this.#kept[0]; chunk !== undefined && this.#holds.size === 0; chunk = this.#kept[0]) {
      const end = this.#reader.feed(chunk)
      if (end < chunk.length) this.#kept[0] = chunk.subarray(end)
      else this.#kept.shift()
    }
  }
}
