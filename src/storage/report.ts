/**
 * What the storage tells its surroundings, once per change: for the log, the alarms and the counters.
 */
import type { LogHealth } from './log.ts'

/** A range of a file that is not what was written there. */
export interface Damage {
  readonly file: string
  readonly from: number
  readonly to: number
  readonly reason: string
}

/** Listens to the storage. Calls must not throw. */
export interface StorageReport {
  /** The log stopped working, or works again. */
  onHealth(health: LogHealth): void
  /** Records were lost to damage; the file will be set aside. */
  onDamage(damage: Damage): void
  /** Something does not work, and is tried again. Nothing is lost. */
  onTrouble(text: string): void
  /** Something worth a line. */
  onNotice(text: string): void
  /** Recovery read so much of so much. */
  onProgress(bytes: number, bytesTotal: number): void
  /** An error that should not exist. */
  onBug(error: unknown): void
}

/** Hears nothing. */
export const SILENT: StorageReport = {
  onHealth: () => undefined,
  onDamage: () => undefined,
  onTrouble: () => undefined,
  onNotice: () => undefined,
  onProgress: () => undefined,
  onBug: () => undefined,
}
