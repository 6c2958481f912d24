/**
 * All blocks of a store: their numbers, and the memory they live in, which is bounded.
 *
 * Numbers are shared by durable and transient blocks and never used again. Memory is taken from freed blocks first, then
 * from blocks whose bytes are safely in a file (least recently read first), and only then from the machine.
 */
import type { Turn } from '../base/turn.ts'
import { Block, NO_SLAB } from './block.ts'
import { Slab } from './slab.ts'

/** Told that memory for blocks has run out: whatever can be spilled or compacted should be. */
export interface PressureSink {
  onPressure(): void
}

/** Slabs kept for the next blocks when nobody else needs memory. */
const FREE_SLABS_MAX = 2

/** The blocks of one store. */
export class BlockTable {
  readonly blockBytes: number
  readonly #residentBytesMax: number
  readonly #turn: Turn
  readonly #blocks = new Map<number, Block>()
  readonly #residents = new Set<Block>()
  readonly #free: Slab[] = []
  #pressure: PressureSink | null = null
  #nextNumber = 1
  /** Memory of blocks, free slabs included. */
  residentBytes = 0
  evictionCount = 0

  constructor(blockBytes: number, residentBytesMax: number, turn: Turn) {
    this.#turn = turn
    this.blockBytes = blockBytes
    this.#residentBytesMax = residentBytesMax
  }

  onPressure(sink: PressureSink): void {
    this.#pressure = sink
  }

  get count(): number {
    return this.#blocks.size
  }

  get nextNumber(): number {
    return this.#nextNumber
  }

  /** Whether blocks hold more memory than they should. */
  get isOverBudget(): boolean {
    return this.residentBytes > this.#residentBytesMax
  }

  all(): IterableIterator<Block> {
    return this.#blocks.values()
  }

  residents(): IterableIterator<Block> {
    return this.#residents.values()
  }

  at(number: number): Block | undefined {
    return this.#blocks.get(number)
  }

  /** The block that an address lies in, if it still exists. */
  of(address: number): Block | undefined {
    return this.#blocks.get(Math.floor(address / this.blockBytes))
  }

  /** A new open block with memory for at least `bytes`. */
  create(isLogged: boolean, bytes: number): Block {
    const capacityBytes = Math.max(bytes, this.blockBytes)
    const slab = this.#slab(capacityBytes)
    const number = this.#nextNumber
    this.#nextNumber += Math.ceil(capacityBytes / this.blockBytes)
    const block = new Block(number, number * this.blockBytes, capacityBytes, isLogged, slab)
    this.#blocks.set(number, block)
    this.#residents.add(block)
    return block
  }

  /** A closed block that recovery found in a file; without memory. */
  adopt(number: number, usedBytes: number): Block {
    const block = new Block(number, number * this.blockBytes, Math.max(usedBytes, this.blockBytes), true, null)
    block.isOpen = false
    block.usedBytes = usedBytes
    this.#blocks.set(number, block)
    this.skipTo(number + Math.ceil(block.capacityBytes / this.blockBytes))
    return block
  }

  /** Numbers below this are not given to new blocks. */
  skipTo(number: number): void {
    this.#nextNumber = Math.max(this.#nextNumber, number)
  }

  /** Takes the memory of a block whose bytes are elsewhere, or are needed no more. */
  evict(block: Block): void {
    const slab = block.slab
    if (slab === null) return
    block.slab = null
    block.bytes = NO_SLAB.bytes
    block.words = NO_SLAB.words
    this.#residents.delete(block)
    const isOrdinary = slab.bytes.length === this.blockBytes
    if (isOrdinary && this.#free.length < FREE_SLABS_MAX && !this.isOverBudget) this.#free.push(slab)
    else this.residentBytes -= slab.bytes.length
  }

  /** Forgets a block. */
  drop(block: Block): void {
    this.evict(block)
    this.#blocks.delete(block.number)
  }

  #slab(bytes: number): Slab {
    if (bytes === this.blockBytes) {
      const free = this.#free.pop()
      if (free !== undefined) return free
    }
    while (this.residentBytes + bytes > this.#residentBytesMax) {
      const victim = this.#victim()
      if (victim === null) break
      const slab = victim.slab!
      this.evictionCount++
      this.evict(victim)
      if (slab.bytes.length !== bytes) continue
      if (this.#free.at(-1) === slab) this.#free.pop()
      else this.residentBytes += bytes
      return slab
    }
    this.residentBytes += bytes
    if (this.isOverBudget) this.#pressure?.onPressure()
    return Slab.forBlock(bytes)
  }

  /** The block whose memory is missed least; null when none can do without. A view may still read what this turn read. */
  #victim(): Block | null {
    let victim: Block | null = null
    for (const block of this.#residents) {
      if (block.isOpen || block.pins > 0 || block.usedTurn === this.#turn.count) continue
      if (!isBacked(block)) continue
      if (victim === null || block.usedTurn < victim.usedTurn) victim = block
    }
    return victim
  }
}

/** Whether all bytes of a closed block are in its file. */
function isBacked(block: Block): boolean {
  if (block.image !== null) return block.image.syncedTo >= block.usedBytes
  return block.scratch?.isWritten === true
}
