/**
 * Sets a damaged log file aside and mends it: a copy goes to the quarantine folder, and in the file a void batch takes
 * the place of each damaged range, so that the next reader finds a sound file and the records that are left.
 */

import type { Disk } from './disk.ts'
import {
  align8,
  BATCH_HEADER_BYTES,
  BLOCK_HEADER_BYTES,
  KIND_VOID,
  logFileName,
  RECORD_HEAD_BYTES,
  sealBatch,
  writeBlockHeader,
} from './format.ts'
import { FRESH_SUFFIX, QUARANTINE } from './log-files.ts'
import type { Damage } from './report.ts'
import { Slab } from './slab.ts'
import { readAround } from './unreadable.ts'
import { writeWholeFile } from './whole-file.ts'

/** Reason of a damage: batches that must be there are not. The range ends with a place for the last of them. */
export const MISSING = 'missing'
/** No batch is shorter. */
export const VOID_BYTES_MIN = BATCH_HEADER_BYTES + RECORD_HEAD_BYTES

/** Mends the file of a block. `damages` in ascending order. A power loss on the way leaves the old file or the new one. */
export async function mend(disk: Disk, blockBytes: number, number: number, damages: readonly Damage[]): Promise<void> {
  const name = logFileName(number)
  const file = await disk.open(name, false)
  const last = damages.reduce((end, { to }) => Math.max(end, to), BLOCK_HEADER_BYTES + VOID_BYTES_MIN)
  const found = (await disk.list()).find((entry) => entry.name === name)?.bytes ?? 0
  const bytes = align8(Math.max(found, last))
  const slab = new Slab(bytes)
  slab.bytes.fill(0)
  await readAround(file, slab.bytes, found)
  await file.close()
  await writeWholeFile(disk, `${QUARANTINE}/${name}`, slab.bytes.subarray(0, found))
  writeBlockHeader(slab.bytes, slab.words, number, blockBytes, 0)
  for (const { from, to, reason } of damages) {
    const start = Math.max(from, BLOCK_HEADER_BYTES)
    const end = Math.max(Math.floor(to / 8) * 8, start)
    // A later batch names the last missing one as its parent, so that one gets a void batch of its own.
    const middle = reason === MISSING ? end - VOID_BYTES_MIN : end
    fillWithVoid(slab, start, middle, number * blockBytes)
    fillWithVoid(slab, middle, end, number * blockBytes)
  }
  await writeWholeFile(disk, name + FRESH_SUFFIX, slab.bytes)
  await disk.rename(name + FRESH_SUFFIX, name)
  await disk.syncFolder()
}

function fillWithVoid(slab: Slab, start: number, end: number, base: number): void {
  if (end - start < VOID_BYTES_MIN) return
  const word = (start + BATCH_HEADER_BYTES) >>> 2
  slab.words[word] = end - start - BATCH_HEADER_BYTES
  slab.words[word + 1] = KIND_VOID
  const chain = { epoch: 0, parentPosition: 0, parentCrc: 0, durable: 0, sealedAtMs: 0 }
  sealBatch(slab.bytes, slab.words, start, end, base + start, chain)
}
