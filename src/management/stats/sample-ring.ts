/**
 * Samples of some numbers over time, the newest so many. Sparse: nothing is stored while nothing changes, and between two
 * samples the values are those of the earlier one. An idle queue costs one sample, however long it idles.
 *
 * Grows by doubling as samples come, up to its capacity and as far as the common budget allows; then the oldest go.
 */

/** Granted to every ring, whatever the budget: without two samples there is no rate. */
const CAPACITY_INITIAL = 2
const NUMBER_BYTES = 8

/** What all rings of a broker may take together. */
export class SampleBudget {
  readonly bytesMax: number
  usedBytes = 0
  /** Rings that wanted to grow and could not. */
  refusals = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  take(bytes: number): boolean {
    if (this.usedBytes + bytes > this.bytesMax) {
      this.refusals++
      return false
    }
    this.usedBytes += bytes
    return true
  }

  release(bytes: number): void {
    this.usedBytes -= bytes
  }
}

/** Samples of `fieldCount` numbers. */
export class SampleRing {
  readonly fieldCount: number
  readonly #capacityMax: number
  readonly #budget: SampleBudget
  /** `capacity` rows of time and values. */
  #rows: Float64Array
  #capacity = CAPACITY_INITIAL
  #first = 0
  #count = 0

  constructor(fieldCount: number, capacityMax: number, budget: SampleBudget) {
    this.fieldCount = fieldCount
    this.#capacityMax = Math.max(capacityMax, CAPACITY_INITIAL)
    this.#budget = budget
    this.#rows = new Float64Array(CAPACITY_INITIAL * (fieldCount + 1))
    budget.usedBytes += this.#rows.length * NUMBER_BYTES
  }

  /** Samples stored. */
  get count(): number {
    return this.#count
  }

  /** Time of the newest sample, or -1. */
  get newestMs(): number {
    return this.#count === 0 ? -1 : this.#rows[this.#rowAt(this.#count - 1)]!
  }

  /** Stores a sample, unless its values are those of the newest one. Times must grow. */
  push(timeMs: number, values: Float64Array): void {
    if (this.#count > 0 && this.#equalsNewest(values)) return
    if (this.#count === this.#capacity && !this.#grow()) {
      this.#first = (this.#first + 1) % this.#capacity
      this.#count--
    }
    const row = this.#rowAt(this.#count++)
    this.#rows[row] = timeMs
    for (let i = 0; i < this.fieldCount; i++) this.#rows[row + 1 + i] = values[i]!
  }

  /** Says that nothing is known from this time on: values are NaN until the next sample. */
  pushGap(timeMs: number): void {
    this.push(timeMs, new Float64Array(this.fieldCount).fill(Number.NaN))
  }

  /** The field's value at a time; undefined before the first sample, NaN in a gap. O(log n). */
  valueAt(field: number, timeMs: number): number | undefined {
    const after = this.#indexAfter(timeMs)
    return after === 0 ? undefined : this.#rows[this.#rowAt(after - 1) + 1 + field]!
  }

  /**
   * The same, on a straight line from one sample to the next of a ring that took one every `everyMs`: for looking more
   * closely than it did. A sample that is missing was like the one before it. Whole numbers. O(log n).
   */
  valueBetween(field: number, timeMs: number, everyMs: number): number | undefined {
    const after = this.#indexAfter(timeMs)
    if (after === 0) return undefined
    const row = this.#rowAt(after - 1)
    const value = this.#rows[row + 1 + field]!
    if (after === this.#count) return value
    const next = this.#rowAt(after)
    const nextMs = this.#rows[next]!
    const nextValue = this.#rows[next + 1 + field]!
    const fromMs = Math.max(this.#rows[row]!, nextMs - everyMs)
    if (Number.isNaN(value) || Number.isNaN(nextValue) || timeMs <= fromMs) return value
    return Math.round(value + ((nextValue - value) * (timeMs - fromMs)) / (nextMs - fromMs))
  }

  /** How many samples are not later than a time. */
  #indexAfter(timeMs: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#rows[this.#rowAt(middle)]! <= timeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Copies a stored sample, time first; `index` 0 is the oldest. */
  rowAt(index: number): number[] {
    const row = this.#rowAt(index)
    return [...this.#rows.subarray(row, row + this.fieldCount + 1)]
  }

  /** Gives the budget back. The ring must not be used afterwards. */
  release(): void {
    this.#budget.release(this.#rows.length * NUMBER_BYTES)
    this.#rows = new Float64Array(0)
    this.#count = 0
  }

  #rowAt(index: number): number {
    return ((this.#first + index) % this.#capacity) * (this.fieldCount + 1)
  }

  #equalsNewest(values: Float64Array): boolean {
    const row = this.#rowAt(this.#count - 1)
    for (let i = 0; i < this.fieldCount; i++) if (this.#rows[row + 1 + i] !== values[i]) return false
    return true
  }

  #grow(): boolean {
    if (this.#capacity >= this.#capacityMax) return false
    const capacity = Math.min(this.#capacity * 2, this.#capacityMax)
    const rowLength = this.fieldCount + 1
    if (!this.#budget.take((capacity - this.#capacity) * rowLength * NUMBER_BYTES)) return false
    const rows = new Float64Array(capacity * rowLength)
    const headRows = this.#capacity - this.#first
    rows.set(this.#rows.subarray(this.#first * rowLength), 0)
    rows.set(this.#rows.subarray(0, this.#first * rowLength), headRows * rowLength)
    this.#rows = rows
    this.#capacity = capacity
    this.#first = 0
    return true
  }
}
