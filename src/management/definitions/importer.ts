/**
 * Imports definitions, checked as a whole before anything is changed. Called at boot, by the HTTP API and by the command line.
 *
 * The plan's guards hold everything it relies on; when somebody changes that meanwhile, the import is planned anew.
 */
import { breathe } from '../../base/breathe.ts'
import type { Guard, Metadata, MetadataOp, TransactionResult } from '../../model/records/metadata.ts'
import type { Definitions } from './definitions.ts'
import { type DefinitionKind, type ImportContext, type ImportPlan, planImport } from './import-plan.ts'

/** How often an import is planned anew before it gives up. */
const TRIES_MAX = 10
/** Changes of one transaction of an import that others must not notice: some 20 ms. */
const STEP_OPS = 1_000

/** What an import did: objects created or changed, by kind. */
export type ImportSummary = ReadonlyMap<DefinitionKind, number>

/** How to import. */
export interface ImportManner {
  /** Stored along with the last of it. */
  readonly extraOps?: readonly MetadataOp[]
  /** The broker is at work: a large import lets others have their turn, and is stored in several transactions. */
  readonly isGradual?: boolean
}

/**
 * Resolves when the import is in force. Rejects with `InvalidDefinitions` when something is wrong with them: nothing has
 * changed then. Rejects with another error when they could not be stored; of a gradual import, some may be then.
 */
export async function importDefinitions(
  definitions: Definitions,
  metadata: Metadata,
  context: ImportContext,
  manner: ImportManner = {},
): Promise<ImportSummary> {
  let summary: ImportSummary | null = null
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const plan = await planned(definitions, metadata, context, manner.isGradual ?? false)
    // What a try has done, the next one finds.
    summary ??= plan.changed
    const result = await commitAll(metadata, plan, manner.extraOps ?? [])
    if (result.ok) {
      await applyEphemeral(metadata, plan)
      return summary
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
  const planning = planImport(definitions, metadata, context, isGradual ? STEP_OPS : Number.POSITIVE_INFINITY)
  for (;;) {
    const { done, value } = planning.next()
    if (done === true) return value
    if (isGradual) await breathe()
  }
}

/** Ends with the first transaction that fails. */
async function commitAll(
  metadata: Metadata,
  { steps }: ImportPlan,
  extraOps: readonly MetadataOp[],
): Promise<TransactionResult> {
  const last = steps.length - 1
  for (const { guards, ops } of steps.slice(0, last)) {
    const result = await commit(metadata, [...guards.values()], ops)
    if (!result.ok) return result
    await breathe()
  }
  const { guards, ops } = steps[last]! // There is one at least.
  return await commit(metadata, [...guards.values()], [...ops, ...extraOps])
}

/** Transient objects one by one: somebody may have made the same one a moment ago, which is as good. */
async function applyEphemeral(metadata: Metadata, plan: ImportPlan): Promise<void> {
  let count = 0
  for (const op of plan.ephemeralOps) {
    metadata.transactEphemeral([{ key: op.key, expect: 'absent' }], [op], () => undefined)
    if (++count % STEP_OPS === 0) await breathe()
  }
}

function commit(metadata: Metadata, guards: readonly Guard[], ops: readonly MetadataOp[]): Promise<TransactionResult> {
  return new Promise((resolve) => metadata.transact(guards, ops, resolve))
}
