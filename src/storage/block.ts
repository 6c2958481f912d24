/**
 * A block: the unit in which records are kept, counted and given back. Durable ones are images of log files, transient
 * ones live in memory (and in a scratch file under pressure). Addresses are `number × block bytes + offset`.
 *
 * Invariant: `live` counts the (record, owner) pairs whose ledger still points here. A closed block without live pairs
 * and without pins is nobody's: its memory, and as soon as the log allows its file, are used again.
 */
import type { LogImage } from './log-image.ts'
import type { ScratchImage } from './scratch.ts'
import { Slab } from './slab.ts'
import type { Window } from './window.ts'

/** Reads of nothing. */
export const NO_SLAB = new Slab(0)

/**
 * Where an address lies in its block. Addresses outgrow 31 bits after a while, and a difference of such numbers is a float:
 * without `| 0` everything that is computed from an offset would become one, too. [measured: a tenth of all throughput]
 */
export function offsetIn(block: Block, address: number): number {
  return (address - block.base) | 0
}

/** One block. Written by the space that fills it, by the ledgers (counts) and by the block table (memory). */
export class Block {
  readonly number: number
  readonly base: number
  readonly capacityBytes: number
  /** Its records take part in the log: what becomes of them must be written down. */
  readonly isLogged: boolean
  /** Null when the bytes are only on disk (or there are none any more). */
  slab: Slab | null
  bytes: Buffer
  words: Uint32Array
  /** Being filled. */
  isOpen = true
  /** Filled bytes; final once closed. */
  usedBytes = 0
  /** Live (record, owner) pairs, and how many there ever were. */
  live = 0
  entered = 0
  /** Readers that must find the bytes in place: sockets, loads, compaction, writes. */
  pins = 0
  /** Turn in which it was last read; for eviction. */
  usedTurn = 0
  image: LogImage | null = null
  scratch: ScratchImage | null = null
  /** Parts in memory while the slab is not. */
  windows: Window[] | null = null

  constructor(number: number, base: number, capacityBytes: number, isLogged: boolean, slab: Slab | null) {
    this.number = number
    this.base = base
    this.capacityBytes = capacityBytes
    this.isLogged = isLogged
    this.slab = slab
    this.bytes = slab === null ? NO_SLAB.bytes : slab.bytes
    this.words = slab === null ? NO_SLAB.words : slab.words
  }
}
