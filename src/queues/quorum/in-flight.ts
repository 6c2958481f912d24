/**
 * The unacked entries of a quorum queue: who holds each, and since when. Pages of typed arrays by sequence.
 *
 * It makes settlements safe (a consumer whose delivery timed out no longer holds the entry) and finds what is overdue.
 */

const PAGE_BITS = 8
const PAGE_ENTRIES = 1 << PAGE_BITS
const PAGE_MASK = PAGE_ENTRIES - 1

class Page {
  readonly holders = new Uint32Array(PAGE_ENTRIES)
  readonly sinceMs = new Float64Array(PAGE_ENTRIES)
  count = 0
}

/** Nobody holds the entry. */
export const NOBODY = 0
/** The entry was taken one by one (basic.get): its session settles it. */
export const TAKER = 0xffff_ffff

/** Entries by holder. */
export class InFlight {
  readonly #pages = new Map<number, Page>()
  /** The page used last. */
  #page: Page | null = null
  #pageNumber = -1
  /** A page that became empty, for the next that is needed. */
  #spare: Page | null = null
  count = 0

  add(sequence: number, holder: number, nowMs: number): void {
    const page = this.#pageOf(sequence) ?? this.#addPage(sequence)
    const index = sequence & PAGE_MASK
    page.holders[index] = holder
    page.sinceMs[index] = nowMs
    page.count++
    this.count++
  }

  /** The id of the subscription that holds it, `TAKER` or `NOBODY`. */
  holderOf(sequence: number): number {
    const page = this.#pageOf(sequence)
    return page === null ? NOBODY : page.holders[sequence & PAGE_MASK]!
  }

  /** Nobody holds it any more. Somebody did. */
  remove(sequence: number): void {
    const page = this.#pageOf(sequence)!
    page.holders[sequence & PAGE_MASK] = NOBODY
    this.count--
    if (--page.count > 0) return
    this.#pages.delete(this.#pageNumber)
    this.#spare = page
    this.#page = null
    this.#pageNumber = -1
  }

  /** Calls back for every entry. The callback may remove it. O(n). */
  forEach(visit: (sequence: number, holder: number, sinceMs: number) => void): void {
    for (const [number, page] of [...this.#pages]) {
      for (let index = 0; index < PAGE_ENTRIES; index++) {
        const holder = page.holders[index]!
        if (holder !== NOBODY) visit(number * PAGE_ENTRIES + index, holder, page.sinceMs[index]!)
      }
    }
  }

  #pageOf(sequence: number): Page | null {
    const number = Math.floor(sequence / PAGE_ENTRIES)
    if (number === this.#pageNumber) return this.#page
    const page = this.#pages.get(number)
    if (page === undefined) return null
    this.#page = page
    this.#pageNumber = number
    return page
  }

  #addPage(sequence: number): Page {
    const page = this.#spare ?? new Page()
    this.#spare = null
    this.#pageNumber = Math.floor(sequence / PAGE_ENTRIES)
    this.#page = page
    this.#pages.set(this.#pageNumber, page)
    return page
  }
}
