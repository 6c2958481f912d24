/** What `main`, or a program that embeds the broker, and `boot` agree on. */
import type { Logger } from '../base/log.ts'
import type { Settings } from './settings.ts'

/** What a broker needs to start. */
export interface BrokerOptions {
  readonly settings: Settings
  /** The data folder, created when missing; null keeps everything in memory. */
  readonly dataDir: string | null
  readonly logger: Logger
}

/** A broker that listens on everything it was told to. */
export interface RunningBroker {
  /** Port in use by name of listener: `amqp`, `amqps`, `http`, `mqtt`, … */
  readonly listeners: Readonly<Record<string, number>>
  /** Closes connections, finishes writing and frees every resource. Calling it again gives the same promise. */
  stop(): Promise<void>
  /**
   * Applies what can be applied to a running broker; what needs a restart has its former value in `settings`.
   * Returns remarks for the log.
   */
  reload?(settings: Settings): readonly string[]
}
