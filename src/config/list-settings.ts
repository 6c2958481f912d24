/** Settings as text: for `warren config`, in the format of `rabbitmq.conf`, so that the output is a valid file. */
import type { LoadedSettings, SettingValue } from './build-settings.ts'
import type { SettingRow } from './field.ts'
import { settingRows } from './settings.ts'

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
