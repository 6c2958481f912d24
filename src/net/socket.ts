/**
 * One connection's bytes: inbound chunks to its handler, outbound through the outbox. Knows no protocol.
 *
 * Reading stops while any reason to pause holds: the turn's budget is used up, the handler waits for something (a
 * declaration being stored), the broker's alarms block it. It goes on when the last reason is gone.
 * Invariant: the handler gets chunks in order, and after `onClosed` nothing.
 */
import { TURN_SESSIONS, type Turn, type TurnTask } from '../base/turn.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { CONNECTION_BYTES_PER_TURN, type InboundBudget, LAG_TURNS_MAX } from './inbound-budget.ts'
import { Outbox } from './outbox.ts'
import type { Transport, TransportEnds, TransportSink } from './transport.ts'

/** Reasons not to read. */
export const PAUSE_BUDGET = 1
export const PAUSE_WAITING = 2
export const PAUSE_BLOCKED = 4
/** Too much waits for permissions. */
export const PAUSE_PARKED = 8
/** The user's or the virtual host's rate of publishes is overdrawn. */
export const PAUSE_RATE = 16

/** The protocol's side. */
export interface SocketHandler {
  /** Borrowed until this returns. */
  onBytes(chunk: Buffer): void
  /** The peer will send no more. */
  onEnd(): void
  /** The outbox has too much unsent, or that is over. */
  onPressure(isHigh: boolean): void
  /** It is gone. `error` is null when nobody is to blame. */
  onClosed(error: Error | null): void
}

/** What a socket needs from its broker. */
export interface SocketWorld {
  readonly turn: Turn
  readonly chunks: ChunkPool
  readonly inbound: InboundBudget
}

/** One per connection. */
export class Socket implements TransportSink, TurnTask {
  readonly outbox: Outbox
  readonly #transport: Transport
  readonly #turn: Turn
  readonly #inbound: InboundBudget
  readonly #handler: SocketHandler
  #pauses = 0
  #turnCount = -1
  #turnBytes = 0
  #lagTurns = 0
  #isClosed = false
  receivedBytes = 0

  constructor(transport: Transport, world: SocketWorld, handler: SocketHandler) {
    this.#transport = transport
    this.#turn = world.turn
    this.#inbound = world.inbound
    this.#handler = handler
    this.outbox = new Outbox(transport, world.chunks, world.turn, handler)
  }

  get ends(): TransportEnds {
    return this.#transport.ends
  }

  get sentBytes(): number {
    return this.outbox.sentBytes
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Starts to read. */
  open(): void {
    this.#transport.open(this)
  }

  /** Whether we are not reading. */
  get isPaused(): boolean {
    return this.#pauses !== 0
  }

  /** Adds a reason not to read. A chunk or two may still arrive. */
  pause(reason: number): void {
    const before = this.#pauses
    this.#pauses = before | reason
    if (before === 0 && !this.#isClosed) this.#transport.pause()
  }

  /** Removes a reason not to read. */
  resume(reason: number): void {
    const before = this.#pauses
    this.#pauses = before & ~reason
    if (before !== 0 && this.#pauses === 0 && !this.#isClosed) this.#transport.resume()
  }

  /** Sends what is in the outbox, then ends the stream. */
  end(): void {
    this.outbox.endAfterFlush()
  }

  /** Drops the connection now. `onClosed` follows in a later turn. */
  destroy(): void {
    this.#transport.destroy()
  }

  // What the transport tells

  onBytes(chunk: Buffer): void {
    if (this.#isClosed) return
    this.receivedBytes += chunk.length
    if (this.#turnCount !== this.#turn.count) {
      this.#turnCount = this.#turn.count
      this.#turnBytes = 0
    }
    this.#turnBytes += chunk.length
    const hasMore = this.#inbound.spend(chunk.length) && this.#turnBytes < CONNECTION_BYTES_PER_TURN
    if (!hasMore) this.giveWay()
    this.#handler.onBytes(chunk)
  }

  /** Reads no more until the queues had their turn, as if its share were used up. */
  giveWay(): void {
    if ((this.#pauses & PAUSE_BUDGET) !== 0) return
    this.pause(PAUSE_BUDGET)
    this.#turn.again(TURN_SESSIONS, this)
  }

  onEnd(): void {
    if (!this.#isClosed) this.#handler.onEnd()
  }

  onClosed(error: Error | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.outbox.close()
    this.#handler.onClosed(error)
  }

  /** The turn in which the budget was used up is over; the queues had theirs. */
  onTurnEnd(): void {
    if (this.#turn.isLagging && this.#lagTurns < LAG_TURNS_MAX) {
      this.#lagTurns++
      return this.#turn.again(TURN_SESSIONS, this)
    }
    this.#lagTurns = 0
    this.resume(PAUSE_BUDGET)
  }
}
