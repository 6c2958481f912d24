/**
 * Gives blocks back: the dead ones at the end of the turn in which their last entry was settled, the sparse ones after
 * compaction, and under memory pressure the memory of transient ones, by spilling them.
 *
 * Blocks that are mostly live stay where they are; a message that nobody reads is written once. The log may be twice as
 * large as what lives in it, and two blocks more.
 */

import { TimerEntry, type TimerOwner, type TimerWheel } from '../base/timer-wheel.ts'
import type { Turn } from '../base/turn.ts'
import type { Appender } from './appender.ts'
import type { Block } from './block.ts'
import type { BlockTable, PressureSink } from './block-table.ts'
import type { ColdReader } from './cold-reader.ts'
import { Compactor } from './compactor.ts'
import { DiskError } from './disk.ts'
import type { LedgerRegistry } from './ledger-registry.ts'
import type { Log } from './log.ts'
import type { LogFiles } from './log-files.ts'
import type { StorageReport } from './report.ts'
import type { ScratchFolder } from './scratch.ts'
import { Slab } from './slab.ts'
import type { TransientOwner } from './transient-space.ts'

/** What the reclaimer needs of its store. */
export interface ReclaimerOwner {
  mark(): void
  unpinBlock(block: Block): void
}

/** What the reclaimer is built from. */
export interface ReclaimerParts {
  readonly log: Log
  readonly blocks: BlockTable
  readonly turn: Turn
  readonly wheel: TimerWheel
  readonly files: LogFiles | null
  readonly scratch: ScratchFolder | null
  readonly report: StorageReport
}

/** A block with a smaller share of live entries is sparse. */
const SPARSE = 0.5
/** Records looked at per turn. */
const STEP_BYTES = 1024 * 1024
const ALLOWED_FACTOR = 2
const ALLOWED_BLOCKS = 2
/** A block so far behind keeps the table of blocks long: it is compacted whatever its share. */
const BEHIND_BLOCKS_MAX = 2 ** 20
const LOOK_MS = 1_000

/** One store's housekeeping. */
export class Reclaimer implements TransientOwner, PressureSink, TimerOwner {
  readonly #owner: ReclaimerOwner
  readonly #parts: ReclaimerParts
  readonly #timer = new TimerEntry(this)
  #ledgers!: LedgerRegistry
  #transient!: Appender
  #cold!: ColdReader
  #dead: Block[] = []
  #compactor: Compactor | null = null
  /** Blocks whose scratch file is being made: they are not in it yet. */
  readonly #spilling = new Set<Block>()
  #isPressed = false
  #isClosed = false
  #pending: Promise<void> = Promise.resolve()
  #isRestoring = false
  compactedBytes = 0
  spilledBytes = 0

  constructor(owner: ReclaimerOwner, parts: ReclaimerParts) {
    this.#owner = owner
    this.#parts = parts
  }

  /** Completes the construction. */
  begin(ledgers: LedgerRegistry, transient: Appender, cold: ColdReader): void {
    this.#ledgers = ledgers
    this.#transient = transient
    this.#cold = cold
  }

  // Told by others

  died(block: Block): void {
    this.#dead.push(block)
    this.#owner.mark()
  }

  onBlockClosed(block: Block): void {
    if (block.live === 0) this.died(block)
    this.#watch()
  }

  onPressure(): void {
    this.#isPressed = true
    this.#owner.mark()
  }

  recovered(): void {
    this.#watch()
  }

  onTimer(): void {
    if (this.#look()) this.#owner.mark()
  }

  // The turn

  turnEnd(): void {
    if (this.#dead.length > 0) this.#sweep()
    if (this.#isPressed) this.#relieve()
  }

  #sweep(): void {
    const dead = this.#dead
    this.#dead = []
    for (const block of dead) {
      if (block.live > 0 || block.pins > 0 || this.#parts.blocks.at(block.number) !== block) continue
      this.#cold.forget(block)
      if (block.image !== null) this.#parts.log.release(block)
      else {
        if (block.scratch !== null) this.#later(() => this.#parts.scratch!.remove(block))
        this.#parts.blocks.drop(block)
      }
    }
  }

  /** Too much memory in blocks: sparse transient ones are packed together, full ones are written out. */
  #relieve(): void {
    this.#isPressed = false
    if (this.#isClosed) return
    const found: Block[] = []
    for (const block of this.#parts.blocks.residents()) {
      const isSettled = block.isOpen || block.image !== null || block.live === 0
      if (!isSettled && block.scratch === null && !this.#spilling.has(block)) found.push(block)
    }
    found.sort((a, b) => a.usedTurn - b.usedTurn)
    for (const block of found) {
      if (block.live < block.entered * SPARSE) this.#pack(block)
      else if (this.#parts.scratch !== null) this.#spill(block)
    }
  }

  #pack(block: Block): void {
    const compactor = new Compactor(block, block.slab!, this.#transient, this.#ledgers)
    compactor.step(Number.POSITIVE_INFINITY)
    this.compactedBytes += compactor.movedBytes
  }

  #spill(block: Block): void {
    block.pins++
    this.#spilling.add(block)
    this.#later(async () => {
      try {
        await this.#parts.scratch!.write(block)
        this.spilledBytes += block.usedBytes
      } catch (error) {
        this.#parts.report.onNotice(`A block of transient messages stays in memory: ${String(error)}`)
      }
      this.#spilling.delete(block)
      this.#owner.unpinBlock(block)
      if (block.scratch?.isWritten === true && block.pins === 0) this.#parts.blocks.evict(block)
    })
  }

  // Compaction of the log

  /** Does a turn's share; true when there is more to do. */
  compactStep(): boolean {
    const compactor = this.#compactor
    if (compactor === null || this.#parts.log.isCongested) return false
    const before = compactor.movedBytes
    const isDone = compactor.step(STEP_BYTES)
    this.compactedBytes += compactor.movedBytes - before
    if (!isDone) return true
    this.#compactor = null
    if (compactor.block.live > 0) compactor.block.image!.isStuck = true
    this.#owner.unpinBlock(compactor.block)
    this.#look()
    return false
  }

  #watch(): void {
    if (this.#isClosed || !this.#parts.log.isLasting || this.#timer.isScheduled) return
    this.#parts.wheel.schedule(this.#timer, this.#parts.wheel.clock.nowMs() + LOOK_MS)
  }

  /** Starts compacting a block when the log is too large for what lives in it; true when one is ready. */
  #look(): boolean {
    if (this.#isClosed || this.#compactor !== null || this.#isRestoring) return false
    const { blocks } = this.#parts
    let usedBytes = 0
    let liveBytes = 0
    let sparsest: Block | null = null
    let share = SPARSE
    let hasLive = false
    for (const block of blocks.all()) {
      if (block.isOpen || block.image === null || block.live === 0) continue
      hasLive = true
      usedBytes += block.usedBytes
      liveBytes += liveBytesOf(block)
      const isBehind = blocks.nextNumber - block.number > BEHIND_BLOCKS_MAX || block.image.isDamaged
      const own = isBehind ? -1 : block.live / block.entered
      if (own >= share || block.image.isStuck || block.image.syncedTo < block.usedBytes) continue
      share = own
      sparsest = block
    }
    if (hasLive) this.#watch()
    const isTooLarge = usedBytes > ALLOWED_FACTOR * liveBytes + ALLOWED_BLOCKS * blocks.blockBytes
    if (sparsest === null || (!isTooLarge && share >= 0)) return false
    this.#begin(sparsest)
    return this.#compactor !== null
  }

  #begin(block: Block): void {
    block.pins++
    if (block.slab !== null) {
      this.#compactor = new Compactor(block, block.slab, this.#parts.log.appender, this.#ledgers)
      return
    }
    this.#isRestoring = true
    this.#later(async () => {
      try {
        const slab = new Slab(block.capacityBytes)
        const file = await this.#parts.files!.forReading(block)
        await file.read(slab.bytes, 0, block.usedBytes, 0)
        this.#compactor = new Compactor(block, slab, this.#parts.log.appender, this.#ledgers)
        this.#owner.mark()
      } catch (error) {
        block.image!.isStuck = true
        this.#parts.report.onNotice(`A block of the log cannot be read for compaction: ${String(error)}`)
        this.#owner.unpinBlock(block)
      }
      this.#isRestoring = false
    })
  }

  // End

  async close(): Promise<void> {
    this.#isClosed = true
    this.#parts.wheel.cancel(this.#timer)
    await this.#pending
  }

  stats(): { compactedBytes: number; spilledBytes: number; liveBytes: number } {
    let liveBytes = 0
    for (const block of this.#parts.blocks.all()) liveBytes += liveBytesOf(block)
    return { compactedBytes: this.compactedBytes, spilledBytes: this.spilledBytes, liveBytes: Math.round(liveBytes) }
  }

  #later(work: () => Promise<void>): void {
    this.#pending = this.#pending.then(work).catch((error: unknown) => {
      if (error instanceof DiskError) this.#parts.report.onNotice(`A scratch file is left behind: ${error.message}`)
      else this.#parts.report.onBug(error)
    })
  }
}

/** About how many bytes of a block are live. */
function liveBytesOf(block: Block): number {
  return block.entered === 0 ? 0 : (block.usedBytes * block.live) / block.entered
}
