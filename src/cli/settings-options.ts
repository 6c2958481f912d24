/** The options that say where settings come from: the same for every command that reads them. */
import type { Command } from 'commander'
import { type Configuration, loadSettings } from '../config/load-settings.ts'
import type { CliHost } from './command.ts'

/** Their values. */
export interface SettingsOptions {
  readonly config?: string
  readonly set: readonly string[]
  readonly dataDir?: string
}

/** Adds `--config`, `--set` and `--data-dir`. */
export function addSettingsOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'settings in the format of rabbitmq.conf, or a folder of such files')
    .option('-s, --set <key=value>', 'one setting (repeatable)', (text, before: string[]) => [...before, text], [])
    .option('-d, --data-dir <folder>', 'where messages and definitions are kept')
}

/** Reads everything. Throws `SettingsError`. */
export function loadWith(options: SettingsOptions, host: CliHost): Configuration {
  return loadSettings({
    configFile: options.config ?? null,
    assignments: options.set,
    dataDir: options.dataDir ?? null,
    environment: host.environment,
  })
}
