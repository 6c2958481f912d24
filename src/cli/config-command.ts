/** `warren config`: what is in force and where it comes from, whether it is right, and what a setting means. */
import type { Command } from 'commander'
import { settingIndex } from '../config/build-settings.ts'
import { environmentVariable } from '../config/environment.ts'
import type { SettingRow } from '../config/field.ts'
import { formatListing, listSettings } from '../config/list-settings.ts'
import { SettingsError } from '../config/settings-error.ts'
import type { CliHost } from './command.ts'
import { addSettingsOptions, loadWith, type SettingsOptions } from './settings-options.ts'

interface ShowOptions extends SettingsOptions {
  readonly all: boolean
  readonly json: boolean
  readonly showSecrets: boolean
}

/** Adds `config` and its subcommands. */
export function registerConfig(program: Command, host: CliHost): void {
  const config = program.command('config').description('show, check and explain settings')
  addSettingsOptions(config.command('show', { isDefault: true }))
    .description('print the settings in force and where they come from, as a file')
    .option('-a, --all', 'defaults, too', false)
    .option('--json', 'as JSON', false)
    .option('--show-secrets', 'passwords, too', false)
    .action((options: ShowOptions) => show(options, host))
  addSettingsOptions(config.command('check'))
    .description('say what is wrong with the settings; exit code 2 when something is')
    .action((options: SettingsOptions) => check(options, host))
  config
    .command('explain')
    .description('say what a setting means, what it accepts, and its default')
    .argument('<key>')
    .action((key: string) => explain(key, host))
}

function show(options: ShowOptions, host: CliHost): void {
  const loaded = loadWith(options, host)
  const listing = listSettings(loaded, options.all, options.showSecrets)
  if (options.json) {
    const { dataDir, files } = loaded
    host.stdout.write(`${JSON.stringify({ dataDir, files, settings: listing }, null, 2)}\n`)
    return
  }
  host.stdout.write(`# data folder: ${loaded.dataDir}\n`)
  for (const file of loaded.files) host.stdout.write(`# read: ${file}\n`)
  if (listing.length === 0) host.stdout.write('# all settings have their defaults (--all shows them)\n')
  host.stdout.write(formatListing(listing))
}

function check(options: SettingsOptions, host: CliHost): void {
  const { warnings, values, files } = loadWith(options, host)
  for (const warning of warnings) host.stderr.write(`warning: ${warning}\n`)
  host.stdout.write(`${values.size} settings from ${files.length} files, the environment and arguments are right\n`)
}

function explain(key: string, host: CliHost): void {
  const found = settingIndex().lookup(key)
  if (found.kind === 'unknown') throw new SettingsError([`unknown key '${key}', did you mean '${found.nearest}'?`])
  if (found.kind === 'noEffect') host.stdout.write(`${key} is accepted, but has no effect: ${found.reason}\n`)
  else host.stdout.write(explanation(found.match.row))
}

function explanation(row: SettingRow): string {
  const lines = [
    row.key,
    `  ${row.sentence}`,
    `  accepts      ${row.type.accepts}`,
    `  default      ${row.defaultText === '' ? 'none' : row.defaultText}`,
    `  environment  ${environmentVariable(row.key)}`,
    `  takes effect ${row.reloadable ? 'at once, after SIGHUP' : 'at the next start'}`,
  ]
  if (row.aliases.length > 0) lines.push(`  former names ${row.aliases.join(', ')}`)
  return `${lines.join('\n')}\n`
}
