/**
 * Collects settings from all sources: config file < conf.d folder < environment < `--set`. The last wins.
 * Reading these files is the one use of the file system outside the storage.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { buildSettings, type LoadedSettings, type SettingEntry } from './build-settings.ts'
import { parseConf } from './conf-text.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { SettingsError } from './settings-error.ts'

/** Where to look. */
export interface SettingsSources {
  /** `--config`: a file, or a folder of `*.conf` files; null when it was not given. */
  readonly configFile: string | null
  /** `--set`: `key=value`, in order. */
  readonly assignments: readonly string[]
  /** `--data-dir`, or null when it was not given. */
  readonly dataDir: string | null
  readonly environment: Environment
}

/** What was found. */
export interface Configuration extends LoadedSettings {
  /** Absolute. */
  readonly dataDir: string
  /** The files that were read, in order. */
  readonly files: readonly string[]
}

const SYSTEM_CONFIG_FILE = '/etc/warrenmq/warren.conf'
const FOLDER_NAME = 'conf.d'

class Collector {
  readonly entries: SettingEntry[] = []
  readonly problems: string[] = []
  readonly warnings: string[] = []
  readonly files: string[] = []

  file(path: string): void {
    const text = this.#text(path)
    if (text === undefined) return
    this.files.push(path)
    const name = basename(path)
    const { entries, problems, warnings } = parseConf(text)
    for (const { key, text, line } of entries) this.entries.push({ key, text, origin: `${name}:${line}` })
    for (const { line, text } of problems) this.problems.push(`${name}:${line}: ${text}`)
    for (const { line, text } of warnings) this.warnings.push(`${name}:${line}: ${text}`)
  }

  folder(path: string): void {
    try {
      const names = readdirSync(path).filter((name) => name.endsWith('.conf'))
      for (const name of names.sort()) this.file(join(path, name))
    } catch (error) {
      this.problems.push(`${path}: ${reasonOf(error)}`)
    }
  }

  assignment(text: string): void {
    const equals = text.indexOf('=')
    if (equals < 1) this.problems.push(`--set ${text}: expected key=value`)
    else this.entries.push({ key: text.slice(0, equals).trim(), text: text.slice(equals + 1).trim(), origin: '--set' })
  }

  #text(path: string): string | undefined {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      this.problems.push(`${path}: ${reasonOf(error)}`)
      return undefined
    }
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'no such file or folder'
  if (code === 'EACCES') return 'may not be read'
  return error instanceof Error ? error.message : String(error)
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  return found.isDirectory() ? 'folder' : 'file'
}

/** Reads everything and checks it. Throws `SettingsError` with all that is wrong. */
export function loadSettings(sources: SettingsSources): Configuration {
  const environment = readEnvironment(sources.environment)
  const collector = new Collector()
  readFiles(collector, sources.configFile ?? environment.configFile, environment.configFolder)
  collector.entries.push(...environment.entries)
  collector.warnings.push(...environment.warnings)
  for (const assignment of sources.assignments) collector.assignment(assignment)
  const loaded = build(collector)
  const dataDir = resolve(sources.dataDir ?? environment.dataDir ?? defaultDataDir(sources.environment))
  return { ...loaded, warnings: [...collector.warnings, ...loaded.warnings], dataDir, files: collector.files }
}

function readFiles(collector: Collector, chosen: string | null, chosenFolder: string | null): void {
  const file = chosen === null ? SYSTEM_CONFIG_FILE : withExtension(chosen)
  const kind = kindOf(file)
  if (kind === 'folder') collector.folder(file)
  else if (kind === 'file' || chosen !== null) collector.file(file)
  const folder = chosenFolder === null ? join(dirname(file), FOLDER_NAME) : chosenFolder.replace(/\/\*(\.conf)?$/, '')
  if (kind !== 'folder' && (chosenFolder !== null || kindOf(folder) === 'folder')) collector.folder(folder)
}

/** RabbitMQ's `RABBITMQ_CONFIG_FILE` may lack the extension. */
function withExtension(path: string): string {
  return kindOf(path) === undefined && kindOf(`${path}.conf`) === 'file' ? `${path}.conf` : path
}

function build(collector: Collector): LoadedSettings {
  try {
    const loaded = buildSettings(collector.entries)
    if (collector.problems.length > 0) throw new SettingsError([])
    return loaded
  } catch (error) {
    if (error instanceof SettingsError) throw new SettingsError([...collector.problems, ...error.problems])
    throw error
  }
}

/** `$XDG_DATA_HOME/warrenmq`, else `~/.local/share/warrenmq`. */
function defaultDataDir(environment: Environment): string {
  const shared = environment.XDG_DATA_HOME
  return shared === undefined || shared === ''
    ? join(environment.HOME ?? homedir(), '.local', 'share', 'warrenmq')
    : join(shared, 'warrenmq')
}
