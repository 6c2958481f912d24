/**
 * Where records go that are not durable: blocks that are memory only.
 */
import { Appender, type Extender } from './appender.ts'
import type { Block } from './block.ts'
import type { BlockTable } from './block-table.ts'

/** Told when a block is full. */
export interface TransientOwner {
  onBlockClosed(block: Block): void
}

/** An address of 0 means none, and offset 0 of a block is left out so that offsets look alike in both spaces. */
const FIRST_BYTES = 8

/** Fills transient blocks. */
export class TransientSpace implements Extender {
  readonly appender: Appender
  readonly #blocks: BlockTable
  readonly #owner: TransientOwner

  constructor(blocks: BlockTable, owner: TransientOwner) {
    this.#blocks = blocks
    this.#owner = owner
    const block = blocks.create(false, 0)
    this.appender = new Appender(this, block, FIRST_BYTES, block.capacityBytes)
  }

  extend(bytes: number): number {
    const appender = this.appender
    const full = appender.block
    full.usedBytes = appender.usedBytes
    full.isOpen = false
    const block = this.#blocks.create(false, FIRST_BYTES + bytes)
    appender.block = block
    appender.usedBytes = FIRST_BYTES + bytes
    appender.limitBytes = block.capacityBytes
    this.#owner.onBlockClosed(full)
    return FIRST_BYTES
  }
}
