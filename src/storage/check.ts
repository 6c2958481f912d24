/**
 * Checks the log of a stopped broker: what `warren check DIR` prints. Reads every file, verifies every batch, plays the
 * records back, and says what it found; with `repair` it sets aside what is broken, as a start of the broker would.
 */

import { Turn } from '../base/turn.ts'
import { RecordCursor } from './appender.ts'
import { Block } from './block.ts'
import { BlockTable } from './block-table.ts'
import type { Disk } from './disk.ts'
import { BLOCK_BYTES_MAX } from './format.ts'
import { LedgerRegistry } from './ledger-registry.ts'
import { LogFiles, QUARANTINE } from './log-files.ts'
import { listLog, numberAfterLog, probeBlockBytes, scanLog } from './log-scan.ts'
import { Recovery } from './recovery.ts'
import { type Damage, SILENT } from './report.ts'
import { Tail } from './tail.ts'

/** What a check found. */
export interface CheckResult {
  readonly isSound: boolean
  readonly fileCount: number
  readonly fileBytes: number
  readonly recordCount: number
  readonly ledgerCount: number
  /** Entries not settled, over all ledgers. */
  readonly liveCount: number
  readonly ledgers: readonly CheckedLedger[]
  readonly damages: readonly Damage[]
  /** A torn tail and the like: nothing that was promised is missing. */
  readonly notices: readonly string[]
  /** Files set aside by this check or earlier. */
  readonly quarantinedCount: number
}

/** A ledger with entries, and whose it is. */
export interface CheckedLedger {
  readonly id: number
  readonly label: string
  readonly liveCount: number
}

function ignore(): void {}

/** Checks a folder. Rejects with `FolderInUse` while a broker runs on it, `UnknownFormat`, or a `DiskError`. */
export async function checkFolder(disk: Disk, options: { readonly repair: boolean }): Promise<CheckResult> {
  await disk.lock()
  try {
    return await checkLocked(disk, options)
  } finally {
    await disk.unlock()
  }
}

/** The same in a folder that is locked. */
export async function checkLocked(disk: Disk, options: { readonly repair: boolean }): Promise<CheckResult> {
  const files = new LogFiles(disk)
  const mode = options.repair ? 'repair' : 'check'
  const blockBytes = (await probeBlockBytes(files, mode)) || BLOCK_BYTES_MAX
  const entries = await listLog(files)
  const blocks = new BlockTable(blockBytes, 0, new Turn(ignore))
  blocks.skipTo(await numberAfterLog(files, blockBytes))
  const damages: Damage[] = []
  const notices: string[] = []
  const report = {
    ...SILENT,
    onDamage: (damage: Damage) => damages.push(damage),
    onNotice: (text: string) => notices.push(text),
  }
  const owner = { blockDied: ignore, ledgerChanged: ignore, ledgerGone: ignore }
  const ledgers = new LedgerRegistry(owner, new RecordCursor(new Block(0, 0, 0, false, null)), new Tail())
  ledgers.isRecovering = true
  const recovery = new Recovery(ledgers, () => 0, report)
  await scanLog(files, blocks, recovery, report, mode)
  const found = [...ledgers.all()]
  return {
    isSound: damages.length === 0,
    fileCount: entries.length,
    fileBytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
    recordCount: recovery.messageCount,
    ledgerCount: found.length,
    liveCount: found.reduce((sum, ledger) => sum + ledger.liveCount, 0),
    ledgers: found.map(({ id, label, liveCount }) => ({ id, label, liveCount })),
    damages,
    notices,
    quarantinedCount: (await disk.list(QUARANTINE)).length,
  }
}
