/**
 * What the disk does not give, of the log or of the metadata: an error of reading is not damage. The bytes may be sound, and come with the next try, so a
 * start refuses rather than to set confirmed messages aside; only an operator gives them up, with `warren check --repair`.
 */
import { DiskError, type DiskFile } from './disk.ts'

/** Read alone when a larger read fails: what a bad place costs. */
const PIECE_BYTES = 4096

/** Bytes of a file that could not be read. */
export interface UnreadableRange {
  readonly from: number
  readonly to: number
}

/** Reason of a damage: given up by an operator, because the disk does not give it. */
export const UNREADABLE = 'cannot be read'

/** A start must not go on without these bytes. */
export class UnreadableFile extends Error {
  constructor(file: string, cause: DiskError) {
    super(
      `${file} cannot be read (${cause.message}). Nothing was changed. Start again when the disk works. ` +
        "If it will not, copy the folder while you can; then 'warren check --repair' gives up what cannot be read and keeps the rest.",
      { cause },
    )
    this.name = 'UnreadableFile'
  }
}

/** Reads the first `bytes` of a file, with zeros where it cannot be read; resolves to those places. */
export async function readAround(file: DiskFile, into: Uint8Array, bytes: number): Promise<UnreadableRange[]> {
  const ranges: UnreadableRange[] = []
  for (let from = 0; from < bytes; from += PIECE_BYTES) {
    const to = Math.min(from + PIECE_BYTES, bytes)
    try {
      into.fill(0, from + (await file.read(into, from, to, from)), to)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      into.fill(0, from, to)
      ranges.push({ from, to })
    }
  }
  return ranges
}
