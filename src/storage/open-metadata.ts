/**
 * Opens the metadata of a data folder: reads the journal back into memory, mends it, and hands out a store that is ready.
 * Called by the composition root and by the commands that look at a stopped broker's folder.
 */
import type { Logger } from '../base/log.ts'
import { type Disk, DiskError } from './disk.ts'
import { type JournalContent, readJournal } from './journal-reader.ts'
import { MetadataJournal } from './metadata-journal.ts'
import { FORGETFUL_STORE } from './metadata-memory.ts'
import type { Metadata } from './metadata-port.ts'
import { type CommitScheduler, MetadataSequencer } from './metadata-sequencer.ts'
import type { Damage } from './report.ts'

/**
 * Revisions of ephemeral changes are not stored; starting this much higher keeps revisions of different lives of the
 * process apart. 2⁵³ has room for two million restarts.
 */
const REVISION_LEAP = 2 ** 32

/** Where the metadata is, and what it tells. */
export interface MetadataOptions {
  readonly disk: Disk
  readonly logger: Logger
  /** There are messages: without any metadata, some must have been lost. */
  readonly isExpected?: boolean
  /** Earlier losses are not to be remembered any more. */
  readonly forgetsLosses?: boolean
  /** What the disk does not give counts as lost. */
  readonly givesUp?: boolean
  /** When a turn's transactions start to be committed; `setImmediate` unless a test wants otherwise. */
  readonly schedule?: CommitScheduler
}

/** The opened store with what was found wrong in it. */
export interface OpenedMetadata {
  readonly metadata: Metadata
  /** The folder held no metadata at all. */
  readonly isNew: boolean
  /** What was damaged in a copy: taken from the other one, unless it counts as a loss as well. */
  readonly damages: readonly Damage[]
  /** Places that were damaged in both copies, now or earlier: records are missing. */
  readonly lossCount: number
  readonly notices: readonly string[]
}

/** Opens or creates the store. Rejects when it is of a newer format, or when it cannot be read. */
export async function openMetadata(options: MetadataOptions): Promise<OpenedMetadata> {
  const { disk, logger, schedule } = options
  const content = settleLosses(await readJournal(disk, options.givesUp === true), options)
  const { loaded, damages, lossCount, notices } = content
  const revision = content.generation === 0 ? 0 : loaded.revision + REVISION_LEAP
  // The journal asks only once the sequencer is there.
  const entries = () => metadata.stored()
  const journal = new MetadataJournal({ disk, logger, content, entries })
  const metadata = new MetadataSequencer(journal, { ...loaded, revision }, schedule ?? setImmediate)
  try {
    await journal.prepare()
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    logger.error('the metadata cannot be written; trying again with the next change', { error })
  }
  return { metadata, isNew: content.generation === 0, damages, lossCount, notices }
}

/** What a folder's metadata holds, without changing anything there, also while a broker runs: changes are forgotten. */
export async function readMetadata(disk: Disk, givesUp = false): Promise<OpenedMetadata> {
  const { loaded, generation, damages, lossCount, notices } = await readJournal(disk, givesUp)
  const metadata = new MetadataSequencer(FORGETFUL_STORE, loaded, setImmediate)
  return { metadata, isNew: generation === 0, damages, lossCount, notices }
}

function settleLosses(content: JournalContent, { isExpected, forgetsLosses }: MetadataOptions): JournalContent {
  if (forgetsLosses === true && content.lossCount > 0) return { ...content, lossCount: 0, isWhole: false }
  if (isExpected === true && content.generation === 0 && content.lossCount === 0) return { ...content, lossCount: 1 }
  return content
}
