/**
 * A log without a disk: appended is durable at the next flush, and nothing comes back. For brokers without a data folder
 * and for tests.
 */
import { Appender, type Extender } from './appender.ts'
import type { Block } from './block.ts'
import type { BlockTable } from './block-table.ts'
import { BLOCK_HEADER_BYTES } from './format.ts'
import type { DurableSink, FollowSink, Log, LogHealth, LogOwner, LogStats } from './log.ts'
import { NO_STATS } from './log-meter.ts'
import { Tail } from './tail.ts'

const RUNNING: LogHealth = { state: 'running', reason: '', sinceMs: 0 }

/** Keeps blocks while their owner needs them. */
export class MemoryLog implements Log, Extender {
  readonly appender: Appender
  readonly tail = new Tail()
  readonly isLasting = false
  readonly isCongested = false
  readonly canSeal = true
  readonly sealedBytes = 0
  readonly heldCount = 0
  readonly health = RUNNING
  readonly #blocks: BlockTable
  #waiting: DurableSink[] = []
  #owner: LogOwner | null = null
  durable = 0

  constructor(blocks: BlockTable) {
    this.#blocks = blocks
    const block = blocks.create(false, 0)
    this.appender = new Appender(this, block, BLOCK_HEADER_BYTES, block.capacityBytes)
  }

  get appended(): number {
    return this.appender.block.base + this.appender.usedBytes
  }

  get hasOpen(): boolean {
    return this.appended > this.durable
  }

  setOwner(owner: LogOwner): void {
    this.#owner = owner
  }

  async follow(_sink: FollowSink): Promise<void> {}

  extend(bytes: number): number {
    const full = this.appender.block
    full.usedBytes = this.appender.usedBytes
    full.isOpen = false
    this.#owner?.onBlockClosed(full)
    const block = this.#blocks.create(false, BLOCK_HEADER_BYTES + bytes)
    this.appender.block = block
    this.appender.usedBytes = BLOCK_HEADER_BYTES + bytes
    this.appender.limitBytes = block.capacityBytes
    return BLOCK_HEADER_BYTES
  }

  flush(): void {
    this.durable = this.appended
    const waiting = this.#waiting
    this.#waiting = []
    for (const sink of waiting) sink.onDurable(this.durable)
  }

  awaitDurable(sink: DurableSink): void {
    this.#waiting.push(sink)
    this.#owner?.onLogReady()
  }

  completeSnapshot(_keepFrom: number): void {}

  release(block: Block): void {
    this.#blocks.drop(block)
  }

  async close(): Promise<void> {
    this.flush()
  }

  stats(): LogStats {
    return NO_STATS
  }
}
