/**
 * AMQP 0-9-1 on a broker: takes transports and makes connections of them. One per broker.
 */
import { InboundBudget } from '../../net/inbound-budget.ts'
import type { Transport } from '../../net/transport.ts'
import { Connection, type SharedParts } from './connection.ts'
import { PublishScratch } from './publisher.ts'
import type { SessionWorld } from './session.ts'

/** The protocol, ready to serve. */
export class Amqp091 {
  readonly #world: SessionWorld
  readonly #shared: SharedParts
  readonly #connections = new Set<Connection>()
  #isStopping = false
  #onEmpty: (() => void) | null = null

  constructor(world: SessionWorld) {
    this.#world = world
    this.#shared = { scratch: new PublishScratch(), inbound: new InboundBudget(world.broker.world.turn) }
  }

  /** Sockets, logged in or not. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /** Serves a client. */
  accept(transport: Transport): void {
    if (this.#isStopping) return transport.destroy()
    this.#connections.add(new Connection(transport, this.#world, this.#shared, (connection) => this.#gone(connection)))
  }

  /** Closes every connection; resolves when their sockets are gone. */
  stop(): Promise<void> {
    this.#isStopping = true
    for (const connection of [...this.#connections]) {
      connection.closeFromOutside('shutdown', "broker forced connection closure with reason 'shutdown'")
    }
    if (this.#connections.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEmpty = resolve
    })
  }

  /** Drops what is still there: for a stop that takes too long. */
  destroyAll(): void {
    for (const connection of [...this.#connections]) connection.destroy()
  }

  #gone(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }
}
