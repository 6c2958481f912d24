/**
 * The port of a server: opened, closed for a while, and opened again at the same number. Used by the listeners of this
 * folder, which own the server and what it accepts.
 */
import type net from 'node:net'
import type { Logger } from '../base/log.ts'

/** Where to listen. */
export interface PortOptions {
  /** For the log and the ready file: `amqp`, `web-mqtt`, … */
  readonly name: string
  /** Empty: all interfaces, IPv6 and IPv4. */
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly backlog: number
}

/** One port. */
export class Port {
  readonly name: string
  readonly #server: net.Server
  readonly #options: PortOptions
  readonly #logger: Logger
  #number = 0

  constructor(server: net.Server, options: PortOptions, logger: Logger) {
    this.name = options.name
    this.#server = server
    this.#options = options
    this.#logger = logger
  }

  /** The one in use; 0 before the first `open`. */
  get number(): number {
    return this.#number
  }

  get host(): string {
    return this.#options.host
  }

  /** Resolves when the server listens; rejects when it cannot. */
  async open(): Promise<void> {
    await this.#bind(this.#options.port)
    this.#server.on('error', (error) => this.#logger.error(`listener ${this.name}: ${error.message}`, { error }))
    const address = this.#server.address()
    if (typeof address === 'object' && address !== null) this.#number = address.port
  }

  /** Closes the port; what was accepted goes on. */
  suspend(): void {
    if (this.#server.listening) this.#server.close()
  }

  /** Opens it again. Rejects when somebody else has taken it. */
  async resume(): Promise<void> {
    if (!this.#server.listening) await this.#bind(this.#number)
  }

  #bind(port: number): Promise<void> {
    const { host, backlog } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, backlog, ...(host === '' ? {} : { host }) }, () => {
        this.#server.removeListener('error', reject)
        resolve()
      })
    })
  }
}
