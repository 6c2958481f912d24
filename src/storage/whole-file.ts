/** Files that are written whole: what is set aside and mended, and what is sealed. */
import type { Disk } from './disk.ts'

/** Writes and syncs a file of exactly these bytes. Its name is not synced yet. Rejects with a `DiskError`. */
export async function writeWholeFile(disk: Disk, name: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(name, true)
  try {
    await file.truncate(0)
    await file.write(bytes, 0, bytes.length, 0)
    await file.sync()
  } finally {
    await file.close()
  }
}
