/**
 * Turns what was written (keys and texts, with where they come from) into `Settings`. Pure. Collects every problem.
 */
import type { Assigned, FieldGroup } from './field.ts'
import { KeyIndex, type KeyMatch } from './key-index.ts'
import { SETTING_GROUPS, type Settings, settingRows } from './settings.ts'
import { SettingsError } from './settings-error.ts'

/** One value as somebody wrote it. Later entries win over earlier ones. */
export interface SettingEntry {
  readonly key: string
  readonly text: string
  /** Where it comes from, for messages: `rabbitmq.conf:12`, `--set`. */
  readonly origin: string
}

/** A value in force that is not a default. */
export interface SettingValue extends Assigned {
  readonly key: string
  readonly text: string
  readonly origin: string
}

/** Settings, and how they came about. */
export interface LoadedSettings {
  readonly settings: Settings
  /** What was set, by key, in the order of the sources. */
  readonly values: ReadonlyMap<string, SettingValue>
  readonly warnings: readonly string[]
}

let index: KeyIndex | null = null
/** Settings are frozen and know no keys: what was written for them is remembered here. */
const valuesBySettings = new WeakMap<Settings, ReadonlyMap<string, SettingValue>>()

/** The index over the whole table; made once, since the table never changes. */
export function settingIndex(): KeyIndex {
  index ??= new KeyIndex(settingRows())
  return index
}

/** Reads the entries. Throws `SettingsError` with all that is wrong. */
export function buildSettings(entries: readonly SettingEntry[]): LoadedSettings {
  const values = new Map<string, SettingValue>()
  const problems: string[] = []
  const warnings: string[] = []
  for (const entry of entries) {
    const found = settingIndex().lookup(entry.key)
    if (found.kind === 'row') {
      const value = read(entry, found.match, problems)
      if (value === undefined) continue
      values.delete(value.key)
      values.set(value.key, value)
    } else if (found.kind === 'noEffect') warnings.push(`${entry.origin}: ${entry.key} has no effect: ${found.reason}`)
    else problems.push(`${entry.origin}: unknown key '${entry.key}', did you mean '${found.nearest}'?`)
  }
  if (problems.length > 0) throw new SettingsError(problems)
  const settings = assemble(values)
  const conflicts = findConflicts(settings)
  if (conflicts.length > 0) throw new SettingsError(conflicts)
  return { settings, values, warnings }
}

/** All defaults, with these keys set: for tests and for programs that embed the broker. */
export function settingsWith(texts: Readonly<Record<string, string | number | boolean>> = {}): Settings {
  const entries = Object.entries(texts).map(([key, value]) => ({ key, text: String(value), origin: 'settings' }))
  return buildSettings(entries).settings
}

function read(entry: SettingEntry, { row, names }: KeyMatch, problems: string[]): SettingValue | undefined {
  if (entry.text.startsWith('encrypted:')) {
    problems.push(`${entry.origin}: ${entry.key}: encrypted values cannot be read; give the plain value by other means`)
    return undefined
  }
  const value = row.type.parse(entry.text)
  if (value === undefined) {
    const came = row.type.secret ? 'the value' : `'${entry.text}'`
    problems.push(`${entry.origin}: ${entry.key}: ${came} is not acceptable, expected ${row.type.accepts}`)
    return undefined
  }
  // A former name of a key is the same setting: it must not stand beside it.
  const key = row.aliases.includes(entry.key) ? row.key : entry.key
  return { row, names, value, key, text: entry.text, origin: entry.origin }
}

/** Builds all groups. Fields whose rows have no value get their defaults. */
export function assemble(values: ReadonlyMap<string, SettingValue>): Settings {
  const byRow = new Map<unknown, SettingValue[]>()
  for (const value of values.values()) {
    const others = byRow.get(value.row)
    if (others === undefined) byRow.set(value.row, [value])
    else others.push(value)
  }
  const order = new Map([...values.values()].map((value, i) => [value, i]))
  const groups: Record<string, unknown> = {}
  for (const [groupName, group] of Object.entries<FieldGroup>(SETTING_GROUPS)) {
    const fields: Record<string, unknown> = {}
    for (const [fieldName, field] of Object.entries(group)) {
      const assigned = field.rows.flatMap((row) => byRow.get(row) ?? [])
      if (field.rows.length > 1) assigned.sort((a, b) => order.get(a)! - order.get(b)!)
      fields[fieldName] = field.build(assigned)
    }
    groups[groupName] = Object.freeze(fields)
  }
  // Built from the same table that the type is inferred from.
  const settings = Object.freeze(groups) as unknown as Settings
  valuesBySettings.set(settings, values)
  return settings
}

/** What was set to get these settings, by key; everything else is at its default. */
export function valuesOf(settings: Settings): ReadonlyMap<string, SettingValue> {
  return valuesBySettings.get(settings) ?? new Map()
}

function findConflicts(settings: Settings): string[] {
  const problems: string[] = []
  const { certificateFile, keyFile } = settings.tls
  const hasCertificate = certificateFile !== null && keyFile !== null
  const secure = [
    ['listeners.ssl', settings.listeners.ssl.length > 0],
    ['mqtt.listeners.ssl', settings.mqtt.ssl.length > 0],
    ['web_mqtt.ssl.port', settings.mqtt.webSslPort !== null && settings.webMqttTls.certificateFile === null],
    ['stomp.listeners.ssl', settings.stomp.ssl.length > 0],
    ['web_stomp.ssl.port', settings.stomp.webSslPort !== null && settings.webStompTls.certificateFile === null],
    ['stream.listeners.ssl', settings.stream.ssl.length > 0],
    ['management.ssl.port', settings.management.sslPort !== null && settings.managementTls.certificateFile === null],
    ['prometheus.ssl.port', settings.prometheus.sslPort !== null && settings.prometheusTls.certificateFile === null],
  ] as const
  for (const [key, isUsed] of secure) {
    if (isUsed && !hasCertificate) problems.push(`${key} needs ssl_options.certfile and ssl_options.keyfile`)
  }
  const pairs = [
    ['management.ssl', settings.managementTls],
    ['prometheus.ssl', settings.prometheusTls],
    ['web_mqtt.ssl', settings.webMqttTls],
    ['web_stomp.ssl', settings.webStompTls],
  ] as const
  for (const [prefix, { certificateFile, keyFile }] of pairs) {
    if ((certificateFile === null) !== (keyFile === null)) {
      problems.push(`${prefix}.certfile and ${prefix}.keyfile come together`)
    }
  }
  if (settings.definitions.backend === 'https' && settings.definitions.url === null) {
    problems.push('definitions.import_backend = https needs definitions.https.url')
  }
  const { url } = settings.definitions
  if (url !== null && !(URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) {
    problems.push('definitions.https.url is an address such as https://example.org/definitions.json')
  }
  if (settings.amqp.initialFrameBytesMax > settings.amqp.frameBytesMax) {
    problems.push('initial_frame_max must not be above frame_max')
  }
  return problems
}
