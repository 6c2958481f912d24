/**
 * `warren check`: verifies the data folder of a stopped broker. Exit code 0 when all is sound, 1 when something is damaged
 * or the folder cannot be read; `--repair` sets aside what is broken.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { SILENT_LOGGER } from '../base/log.ts'
import { MESSAGES_FOLDER, METADATA_FOLDER } from '../config/data-folder.ts'
import { type CheckResult, checkFolder } from '../storage/check.ts'
import { NodeDisk } from '../storage/disk-node.ts'
import { openMetadata, readMetadata } from '../storage/open-metadata.ts'
import type { CliHost, CommandRegistrar } from './command.ts'
import { loadWith } from './settings-options.ts'

/** Adds `check`. */
export const registerCheck: CommandRegistrar = (program, host) => {
  program
    .command('check')
    .description("verify a stopped broker's data folder; exit code 1 when something is damaged")
    .argument('[folder]', 'data folder (default: that of the settings)')
    .option('--repair', 'set aside what is broken', false)
    .action(async (folder: string | undefined, options: { readonly repair: boolean }) => {
      const dataDir = folder ?? loadWith({ set: [] }, host).dataDir
      if (!(await check(dataDir, options.repair, host))) process.exitCode = 1
    })
}

async function check(dataDir: string, repair: boolean, host: CliHost): Promise<boolean> {
  const messagesDir = path.join(dataDir, MESSAGES_FOLDER)
  if (!existsSync(messagesDir)) {
    host.stderr.write(`there is no data of a broker in ${dataDir}\n`)
    return false
  }
  try {
    const messages = await checkFolder(new NodeDisk(messagesDir), { repair })
    const metadata = await checkMetadata(path.join(dataDir, METADATA_FOLDER), repair)
    host.stdout.write(`${describe(messages)}${metadata.text}`)
    return messages.isSound && metadata.isSound
  } catch (error) {
    host.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return false
  }
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

async function checkMetadata(dir: string, repair: boolean): Promise<{ isSound: boolean; text: string }> {
  if (!existsSync(dir)) return { isSound: true, text: 'metadata: none\n' }
  const disk = new NodeDisk(dir)
  const opened = repair ? await openMetadata({ disk, logger: SILENT_LOGGER }) : await readMetadata(disk)
  const count = [...opened.metadata.list([])].length
  await opened.metadata.close()
  const isSound = opened.damages.length === 0 && opened.lossCount === 0
  const lines = [
    `metadata: ${count} records`,
    ...opened.notices.map((text) => `  note: ${text}`),
    ...opened.damages.map(({ file, from, to, reason }) => `  damaged: ${file}, bytes ${from} to ${to}: ${reason}`),
  ]
  if (opened.lossCount > 0) lines.push('  both copies were damaged at the same place: records may be missing')
  lines.push(isSound ? '  sound' : '  not sound')
  return { isSound, text: `${lines.join('\n')}\n` }
}
