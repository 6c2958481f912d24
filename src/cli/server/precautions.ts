/** What an operator should know before the broker starts: who else may read its data, and with whose rights it runs. */
import { mkdirSync, statSync } from 'node:fs'

const FOLDER_MODE = 0o700
/** Anything that group or others may do. */
const OTHERS = 0o077
const ROOT = 0

/** Makes the data folder for its owner alone, when it is not there. */
export function makeDataFolder(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: FOLDER_MODE })
}

/** Sentences of warning. `userId` is undefined where the system has no such thing. */
export function precautions(dataDir: string | null, userId: number | undefined): string[] {
  const warnings: string[] = []
  if (userId === ROOT)
    warnings.push('the broker runs as root, and needs none of its rights: run it as an ordinary user')
  if (dataDir !== null && (statSync(dataDir).mode & OTHERS) !== 0) {
    warnings.push(`other users of this machine may look into the data folder ${dataDir}: chmod 700`)
  }
  return warnings
}
