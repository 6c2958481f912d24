/**
 * What a reload (SIGHUP) changes: reloadable settings take their new values, all others keep the old until a restart.
 */
import { assemble, type LoadedSettings, type SettingValue } from './build-settings.ts'

/** The outcome of a reload. */
export interface SettingsReload {
  /** What is in force from now on. */
  readonly loaded: LoadedSettings
  /** Keys that changed. */
  readonly changed: readonly string[]
  /** Keys whose change waits for a restart. */
  readonly waiting: readonly string[]
}

/** Compares what is in force with what was just read. */
export function reloadSettings(current: LoadedSettings, next: LoadedSettings): SettingsReload {
  const changed: string[] = []
  const waiting: string[] = []
  const values = new Map<string, SettingValue>()
  for (const key of new Set([...current.values.keys(), ...next.values.keys()])) {
    const before = current.values.get(key)
    const after = next.values.get(key)
    const { row } = (after ?? before)!
    const isSame = before !== undefined && after !== undefined && formatValue(before) === formatValue(after)
    if (!isSame) (row.reloadable ? changed : waiting).push(key)
    const inForce = row.reloadable || isSame ? after : before
    if (inForce !== undefined) values.set(key, inForce)
  }
  return { loaded: { settings: assemble(values), values, warnings: next.warnings }, changed, waiting }
}

function formatValue(value: SettingValue): string {
  return value.row.type.format(value.value)
}
