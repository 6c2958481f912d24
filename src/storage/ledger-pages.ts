/**
 * The index of a ledger: where each entry lies, in pages of 256 sequences that are given back when all are settled.
 *
 * An entry is one word, `block << 21 | offset / 8`, where `block` counts from 1 in the page's own list of blocks (an
 * entry cannot refer to more blocks than there are entries), and one word of weight; 0 is settled. Ten million entries
 * cost 80 MB. Pages are found through chunks of 64, so that one entry that stays behind keeps a page and not a table.
 */
import type { Block } from './block.ts'

/** Entries of a page. */
export const PAGE_ENTRIES = 256
const SHIFT_BELOW = 2 ** 32
const PAGE_WORDS = PAGE_ENTRIES * 2
const PAGE_MASK = PAGE_ENTRIES - 1
const CHUNK_PAGES = 64
const SLAB_PAGES = 64
const OFFSET_BITS = 21
const OFFSET_MASK = 2 ** OFFSET_BITS - 1
const BLOCK_INDEX_MAX = 2047
/** A block is looked for this far back in a page's list before it is listed again. */
const LOOK_BACK = 4

class PageSlab {
  readonly words = new Uint32Array(PAGE_WORDS * SLAB_PAGES)
  readonly free: Page[] = []

  constructor() {
    for (let i = SLAB_PAGES - 1; i >= 0; i--) this.free.push(new Page(this, i * PAGE_WORDS))
  }
}

/** Entries of 256 consecutive sequences. */
export class Page {
  readonly slab: PageSlab
  readonly words: Uint32Array
  readonly base: number
  /** Entries not settled. */
  live = 0
  /** The block that was entered last, and its number in the list, shifted. */
  block: Block | null = null
  blockRef = 0
  readonly blocks: Block[] = []
  tags: Uint16Array | null = null
  values: Uint32Array | null = null

  constructor(slab: PageSlab, base: number) {
    this.slab = slab
    this.words = slab.words
    this.base = base
  }

  /** The reference to the block's start, listing it when it is new. */
  refer(block: Block): number {
    if (this.block === block) return this.blockRef
    const blocks = this.blocks
    let index = blocks.length - 1
    const stop = Math.max(index - LOOK_BACK, -1)
    while (index > stop && blocks[index] !== block) index--
    if (index === stop) {
      if (blocks.length === BLOCK_INDEX_MAX) this.#forgetSettled()
      index = blocks.length
      blocks.push(block)
    }
    this.block = block
    this.blockRef = (index + 1) << OFFSET_BITS
    return this.blockRef
  }

  blockOf(ref: number): Block {
    return this.blocks[(ref >>> OFFSET_BITS) - 1]!
  }

  addressOf(ref: number): number {
    return this.blockOf(ref).base + (ref & OFFSET_MASK) * 8
  }

  setTag(index: number, tag: number): void {
    if (this.tags === null) {
      if (tag === 0) return
      this.tags = new Uint16Array(PAGE_ENTRIES)
    }
    this.tags[index] = tag
  }

  setValue(index: number, value: number): void {
    if (this.values === null) {
      if (value === 0) return
      this.values = new Uint32Array(PAGE_ENTRIES)
    }
    this.values[index] = value
  }

  clear(): void {
    this.live = 0
    this.block = null
    this.blockRef = 0
    this.blocks.length = 0
    this.tags = null
    this.values = null
  }

  #forgetSettled(): void {
    const kept: Block[] = []
    const words = this.words
    for (let at = this.base; at < this.base + PAGE_ENTRIES; at++) {
      const ref = words[at]!
      if (ref === 0) continue
      const block = this.blockOf(ref)
      let index = kept.indexOf(block)
      if (index < 0) index = kept.push(block) - 1
      words[at] = ((index + 1) << OFFSET_BITS) | (ref & OFFSET_MASK)
    }
    this.blocks.length = 0
    this.blocks.push(...kept)
  }
}

/** Where pages come from. One per store. */
export class PageArena {
  /** Slabs with free pages; the last one is used first. */
  readonly #slabs: PageSlab[] = []
  /** Pages in use. */
  count = 0

  take(): Page {
    let slab = this.#slabs.at(-1)
    if (slab === undefined) {
      slab = new PageSlab()
      this.#slabs.push(slab)
    }
    const page = slab.free.pop()!
    if (slab.free.length === 0) this.#slabs.pop()
    page.words.fill(0, page.base, page.base + PAGE_ENTRIES)
    this.count++
    return page
  }

  /** Takes a page back. A slab that is all free is let go, except one. */
  give(page: Page): void {
    page.clear()
    this.count--
    const slab = page.slab
    slab.free.push(page)
    if (slab.free.length === 1) this.#slabs.push(slab)
    else if (slab.free.length === SLAB_PAGES && this.#slabs.length > 1) this.#slabs.splice(this.#slabs.indexOf(slab), 1)
  }
}

class Chunk {
  readonly pages: (Page | null)[] = new Array<Page | null>(CHUNK_PAGES).fill(null)
  count = 0
}

/** What an empty ledger has. Never changed. */
const NO_CHUNKS: (Chunk | null)[] = []

/** The pages of one ledger. Sequences are positive and below 2³⁹ apart. */
export class PageTable {
  readonly #arena: PageArena
  #chunks = NO_CHUNKS
  /** Number of the first chunk's first page. */
  #firstPage = 0

  constructor(arena: PageArena) {
    this.#arena = arena
  }

  /** The page of a sequence, or null when everything there is settled or was never entered. */
  pageOf(sequence: number): Page | null {
    // The shift halves the cost of what queues ask for every message; it holds for the first 2³² sequences.
    const number = sequence < SHIFT_BELOW ? sequence >>> 8 : Math.floor(sequence / PAGE_ENTRIES)
    const at = number - this.#firstPage
    if (at < 0) return null
    const chunk = this.#chunks[at >>> 6]
    return chunk === undefined || chunk === null ? null : chunk.pages[at & 63]!
  }

  /** The page of a sequence, made when there is none. */
  ensure(sequence: number): Page {
    const found = this.pageOf(sequence)
    if (found !== null) return found
    const number = Math.floor(sequence / PAGE_ENTRIES)
    if (this.#chunks === NO_CHUNKS) this.#chunks = []
    const chunks = this.#chunks
    if (chunks.length === 0) this.#firstPage = number - (number % CHUNK_PAGES)
    while (number < this.#firstPage) {
      chunks.unshift(null)
      this.#firstPage -= CHUNK_PAGES
    }
    const at = number - this.#firstPage
    while (chunks.length <= at >>> 6) chunks.push(null)
    let chunk = chunks[at >>> 6]!
    if (chunk === null) {
      chunk = new Chunk()
      chunks[at >>> 6] = chunk
    }
    const page = this.#arena.take()
    chunk.pages[at & 63] = page
    chunk.count++
    return page
  }

  /** Gives back the page of a sequence. */
  release(sequence: number): void {
    const at = Math.floor(sequence / PAGE_ENTRIES) - this.#firstPage
    const chunks = this.#chunks
    const chunk = chunks[at >>> 6]!
    this.#arena.give(chunk.pages[at & 63]!)
    chunk.pages[at & 63] = null
    if (--chunk.count > 0) return
    chunks[at >>> 6] = null
    while (chunks.length > 0 && chunks[0] === null) {
      chunks.shift()
      this.#firstPage += CHUNK_PAGES
    }
    while (chunks.length > 0 && chunks[chunks.length - 1] === null) chunks.pop()
  }

  /** The smallest live sequence at or above `from`, or `end`. */
  nextLive(from: number, end: number): number {
    let sequence = Math.max(from, this.#firstPage * PAGE_ENTRIES)
    while (sequence < end) {
      const page = this.pageOf(sequence)
      if (page === null) {
        sequence = this.#skip(sequence)
        continue
      }
      const words = page.words
      let index = sequence & PAGE_MASK
      if (page.live > 0) while (index < PAGE_ENTRIES && words[page.base + index] === 0) index++
      else index = PAGE_ENTRIES
      sequence += index - (sequence & PAGE_MASK)
      if (index < PAGE_ENTRIES) return Math.min(sequence, end)
    }
    return end
  }

  /** The smallest sequence at or above `from` that is not live, or `end`. Pages that are all live cost nothing. */
  nextGap(from: number, end: number): number {
    let sequence = from
    while (sequence < end) {
      const page = this.pageOf(sequence)
      if (page === null) return sequence
      let index = sequence & PAGE_MASK
      if (page.live === PAGE_ENTRIES) index = PAGE_ENTRIES
      else while (index < PAGE_ENTRIES && page.words[page.base + index] !== 0) index++
      sequence += index - (sequence & PAGE_MASK)
      if (index < PAGE_ENTRIES) return Math.min(sequence, end)
    }
    return end
  }

  /** Appends sequence and value of the live entries in `[from, to)` that have one. */
  collectValues(from: number, to: number, into: number[]): void {
    for (let sequence = from; sequence < to; ) {
      const page = this.pageOf(sequence)
      const index = sequence & PAGE_MASK
      const value = page?.values?.[index] ?? 0
      if (value !== 0 && page!.words[page!.base + index] !== 0) into.push(sequence, value)
      if (page === null || page.values === null) sequence += PAGE_ENTRIES - index
      else sequence++
    }
  }

  /** Past a missing page, or past a missing chunk. */
  #skip(sequence: number): number {
    const number = Math.floor(sequence / PAGE_ENTRIES)
    const at = number - this.#firstPage
    if (at >>> 6 >= this.#chunks.length) return Number.MAX_SAFE_INTEGER
    const next = this.#chunks[at >>> 6] === null ? number - (at & 63) + CHUNK_PAGES : number + 1
    return next * PAGE_ENTRIES
  }
}
