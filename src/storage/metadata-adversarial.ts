/**
 * The metadata port at its worst: every behaviour the contract allows and one machine rarely shows. For tests.
 *
 * From a seed: commits finish late, whole groups fail, another member changes a guarded key just before (a conflict), and
 * groups are small or large at random. The same seed and the same calls give the same course.
 */
import type { Randomness } from '../base/random.ts'
import { FORGETFUL_STORE } from './metadata-memory.ts'
import type {
  Guard,
  Metadata,
  MetadataEntry,
  MetadataKey,
  MetadataOp,
  MetadataWatcher,
  TransactionDone,
} from './metadata-port.ts'
import { type GroupStore, MetadataSequencer } from './metadata-sequencer.ts'

/** How bad it gets. Chances are per hundred. */
export interface Adversity {
  readonly randomness: Randomness
  /** Runs a function later: `setImmediate`, or a test's own scheduler. */
  readonly later: (run: () => void) => void
  /** A commit takes from 0 to this many rounds of `later`. */
  readonly delayRoundsMax: number
  /** Groups that fail. */
  readonly failurePercent: number
  /** Transactions with a guard that meet a change by somebody else. */
  readonly conflictPercent: number
}

class AdversarialStore implements GroupStore {
  readonly #adversity: Adversity

  constructor(adversity: Adversity) {
    this.#adversity = adversity
  }

  write(...[changes, revision, done]: Parameters<GroupStore['write']>): void {
    const { randomness, delayRoundsMax, failurePercent } = this.#adversity
    const fails = randomness.below(100) < failurePercent
    const answer = (): void => {
      if (fails) done(new Error('no space left (injected)'))
      else FORGETFUL_STORE.write(changes, revision, done)
    }
    this.#after(randomness.below(delayRoundsMax + 1), answer)
  }

  close(): Promise<void> {
    return FORGETFUL_STORE.close()
  }

  #after(rounds: number, run: () => void): void {
    if (rounds === 0) run()
    else this.#adversity.later(() => this.#after(rounds - 1, run))
  }
}

/** A memory twin under adversity. */
export class AdversarialMetadata implements Metadata {
  readonly #adversity: Adversity
  readonly #inner: MetadataSequencer

  constructor(adversity: Adversity) {
    this.#adversity = adversity
    const empty = { revision: 0, lastStoreId: 0, entries: [] }
    this.#inner = new MetadataSequencer(new AdversarialStore(adversity), empty, adversity.later)
  }

  get revision(): number {
    return this.#inner.revision
  }

  get(key: MetadataKey): MetadataEntry | undefined {
    return this.#inner.get(key)
  }

  list(prefix: MetadataKey): Iterable<MetadataEntry> {
    return this.#inner.list(prefix)
  }

  transact(guards: readonly Guard[], ops: readonly MetadataOp[], done: TransactionDone): void {
    if (guards.length > 0 && this.#adversity.randomness.below(100) < this.#adversity.conflictPercent) {
      this.#interfere(guards[this.#adversity.randomness.below(guards.length)]!)
    }
    this.#inner.transact(guards, ops, done)
  }

  transactEphemeral(guards: readonly Guard[], ops: readonly MetadataOp[], done: TransactionDone): void {
    this.#inner.transactEphemeral(guards, ops, done)
  }

  watch(watcher: MetadataWatcher): void {
    this.#inner.watch(watcher)
  }

  barrier(): Promise<void> {
    return this.#inner.barrier()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  /** What another member might do: writes the guarded record again, unchanged, so that its revision moves. */
  #interfere(guard: Guard): void {
    const entry = this.#inner.get(guard.key)
    if (entry === undefined) return
    const same = { key: guard.key, expect: entry.revision }
    this.#inner.transact([same], [{ op: 'put', key: guard.key, value: entry.value }], () => undefined)
  }
}
