/**
 * Writes snapshots: the state of every durable ledger, spread over turns, among the other records of the log.
 *
 * Ledgers do not depend on each other, so each may be described at its own moment between the begin and the end; for a
 * long ledger even each interval. Begun when the log has grown by a block (or by eight times the last snapshot) since the
 * last one: what snapshots cost is then at most an eighth of what is written.
 */
import type { Block } from './block.ts'
import type { Ledger } from './ledger.ts'
import { appendLabel, appendPart, appendSnapshotBegin, appendSnapshotEnd } from './ledger-records.ts'
import type { LedgerRegistry } from './ledger-registry.ts'
import type { Log } from './log.ts'

/** Appended per turn, about. */
const STEP_BYTES = 256 * 1024
const GROWTH_FACTOR = 8
/** So many blocks that only wait for a snapshot are reason enough. */
const HELD_BLOCKS_MAX = 3

/** Takes snapshots of all ledgers. */
export class Snapshotter {
  readonly #log: Log
  readonly #ledgers: LedgerRegistry
  readonly #blockBytes: number
  #todo: Ledger[] | null = null
  #next = 0
  #from = 1
  #begin = 0
  #bytes = 0
  #lastBytes = 0
  /** Of the log's sealed bytes, those before the last snapshot began. */
  #beganAtBytes = 0
  #bytesBefore = 0
  count = 0

  constructor(log: Log, ledgers: LedgerRegistry) {
    this.#log = log
    this.#ledgers = ledgers
    this.#blockBytes = log.appender.block.capacityBytes
  }

  get isRunning(): boolean {
    return this.#todo !== null
  }

  /** What recovery had to read behind the last snapshot counts as grown. */
  recovered(blocks: Iterable<Block>, snapshotFrom: number): void {
    for (const block of blocks) if (block.base > snapshotFrom) this.#bytesBefore += block.usedBytes
  }

  /** Does a turn's share, when a snapshot is due or running; true when it appended something. */
  step(): boolean {
    if (this.#todo === null && !this.#isDue()) return false
    if (this.#todo === null) this.#start()
    const todo = this.#todo!
    let budget = STEP_BYTES
    while (this.#next < todo.length && budget > 0) {
      const ledger = todo[this.#next]!
      const before = this.#log.appended
      if (this.#from === 1 && !ledger.isDeleted) appendLabel(this.#log.appender, ledger)
      if (!ledger.isDeleted) this.#from = appendPart(this.#log.appender, ledger, this.#from)
      else this.#from = 0
      if (this.#from === 0) {
        this.#next++
        this.#from = 1
      }
      const bytes = Math.min(Math.max(this.#log.appended - before, 0), STEP_BYTES)
      budget -= bytes
      this.#bytes += bytes
    }
    if (this.#next === todo.length) this.#finish()
    return true
  }

  #isDue(): boolean {
    if (this.#log.heldCount > HELD_BLOCKS_MAX) return true
    const grown = this.#bytesBefore + this.#log.sealedBytes - this.#beganAtBytes
    return grown >= Math.max(this.#blockBytes, GROWTH_FACTOR * this.#lastBytes)
  }

  #start(): void {
    this.#todo = this.#ledgers.durable()
    this.#next = 0
    this.#from = 1
    this.#bytes = 0
    this.#beganAtBytes = this.#log.sealedBytes
    this.#bytesBefore = 0
    this.#begin = appendSnapshotBegin(this.#log.appender, this.#ledgers.nextId)
  }

  #finish(): void {
    appendSnapshotEnd(this.#log.appender, this.#begin)
    this.#log.completeSnapshot(this.#begin)
    this.#todo = null
    this.#lastBytes = this.#bytes
    this.count++
  }
}
