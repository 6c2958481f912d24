/**
 * What a subcommand is. A new one is a file that exports a `CommandRegistrar`, and one line in `commands.ts`.
 * Its module is loaded only when it is the one that runs, so that `warren server` starts fast.
 */
import type { Command } from 'commander'
import type { BrokerOptions, RunningBroker } from '../config/broker-options.ts'
import type { Settings } from '../config/settings.ts'
import type { OpenedDataFolder } from './definitions.ts'

/** What subcommands get from the process, so that tests can give them another. */
export interface CliHost {
  /** Starts a broker; boot and all it needs are loaded by the first call. */
  startBroker(options: BrokerOptions): Promise<RunningBroker>
  /** Locks and opens the data folder of a stopped broker; rejects when a broker uses it. */
  openDataFolder(dataDir: string, settings: Settings): Promise<OpenedDataFolder>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly stdout: Terminal
  readonly stderr: Terminal
}

/** A stream that people or programs read. */
export interface Terminal {
  write(text: string): unknown
  readonly isTTY?: boolean
}

/** Adds its command, by `program.command(name)`, with options and action. The action sets `process.exitCode` when it fails. */
export type CommandRegistrar = (program: Command, host: CliHost) => void

/** An entry of the command tree's root. */
export interface LazyCommand {
  readonly name: string
  /** For the list of commands in `warren --help`. */
  readonly summary: string
  load(): Promise<CommandRegistrar>
}
