/**
 * A first-in, first-out line of values in a power-of-two ring that grows. Used by queues for waiting consumers and for
 * entries that wait their turn.
 */

const LENGTH_INITIAL = 8

/** A line of values. */
export class Ring<T> {
  #slots: (T | undefined)[] = []
  #first = 0
  /** Values in line. */
  count = 0

  push(value: T): void {
    if (this.count === this.#slots.length) this.#grow()
    this.#slots[(this.#first + this.count++) & (this.#slots.length - 1)] = value
  }

  /** The first value; undefined when there is none. */
  peek(): T | undefined {
    return this.#slots[this.#first]
  }

  /** Takes the first value out; undefined when there is none. */
  shift(): T | undefined {
    if (this.count === 0) return undefined
    const value = this.#slots[this.#first]
    this.#slots[this.#first] = undefined
    this.#first = (this.#first + 1) & (this.#slots.length - 1)
    this.count--
    return value
  }

  /** The first value goes to the end of the line. */
  rotate(): void {
    if (this.count > 1) this.push(this.shift()!)
  }

  /** Takes one value out, wherever it is: O(count). */
  remove(value: T): void {
    for (let left = this.count; left > 0; left--) {
      const first = this.shift()!
      if (first !== value) this.push(first)
    }
  }

  clear(): void {
    this.#slots = []
    this.#first = 0
    this.count = 0
  }

  #grow(): void {
    const old = this.#slots
    const slots = new Array<T | undefined>(Math.max(LENGTH_INITIAL, old.length * 2)).fill(undefined)
    for (let i = 0; i < this.count; i++) slots[i] = old[(this.#first + i) & (old.length - 1)]
    this.#slots = slots
    this.#first = 0
  }
}
