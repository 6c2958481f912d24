/** What `main`, or a program that embeds the broker, and `boot` agree on. */
import type { LogCategory, Logger, LogLevel, LogSink } from '../base/log.ts'
import type { Settings } from './settings.ts'

/** The log of the process, as an operator changes and reads it while the broker runs. */
export interface LogControl {
  /** The level of one category, or of all that have none of their own, until the settings are read again. */
  setLevel(category: LogCategory | null, level: LogLevel): void
  /** Lines go there, too, when the settings want them in the log exchange; null ends it. */
  attach(to: LogSink | null): void
  /** The newest lines, oldest first. */
  tail(countMax: number): readonly string[]
}

/** What a broker needs to start. */
export interface BrokerOptions {
  readonly settings: Settings
  /** The data folder, created when missing; null keeps everything in memory. */
  readonly dataDir: string | null
  readonly logger: Logger
  /** Files that the settings were read from; none where they come from elsewhere. */
  readonly configFiles?: readonly string[]
  /** Absent where a program that embeds the broker keeps the log to itself. */
  readonly logControl?: LogControl
}

/** A broker that listens on everything it was told to. */
export interface RunningBroker {
  /** Port in use by name of listener: `amqp`, `amqps`, `http`, `mqtt`, … */
  readonly listeners: Readonly<Record<string, number>>
  /** Closes connections, finishes writing and frees every resource. Calling it again gives the same promise. */
  stop(): Promise<void>
  /** Calls when an operator asks for the stop over the HTTP API; whoever does not listen has a broker that stops itself. */
  onShutdownAsked?(call: () => void): void
  /**
   * Applies what can be applied to a running broker; what needs a restart has its former value in `settings`.
   * Returns remarks for the log.
   */
  reload?(settings: Settings): readonly string[]
}
