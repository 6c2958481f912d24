/**
 * Plays the log back into ledgers, when the store opens.
 *
 * Records come in the order in which they were appended, so a later one wins: a moved record takes the place of the
 * original, a settlement ends an entry, a complete snapshot ends every entry before it that it does not list. What was
 * settled in blocks that are gone is thereby settled again.
 */
import type { Block } from './block.ts'
import {
  BATCH_HEADER_BYTES,
  KIND_LEDGER,
  KIND_LEDGER_DELETED,
  KIND_LEDGER_LABEL,
  KIND_MESSAGE,
  KIND_MOVED,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_SNAPSHOT_PART,
  OWNER_BYTES,
  OWNER_VOLATILE,
  RECORD_HEAD_BYTES,
  readWide,
} from './format.ts'
import type { Ledger } from './ledger.ts'
import { replayChanges, replayLabel, replayPart } from './ledger-records.ts'
import type { FollowSink } from './log.ts'
import type { StorageReport } from './report.ts'

const HIGH = 0x1_0000_0000

/** Weight of a message's entry, from its payload. */
export type Weigh = (bytes: Buffer, words: Uint32Array, payloadAt: number) => number

/** Where recovered ledgers are kept. */
export interface RecoveredLedgers {
  /** The ledger with this id, made when the log mentions it first. */
  recovered(id: number): Ledger
  all(): Iterable<Ledger>
  /** The log says that the ledger is gone. */
  recoveredDeleted(id: number): void
  /** Ids below this were in use. */
  onNextLedgerId(next: number): void
}

/** Applies batches. */
export class Recovery implements FollowSink {
  readonly #ledgers: RecoveredLedgers
  readonly #weigh: Weigh
  readonly #report: StorageReport
  readonly #mentioned = new Set<number>()
  #last: Ledger | null = null
  #begin = -1
  messageCount = 0
  /** The newest complete snapshot began here. */
  snapshotFrom = 0

  constructor(ledgers: RecoveredLedgers, weigh: Weigh, report: StorageReport) {
    this.#ledgers = ledgers
    this.#report = report
    this.#weigh = weigh
  }

  onProgress(bytes: number, bytesTotal: number): void {
    this.#report.onProgress(bytes, bytesTotal)
  }

  onBatch(block: Block, bytes: Buffer, words: Uint32Array, from: number, to: number): void {
    for (let at = from + BATCH_HEADER_BYTES; at < to; ) {
      const word = at >>> 2
      const kind = words[word + 1]! & 0xff
      if (kind === KIND_MESSAGE || kind === KIND_MOVED) this.#message(block, bytes, words, at)
      else this.#other(kind, block.base + at, bytes, words, word)
      at += (words[word]! + 7) & ~7
    }
  }

  #message(block: Block, bytes: Buffer, words: Uint32Array, at: number): void {
    this.messageCount++
    const word = at >>> 2
    const ownerCount = words[word + 1]! >>> 16
    let weight = -1
    for (let slot = 0; slot < ownerCount; slot++) {
      const owner = word + 2 + slot * 3
      const id = words[owner]!
      const high = words[owner + 2]!
      if (id === 0 || (high & OWNER_VOLATILE) !== 0) continue
      if (weight < 0) weight = this.#weigh(bytes, words, at + RECORD_HEAD_BYTES + ownerCount * OWNER_BYTES)
      const sequence = words[owner + 1]! + (high & 0x7fff) * HIGH
      this.#ledger(id).place(sequence, block, at, weight, high >>> 16)
    }
  }

  #other(kind: number, position: number, bytes: Buffer, words: Uint32Array, word: number): void {
    if (kind === KIND_LEDGER) replayChanges(words, word, this.#ledger(words[word + 2]!))
    else if (kind === KIND_SNAPSHOT_PART) {
      this.#mentioned.add(words[word + 2]!)
      replayPart(words, word, this.#ledger(words[word + 2]!))
    } else if (kind === KIND_LEDGER_DELETED) {
      this.#last = null
      this.#ledgers.recoveredDeleted(words[word + 2]!)
    } else if (kind === KIND_LEDGER_LABEL) replayLabel(bytes, words, word, this.#ledger(words[word + 2]!))
    else if (kind === KIND_SNAPSHOT_BEGIN) {
      this.#mentioned.clear()
      this.#begin = position
      this.#ledgers.onNextLedgerId(readWide(words, word + 2))
    } else if (kind === KIND_SNAPSHOT_END && readWide(words, word + 2) === this.#begin) this.#snapshotEnds()
  }

  /** Ledgers that the snapshot does not mention did not exist: what they have from before it is a deleted one's rest. */
  #snapshotEnds(): void {
    this.snapshotFrom = this.#begin
    for (const ledger of this.#ledgers.all()) {
      if (this.#mentioned.has(ledger.id)) continue
      ledger.settleBefore(this.#begin)
    }
  }

  #ledger(id: number): Ledger {
    if (this.#last === null || this.#last.id !== id) this.#last = this.#ledgers.recovered(id)
    return this.#last
  }
}
