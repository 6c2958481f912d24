/**
 * Opens a message store: locks the folder, reads the log back, and hands out a store that is ready. Called once per
 * broker by the composition root; without a disk, everything is memory.
 */
import type { Clock } from '../base/clock.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Turn } from '../base/turn.ts'
import { BlockTable } from './block-table.ts'
import type { Disk } from './disk.ts'
import { BLOCK_BYTES_MAX } from './format.ts'
import type { Log } from './log.ts'
import { LogFiles } from './log-files.ts'
import { LocalLog } from './log-local.ts'
import { MemoryLog } from './log-memory.ts'
import { numberAfterLog, probeBlockBytes } from './log-scan.ts'
import { Recovery, type Weigh } from './recovery.ts'
import type { StorageReport } from './report.ts'
import { ScratchFolder } from './scratch.ts'
import { BlockStore } from './store.ts'

/** What a store needs. Sizes in bytes. */
export interface StoreOptions {
  /** Null: nothing outlives the process. */
  readonly disk: Disk | null
  readonly turn: Turn
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly report: StorageReport
  /** The weight (body bytes) of a message, from its payload: asked during recovery. */
  readonly weigh: Weigh
  /** Size of a block and of a log file: a power of two from 4 KiB to 16 MiB. A folder keeps the size it began with. */
  readonly blockBytes?: number
  /** Memory for blocks and for what is read back from disk. */
  readonly residentBytes?: number
  /** When `safe` advances: after the sync, after the write, or after the sync unless everything is settled before. */
  readonly confirmAfter?: 'sync' | 'write' | 'settled'
  /** Whether fast syncs of small batches may hold the event loop up (sync-pace.ts). */
  readonly isSyncOnLoop?: boolean
  readonly unsyncedBytesMax?: number
}

const BLOCK_BYTES_MIN = 4096
const RESIDENT_BYTES = 96 * 1024 * 1024
const UNSYNCED_BYTES_MAX = 64 * 1024 * 1024
/** Of the resident bytes, the part for what is read back. */
const WINDOW_SHARE = 1 / 3

/** A store with everything that the folder held. Rejects with `FolderInUse`, `UnknownFormat` or a `DiskError`. */
export async function openMessageStore(options: StoreOptions): Promise<BlockStore> {
  const blockBytes = options.blockBytes ?? BLOCK_BYTES_MAX
  if (blockBytes < BLOCK_BYTES_MIN || blockBytes > BLOCK_BYTES_MAX || (blockBytes & (blockBytes - 1)) !== 0) {
    throw new RangeError(`block size ${blockBytes} is not a power of two from ${BLOCK_BYTES_MIN} to ${BLOCK_BYTES_MAX}`)
  }
  const { disk } = options
  if (disk === null) return build(options, blockBytes, null, null)
  await disk.lock()
  try {
    const files = new LogFiles(disk)
    const scratch = new ScratchFolder(disk)
    await scratch.sweep()
    const found = await probeBlockBytes(files, 'start')
    return await build(options, found === 0 ? blockBytes : found, files, scratch)
  } catch (error) {
    await disk.unlock()
    throw error
  }
}

async function build(
  options: StoreOptions,
  blockBytes: number,
  files: LogFiles | null,
  scratch: ScratchFolder | null,
): Promise<BlockStore> {
  const residentBytes = options.residentBytes ?? RESIDENT_BYTES
  const windowBytesMax = Math.floor(residentBytes * WINDOW_SHARE)
  const blocks = new BlockTable(blockBytes, residentBytes - windowBytesMax, options.turn)
  if (files !== null) blocks.skipTo(await numberAfterLog(files, blockBytes))
  const { clock, wheel, report, turn, isSyncOnLoop = true } = options
  const confirmAfter = options.confirmAfter === 'write' ? 'write' : 'sync'
  const isSafeSettled = options.confirmAfter === 'settled'
  const unsyncedBytesMax = options.unsyncedBytesMax ?? UNSYNCED_BYTES_MAX
  const log: Log =
    files === null
      ? new MemoryLog(blocks)
      : new LocalLog({ files, blocks, clock, wheel, confirmAfter, isSyncOnLoop, unsyncedBytesMax, report })
  const onClosed = async (): Promise<void> => {
    await scratch?.close()
    await files?.disk.unlock()
  }
  const parts = { log, blocks, turn, wheel, files, scratch, report, windowBytesMax, isSafeSettled, onClosed }
  const store = new BlockStore(parts)
  const recovery = new Recovery(store.ledgers, options.weigh, report)
  store.ledgers.isRecovering = true
  await log.follow(recovery)
  store.ledgers.isRecovering = false
  if (files !== null) store.recovered(recovery.snapshotFrom)
  return store
}
