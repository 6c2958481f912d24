/**
 * The message store: records in blocks, ledgers that point at them, one log under it. Opened by the composition root
 * (`openMessageStore`), used by sessions and queues for every message; it fulfils the model's contract by its shape.
 *
 * Invariant: what `reserve`, `enter` and `settle` did in a turn is in the log's hands when the turn ends, or, while the
 * log writes an earlier batch, when that is done. The paths of every message allocate nothing and call nothing per byte.
 */
import type { TimerWheel } from '../base/timer-wheel.ts'
import { TURN_LOGS, type Turn, type TurnTask } from '../base/turn.ts'
import { type Appender, RecordCursor } from './appender.ts'
import { type Block, offsetIn } from './block.ts'
import type { BlockTable } from './block-table.ts'
import { ColdReader, type LoadSink } from './cold-reader.ts'
import { KIND_MESSAGE, OWNER_BYTES, RECORD_HEAD_BYTES } from './format.ts'
import type { Ledger } from './ledger.ts'
import { appendChanges, appendDeleted, appendLabel } from './ledger-records.ts'
import { LedgerRegistry } from './ledger-registry.ts'
import type { DurableSink, Log, LogHealth, LogOwner } from './log.ts'
import type { LogFiles } from './log-files.ts'
import { Reclaimer } from './reclaimer.ts'
import type { StorageReport } from './report.ts'
import type { ScratchFolder } from './scratch.ts'
import { Snapshotter } from './snapshotter.ts'
import type { StoreStats } from './store-stats.ts'
import type { Tail, TailOwner } from './tail.ts'
import { TransientSpace } from './transient-space.ts'

/** What reads a payload in place: the model's message view. */
export interface PayloadView {
  at(bytes: Buffer, words: Uint32Array, payloadAt: number): void
}

/** Told, once, that what it waited for is safe. */
export interface SafeSink {
  onSafe(upTo: number): void
}

/** What a store is built from; `openMessageStore` puts it together. */
export interface StoreParts {
  readonly log: Log
  readonly blocks: BlockTable
  readonly turn: Turn
  readonly wheel: TimerWheel
  readonly files: LogFiles | null
  /** Null without a disk: transient blocks stay in memory, whatever their number. */
  readonly scratch: ScratchFolder | null
  readonly report: StorageReport
  readonly windowBytesMax: number
  /** What is settled everywhere counts as safe before it is durable. */
  readonly isSafeSettled: boolean
  /** Ends what was opened with the store. */
  readonly onClosed: () => Promise<void>
}

/** The store of one broker. */
export class BlockStore implements TurnTask, LogOwner, DurableSink, TailOwner {
  bytes: Buffer
  words: Uint32Array
  payloadAt = 0
  readonly ledgers: LedgerRegistry
  readonly #turn: Turn
  readonly #log: Log
  readonly #blocks: BlockTable
  readonly #durable: Appender
  readonly #transient: Appender
  readonly #cursor: RecordCursor
  readonly #cold: ColdReader
  readonly #reclaimer: Reclaimer
  readonly #snapshotter: Snapshotter
  readonly #report: StorageReport
  readonly #onClosed: () => Promise<void>
  /** Null when only what is durable is safe. */
  readonly #tail: Tail | null
  #changed: Ledger[] = []
  /** They wait until everything appended is durable, or settled. */
  #safeSinks: SafeSink[] = []
  #awaitsDurable = false
  #isUrgent = false
  #isMarked = false
  #opened: Block

  constructor(parts: StoreParts) {
    this.#turn = parts.turn
    this.#log = parts.log
    this.#blocks = parts.blocks
    this.#report = parts.report
    this.#onClosed = parts.onClosed
    this.#durable = parts.log.appender
    this.#tail = parts.isSafeSettled ? parts.log.tail : null
    this.#reclaimer = new Reclaimer(this, parts)
    const transient = new TransientSpace(parts.blocks, this.#reclaimer)
    this.#transient = transient.appender
    this.#cursor = new RecordCursor(transient.appender.block)
    this.#opened = transient.appender.block
    this.bytes = this.#opened.bytes
    this.words = this.#opened.words
    this.ledgers = new LedgerRegistry(this, this.#cursor, parts.log.tail)
    this.#cold = new ColdReader(this, parts)
    this.#snapshotter = new Snapshotter(parts.log, this.ledgers)
    this.#reclaimer.begin(this.ledgers, this.#transient, this.#cold)
    parts.log.setOwner(this)
    this.#tail?.setOwner(this)
    parts.blocks.onPressure(this.#reclaimer)
  }

  // Every message

  reserve(durable: boolean, ownerCount: number, payloadBytes: number): number {
    const appender = durable ? this.#durable : this.#transient
    const headBytes = RECORD_HEAD_BYTES + OWNER_BYTES * ownerCount
    const bytes = headBytes + payloadBytes
    let at = appender.usedBytes
    const end = at + ((bytes + 7) & ~7)
    if (end <= appender.limitBytes) appender.usedBytes = end
    else at = appender.extender.extend((bytes + 7) & ~7)
    const block = appender.block
    const words = block.words
    const word = at >>> 2
    words[word] = bytes
    words[word + 1] = KIND_MESSAGE | (ownerCount << 16)
    for (let owner = word + 2; owner < word + 2 + ownerCount * 3; owner += 3) words[owner] = 0
    const cursor = this.#cursor
    if (cursor.block !== block) {
      cursor.block = block
      cursor.words = words
      this.bytes = block.bytes
      this.words = words
    }
    cursor.at = at
    this.payloadAt = at + headBytes
    if (durable && !this.#isMarked) this.mark()
    return block.base + at
  }

  open(address: number, view: PayloadView): boolean {
    const block = this.#blockOf(address)
    if (block === undefined) return false
    this.#opened = block
    const at = offsetIn(block, address)
    block.usedTurn = this.#turn.count
    if (block.slab === null) return this.#cold.open(block, at, view)
    const words = block.words
    const ownerCount = words[(at >>> 2) + 1]! >>> 16
    view.at(block.bytes, words, at + RECORD_HEAD_BYTES + OWNER_BYTES * ownerCount)
    return true
  }

  load(ledger: { readonly id: number }, sequence: number, sink: LoadSink): void {
    const owned = this.ledgers.byId(ledger.id)
    if (owned === undefined) return sink.onLoaded(true)
    this.#cold.load(owned, sequence, sink)
    this.mark()
  }

  pin(address: number): void {
    const block = this.#blockOf(address)
    if (block !== undefined) block.pins++
  }

  unpin(address: number): void {
    const block = this.#blockOf(address)
    if (block !== undefined) this.unpinBlock(block)
  }

  /** Mostly the block that was opened last. */
  #blockOf(address: number): Block | undefined {
    const opened = this.#opened
    const distance = address - opened.base
    return distance >= 0 && distance < opened.capacityBytes ? opened : this.#blocks.of(address)
  }

  /** Takes one pin from a block, which may have been its last friend. */
  unpinBlock(block: Block): void {
    if (--block.pins === 0 && block.live === 0 && !block.isOpen) this.#reclaimer.died(block)
  }

  // Durability

  get appended(): number {
    return this.#log.appended
  }

  get durable(): number {
    return this.#log.durable
  }

  /** More is unsynced than the bound allows: sessions should read no more publishes. */
  get isCongested(): boolean {
    return this.#log.isCongested
  }

  /** Whether the log can write. */
  get health(): LogHealth {
    return this.#log.health
  }

  awaitDurable(sink: DurableSink): void {
    this.#log.awaitDurable(sink)
  }

  /** Everything before it is durable, or needs to be no more. */
  get safe(): number {
    return this.#tail?.isSettled ? this.#log.appended : this.#log.durable
  }

  awaitSafe(sink: SafeSink): void {
    this.#safeSinks.push(sink)
    if (this.#awaitsDurable) return
    this.#awaitsDurable = true
    this.#log.awaitDurable(this)
  }

  onDurable(upTo: number): void {
    this.#awaitsDurable = false
    this.#tellSafe(upTo)
  }

  onTailSettled(): void {
    if (this.#safeSinks.length > 0) this.mark()
  }

  #tellSafe(upTo: number): void {
    const sinks = this.#safeSinks
    this.#safeSinks = []
    for (const sink of sinks) {
      try {
        sink.onSafe(upTo)
      } catch (error) {
        this.#report.onBug(error)
      }
    }
  }

  // Ledgers

  ledger(id: number, durable: boolean, label = ''): Ledger {
    return this.ledgers.claim(id, durable, label)
  }

  newLedgerId(label = ''): number {
    return this.ledgers.newId(label)
  }

  dropUnclaimed(): readonly Ledger[] {
    return this.ledgers.dropUnclaimed()
  }

  blockDied(block: Block): void {
    if (!block.isOpen) this.#reclaimer.died(block)
  }

  ledgerChanged(ledger: Ledger, urgent: boolean): void {
    if (!this.#log.isLasting || this.ledgers.isRecovering) return
    if (!ledger.journal.isListed) {
      ledger.journal.isListed = true
      this.#changed.push(ledger)
    }
    if (!urgent) return
    this.#isUrgent = true
    this.mark()
  }

  /** The log must say that the ledger is gone, or its entries would come back. */
  ledgerGone(ledger: Ledger): void {
    if (!this.#log.isLasting || this.ledgers.isRecovering) return
    if (!ledger.isDurable || (ledger.nextSequence === 1 && ledger.deliveredUpTo === 0)) return
    appendDeleted(this.#durable, ledger.id)
    this.mark()
  }

  // The turn

  /** Asks for the end of this turn. */
  mark(): void {
    if (this.#isMarked) return
    this.#isMarked = true
    this.#turn.mark(TURN_LOGS, this)
  }

  onTurnEnd(): void {
    this.#isMarked = false
    if (this.#safeSinks.length > 0 && this.#tail?.isSettled) this.#tellSafe(this.#log.appended)
    if (this.#log.canSeal) {
      if (this.#log.isLasting) this.#appendPending()
      this.#log.flush()
    }
    this.#reclaimer.turnEnd()
    this.ledgers.turnEnd()
    this.#cold.turnEnd()
  }

  onLogReady(): void {
    this.mark()
  }

  onHeldUp(): void {
    this.#turn.endNow()
  }

  onBlockClosed(block: Block): void {
    this.#reclaimer.onBlockClosed(block)
  }

  #appendPending(): void {
    const isWriting = this.#log.hasOpen || this.#isUrgent
    if (this.#snapshotter.step() && this.#snapshotter.isRunning) this.mark()
    if (this.#reclaimer.compactStep()) this.mark()
    if (isWriting) this.#appendChanges()
  }

  #appendChanges(): void {
    const changed = this.#changed
    this.#isUrgent = false
    if (changed.length === 0) return
    this.#changed = []
    for (const ledger of changed) {
      ledger.journal.isListed = false
      if (ledger.isDeleted) continue
      if (!ledger.isLabelled) appendLabel(this.#durable, ledger)
      appendChanges(this.#durable, ledger)
    }
  }

  // Start and end

  /** After recovery: blocks without live entries, and old snapshots' worth, may go. */
  recovered(snapshotFrom: number): void {
    this.#log.completeSnapshot(snapshotFrom)
    this.#snapshotter.recovered(this.#blocks.all(), snapshotFrom)
    for (const block of this.#blocks.all()) {
      if (block.isOpen) continue
      if (block.live === 0) this.#reclaimer.died(block)
    }
    this.#reclaimer.recovered()
    this.mark()
  }

  /** Everything appended is durable when it resolves, and nothing may be called any more. Rejects when it cannot be. */
  async close(): Promise<void> {
    await this.#reclaimer.close()
    await this.#cold.close()
    if (this.#log.isLasting) this.#appendChanges()
    try {
      await this.#log.close()
    } finally {
      await this.#onClosed()
    }
  }

  stats(): StoreStats {
    return {
      log: this.#log.stats(),
      blockCount: this.#blocks.count,
      residentBytes: this.#blocks.residentBytes,
      evictionCount: this.#blocks.evictionCount,
      indexPageCount: this.ledgers.arena.count,
      ...this.#cold.stats(),
      ...this.#reclaimer.stats(),
      snapshotCount: this.#snapshotter.count,
    }
  }
}
