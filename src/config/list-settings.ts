/** Settings as text: for `warren config`, in the format of `rabbitmq.conf`, so that the output is a valid file. */
import { type LoadedSettings, type SettingValue, valuesOf } from './build-settings.ts'
import type { SettingRow } from './field.ts'
import { type Settings, settingRows } from './settings.ts'

/** What is listed of one key. */
export interface SettingListing {
  readonly key: string
  readonly value: string
  readonly origin: string
}

const HIDDEN = '********'

/** What is in force: the values that were set, and with `withDefaults` all others, too. */
export function listSettings(loaded: LoadedSettings, withDefaults: boolean, showSecrets: boolean): SettingListing[] {
  const byRow = new Map<SettingRow, SettingValue[]>()
  for (const value of loaded.values.values()) byRow.set(value.row, [...(byRow.get(value.row) ?? []), value])
  return settingRows().flatMap((row) => {
    const values = byRow.get(row)
    if (values !== undefined) {
      return values.map(({ key, value, origin }) => ({ key, value: textOf(row, value, showSecrets), origin }))
    }
    if (!withDefaults || row.defaultText === '') return []
    const value = row.type.secret && !showSecrets ? HIDDEN : row.defaultText
    return [{ key: row.key, value, origin: 'default' }]
  })
}

/** A setting with its value in force. */
export interface SettingDescription extends SettingListing {
  readonly type: string
  readonly default: string
  readonly reloadable: boolean
  readonly description: string
}

/** Every setting with its value in force, secrets hidden. A key with placeholders is listed with what stands for them, too. */
export function describeSettings(settings: Settings): SettingDescription[] {
  const values = [...valuesOf(settings).values()]
  return settingRows().flatMap((row) => {
    const { type, defaultText, reloadable, sentence: description } = row
    const shared = { type: type.name, default: type.secret ? '' : defaultText, reloadable, description }
    const set = values
      .filter((value) => value.row === row)
      .map(({ key, value, origin }) => ({ ...shared, key, value: textOf(row, value, false), origin }))
    const isListed = set.length > 0 && !row.key.includes('$')
    const byDefault = { ...shared, key: row.key, value: type.secret ? '' : defaultText, origin: 'default' }
    return isListed ? set : [byDefault, ...set]
  })
}

function textOf(row: SettingRow, value: unknown, showSecrets: boolean): string {
  return row.type.secret && !showSecrets ? HIDDEN : row.type.format(value)
}

/** The listing as a file. Defaults of keys with placeholders are comments, because they are no keys. */
export function formatListing(listing: readonly SettingListing[]): string {
  return listing
    .map(({ key, value, origin }) => {
      const line = `${key} = ${/[#'"]|^\s|\s$|^$/.test(value) ? quote(value) : value}`
      return key.includes('$') ? `# ${line}  (${origin})\n` : `${line}  # ${origin}\n`
    })
    .join('')
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "\\'")}'`
}
