/**
 * The mark of a clean stop: a small file that says where the log (or the journal of the metadata) ended when it was closed.
 * With it, the next reader can tell an end that was cut off from a write that was not completed.
 *
 *   word 0–1  "WarrenSp"     word 4–5  a detail that must agree: checksum or generation
 *   word 2–3  the end        word 6    zero         word 7  crc32 of words 0–6
 *
 * Invariant: the mark is there only while nothing was written since it was made. Whoever opens for writing removes it first.
 */
import { crc32 } from 'node:zlib'
import { type Disk, DiskError } from './disk.ts'

/** Name of the mark. */
export const STOP_MARK = 'stopped'
const MAGIC = 'WarrenSp'
const MARK_BYTES = 32
const CRC_AT = 28

/** What a mark says. */
export interface StopMark {
  readonly end: number
  readonly detail: number
}

/** Makes the mark, durably. */
export async function writeStopMark(disk: Disk, { end, detail }: StopMark): Promise<void> {
  const bytes = Buffer.alloc(MARK_BYTES)
  bytes.write(MAGIC, 'latin1')
  bytes.writeBigUInt64LE(BigInt(end), 8)
  bytes.writeBigUInt64LE(BigInt(detail), 16)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT)
  const file = await disk.open(STOP_MARK, true)
  try {
    await file.truncate(0)
    await file.write(bytes, 0, MARK_BYTES, 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.syncFolder()
}

/** The mark; null when there is none, when it is not what was written, or when the disk does not give it: as after a crash. */
export async function readStopMark(disk: Disk): Promise<StopMark | null> {
  const isThere = (await disk.list()).some(({ name }) => name === STOP_MARK)
  if (!isThere) return null
  const bytes = Buffer.alloc(MARK_BYTES)
  const file = await disk.open(STOP_MARK, false)
  try {
    await file.read(bytes, 0, MARK_BYTES, 0)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return null
  } finally {
    await file.close()
  }
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return null
  if (bytes.readUInt32LE(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT))) return null
  return { end: Number(bytes.readBigUInt64LE(8)), detail: Number(bytes.readBigUInt64LE(16)) }
}

/** Removes the mark, durably. */
export async function removeStopMark(disk: Disk): Promise<void> {
  if (!(await disk.list()).some(({ name }) => name === STOP_MARK)) return
  await disk.remove(STOP_MARK)
  await disk.syncFolder()
}
