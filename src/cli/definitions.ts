/**
 * `warren definitions`: exports the definitions in a data folder, imports a file into one, checks a file.
 *
 * Export reads beside a running broker; import needs a stopped one, because a broker holds its metadata in memory.
 * Exit codes: 0 done, 1 failed or the file is not good.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Command } from 'commander'
import { type Definitions, InvalidDefinitions } from '../management/definitions/definitions.ts'
import { parseDefinitionsFiles, readDefinitionsFiles } from '../management/definitions/definitions-files.ts'
import {
  type ExportOrigin,
  exportDefinitions,
  exportVhostDefinitions,
} from '../management/definitions/export-definitions.ts'
import type { JsonObject } from '../management/definitions/field-reader.ts'
import type { ImportContext } from '../management/definitions/import-plan.ts'
import { type ImportSummary, importDefinitions } from '../management/definitions/importer.ts'
import { parseDefinitions } from '../management/definitions/parse-definitions.ts'
import type { Metadata } from '../model/records/metadata.ts'
import { NodeDisk } from '../storage/disk-node.ts'
import { readMetadata } from '../storage/open-metadata.ts'

/** A stopped broker's data folder, opened for changes. */
export interface OpenedDataFolder {
  readonly metadata: Metadata
  readonly context: ImportContext
  /** Makes everything durable and lets the folder go. */
  close(): Promise<void>
}

/** What the composition root gives the commands. */
export interface DefinitionsPorts {
  /** Used when the command line names no folder. */
  readonly defaultDataDir: string
  /** Name of the metadata's folder in the data folder. */
  readonly metadataFolder: string
  readonly origin: ExportOrigin
  /** Locks and opens a data folder; rejects when a broker uses it. */
  openDataFolder(dataDir: string): Promise<OpenedDataFolder>
  /** Where results go: standard output. */
  print(text: string): void
  /** Where complaints go: standard error. */
  complain(text: string): void
  /** Sets the exit code of the process. */
  exit(code: number): void
}

interface DefinitionsOptions {
  readonly dataDir: string
  readonly vhost?: string
  readonly file?: string
}

/** Adds `definitions export`, `import` and `check` to the program. */
export function addDefinitionsCommand(program: Command, ports: DefinitionsPorts): void {
  const command = program.command('definitions').description('export, import and check definitions files')
  command
    .command('export')
    .description('write the definitions in a data folder as JSON')
    .option('--data-dir <dir>', 'data folder', ports.defaultDataDir)
    .option('--vhost <name>', 'of this virtual host only')
    .option('--file <path>', 'write here instead of to standard output')
    .action((options: DefinitionsOptions) => reporting(ports, () => exportTo(options, ports)))
  command
    .command('import')
    .description('import a definitions file, or a folder of them, into the data folder of a stopped broker')
    .argument('<file>')
    .option('--data-dir <dir>', 'data folder', ports.defaultDataDir)
    .option('--vhost <name>', 'into this virtual host')
    .action((file: string, options: DefinitionsOptions) => reporting(ports, () => importFrom(file, options, ports)))
  command
    .command('check')
    .description('say what is wrong with a definitions file, or a folder of them')
    .argument('<file>')
    .option('--vhost <name>', 'as the file of one virtual host')
    .action((file: string, options: DefinitionsOptions) => reporting(ports, () => check(file, options, ports)))
}

async function exportTo(options: DefinitionsOptions, ports: DefinitionsPorts): Promise<void> {
  const dir = path.join(options.dataDir, ports.metadataFolder)
  if (!existsSync(dir)) throw new Error(`there is no data of a broker in ${options.dataDir}`)
  const { metadata } = await readMetadata(new NodeDisk(dir))
  try {
    const text = `${JSON.stringify(exported(metadata, options, ports), null, 2)}\n`
    if (options.file === undefined) ports.print(text)
    else await writeFile(options.file, text)
  } finally {
    await metadata.close()
  }
}

function exported(metadata: Metadata, { vhost }: DefinitionsOptions, { origin }: DefinitionsPorts): JsonObject {
  if (vhost === undefined) return exportDefinitions(metadata, origin)
  const json = exportVhostDefinitions(metadata, vhost, origin)
  if (json === undefined) throw new Error(`there is no virtual host '${vhost}'`)
  return json
}

async function importFrom(file: string, options: DefinitionsOptions, ports: DefinitionsPorts): Promise<void> {
  const definitions = await read(file, options)
  const folder = await ports.openDataFolder(options.dataDir)
  try {
    const summary = await importDefinitions(definitions, folder.metadata, folder.context)
    ports.print(`${summaryText(summary)}\n`)
  } finally {
    await folder.close()
  }
}

async function check(file: string, options: DefinitionsOptions, ports: DefinitionsPorts): Promise<void> {
  const definitions = await read(file, options)
  const counts = Object.entries(definitions)
    .filter(([, list]) => list.length > 0)
    .map(([kind, list]) => `${list.length} ${kind}`)
  ports.print(`${file} is good: ${counts.length === 0 ? 'nothing in it' : counts.join(', ')}\n`)
}

async function read(file: string, { vhost }: DefinitionsOptions): Promise<Definitions> {
  if (vhost !== undefined) return parseDefinitions(await readFile(file, 'utf8'), vhost)
  return parseDefinitionsFiles(await readDefinitionsFiles(file))
}

function summaryText(summary: ImportSummary): string {
  const parts = [...summary].map(([kind, count]) => `${count} ${kind.replaceAll('_', ' ')}`)
  return parts.length === 0 ? 'nothing to change' : `created or changed: ${parts.join(', ')}`
}

/** One sentence per problem, never a stack. */
async function reporting(ports: DefinitionsPorts, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (error instanceof InvalidDefinitions) for (const problem of error.problems) ports.complain(`${problem}\n`)
    else ports.complain(`${error instanceof Error ? error.message : String(error)}\n`)
    ports.exit(1)
  }
}
