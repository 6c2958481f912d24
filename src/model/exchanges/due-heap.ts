/**
 * A heap of deadlines with a number each: 16 bytes an element, earliest first, equal deadlines in order of the numbers.
 */
import { NEVER } from '../../base/clock.ts'

const LENGTH_INITIAL = 64

/** Deadlines in order. */
export class DueHeap {
  #dues = new Float64Array(LENGTH_INITIAL)
  #numbers = new Float64Array(LENGTH_INITIAL)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** The earliest deadline, NEVER when there is none. */
  get firstDueMs(): number {
    return this.#count === 0 ? NEVER : this.#dues[0]!
  }

  /** The number with the earliest deadline; 0 when there is none. */
  get firstNumber(): number {
    return this.#count === 0 ? 0 : this.#numbers[0]!
  }

  push(dueMs: number, number: number): void {
    if (this.#count === this.#dues.length) this.#resize(this.#count * 2)
    let at = this.#count++
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#isBefore(dueMs, number, parent)) break
      this.#move(parent, at)
      at = parent
    }
    this.#dues[at] = dueMs
    this.#numbers[at] = number
  }

  /** Removes the first. */
  pop(): void {
    if (this.#count === 0) return
    const last = --this.#count
    const dueMs = this.#dues[last]!
    const number = this.#numbers[last]!
    let at = 0
    for (let child = 1; child < last; child = 2 * at + 1) {
      if (child + 1 < last && this.#isBefore(this.#dues[child + 1]!, this.#numbers[child + 1]!, child)) child++
      if (this.#isBefore(dueMs, number, child)) break
      this.#move(child, at)
      at = child
    }
    this.#dues[at] = dueMs
    this.#numbers[at] = number
    if (this.#dues.length > LENGTH_INITIAL && last < this.#dues.length / 4) this.#resize(this.#dues.length / 2)
  }

  clear(): void {
    this.#count = 0
    this.#resize(LENGTH_INITIAL)
  }

  #isBefore(dueMs: number, number: number, at: number): boolean {
    const otherMs = this.#dues[at]!
    return dueMs < otherMs || (dueMs === otherMs && number < this.#numbers[at]!)
  }

  #move(from: number, to: number): void {
    this.#dues[to] = this.#dues[from]!
    this.#numbers[to] = this.#numbers[from]!
  }

  #resize(length: number): void {
    const dues = new Float64Array(length)
    const numbers = new Float64Array(length)
    dues.set(this.#dues.subarray(0, this.#count))
    numbers.set(this.#numbers.subarray(0, this.#count))
    this.#dues = dues
    this.#numbers = numbers
  }
}
