/**
 * How verbs change the metadata: transactions with guards, tried again when somebody else was faster.
 *
 * A verb looks at what is in force, and either answers at once or builds a transaction that relies on it. When a guard
 * does not hold any more, the verb looks again.
 */
import { type Answer, type Answered, refused } from '../verbs/answer.ts'
import { unavailable } from '../verbs/refusals.ts'
import type { Guard, Metadata, MetadataOp, TransactionResult } from './metadata.ts'

/** Tries before a verb gives up: only a cluster with many who change the same object gets near. */
const TRIES_MAX = 16

/** A change, and what to answer when it is applied. */
export interface Proposal<T> {
  readonly guards: readonly Guard[]
  readonly ops: readonly MetadataOp[]
  /** Whether every entry it touches dies with the process: then it is applied before the verb returns. */
  readonly ephemeral: boolean
  /** What is true once the change is applied. */
  readonly answer: () => Answer<T>
}

/** Looks at what is in force: the answer, or what to propose. */
export type Attempt<T> = () => Answer<T> | Proposal<T>

/** Makes attempts until one is answered. */
export function propose<T>(metadata: Metadata, attempt: Attempt<T>, answered: Answered<T>): void {
  tryOnce(metadata, attempt, answered, TRIES_MAX)
}

function tryOnce<T>(metadata: Metadata, attempt: Attempt<T>, answered: Answered<T>, triesLeft: number): void {
  const proposal = attempt()
  if ('refusal' in proposal) return answered(proposal)
  const done = (result: TransactionResult): void => {
    if (result.ok) answered(proposal.answer())
    else if (result.reason === 'unavailable') answered(refused(unavailable(result.error)))
    else if (triesLeft === 1) answered(refused(unavailable(new Error('too many concurrent changes'))))
    else tryOnce(metadata, attempt, answered, triesLeft - 1)
  }
  if (proposal.ephemeral) metadata.transactEphemeral(proposal.guards, proposal.ops, done)
  else metadata.transact(proposal.guards, proposal.ops, done)
}
