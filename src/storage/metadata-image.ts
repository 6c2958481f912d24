/**
 * The metadata in memory: entries by key, and in key order. Read by everybody, changed by the sequencer alone.
 *
 * Order lives in chunks of a few hundred entries, so that an insertion moves little even among a million bindings.
 * A key's text form ends each element with U+0000 U+0000 and escapes U+0000 within one as U+0000 U+0001: comparing
 * texts then compares keys element by element, and a prefix of the key is a prefix of the text.
 */
import type { MetadataKey } from './metadata-port.ts'

const CHUNK_COUNT_MAX = 512

/** An entry of the image. Values are deeply frozen. */
export interface ImageEntry {
  readonly text: string
  readonly key: MetadataKey
  readonly value: unknown
  readonly revision: number
  /** Dies with the process: not in the store. */
  readonly ephemeral: boolean
  /** Where the store keeps it; 0 for ephemeral entries. */
  readonly storeId: number
}

/** The text form of a key or of a prefix of one. */
export function keyText(key: MetadataKey): string {
  let text = ''
  for (const element of key) {
    text += element.includes('\u0000') ? element.replaceAll('\u0000', '\u0000\u0001') : element
    text += '\u0000\u0000'
  }
  return text
}

/** Freezes a JSON-able value all the way down, and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const member of Object.values(value)) deepFreeze(member)
  return value
}

/** The ordered map. */
export class MetadataImage {
  readonly #entries = new Map<string, ImageEntry>()
  /** Never holds an empty chunk, except when there is no entry at all. */
  readonly #chunks: string[][] = [[]]

  /** Number of entries. */
  get count(): number {
    return this.#entries.size
  }

  get(text: string): ImageEntry | undefined {
    return this.#entries.get(text)
  }

  /** Adds or replaces an entry. */
  put(entry: ImageEntry): void {
    const isNew = !this.#entries.has(entry.text)
    this.#entries.set(entry.text, entry)
    if (!isNew) return
    const at = this.#chunkOf(entry.text)
    const chunk = this.#chunks[at]!
    chunk.splice(lowerBound(chunk, entry.text), 0, entry.text)
    if (chunk.length > CHUNK_COUNT_MAX) this.#chunks.splice(at + 1, 0, chunk.splice(chunk.length >>> 1))
  }

  /** Removes an entry and returns it; undefined when there is none. */
  drop(text: string): ImageEntry | undefined {
    const entry = this.#entries.get(text)
    if (entry === undefined) return undefined
    this.#entries.delete(text)
    const at = this.#chunkOf(text)
    const chunk = this.#chunks[at]!
    chunk.splice(lowerBound(chunk, text), 1)
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1)
    return entry
  }

  /** The entries whose text begins with `prefix`, in order, as they are now: later changes do not disturb the reader. */
  withPrefix(prefix: string): ImageEntry[] {
    const found: ImageEntry[] = []
    let at = this.#chunkOf(prefix)
    let place = lowerBound(this.#chunks[at]!, prefix)
    for (; at < this.#chunks.length; at++, place = 0) {
      const chunk = this.#chunks[at]!
      for (; place < chunk.length; place++) {
        const text = chunk[place]!
        if (!text.startsWith(prefix)) return found
        found.push(this.#entries.get(text)!)
      }
    }
    return found
  }

  /** The last chunk whose first text is not after `text`: where it is, or belongs. */
  #chunkOf(text: string): number {
    let low = 0
    let high = this.#chunks.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (this.#chunks[middle]![0]! <= text) low = middle
      else high = middle
    }
    return low
  }
}

function lowerBound(sorted: readonly string[], text: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < text) low = middle + 1
    else high = middle
  }
  return low
}
