/**
 * STOMP on a broker: takes transports and makes connections of them. One per broker.
 */
import type { Transport } from '../../net/transport.ts'
import { StompConnection } from './connection.ts'
import { type StompOptions, StompWorld } from './world.ts'

/** The protocol, ready to serve. */
export class Stomp {
  readonly #world: StompWorld
  readonly #connections = new Set<StompConnection>()
  #isStopping = false
  #onEmpty: (() => void) | null = null

  constructor(options: StompOptions) {
    this.#world = new StompWorld(options)
  }

  /** Sockets, logged in or not. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /** Serves a client. */
  accept(transport: Transport): void {
    if (this.#isStopping) return transport.destroy()
    const connection = new StompConnection(transport, this.#world, (gone) => this.#gone(gone))
    this.#connections.add(connection)
    connection.open()
  }

  /** Closes every connection; resolves when their sockets are gone. */
  stop(): Promise<void> {
    this.#isStopping = true
    for (const connection of [...this.#connections]) connection.close('shutdown', 'the broker is shutting down')
    if (this.#connections.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEmpty = resolve
    })
  }

  /** Drops what is still there: for a stop that takes too long. */
  destroyAll(): void {
    for (const connection of [...this.#connections]) connection.destroy()
  }

  #gone(connection: StompConnection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }
}
