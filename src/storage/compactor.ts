/**
 * Copies the live records of a block to the end of a space, so that the block may go. Entries keep their sequences; only
 * the ledgers' index learns the new place. Works in steps, and asks again for each record whether it is live.
 */
import type { Appender } from './appender.ts'
import type { Block } from './block.ts'
import {
  BATCH_HEADER_BYTES,
  BLOCK_HEADER_BYTES,
  KIND_MESSAGE,
  KIND_MOVED,
  nextSoundBatch,
  OWNER_BYTES,
  RECORD_HEAD_BYTES,
  soundBatchBytes,
} from './format.ts'
import type { LedgerRegistry } from './ledger-registry.ts'
import type { Slab } from './slab.ts'

const HIGH = 0x1_0000_0000
const TRANSIENT_START = 8

/** Empties one block. */
export class Compactor {
  readonly block: Block
  readonly #slab: Slab
  readonly #target: Appender
  readonly #ledgers: LedgerRegistry
  #at: number
  /** End of the batch that `#at` is in; in a transient block, of everything. */
  #end: number
  movedBytes = 0

  constructor(block: Block, slab: Slab, target: Appender, ledgers: LedgerRegistry) {
    this.block = block
    this.#slab = slab
    this.#target = target
    this.#ledgers = ledgers
    this.#at = block.image === null ? TRANSIENT_START : BLOCK_HEADER_BYTES
    this.#end = block.image === null ? block.usedBytes : this.#at
  }

  /** Looks at records of about so many bytes; true when the block is done. */
  step(bytes: number): boolean {
    const stop = this.#at + bytes
    const words = this.#slab.words
    while (this.#at < stop && this.block.live > 0) {
      if (this.#at === this.#end && !this.#nextBatch()) return true
      const word = this.#at >>> 2
      const kind = words[word + 1]! & 0xff
      if (kind === KIND_MESSAGE || kind === KIND_MOVED) this.#move(this.#at)
      this.#at += (words[word]! + 7) & ~7
    }
    return this.block.live === 0
  }

  #nextBatch(): boolean {
    const { block } = this
    const { bytes, words } = this.#slab
    if (block.image === null || this.#at >= block.usedBytes) return false
    let length = soundBatchBytes(bytes, words, this.#at, block.usedBytes, block.base + this.#at)
    if (length === 0) {
      const next = nextSoundBatch(bytes, words, this.#at + 8, block.usedBytes, block.base)
      if (next < 0) return false
      this.#at = next
      length = words[(next >>> 2) + 1]!
    }
    this.#end = this.#at + length
    this.#at += BATCH_HEADER_BYTES
    return true
  }

  #move(at: number): void {
    const words = this.#slab.words
    const word = at >>> 2
    const ownerCount = words[word + 1]! >>> 16
    const address = this.block.base + at
    const live: number[] = []
    for (let slot = 0; slot < ownerCount; slot++) {
      const owner = word + 2 + slot * 3
      if (words[owner] === 0) continue
      const ledger = this.#ledgers.ofOwner(words[owner]!, words[owner + 2]!)
      const sequence = words[owner + 1]! + (words[owner + 2]! & 0x7fff) * HIGH
      if (ledger !== undefined && ledger.addressOf(sequence) === address) live.push(owner)
    }
    if (live.length > 0) this.#copy(at, ownerCount, live)
  }

  #copy(at: number, ownerCount: number, live: readonly number[]): void {
    const from = this.#slab
    const payloadAt = at + RECORD_HEAD_BYTES + OWNER_BYTES * ownerCount
    const payloadEnd = at + from.words[at >>> 2]!
    const bytes = RECORD_HEAD_BYTES + OWNER_BYTES * live.length + payloadEnd - payloadAt
    const to = this.#target.take(bytes)
    const block = this.#target.block
    const words = block.words
    let word = to >>> 2
    words[word] = bytes
    words[word + 1] = (this.block.isLogged ? KIND_MOVED : KIND_MESSAGE) | (live.length << 16)
    word += 2
    for (const owner of live) {
      const flags = from.words[owner + 2]!
      const sequence = from.words[owner + 1]! + (flags & 0x7fff) * HIGH
      words[word] = from.words[owner]!
      words[word + 1] = from.words[owner + 1]!
      words[word + 2] = flags
      word += 3
      const ledger = this.#ledgers.ofOwner(from.words[owner]!, flags)!
      ledger.place(sequence, block, to, ledger.weightOf(sequence), flags >>> 16)
    }
    block.bytes.set(from.bytes.subarray(payloadAt, payloadEnd), word * 4)
    this.movedBytes += bytes
  }
}
