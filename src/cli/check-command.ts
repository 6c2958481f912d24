/**
 * `warren check`: verifies the data folder of a stopped broker. Exit code 0 when all is sound, 1 when something is damaged
 * or the folder cannot be read; `--repair` sets aside what is broken.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { SILENT_LOGGER } from '../base/log.ts'
import { MESSAGES_FOLDER, METADATA_FOLDER } from '../config/data-folder.ts'
import { ledgerOwnerText } from '../model/records/records.ts'
import { type CheckedLedger, type CheckResult, checkLocked } from '../storage/check.ts'
import { NodeDisk } from '../storage/disk-node.ts'
import type { Metadata } from '../storage/metadata-port.ts'
import { type OpenedMetadata, openMetadata, readMetadata } from '../storage/open-metadata.ts'
import type { CliHost, CommandRegistrar } from './command.ts'
import { loadWith } from './settings-options.ts'

interface CheckOptions {
  readonly repair: boolean
  readonly dropUnclaimed: boolean
}

/** Adds `check`. */
export const registerCheck: CommandRegistrar = (program, host) => {
  program
    .command('check')
    .description("verify a stopped broker's data folder; exit code 1 when something is damaged")
    .argument('[folder]', 'data folder (default: that of the settings)')
    .option('--repair', 'set aside what is broken', false)
    .option('--drop-unclaimed', 'with --repair: give up messages whose queue was lost with damaged metadata', false)
    .action(async (folder: string | undefined, options: CheckOptions) => {
      const dataDir = folder ?? loadWith({ set: [] }, host).dataDir
      if (!(await check(dataDir, options, host))) process.exitCode = 1
    })
}

async function check(dataDir: string, options: CheckOptions, host: CliHost): Promise<boolean> {
  const messagesDir = path.join(dataDir, MESSAGES_FOLDER)
  if (!existsSync(messagesDir)) {
    host.stderr.write(`there is no data of a broker in ${dataDir}\n`)
    return false
  }
  if (options.dropUnclaimed && !options.repair) {
    host.stderr.write('--drop-unclaimed changes the folder: say --repair as well\n')
    return false
  }
  const disk = new NodeDisk(messagesDir)
  try {
    await disk.lock()
    try {
      return await checkBoth(disk, path.join(dataDir, METADATA_FOLDER), options, host)
    } finally {
      await disk.unlock()
    }
  } catch (error) {
    host.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return false
  }
}

async function checkBoth(disk: NodeDisk, metadataDir: string, options: CheckOptions, host: CliHost): Promise<boolean> {
  const messages = await checkLocked(disk, options)
  host.stdout.write(describe(messages))
  const metadata = await checkMetadata(metadataDir, messages.ledgers, options)
  host.stdout.write(metadata.text)
  return messages.isSound && metadata.isSound
}

function describe(found: CheckResult): string {
  const mebibytes = (found.fileBytes / 2 ** 20).toFixed(1)
  const lines = [
    `messages: ${found.fileCount} files, ${mebibytes} MiB, ${found.recordCount} records, ${found.liveCount} entries in ${found.ledgerCount} queues`,
    ...found.notices.map((text) => `  note: ${text}`),
    ...found.damages.map(({ file, from, to, reason }) => `  damaged: ${file}, bytes ${from} to ${to}: ${reason}`),
  ]
  if (found.quarantinedCount > 0) lines.push(`  ${found.quarantinedCount} files are set aside in quarantine`)
  lines.push(found.isSound ? '  sound' : '  not sound')
  return `${lines.join('\n')}\n`
}

async function checkMetadata(
  dir: string,
  ledgers: readonly CheckedLedger[],
  { repair, dropUnclaimed }: CheckOptions,
): Promise<{ isSound: boolean; text: string }> {
  const disk = new NodeDisk(dir)
  const found = await readMetadata(disk, true)
  const isLost = found.lossCount > 0 || (found.isNew && ledgers.length > 0)
  const isSound = found.damages.length === 0 && !isLost
  const lines = [...describeMetadata(found), ...(isLost ? describeLoss(found, ledgers, dropUnclaimed) : [])]
  lines.push(isSound ? '  sound' : '  not sound')
  if (repair && !isSound) {
    const isExpected = ledgers.length > 0 && !dropUnclaimed
    const options = { disk, logger: SILENT_LOGGER, isExpected, forgetsLosses: dropUnclaimed, givesUp: true }
    await (await openMetadata(options)).metadata.close()
  }
  return { isSound, text: `${lines.join('\n')}\n` }
}

function describeMetadata({ metadata, notices, damages }: OpenedMetadata): string[] {
  return [
    `metadata: ${[...metadata.list([])].length} records`,
    ...notices.map((text) => `  note: ${text}`),
    ...damages.map(({ file, from, to, reason }) => `  damaged: ${file}, bytes ${from} to ${to}: ${reason}`),
  ]
}

/** What was lost, and the messages that wait for it. */
function describeLoss(
  { metadata, isNew }: OpenedMetadata,
  ledgers: readonly CheckedLedger[],
  dropUnclaimed: boolean,
): string[] {
  const lines = [`  records are missing: ${isNew ? 'there are none' : 'both copies were damaged at the same place'}`]
  for (const ledger of ledgers) {
    if (ledger.liveCount === 0 || isClaimed(ledger, metadata)) continue
    const fate = dropUnclaimed ? 'dropped at the next start' : 'kept'
    lines.push(`  ${ledger.liveCount} messages ${ledgerOwnerText(ledger.label)}: its record is missing; ${fate}`)
  }
  return lines
}

function isClaimed({ id, label }: CheckedLedger, metadata: Metadata): boolean {
  if (label === '') return true
  const record = metadata.get(JSON.parse(label) as readonly string[])?.value as
    | { readonly ledgerId: number }
    | undefined
  return record?.ledgerId === id
}
