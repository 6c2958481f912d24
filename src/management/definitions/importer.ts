/**
 * Imports definitions: all or nothing. Called at boot, by the HTTP API and by the command line.
 *
 * The plan's guards hold everything it relies on; when somebody changes that meanwhile, the import is planned anew.
 */
import { breathe } from '../../base/breathe.ts'
import type { Guard, Metadata, MetadataOp, TransactionResult } from '../../model/records/metadata.ts'
import type { Definitions } from './definitions.ts'
import { type DefinitionKind, type ImportContext, type ImportPlan, planImport } from './import-plan.ts'

/** How often an import is planned anew before it gives up. */
const TRIES_MAX = 10
/** Transient objects that are made between two pauses: some 20 ms. */
const SLICE_COUNT = 1_000

/** What an import did: objects created or changed, by kind. */
export type ImportSummary = ReadonlyMap<DefinitionKind, number>

/** How to import. */
export interface ImportManner {
  /** Stored along with the rest. */
  readonly extraOps?: readonly MetadataOp[]
  /** The broker is at work: others have their turn while a large import is planned. */
  readonly isGradual?: boolean
}

/**
 * Resolves when the import is in force. Rejects with `InvalidDefinitions` when something is wrong with them, with another
 * error when they could not be stored; nothing has changed then.
 */
export async function importDefinitions(
  definitions: Definitions,
  metadata: Metadata,
  context: ImportContext,
  manner: ImportManner = {},
): Promise<ImportSummary> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const plan = await planned(definitions, metadata, context, manner.isGradual ?? false)
    const result = await commit(metadata, [...plan.guards.values()], [...plan.ops, ...(manner.extraOps ?? [])])
    if (result.ok) {
      await makeEphemeral(metadata, plan.ephemeralOps)
      return plan.changed
    }
    if (result.reason === 'unavailable') throw result.error
  }
  throw new Error('definitions were not imported: the same objects are being changed by others')
}

async function planned(
  definitions: Definitions,
  metadata: Metadata,
  context: ImportContext,
  isGradual: boolean,
): Promise<ImportPlan> {
  const planning = planImport(definitions, metadata, context)
  for (;;) {
    const { done, value } = planning.next()
    if (done === true) return value
    if (isGradual) await breathe()
  }
}

/** Transient objects one by one: somebody may have made the same one a moment ago, which is as good. */
async function makeEphemeral(metadata: Metadata, ops: readonly MetadataOp[]): Promise<void> {
  let count = 0
  for (const op of ops) {
    metadata.transactEphemeral([{ key: op.key, expect: 'absent' }], [op], () => undefined)
    if (++count % SLICE_COUNT === 0) await breathe()
  }
}

function commit(metadata: Metadata, guards: readonly Guard[], ops: readonly MetadataOp[]): Promise<TransactionResult> {
  return new Promise((resolve) => metadata.transact(guards, ops, resolve))
}
