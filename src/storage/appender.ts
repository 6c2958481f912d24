/**
 * Where records are put: the open block of a space (the durable log, the transient memory) and the room left in it.
 *
 * The store takes room from `usedBytes` to `limitBytes` by itself, without a call; when a record does not fit, the
 * space's `extend` seals, rolls over to the next block, and takes the room.
 */
import type { Block } from './block.ts'

/** A space that can make room. */
export interface Extender {
  /** Takes `bytes` (a multiple of 8) from a block with enough room, after moving the appender there; returns the offset. */
  extend(bytes: number): number
}

/** The open end of a space. */
export class Appender {
  readonly extender: Extender
  block: Block
  usedBytes: number
  limitBytes: number

  constructor(extender: Extender, block: Block, usedBytes: number, limitBytes: number) {
    this.extender = extender
    this.block = block
    this.usedBytes = usedBytes
    this.limitBytes = limitBytes
  }

  /** Takes room for a record and returns its offset in `block`. */
  take(bytes: number): number {
    const at = this.usedBytes
    const end = at + ((bytes + 7) & ~7)
    if (end > this.limitBytes) return this.extender.extend((bytes + 7) & ~7)
    this.usedBytes = end
    return at
  }
}

/** The record reserved last: what `enter` refers to. One per store, shared with its ledgers. */
export class RecordCursor {
  block: Block
  at = 0
  words: Uint32Array

  constructor(block: Block) {
    this.block = block
    this.words = block.words
  }
}
