/**
 * A window: a part of a block that was read back from disk, because the block's own memory serves another block by now.
 *
 * Byte `at` of the block lies at `at - base` of the slab; `[start, end)` is what may be read. In a durable block that is
 * a row of batches whose checksums were verified.
 */
import type { Block } from './block.ts'
import { Slab } from './slab.ts'

/** One part of one block, in memory. */
export class Window {
  readonly block: Block
  readonly base: number
  readonly start: number
  readonly end: number
  readonly slab: Slab
  usedTurn: number

  constructor(block: Block, base: number, start: number, end: number, slab: Slab, usedTurn: number) {
    this.block = block
    this.base = base
    this.start = start
    this.end = end
    this.slab = slab
    this.usedTurn = usedTurn
  }
}

/** The window that holds the whole record at `at`, or null. */
export function findWindow(block: Block, at: number): Window | null {
  const windows = block.windows
  if (windows === null) return null
  for (let i = windows.length - 1; i >= 0; i--) {
    const window = windows[i]!
    if (at < window.start || at + 8 > window.end) continue
    if (at + window.slab.words[(at - window.base) >>> 2]! <= window.end) return window
  }
  return null
}

/** Slabs of unused windows that are kept. */
const FREE_SLABS_MAX = 2
const SLAB_BYTES_MIN = 64 * 1024

/** The memory of windows, bounded. */
export class WindowTable {
  readonly #bytesMax: number
  readonly #windows = new Set<Window>()
  readonly #free: Slab[] = []
  bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Memory for a read: from the free ones, from the window least recently used, else new. */
  take(bytes: number, turn: number): Slab {
    let slabBytes = SLAB_BYTES_MIN
    while (slabBytes < bytes) slabBytes *= 2
    while (this.bytes + slabBytes > this.#bytesMax && this.#evictOne(turn));
    const index = this.#free.findIndex((slab) => slab.bytes.length === slabBytes)
    if (index >= 0) return this.#free.splice(index, 1)[0]!
    while (this.bytes + slabBytes > this.#bytesMax && this.#free.length > 0) this.#let(this.#free.pop()!)
    this.bytes += slabBytes
    return new Slab(slabBytes)
  }

  add(window: Window): void {
    this.#windows.add(window)
    if (window.block.windows === null) window.block.windows = []
    window.block.windows.push(window)
  }

  /** Takes memory back. */
  give(slab: Slab): void {
    if (this.#free.length < FREE_SLABS_MAX) this.#free.push(slab)
    else this.#let(slab)
  }

  /** The block is not read any more. */
  forget(block: Block): void {
    if (block.windows === null) return
    for (const window of block.windows) {
      this.#windows.delete(window)
      this.give(window.slab)
    }
    block.windows = null
  }

  #let(slab: Slab): void {
    this.bytes -= slab.bytes.length
  }

  #evictOne(turn: number): boolean {
    let victim: Window | null = null
    for (const window of this.#windows) {
      if (window.block.pins > 0 || window.usedTurn === turn) continue
      if (victim === null || window.usedTurn < victim.usedTurn) victim = window
    }
    if (victim === null) return false
    this.#windows.delete(victim)
    const windows = victim.block.windows!
    windows.splice(windows.indexOf(victim), 1)
    this.give(victim.slab)
    return true
  }
}
