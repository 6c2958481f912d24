/**
 * The metadata port: a small versioned map that every member of a broker sees change in the same order.
 *
 * Implementations: a journal on the disk (one node), memory, an adversarial one for tests; in a cluster, a replicated log.
 * The model proposes changes as transactions with guards and applies them only from `watch`, never at the call site:
 * one node and a cluster then behave alike.
 */
import type { MetadataKey } from './records.ts'

/** What the transaction relies on: the key's revision, or its absence. */
export interface Guard {
  readonly key: MetadataKey
  /** Revision at which the key was last changed, or 'absent', or 'present'. */
  readonly expect: number | 'absent' | 'present'
}

/** One change. Values are JSON-able and frozen after the call. */
export type MetadataOp =
  | { readonly op: 'put'; readonly key: MetadataKey; readonly value: unknown }
  | { readonly op: 'drop'; readonly key: MetadataKey }
  /** Drops every key that starts with these elements. */
  | { readonly op: 'drop-prefix'; readonly key: MetadataKey }

/** How a transaction ended. `unavailable`: not stored (disk full, no majority); nothing changed. */
export type TransactionResult =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly reason: 'conflict'; readonly key: MetadataKey }
  | { readonly ok: false; readonly reason: 'unavailable'; readonly error: Error }

/** Sees every committed change once, in order, its own included, before the transaction's `done`. */
export type MetadataWatcher = (revision: number, ops: readonly MetadataOp[]) => void

/** An entry as stored. */
export interface MetadataEntry {
  readonly key: MetadataKey
  readonly value: unknown
  readonly revision: number
}

export interface Metadata {
  /** Of the newest applied change. */
  readonly revision: number
  /** The committed value at `revision`. Synchronous, from memory. */
  get(key: MetadataKey): MetadataEntry | undefined
  /** All entries whose key starts with these elements, in key order. */
  list(prefix: MetadataKey): Iterable<MetadataEntry>
  /**
   * Commits all ops or none. `done` is called once, in a later turn or before return, after the watchers saw the change and
   * after it is durable. Several transactions of a turn share one commit.
   */
  transact(guards: readonly Guard[], ops: readonly MetadataOp[], done: (result: TransactionResult) => void): void
  /**
   * Entries that die with this process (exclusive and transient objects): same order, same watchers, not stored, never
   * unavailable. `done` before return, unless it concerns a key that is just being committed or is made within a watcher.
   */
  transactEphemeral(
    guards: readonly Guard[],
    ops: readonly MetadataOp[],
    done: (result: TransactionResult) => void,
  ): void
  /** Registers a watcher; it first sees everything present as one change. */
  watch(watcher: MetadataWatcher): void
  /** Resolves when everything accepted so far is durable. */
  barrier(): Promise<void>
  close(): Promise<void>
}
