/**
 * The environment: the one place that knows its variables. RabbitMQ's own ones, and `WARREN_<KEY>` for any setting.
 */

import type { SettingEntry } from './build-settings.ts'
import { settingIndex } from './build-settings.ts'
import { variableOf } from './key-index.ts'

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What the environment says. */
export interface EnvironmentSettings {
  readonly entries: readonly SettingEntry[]
  readonly warnings: readonly string[]
  /** `WARREN_CONFIG_FILE` or `RABBITMQ_CONFIG_FILE`, or null. */
  readonly configFile: string | null
  /** `WARREN_CONFIG_FILES` or `RABBITMQ_CONFIG_FILES`: a folder, or null. */
  readonly configFolder: string | null
  /** `WARREN_DATA_DIR`, or null. */
  readonly dataDir: string | null
}

const RENAMED: Readonly<Record<string, string>> = {
  RABBITMQ_NODENAME: 'warren.node_name',
  RABBITMQ_DEFAULT_USER: 'default_user',
  RABBITMQ_DEFAULT_PASS: 'default_pass',
  RABBITMQ_DEFAULT_VHOST: 'default_vhost',
  RABBITMQ_PRODUCT_NAME: 'product.name',
  RABBITMQ_PRODUCT_VERSION: 'product.version',
  RABBITMQ_MOTD_FILE: 'motd_file',
  RABBITMQ_LOG_BASE: 'log.dir',
}

/** Ours, but no settings. */
const RESERVED = new Set(['DATA_DIR', 'CONFIG_FILE', 'CONFIG_FILES', 'READY_FILE'])
/** What container platforms set for a service that is called `warren`. */
const SERVICE_LINK = /^(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP)(_.*)?)?|NAME|ENV_.*)$/
const NOT_READ = ['RABBITMQ_ADVANCED_CONFIG_FILE', 'RABBITMQ_CONF_ENV_FILE'] as const

/** The process's own environment. */
export function processEnvironment(): Environment {
  return process.env
}

/** Reads the variables that concern us. */
export function readEnvironment(environment: Environment): EnvironmentSettings {
  const entries: SettingEntry[] = []
  const warnings: string[] = []
  for (const [name, key] of Object.entries(RENAMED)) add(entries, key, environment[name], name)
  readNodePort(environment, entries)
  readLogs(environment, entries)
  for (const name of NOT_READ) {
    if (environment[name] !== undefined) warnings.push(`environment ${name}: such a file is not read here`)
  }
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('WARREN_') || text === undefined) continue
    const rest = name.slice('WARREN_'.length)
    if (RESERVED.has(rest)) continue
    const found = settingIndex().lookupVariable(rest)
    if (found !== undefined) add(entries, found.key, text, name)
    else if (!SERVICE_LINK.test(rest)) warnings.push(`environment ${name}: no setting has this name`)
  }
  return {
    entries,
    warnings,
    configFile: environment.WARREN_CONFIG_FILE ?? environment.RABBITMQ_CONFIG_FILE ?? null,
    configFolder: environment.WARREN_CONFIG_FILES ?? environment.RABBITMQ_CONFIG_FILES ?? null,
    dataDir: environment.WARREN_DATA_DIR ?? null,
  }
}

/** The variable that sets a key, for the documentation. */
export function environmentVariable(key: string): string {
  const parts = key.replace(/^warren\./, '').split('.')
  const words = parts.map((part) => (part.startsWith('$') ? `<${part.slice(1).toUpperCase()}>` : variableOf(part)))
  return `WARREN_${words.join('_')}`
}

function add(entries: SettingEntry[], key: string, text: string | undefined, name: string): void {
  if (text !== undefined && text !== '') entries.push({ key, text, origin: `environment ${name}` })
}

function readNodePort(environment: Environment, entries: SettingEntry[]): void {
  const { RABBITMQ_NODE_PORT: port, RABBITMQ_NODE_IP_ADDRESS: host } = environment
  if (host === undefined || host === '') return add(entries, 'listeners.tcp.default', port, 'RABBITMQ_NODE_PORT')
  const text = `${host.includes(':') ? `[${host}]` : host}:${port ?? '5672'}`
  add(entries, 'listeners.tcp.default', text, 'RABBITMQ_NODE_IP_ADDRESS')
}

/** `RABBITMQ_LOGS`: `-` is the terminal, else a file. `RABBITMQ_LOG`: levels, as `debug,connection=warning`. */
function readLogs(environment: Environment, entries: SettingEntry[]): void {
  const logs = environment.RABBITMQ_LOGS
  if (logs === '-' || logs === '-stderr') {
    add(entries, 'log.console', 'true', 'RABBITMQ_LOGS')
    if (logs === '-stderr') add(entries, 'log.console.stdio', 'stderr', 'RABBITMQ_LOGS')
  } else {
    add(entries, 'log.file', logs, 'RABBITMQ_LOGS')
    if (logs !== undefined && logs !== '') add(entries, 'log.console', 'false', 'RABBITMQ_LOGS')
  }
  for (const part of (environment.RABBITMQ_LOG ?? '').split(',')) {
    const [category, level] = part.split('=')
    if (level !== undefined) add(entries, `log.${category}.level`, level, 'RABBITMQ_LOG')
    else if (category !== '' && !/^[+-]/.test(category!)) {
      add(entries, 'log.console.level', category, 'RABBITMQ_LOG')
      add(entries, 'log.file.level', category, 'RABBITMQ_LOG')
    }
  }
}
