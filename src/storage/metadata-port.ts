/**
 * The metadata port as storage sees it: the same shapes as the model's contract (`model/records/metadata.ts`), which storage may
 * not import. The composition root hands an implementation to the model, and the compiler compares the two there.
 */

/** A list of texts; the first names the kind of the record. */
export type MetadataKey = readonly string[]

/** What a transaction relies on. */
export interface Guard {
  readonly key: MetadataKey
  /** The revision at which the key was last changed, or its absence or presence. */
  readonly expect: number | 'absent' | 'present'
}

/** One change. */
export type MetadataOp =
  | { readonly op: 'put'; readonly key: MetadataKey; readonly value: unknown }
  | { readonly op: 'drop'; readonly key: MetadataKey }
  | { readonly op: 'drop-prefix'; readonly key: MetadataKey }

/** How a transaction ended. */
export type TransactionResult =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly reason: 'conflict'; readonly key: MetadataKey }
  | { readonly ok: false; readonly reason: 'unavailable'; readonly error: Error }

/** Told how a transaction ended; called once. */
export type TransactionDone = (result: TransactionResult) => void

/** Sees every committed change once, in order. */
export type MetadataWatcher = (revision: number, ops: readonly MetadataOp[]) => void

/** An entry as stored. */
export interface MetadataEntry {
  readonly key: MetadataKey
  readonly value: unknown
  readonly revision: number
}

/** A versioned map that changes by guarded transactions; see the model's contract for what each verb promises. */
export interface Metadata {
  readonly revision: number
  get(key: MetadataKey): MetadataEntry | undefined
  list(prefix: MetadataKey): Iterable<MetadataEntry>
  transact(guards: readonly Guard[], ops: readonly MetadataOp[], done: TransactionDone): void
  transactEphemeral(guards: readonly Guard[], ops: readonly MetadataOp[], done: TransactionDone): void
  watch(watcher: MetadataWatcher): void
  barrier(): Promise<void>
  close(): Promise<void>
}
