/**
 * The order of metadata changes: takes transactions, decides them one group after the other, has the store write the
 * group, and only then shows it to everybody. Shared by the implementations that run in one process; each brings a
 * `GroupStore`.
 *
 *   transact → pending ─(group starts)→ decided against image and earlier members → store.write ─→ image → watchers → done
 *                                                                              └ fails: all members unavailable, image untouched
 *
 * One group is in flight; what arrives meanwhile is the next group, so commits grow with load by themselves. Ephemeral
 * transactions are decided and applied at once; only one that concerns a key of the group in flight waits for its end,
 * because its outcome depends on it.
 *
 * Invariants: the image changes in revision order, and every watcher sees every change before the transaction's `done`.
 * A change made from within a watcher takes effect when all watchers have seen the present one.
 */
import { deepFreeze, keyText, MetadataImage } from './metadata-image.ts'
import type {
  Guard,
  Metadata,
  MetadataEntry,
  MetadataKey,
  MetadataOp,
  MetadataWatcher,
  TransactionDone,
  TransactionResult,
} from './metadata-port.ts'

/** What a group does to the store, in order; the last change of an id wins. */
export interface StoreChange {
  readonly storeId: number
  /** Undefined removes the record. */
  readonly entry: { readonly key: MetadataKey; readonly value: unknown; readonly revision: number } | undefined
}

/** Keeps entries. `write` is never called again before the previous call has answered. */
export interface GroupStore {
  /**
   * Makes all changes durable, or none, then calls `done`: in this call or later, undefined for success.
   * `revision` is at least the revision of every entry.
   */
  write(changes: readonly StoreChange[], revision: number, done: (error: Error | undefined) => void): void
  close(): Promise<void>
}

/** What a store held when it was opened. */
export interface LoadedMetadata {
  readonly revision: number
  /** Store ids above this one are free. */
  readonly lastStoreId: number
  readonly entries: readonly (MetadataEntry & { readonly storeId: number })[]
}

/** Runs a function once, soon: starts the commit of what a turn accepted. */
export type CommitScheduler = (run: () => void) => void

/** Transactions in one group at most: bounds what one commit holds up. */
const GROUP_COUNT_MAX = 4096
const CLOSED = 'the metadata store is closed'

interface Transaction {
  readonly guards: readonly Guard[]
  readonly ops: readonly MetadataOp[]
  readonly done: TransactionDone
}

/** A transaction of the group in flight with its decision. `conflict` null: it goes ahead. */
interface Decided {
  readonly transaction: Transaction
  readonly conflict: MetadataKey | null
  /** Store ids for its puts, in order. */
  readonly storeIds: readonly number[]
}

/** The in-process `Metadata`. */
export class MetadataSequencer implements Metadata {
  readonly #store: GroupStore
  readonly #schedule: CommitScheduler
  readonly #image = new MetadataImage()
  readonly #watchers: MetadataWatcher[] = []
  #revision: number
  #lastStoreId: number
  #pending: Transaction[] = []
  /** Keys touched by the group in flight: the store id they will have, or 0 when they will be absent. Null: none in flight. */
  #touched: Map<string, number> | null = null
  #scheduled = false
  #notifying = false
  readonly #deferred: (() => void)[] = []
  #closed: Promise<void> | null = null
  readonly #run: () => void

  constructor(store: GroupStore, loaded: LoadedMetadata, schedule: CommitScheduler) {
    this.#store = store
    this.#schedule = schedule
    this.#revision = loaded.revision
    this.#lastStoreId = loaded.lastStoreId
    for (const entry of loaded.entries) {
      const { key, value, revision, storeId } = entry
      this.#image.put({
        text: keyText(key),
        key: deepFreeze(key),
        value: deepFreeze(value),
        revision,
        ephemeral: false,
        storeId,
      })
    }
    this.#run = () => {
      this.#scheduled = false
      this.#startGroup()
    }
  }

  get revision(): number {
    return this.#revision
  }

  get(key: MetadataKey): MetadataEntry | undefined {
    return this.#image.get(keyText(key))
  }

  list(prefix: MetadataKey): Iterable<MetadataEntry> {
    return this.#image.withPrefix(keyText(prefix))
  }

  transact(guards: readonly Guard[], ops: readonly MetadataOp[], done: TransactionDone): void {
    if (this.#closed !== null) {
      done({ ok: false, reason: 'unavailable', error: new Error(CLOSED) })
      return
    }
    this.#pending.push({ guards, ops: deepFreeze(ops), done })
    this.#arm()
  }

  transactEphemeral(guards: readonly Guard[], ops: readonly MetadataOp[], done: TransactionDone): void {
    deepFreeze(ops)
    const mustWait = this.#notifying || this.#isTouched(guards, ops)
    if (mustWait) this.#deferred.push(() => this.#applyEphemeral(guards, ops, done))
    else this.#applyEphemeral(guards, ops, done)
  }

  /** The entries that are in the store, in key order. */
  stored(): readonly (MetadataEntry & { readonly storeId: number })[] {
    return this.#image.withPrefix('').filter((entry) => !entry.ephemeral)
  }

  watch(watcher: MetadataWatcher): void {
    if (this.#notifying) {
      this.#deferred.push(() => this.watch(watcher))
      return
    }
    const present = this.#image.withPrefix('')
    this.#watchers.push(watcher)
    watcher(
      this.#revision,
      present.map(({ key, value }) => ({ op: 'put', key, value })),
    )
  }

  barrier(): Promise<void> {
    if (this.#touched === null && this.#pending.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#pending.push({ guards: [], ops: [], done: () => resolve() })
      this.#arm()
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.barrier().then(() => this.#store.close())
    return this.#closed
  }

  // Groups

  #arm(): void {
    if (this.#scheduled || this.#touched !== null) return
    this.#scheduled = true
    this.#schedule(this.#run)
  }

  #startGroup(): void {
    if (this.#touched !== null || this.#pending.length === 0) return
    const touched = new Map<string, number>()
    this.#touched = touched
    const taken = this.#pending.slice(0, GROUP_COUNT_MAX)
    this.#pending = this.#pending.slice(GROUP_COUNT_MAX)
    const changes: StoreChange[] = []
    const group = taken.map((transaction, i) => this.#decide(transaction, this.#revision + i + 1, touched, changes))
    if (changes.length === 0) this.#finishGroup(group, undefined)
    else this.#store.write(changes, this.#revision + taken.length, (error) => this.#finishGroup(group, error))
  }

  #decide(transaction: Transaction, revision: number, touched: Map<string, number>, changes: StoreChange[]): Decided {
    const conflict = this.#conflict(transaction.guards)
    const storeIds: number[] = []
    if (conflict !== null) return { transaction, conflict, storeIds }
    for (const op of transaction.ops) {
      if (op.op === 'put') {
        const text = keyText(op.key)
        const storeId = this.#storeIdNow(text) || ++this.#lastStoreId
        touched.set(text, storeId)
        storeIds.push(storeId)
        changes.push({ storeId, entry: { key: op.key, value: op.value, revision } })
      } else {
        for (const text of this.#textsNow(op, touched)) {
          const storeId = this.#storeIdNow(text)
          if (storeId !== 0) changes.push({ storeId, entry: undefined })
          touched.set(text, 0)
        }
      }
    }
    return { transaction, conflict, storeIds }
  }

  #finishGroup(group: readonly Decided[], error: Error | undefined): void {
    const results: TransactionResult[] = []
    for (const { transaction, conflict, storeIds } of group) {
      if (error !== undefined) results.push({ ok: false, reason: 'unavailable', error })
      else if (conflict !== null) results.push({ ok: false, reason: 'conflict', key: conflict })
      else {
        if (transaction.ops.length > 0) this.#apply(transaction.ops, storeIds)
        results.push({ ok: true, revision: this.#revision })
      }
    }
    this.#touched = null
    this.#runDeferred()
    for (let i = 0; i < group.length; i++) group[i]!.transaction.done(results[i]!)
    if (this.#pending.length > 0) this.#arm()
  }

  // Deciding

  /** The first guard that does not hold in the image as the group in flight will leave it; null when all hold. */
  #conflict(guards: readonly Guard[]): MetadataKey | null {
    for (const { key, expect } of guards) {
      const text = keyText(key)
      const storeId = this.#touched?.get(text)
      const entry = this.#image.get(text)
      const isPresent = storeId === undefined ? entry !== undefined : storeId !== 0
      const holds =
        typeof expect === 'number'
          ? storeId === undefined && entry !== undefined && entry.revision === expect
          : isPresent === (expect === 'present')
      if (!holds) return key
    }
    return null
  }

  /** The store id of a key as the group in flight will leave it; 0 when it has none. */
  #storeIdNow(text: string): number {
    return this.#touched?.get(text) ?? this.#image.get(text)?.storeId ?? 0
  }

  /** Keys that a drop removes, as the group in flight will leave them. */
  #textsNow(op: MetadataOp, touched: ReadonlyMap<string, number>): readonly string[] {
    const text = keyText(op.key)
    if (op.op === 'drop') return this.#image.get(text) !== undefined || (touched.get(text) ?? 0) !== 0 ? [text] : []
    const texts = new Set(this.#image.withPrefix(text).map((entry) => entry.text))
    for (const [touchedText, storeId] of touched) {
      if (touchedText.startsWith(text)) {
        if (storeId === 0) texts.delete(touchedText)
        else texts.add(touchedText)
      }
    }
    return [...texts]
  }

  /** Whether the outcome of these depends on the group in flight. */
  #isTouched(guards: readonly Guard[], ops: readonly MetadataOp[]): boolean {
    const touched = this.#touched
    if (touched === null) return false
    return guards.some(({ key }) => touched.has(keyText(key))) || ops.some(({ key }) => touched.has(keyText(key)))
  }

  // Applying

  #apply(ops: readonly MetadataOp[], storeIds: readonly number[]): void {
    const revision = ++this.#revision
    let put = 0
    for (const op of ops) {
      const text = keyText(op.key)
      if (op.op === 'put') {
        const storeId = storeIds[put++]!
        this.#image.put({ text, key: op.key, value: op.value, revision, ephemeral: storeId === 0, storeId })
      } else if (op.op === 'drop') this.#image.drop(text)
      else for (const entry of this.#image.withPrefix(text)) this.#image.drop(entry.text)
    }
    this.#notify(revision, ops)
  }

  #applyEphemeral(guards: readonly Guard[], ops: readonly MetadataOp[], done: TransactionDone): void {
    const conflict = this.#conflict(guards) ?? this.#storedKey(ops)
    if (conflict !== null) {
      done({ ok: false, reason: 'conflict', key: conflict })
      return
    }
    const own = this.#ownDrops(ops)
    const putCount = own.reduce((count, op) => (op.op === 'put' ? count + 1 : count), 0)
    if (own.length > 0) this.#apply(own, new Array<number>(putCount).fill(0))
    if (own.length > 0) this.#runDeferred()
    done({ ok: true, revision: this.#revision })
  }

  /** The first key of an ephemeral put or drop that is in the store, or will be: such a key is not theirs to change. */
  #storedKey(ops: readonly MetadataOp[]): MetadataKey | null {
    for (const op of ops) {
      if (op.op !== 'drop-prefix' && this.#storeIdNow(keyText(op.key)) !== 0) return op.key
    }
    return null
  }

  /** Ephemeral ops with prefixes resolved to the ephemeral entries below them, so that watchers drop no stored ones. */
  #ownDrops(ops: readonly MetadataOp[]): readonly MetadataOp[] {
    if (!ops.some((op) => op.op === 'drop-prefix')) return ops
    const own: MetadataOp[] = []
    for (const op of ops) {
      if (op.op !== 'drop-prefix') {
        own.push(op)
        continue
      }
      const prefix = keyText(op.key)
      const putBefore = own.filter((earlier) => earlier.op === 'put' && keyText(earlier.key).startsWith(prefix))
      const below = this.#image.withPrefix(prefix).filter((entry) => entry.ephemeral)
      for (const { key } of [...below, ...putBefore]) own.push({ op: 'drop', key })
    }
    return own
  }

  // Telling

  #notify(revision: number, ops: readonly MetadataOp[]): void {
    this.#notifying = true
    try {
      for (let i = 0; i < this.#watchers.length; i++) this.#watchers[i]!(revision, ops)
    } finally {
      this.#notifying = false
    }
  }

  #runDeferred(): void {
    for (let task = this.#deferred.shift(); task !== undefined; task = this.#deferred.shift()) task()
  }
}
