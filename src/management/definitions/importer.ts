/**
 * Imports definitions: all or nothing. Called at boot, by the HTTP API and by the command line.
 *
 * The plan's guards hold everything it relies on; when somebody changes that meanwhile, the import is planned anew.
 */
import type { Guard, Metadata, MetadataOp, TransactionResult } from '../../model/records/metadata.ts'
import type { Definitions } from './definitions.ts'
import { type DefinitionKind, type ImportContext, type ImportPlan, planImport } from './import-plan.ts'

/** How often an import is planned anew before it gives up. */
const TRIES_MAX = 10

/** What an import did: objects created or changed, by kind. */
export type ImportSummary = ReadonlyMap<DefinitionKind, number>

/**
 * Resolves when the import is in force. Rejects with `InvalidDefinitions` when something is wrong with them, with another
 * error when they could not be stored; nothing has changed then. `extraOps` are stored along with the rest.
 */
export async function importDefinitions(
  definitions: Definitions,
  metadata: Metadata,
  context: ImportContext,
  extraOps: readonly MetadataOp[] = [],
): Promise<ImportSummary> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const plan = planImport(definitions, metadata, context)
    const result = await commit(metadata, plan.guards, [...plan.ops, ...extraOps])
    if (result.ok) {
      applyEphemeral(metadata, plan)
      return plan.changed
    }
    if (result.reason === 'unavailable') throw result.error
  }
  throw new Error('definitions were not imported: the same objects are being changed by others')
}

/** Transient objects one by one: somebody may have made the same one a moment ago, which is as good. */
function applyEphemeral(metadata: Metadata, plan: ImportPlan): void {
  for (const op of plan.ephemeralOps) {
    metadata.transactEphemeral([{ key: op.key, expect: 'absent' }], [op], () => undefined)
  }
}

function commit(metadata: Metadata, guards: readonly Guard[], ops: readonly MetadataOp[]): Promise<TransactionResult> {
  return new Promise((resolve) => metadata.transact(guards, ops, resolve))
}
