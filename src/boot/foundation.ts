/**
 * What everything else stands on: time, the turn, the data folder with the message store and the metadata.
 * Opened first, closed last. Without a data folder all of it is memory.
 */
import path from 'node:path'
import { type Clock, SystemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { type Randomness, SystemRandomness } from '../base/random.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { MESSAGES_FOLDER, METADATA_FOLDER } from '../config/data-folder.ts'
import type { Settings } from '../config/settings.ts'
import { MessageView } from '../model/message/message.ts'
import type { Alarms } from '../model/observe/alarms.ts'
import type { Metadata } from '../model/records/metadata.ts'
import type { Disk } from '../storage/disk.ts'
import { NodeDisk } from '../storage/disk-node.ts'
import type { LogHealth } from '../storage/log.ts'
import { createMemoryMetadata } from '../storage/metadata-memory.ts'
import { openMetadata } from '../storage/open-metadata.ts'
import { openMessageStore } from '../storage/open-store.ts'
import type { Damage, StorageReport } from '../storage/report.ts'
import type { BlockStore } from '../storage/store.ts'

const PROGRESS_AFTER_MS = 1_000

/** How much was damaged. Counted while the folder is opened. */
export interface DamageCounts {
  /** Places in the log; each lost a batch of records. */
  log: number
  /** Places in the copies of the metadata's journal. */
  metadata: number
}

/** The ground of one broker. */
export interface Foundation {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly turn: Turn
  readonly randomness: Randomness
  /** Null without a data folder. */
  readonly disk: Disk | null
  readonly store: BlockStore
  readonly metadata: Metadata
  /** What was found damaged, and left out, when the folder was opened. */
  readonly damage: DamageCounts
  /** Everything written is durable when it resolves. */
  close(): Promise<void>
}

export interface FoundationOptions {
  readonly settings: Settings
  readonly dataDir: string | null
  readonly logger: Logger
  readonly clock?: Clock | undefined
  readonly alarms: Alarms
}

/** Opens the data folder. Rejects with a sentence when another broker uses it, or when it cannot be read. */
export async function layFoundation(options: FoundationOptions): Promise<Foundation> {
  const { settings, dataDir, logger, alarms } = options
  const clock = options.clock ?? new SystemClock()
  const bug = (error: unknown) => logger.error('a bug: an error that nobody caught', { error })
  const turn = new Turn(bug)
  const wheel = new TimerWheel(clock, bug)
  const disk = dataDir === null ? null : new NodeDisk(path.join(dataDir, MESSAGES_FOLDER), settings.warren.directWrites)
  const view = new MessageView()
  const damage: DamageCounts = { log: 0, metadata: 0 }
  const store = await openMessageStore({
    disk,
    turn,
    clock,
    wheel,
    report: storageReport(logger.child('storage'), alarms, clock, damage),
    weigh: (bytes, words, payloadAt) => {
      view.at(bytes, words, payloadAt)
      return view.bodyBytes
    },
    blockBytes: settings.warren.blockBytes,
    residentBytes: settings.warren.residentBytes,
    confirmAfter: settings.warren.confirm,
    isSyncOnLoop: settings.warren.syncOnLoop,
    unsyncedBytesMax: settings.warren.unsyncedBytesMax,
  })
  try {
    const metadata = await openMetadataIn(dataDir, logger, damage, store)
    const close = async (): Promise<void> => {
      await store.close()
      await metadata.close()
    }
    return { clock, wheel, turn, randomness: new SystemRandomness(), disk, store, metadata, damage, close }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function openMetadataIn(
  dataDir: string | null,
  logger: Logger,
  damage: DamageCounts,
  { ledgers }: BlockStore,
): Promise<Metadata> {
  if (dataDir === null) return createMemoryMetadata()
  const disk = new NodeDisk(path.join(dataDir, METADATA_FOLDER))
  const isExpected = ledgers.count > 0
  const { metadata, isNew, damages, lossCount, notices } = await openMetadata({ disk, logger, isExpected })
  ledgers.keepsUnclaimed = lossCount > 0
  for (const notice of notices) logger.notice(notice)
  for (const { file, from, to, reason } of damages) {
    logger.error(
      `metadata: ${file} is damaged from byte ${from} to ${to} (${reason}); a copy is set aside in quarantine`,
    )
  }
  if (lossCount > 0)
    logger.error(
      `metadata: records are missing, ${isNew ? 'there are none' : 'both copies were damaged at the same place'}`,
    )
  else if (damages.length > 0) logger.notice('metadata: everything is there, from the copy that is sound')
  damage.metadata = damages.length
  return metadata
}

function storageReport(logger: Logger, alarms: Alarms, clock: Clock, damage: DamageCounts): StorageReport {
  const startedMs = clock.monotonicMs()
  let saidMs = startedMs
  return {
    onHealth(health: LogHealth) {
      alarms.set('storage', health.state === 'failed')
      if (health.state === 'failed') logger.error(`the log cannot be written: ${health.reason}; retrying`)
      else logger.notice('the log is written again')
    },
    onDamage({ file, from, to, reason }: Damage) {
      damage.log++
      logger.error(`${file} is damaged from byte ${from} to ${to} (${reason}); a copy is set aside in quarantine`)
    },
    onTrouble: (text) => logger.error(text),
    onNotice: (text) => logger.notice(text),
    onProgress(bytes, bytesTotal) {
      const nowMs = clock.monotonicMs()
      if (nowMs - startedMs < PROGRESS_AFTER_MS || nowMs - saidMs < PROGRESS_AFTER_MS) return
      saidMs = nowMs
      logger.notice(`recovering messages: ${Math.floor((100 * bytes) / bytesTotal)} %`)
    },
    onBug: (error) => logger.error('a bug in the storage', { error }),
  }
}
