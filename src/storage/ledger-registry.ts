/**
 * The ledgers of a store, by id and by what stands for them in records. Volatile ledgers are not named by their id there
 * but by a place in a table, which is used again: exclusive queues come and go by the million.
 */
import type { RecordCursor } from './appender.ts'
import type { Block } from './block.ts'
import { OWNER_VOLATILE } from './format.ts'
import { Ledger, type LedgerHost } from './ledger.ts'
import { PageArena } from './ledger-pages.ts'
import type { RecoveredLedgers } from './recovery.ts'
import type { Tail } from './tail.ts'

/** Ids are one word in a record. */
const LEDGER_ID_MAX = 0xffff_ffff

/** What the registry tells its store. */
export interface RegistryOwner {
  blockDied(block: Block): void
  ledgerChanged(ledger: Ledger, urgent: boolean): void
  ledgerGone(ledger: Ledger): void
}

/** All ledgers. */
export class LedgerRegistry implements LedgerHost, RecoveredLedgers {
  readonly cursor: RecordCursor
  readonly tail: Tail
  readonly arena = new PageArena()
  readonly #owner: RegistryOwner
  readonly #byId = new Map<number, Ledger>()
  /** Place 0 is not used: an owner word of 0 is none. */
  readonly #volatile: (Ledger | null)[] = [null]
  #freePlaces: number[] = []
  /** Free from the next turn on: a record of this turn may name the place for its last user. */
  #leftPlaces: number[] = []
  #nextId = 1
  /** The log is being played back: changes are not news. */
  isRecovering = false
  /** Records of the metadata are missing: ledgers that nobody claims are not dropped. */
  keepsUnclaimed = false
  /** What recovery found, by label; made when it is asked for. */
  #left: Map<string, Ledger> | null = null

  constructor(owner: RegistryOwner, cursor: RecordCursor, tail: Tail) {
    this.#owner = owner
    this.cursor = cursor
    this.tail = tail
  }

  get count(): number {
    return this.#byId.size
  }

  get nextId(): number {
    return this.#nextId
  }

  byId(id: number): Ledger | undefined {
    return this.#byId.get(id)
  }

  all(): IterableIterator<Ledger> {
    return this.#byId.values()
  }

  /** The ledger that an owner's words in a record name, if it still exists. */
  ofOwner(ownerWord: number, flags: number): Ledger | undefined {
    if ((flags & OWNER_VOLATILE) === 0) return this.#byId.get(ownerWord)
    return this.#volatile[ownerWord] ?? undefined
  }

  /** An id that was never used; while metadata is missing, the id of what somebody with this label left behind. */
  newId(label: string): number {
    const left = this.keepsUnclaimed && label !== '' ? this.#leftBy(label) : undefined
    if (left !== undefined) return left.id
    if (this.#nextId > LEDGER_ID_MAX) throw new Error('ledger ids are used up')
    return this.#nextId++
  }

  claim(id: number, isDurable: boolean, label: string): Ledger {
    let ledger = this.#byId.get(id)
    if (ledger?.isDurable !== isDurable) {
      ledger?.delete()
      ledger = this.#add(id, isDurable)
    }
    ledger.isClaimed = true
    if (label !== ledger.label) {
      ledger.label = label
      ledger.isLabelled = false
    }
    return ledger
  }

  /** Drops what nobody has claimed; while metadata is missing, only what is empty. Returns what is kept. */
  dropUnclaimed(): Ledger[] {
    const kept: Ledger[] = []
    for (const ledger of [...this.#byId.values()]) {
      if (ledger.isClaimed) continue
      if (this.keepsUnclaimed && ledger.liveCount > 0) kept.push(ledger)
      else ledger.delete()
    }
    return kept
  }

  /** The newest with this label that nobody has claimed: an older one was on its way out. */
  #leftBy(label: string): Ledger | undefined {
    if (this.#left === null) {
      const left = new Map<string, Ledger>()
      for (const ledger of this.#byId.values()) {
        if (ledger.label !== '' && ledger.id >= (left.get(ledger.label)?.id ?? 0)) left.set(ledger.label, ledger)
      }
      this.#left = left
    }
    const ledger = this.#left.get(label)
    return ledger === undefined || ledger.isClaimed || ledger.isDeleted ? undefined : ledger
  }

  /** Ledgers with a state that a snapshot must describe. */
  durable(): Ledger[] {
    const found: Ledger[] = []
    for (const ledger of this.#byId.values()) {
      if (ledger.isDurable && (ledger.nextSequence > 1 || ledger.deliveredUpTo > 0)) found.push(ledger)
    }
    return found
  }

  turnEnd(): void {
    if (this.#leftPlaces.length === 0) return
    this.#freePlaces.push(...this.#leftPlaces)
    this.#leftPlaces = []
  }

  #add(id: number, isDurable: boolean): Ledger {
    this.#nextId = Math.max(this.#nextId, id + 1)
    let ownerWord = id
    if (!isDurable) ownerWord = this.#freePlaces.pop() ?? this.#volatile.length
    const ledger = new Ledger(this, id, isDurable, ownerWord)
    if (!isDurable) this.#volatile[ownerWord] = ledger
    this.#byId.set(id, ledger)
    return ledger
  }

  // What ledgers tell

  blockDied(block: Block): void {
    if (!this.isRecovering) this.#owner.blockDied(block)
  }

  ledgerChanged(ledger: Ledger, urgent: boolean): void {
    this.#owner.ledgerChanged(ledger, urgent)
  }

  ledgerDeleted(ledger: Ledger): void {
    this.#byId.delete(ledger.id)
    if (!ledger.isDurable) {
      this.#volatile[ledger.ownerWord] = null
      this.#leftPlaces.push(ledger.ownerWord)
    }
    this.#owner.ledgerGone(ledger)
  }

  // What recovery tells

  recovered(id: number): Ledger {
    return this.#byId.get(id) ?? this.#add(id, true)
  }

  recoveredDeleted(id: number): void {
    this.#nextId = Math.max(this.#nextId, id + 1)
    this.#byId.get(id)?.delete()
  }

  onNextLedgerId(next: number): void {
    this.#nextId = Math.max(this.#nextId, next)
  }
}
