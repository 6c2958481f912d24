/**
 * What a protocol keeps beyond a connection: a small key–value map per vhost and area, over the metadata store. MQTT keeps
 * sessions and retained messages in it.
 *
 * Values are JSON-able, replaced as a whole, and durable when `done` is called. Everything of a vhost goes with the vhost.
 * Invariant: readers see a change only once it is committed, and watchers see it before its `done`.
 */
import type { Metadata, MetadataOp } from './metadata.ts'

/** First element of the keys of kept values. */
export const KEPT = 'kept'

/** Called once, in a later turn or before the call returns: null when the change is durable. */
export type KeptDone = (error: Error | null) => void

/** One kept value. */
export interface KeptEntry {
  readonly vhost: string
  readonly name: string
  /** Frozen. */
  readonly value: unknown
}

/** A change of an area: a value, or undefined when it is gone. */
export type KeptListener = (vhost: string, name: string, value: unknown) => void

/** One area of all vhosts. */
export class Keeper {
  readonly #metadata: Metadata
  readonly #area: string

  constructor(metadata: Metadata, area: string) {
    this.#metadata = metadata
    this.#area = area
  }

  /** The value, frozen; undefined when there is none. */
  get(vhost: string, name: string): unknown {
    return this.#metadata.get([KEPT, vhost, this.#area, name])?.value
  }

  /** Everything there is. */
  *entries(): Iterable<KeptEntry> {
    for (const { key, value } of this.#metadata.list([KEPT])) {
      const [, vhost, area, name] = key
      if (area === this.#area) yield { vhost: vhost!, name: name!, value }
    }
  }

  /** Sets a value. In a vhost that is being deleted it is refused. */
  put(vhost: string, name: string, value: unknown, done: KeptDone): void {
    const key = [KEPT, vhost, this.#area, name]
    this.#change(vhost, { op: 'put', key, value }, done)
  }

  /** Forgets a value; one that is not there is fine. */
  drop(vhost: string, name: string, done: KeptDone): void {
    this.#change(null, { op: 'drop', key: [KEPT, vhost, this.#area, name] }, done)
  }

  /** Tells of every change from now on, and of everything that is there as if it were one. */
  watch(listener: KeptListener): void {
    const known = new Map<string, Set<string>>()
    this.#metadata.watch((_revision, ops) => {
      for (const op of ops) if ((op.key[0] ?? KEPT) === KEPT) this.#tell(op, known, listener)
    })
  }

  #change(vhost: string | null, op: MetadataOp, done: KeptDone): void {
    const guards = vhost === null ? [] : [{ key: ['vhost', vhost], expect: 'present' as const }]
    this.#metadata.transact(guards, [op], (result) => {
      if (result.ok) done(null)
      else done(result.reason === 'unavailable' ? result.error : new Error(`vhost '${vhost}' is gone`))
    })
  }

  #tell(op: MetadataOp, known: Map<string, Set<string>>, listener: KeptListener): void {
    const [, vhost, area, name] = op.key
    if (area !== undefined && area !== this.#area) return
    if (op.op === 'put') {
      const names = known.get(vhost!) ?? new Set<string>()
      names.add(name!)
      known.set(vhost!, names)
      return listener(vhost!, name!, op.value)
    }
    const vhosts = vhost === undefined ? [...known.keys()] : [vhost]
    for (const each of vhosts) {
      const names = known.get(each)
      for (const gone of name === undefined ? [...(names ?? [])] : [name]) {
        if (names?.delete(gone) === true) listener(each, gone, undefined)
      }
      if (names?.size === 0) known.delete(each)
    }
  }
}
