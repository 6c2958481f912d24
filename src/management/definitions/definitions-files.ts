/**
 * Definitions from files, at boot: one file, or every `.json` file of a folder in order of their names, as one import.
 * [RabbitMQ: load_definitions, definitions.local.path, definitions.skip_if_unchanged]
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Metadata, MetadataOp } from '../../model/records/metadata.ts'
import { metadataKeys } from '../../model/records/records.ts'
import { type Definitions, InvalidDefinitions } from './definitions.ts'
import { readDefinitionsUrl } from './definitions-url.ts'
import type { ImportContext } from './import-plan.ts'
import { type ImportSummary, importDefinitions } from './importer.ts'
import { parseDefinitions } from './parse-definitions.ts'

const HASH_PARAMETER = 'imported_definition_hash_value'

/** One file as read. */
export interface DefinitionsFile {
  readonly path: string
  readonly text: string
}

/** Reads a file, or the `.json` files of a folder. Rejects when there is none. */
export async function readDefinitionsFiles(location: string): Promise<readonly DefinitionsFile[]> {
  const isFolder = (await stat(location)).isDirectory()
  const names = isFolder ? (await readdir(location)).filter((name) => name.endsWith('.json')).sort() : ['']
  const files = names.map(async (name) => {
    const file = name === '' ? location : path.join(location, name)
    return { path: file, text: await readFile(file, 'utf8') }
  })
  return Promise.all(files)
}

/** The definitions of all files together. Throws `InvalidDefinitions`; its problems name the file when there are several. */
export function parseDefinitionsFiles(files: readonly DefinitionsFile[]): Definitions {
  const problems: string[] = []
  const parts: Definitions[] = []
  for (const file of files) {
    try {
      parts.push(parseDefinitions(file.text))
    } catch (error) {
      if (!(error instanceof InvalidDefinitions)) throw error
      const where = files.length > 1 ? `${path.basename(file.path)}: ` : ''
      problems.push(...error.problems.map((problem) => where + problem))
    }
  }
  if (problems.length > 0) throw new InvalidDefinitions(problems)
  return joined(parts)
}

/** What to import at boot, and whether again. */
export interface DefinitionsSource {
  /** A file, a folder of them, or an address. */
  readonly location: string
  readonly skipIfUnchanged: boolean
  /** By which a change is recognised, as `node:crypto` names it; `sha` is SHA-1. */
  readonly hashAlgorithm: string
}

/**
 * Imports what a setting names. With `skipIfUnchanged`, files whose contents were imported before are passed over; what
 * was changed by hand since then stays. Resolves with undefined then, else with what changed.
 */
export async function importDefinitionsFiles(
  { location, skipIfUnchanged, hashAlgorithm }: DefinitionsSource,
  metadata: Metadata,
  context: ImportContext,
): Promise<ImportSummary | undefined> {
  const isAddress = /^https?:\/\//.test(location)
  const files = isAddress ? [await readDefinitionsUrl(location)] : await readDefinitionsFiles(location)
  const hash = createHash(hashAlgorithm === 'sha' ? 'sha1' : hashAlgorithm)
  for (const { text } of files) hash.update(text)
  const value = hash.digest('hex')
  const key = metadataKeys.globalParameter(HASH_PARAMETER)
  if (skipIfUnchanged && metadata.get(key)?.value === value) return undefined
  const op: MetadataOp = { op: 'put', key, value }
  return importDefinitions(parseDefinitionsFiles(files), metadata, context, { extraOps: skipIfUnchanged ? [op] : [] })
}

function joined(parts: readonly Definitions[]): Definitions {
  return {
    users: parts.flatMap((part) => part.users),
    vhosts: parts.flatMap((part) => part.vhosts),
    vhostLimits: parts.flatMap((part) => part.vhostLimits),
    permissions: parts.flatMap((part) => part.permissions),
    topicPermissions: parts.flatMap((part) => part.topicPermissions),
    policies: parts.flatMap((part) => part.policies),
    parameters: parts.flatMap((part) => part.parameters),
    globalParameters: parts.flatMap((part) => part.globalParameters),
    exchanges: parts.flatMap((part) => part.exchanges),
    queues: parts.flatMap((part) => part.queues),
    bindings: parts.flatMap((part) => part.bindings),
  }
}
