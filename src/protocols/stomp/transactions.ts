/**
 * Transactions of one connection: frames that wait for COMMIT, as bytes. [STOMP 1.2 "BEGIN"]
 *
 * SEND, ACK and NACK may be in one. COMMIT hands them out in order, to be handled as if they came then; ABORT and the end
 * of the connection drop them. Memory is bounded over all transactions of a connection.
 */
import type { Frame } from './codec.ts'
import { StompError } from './errors.ts'
import { COMMAND_NAMES } from './spec.ts'

/** Bytes that all transactions of a connection may hold. */
export const TRANSACTION_BYTES_MAX = 128 * 1024 * 1024
/** Open transactions of a connection. */
export const TRANSACTION_COUNT_MAX = 1024
/** What each frame costs beyond its bytes. */
const FRAME_OVERHEAD_BYTES = 256

interface Transaction {
  readonly frames: Buffer[]
  byteCount: number
}

/** One per connection. */
export class Transactions {
  readonly #open = new Map<string, Transaction>()
  #byteCount = 0

  /** Frames held by all transactions. */
  get frameCount(): number {
    let count = 0
    for (const { frames } of this.#open.values()) count += frames.length
    return count
  }

  /** RabbitMQ: one that is open already starts over. */
  begin(id: string | undefined): void {
    const name = required(id, 'BEGIN')
    const before = this.#open.get(name)
    if (before !== undefined) this.#byteCount -= before.byteCount
    else if (this.#open.size === TRANSACTION_COUNT_MAX) {
      throw new StompError(
        'Bad transaction',
        `Limit of ${TRANSACTION_COUNT_MAX} open transactions is reached\n`,
        'transactions',
      )
    }
    this.#open.set(name, { frames: [], byteCount: 0 })
  }

  /** Throws unless the transaction is open. */
  check(id: string): void {
    if (!this.#open.has(id)) throw unknown(id)
  }

  /** Takes a copy of a frame. */
  hold(id: string, frame: Frame): void {
    const transaction = this.#open.get(id)
    if (transaction === undefined) throw unknown(id)
    const byteCount = frame.end - frame.start + FRAME_OVERHEAD_BYTES
    if (this.#byteCount + byteCount > TRANSACTION_BYTES_MAX) {
      throw new StompError(
        'Bad transaction',
        `Transactions hold more than ${TRANSACTION_BYTES_MAX} bytes\n`,
        'transactions',
      )
    }
    this.#byteCount += byteCount
    transaction.byteCount += byteCount
    transaction.frames.push(Buffer.from(frame.bytes.subarray(frame.start, frame.end)))
  }

  /** Ends the transaction and hands out its frames, oldest first. */
  take(id: string | undefined, command: number): readonly Buffer[] {
    const name = required(id, COMMAND_NAMES[command]!)
    const transaction = this.#open.get(name)
    if (transaction === undefined) throw unknown(name)
    this.#open.delete(name)
    this.#byteCount -= transaction.byteCount
    return transaction.frames
  }

  close(): void {
    this.#open.clear()
    this.#byteCount = 0
  }
}

function required(id: string | undefined, command: string): string {
  if (id === undefined) {
    throw new StompError('Missing transaction', `"${command}" must include a 'transaction' header\n`)
  }
  return id
}

function unknown(id: string): StompError {
  return new StompError('Bad transaction', `Invalid transaction identifier: "${id}"\n`)
}
