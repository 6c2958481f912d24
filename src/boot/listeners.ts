/** Listening sockets: every address of a setting becomes a listener whose transports go to one protocol. */
import type { Logger } from '../base/log.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Settings } from '../config/settings.ts'
import type { Address } from '../config/value-type.ts'
import type { ListenerFact } from '../management/context.ts'
import type { LimitCounts } from '../model/observe/limit-counts.ts'
import { Listener, type TransportAcceptor } from '../net/listener.ts'
import type { GreetingTimes } from '../net/proxy-greeting.ts'
import type { TlsContext } from '../net/tls-context.ts'
import { WebSocketListener, type WebSocketListenerOptions } from '../net/websocket.ts'

type WebSocketOptions = Omit<WebSocketListenerOptions, 'backlog' | 'greetingTimes'>

/** What all listeners need of the broker. */
export interface ListenerWorld {
  /** Asked for every new client. */
  admits(): boolean
  readonly timers: TimerWheel
  readonly limits: LimitCounts
}

/** What listens, by name; the first of several addresses has the plain name, others a number behind it. */
export class OpenListeners {
  readonly #listeners: (Listener | WebSocketListener)[] = []
  readonly #logger: Logger
  readonly #settings: Settings['listeners']
  readonly #admits: () => boolean
  readonly #greetingTimes: GreetingTimes
  #isSuspended = false

  constructor(settings: Settings, { admits, timers, limits }: ListenerWorld, logger: Logger) {
    this.#settings = settings.listeners
    this.#admits = admits
    this.#greetingTimes = {
      timeoutMs: settings.listeners.handshakeTimeoutMs,
      timers,
      onTimeout: () => limits.hit('handshake_time'),
    }
    this.#logger = logger
  }

  /** Listens on all addresses. Rejects with a sentence for the first that is taken or not ours. */
  async open(
    name: string,
    addresses: readonly Address[],
    tls: TlsContext | null,
    accept: TransportAcceptor,
    proxyProtocol = this.#settings.proxyProtocol,
  ): Promise<void> {
    for (const [index, { host, port }] of addresses.entries()) {
      const options = {
        name: index === 0 ? name : `${name}-${index + 1}`,
        host: host ?? '',
        port,
        backlog: this.#settings.backlogCountMax,
        noDelay: this.#settings.nodelay,
        keepAlive: this.#settings.keepalive,
        tls,
        proxyProtocol,
        greetingTimes: this.#greetingTimes,
      }
      await this.#listen(name, host, port, new Listener(options, this.#admitted(accept), this.#logger))
    }
  }

  /** Listens for WebSocket connections. Rejects with a sentence when it cannot. */
  async openWebSocket(options: WebSocketOptions, accept: TransportAcceptor): Promise<void> {
    const { name, host, port } = options
    const complete = { ...options, backlog: this.#settings.backlogCountMax, greetingTimes: this.#greetingTimes }
    await this.#listen(
      name,
      host === '' ? null : host,
      port,
      new WebSocketListener(complete, this.#admitted(accept), this.#logger),
    )
  }

  async #listen(
    name: string,
    host: string | null,
    port: number,
    listener: Listener | WebSocketListener,
  ): Promise<void> {
    try {
      await listener.port.open()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(`cannot listen for ${name} on ${host ?? 'all interfaces'}, port ${port}: ${reason}`)
    }
    this.#listeners.push(listener)
  }

  #admitted(accept: TransportAcceptor): TransportAcceptor {
    return (transport) => {
      if (this.#admits()) accept(transport)
      else transport.destroy()
    }
  }

  /** Number of listeners. */
  get count(): number {
    return this.#listeners.length
  }

  /** Ports in use as RabbitMQ lists them: `amqp`, `amqp/ssl`, … None while they are suspended. */
  facts(): readonly ListenerFact[] {
    if (this.#isSuspended) return []
    return this.#listeners.map(({ port: { name, host, number } }) => ({
      protocol: listedProtocol(name),
      host,
      port: number,
    }))
  }

  /** Ports in use by name. */
  get ports(): Record<string, number> {
    return Object.fromEntries(this.#listeners.map(({ port: { name, number } }) => [name, number]))
  }

  /** Closes all ports; connections go on. */
  suspend(): void {
    this.#isSuspended = true
    for (const { port } of this.#listeners) port.suspend()
  }

  /** Opens them again. Rejects with a sentence for the first that somebody else has taken. */
  async resume(): Promise<void> {
    for (const { port } of this.#listeners) await port.resume()
    this.#isSuspended = false
  }

  /** Stops accepting. */
  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()))
  }
}

/** `amqps-2` is listed as `amqp/ssl`. */
function listedProtocol(name: string): string {
  const plain = name.replace(/-\d+$/, '')
  if (plain.startsWith('web-')) return plain.endsWith('s') ? `https/${plain.slice(0, -1)}` : `http/${plain}`
  return plain.endsWith('s') ? `${plain.slice(0, -1)}/ssl` : plain
}
