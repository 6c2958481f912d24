/**
 * The package's entry point for programs: a broker inside a process, for tests and for applications that embed one.
 *
 *   const broker = await startBroker()                       everything in memory, AMQP on a free port
 *   const broker = await startBroker({ ports: false })       no port at all: connect with `broker.connect()`
 *   const clock = new ManualClock()                          a test that moves time: `clock.advance(60_000)`
 *   const broker = await startBroker({ clock })
 */
import type { Duplex } from 'node:stream'
import type { Clock } from './base/clock.ts'
import { type Logger, SILENT_LOGGER } from './base/log.ts'
import { startBroker as boot } from './boot.ts'
import { settingsWith } from './config/build-settings.ts'
import { FREE_PORTS } from './config/free-ports.ts'
import { memoryPair } from './net/memory-transport.ts'

export type { Clock } from './base/clock.ts'
export { ManualClock, SystemClock } from './base/clock.ts'
export type { Logger } from './base/log.ts'
export { SettingsError } from './config/settings-error.ts'

/** How an embedded broker is to be. */
export interface EmbeddedBrokerOptions {
  /** The data folder; null or absent keeps everything in memory. */
  readonly dataDir?: string | null
  /** Settings by their keys (`listeners.tcp.default`, `max_message_size`, …). Ports are free ones unless set. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** False: nothing listens; clients come by `connect`. */
  readonly ports?: boolean
  /** Time for TTLs, delays and heartbeats; the machine's unless given. */
  readonly clock?: Clock
  /** Silent unless given. */
  readonly logger?: Logger
}

/** An embedded broker. */
export interface EmbeddedBroker {
  /** Port in use by name of listener: `amqp`, … */
  readonly listeners: Readonly<Record<string, number>>
  /** `amqp://guest:guest@127.0.0.1:<port>`, or undefined without ports. */
  readonly url: string | undefined
  /** A stream to the broker that uses no port: what a socket would be to an AMQP 0-9-1 client. */
  connect(): Duplex
  /** Closes connections, finishes writing and frees every resource. */
  stop(): Promise<void>
}

/** Starts a broker in this process. Several may run at a time. Rejects with `SettingsError` for settings that make no sense. */
export async function startBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const broker = await boot({
    settings: settingsWith({ ...FREE_PORTS, ...options.settings }),
    dataDir: options.dataDir ?? null,
    logger: options.logger ?? SILENT_LOGGER,
    listen: options.ports !== false,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  })
  const port = broker.listeners.amqp
  return {
    listeners: broker.listeners,
    url: port === undefined ? undefined : `amqp://guest:guest@127.0.0.1:${port}`,
    connect: () => {
      const { transport, client } = memoryPair()
      broker.acceptAmqp(transport)
      return client
    },
    stop: () => broker.stop(),
  }
}
