/**
 * Deliveries of one channel (or of one subscription of another protocol) that wait for their acknowledgement, by tag.
 *
 * Tags grow by one, so a power-of-two ring indexed by the tag is an exact map: the number of the source (consumer or
 * get) and the sequence of the entry. Channels with nothing unacked hold no ring. A few deliveries that stay unacked while
 * others come and go would stretch the ring, so they move into a small map, the *strays*, which is in order of tags too.
 *
 * Invariant: every live tag is either in [lowest, next) of the ring, or a stray below `lowest`.
 */

/** `take` and `takeUpTo` give this for a tag that is unknown or settled already. */
export const NO_SOURCE = -1
const SLOT_COUNT_FIRST = 16
/** From here on a ring that is mostly empty sheds its strays instead of growing. */
const SLOT_COUNT_SPARSE = 4096
/** A ring this large is let go when it is empty. */
const SLOT_COUNT_KEPT = 65_536

/** Shared: a channel with nothing unacked has no ring of its own. */
const NO_SOURCES = new Int32Array(0)
const NO_SEQUENCES = new Float64Array(0)

interface Stray {
  readonly source: number
  readonly sequence: number
}

/** Called for each delivery that `takeUpTo` and `takeAll` remove, in order of tags. */
export type TakenVisitor = (source: number, sequence: number, tag: number) => void

/** One per channel or subscription. */
export class UnackedWindow {
  #sources = NO_SOURCES
  #sequences = NO_SEQUENCES
  #strays: Map<number, Stray> | null = null
  #lowest = 1
  #next = 1
  /** Deliveries unacked now. */
  count = 0
  /** The sequence that the last `take` found. */
  sequence = 0

  /** `firstTag`: where counting starts. */
  constructor(firstTag = 1) {
    this.#lowest = firstTag
    this.#next = firstTag
  }

  /** The tag that the next delivery gets. */
  get nextTag(): number {
    return this.#next
  }

  /** Gives the next tag to a delivery that has to be acknowledged. */
  push(source: number, sequence: number): number {
    if (this.#next - this.#lowest === this.#sources.length) this.#makeRoom()
    const tag = this.#next++
    const slot = tag & (this.#sources.length - 1)
    this.#sources[slot] = source
    this.#sequences[slot] = sequence
    this.count++
    return tag
  }

  /** Gives the next tag to a delivery that needs no acknowledgement. */
  pushSettled(): number {
    if (this.#lowest === this.#next) {
      this.#lowest++
      return this.#next++
    }
    const tag = this.push(NO_SOURCE, 0)
    this.count--
    return tag
  }

  /** Removes one delivery; returns its source, and its sequence in `sequence`. `NO_SOURCE`: unknown or settled. */
  take(tag: number): number {
    if (tag < this.#lowest || tag >= this.#next) return this.#takeStray(tag)
    const slot = tag & (this.#sources.length - 1)
    const source = this.#sources[slot]!
    if (source === NO_SOURCE) return NO_SOURCE
    this.#sources[slot] = NO_SOURCE
    this.sequence = this.#sequences[slot]!
    this.count--
    if (tag === this.#lowest) this.#advance()
    return source
  }

  /** Puts back a delivery that was taken: as if it had not been. */
  restore(tag: number, source: number, sequence: number): void {
    this.count++
    if (tag >= this.#lowest && this.#sources.length > 0) {
      const slot = tag & (this.#sources.length - 1)
      this.#sources[slot] = source
      this.#sequences[slot] = sequence
      return
    }
    const strays = [...(this.#strays ?? []), [tag, { source, sequence }] as const]
    this.#strays = new Map(strays.sort((a, b) => a[0] - b[0]))
  }

  /** Whether this tag is unacked. */
  has(tag: number): boolean {
    if (tag >= this.#next) return false
    if (tag < this.#lowest) return this.#strays?.has(tag) ?? false
    return this.#sources[tag & (this.#sources.length - 1)] !== NO_SOURCE
  }

  /** Removes every delivery up to and including this tag, oldest first. Returns how many there were. */
  takeUpTo(tag: number, visit: TakenVisitor): number {
    const before = this.count
    if (this.#strays !== null) this.#takeStraysUpTo(tag, visit)
    const mask = this.#sources.length - 1
    const until = Math.min(tag + 1, this.#next)
    for (; this.#lowest < until; this.#lowest++) {
      const slot = this.#lowest & mask
      const source = this.#sources[slot]!
      if (source === NO_SOURCE) continue
      this.#sources[slot] = NO_SOURCE
      this.count--
      visit(source, this.#sequences[slot]!, this.#lowest)
    }
    this.#advance()
    return before - this.count
  }

  /** Removes everything, oldest first. */
  takeAll(visit: TakenVisitor): void {
    this.takeUpTo(this.#next, visit)
  }

  /** Calls `visit` for each delivery, oldest first, without removing it. */
  each(visit: (tag: number, source: number, sequence: number) => void): void {
    if (this.#strays !== null) for (const [tag, stray] of this.#strays) visit(tag, stray.source, stray.sequence)
    const mask = this.#sources.length - 1
    for (let tag = this.#lowest; tag < this.#next; tag++) {
      const source = this.#sources[tag & mask]!
      if (source !== NO_SOURCE) visit(tag, source, this.#sequences[tag & mask]!)
    }
  }

  #advance(): void {
    const mask = this.#sources.length - 1
    while (this.#lowest < this.#next && this.#sources[this.#lowest & mask] === NO_SOURCE) this.#lowest++
    if (this.#lowest === this.#next && this.#sources.length > SLOT_COUNT_KEPT) {
      this.#sources = NO_SOURCES
      this.#sequences = NO_SEQUENCES
    }
  }

  #makeRoom(): void {
    const slots = this.#sources.length
    const inRing = this.count - (this.#strays?.size ?? 0)
    if (slots >= SLOT_COUNT_SPARSE && inRing * 4 < slots) this.#shedStrays()
    else this.#grow(slots === 0 ? SLOT_COUNT_FIRST : slots * 2)
  }

  #grow(slots: number): void {
    const sources = new Int32Array(slots).fill(NO_SOURCE)
    const sequences = new Float64Array(slots)
    const mask = this.#sources.length - 1
    for (let tag = this.#lowest; tag < this.#next; tag++) {
      sources[tag & (slots - 1)] = this.#sources[tag & mask]!
      sequences[tag & (slots - 1)] = this.#sequences[tag & mask]!
    }
    this.#sources = sources
    this.#sequences = sequences
  }

  /** Moves what is left in the older half into the map. */
  #shedStrays(): void {
    this.#strays ??= new Map()
    const mask = this.#sources.length - 1
    const until = this.#lowest + this.#sources.length / 2
    for (; this.#lowest < until; this.#lowest++) {
      const slot = this.#lowest & mask
      const source = this.#sources[slot]!
      if (source === NO_SOURCE) continue
      this.#strays.set(this.#lowest, { source, sequence: this.#sequences[slot]! })
      this.#sources[slot] = NO_SOURCE
    }
    this.#advance()
  }

  #takeStray(tag: number): number {
    const stray = this.#strays?.get(tag)
    if (stray === undefined) return NO_SOURCE
    this.#strays!.delete(tag)
    this.sequence = stray.sequence
    this.count--
    return stray.source
  }

  #takeStraysUpTo(upTo: number, visit: TakenVisitor): void {
    for (const [tag, stray] of this.#strays!) {
      if (tag > upTo) return
      this.#strays!.delete(tag)
      this.count--
      visit(stray.source, stray.sequence, tag)
    }
  }
}
