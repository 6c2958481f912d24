/**
 * What was noted last of every queue, so that only changes are: 80 bytes a queue in one array, and its place by id.
 * Queues that never did anything have none. Owned by the queue history; its bound is `QUEUES_MAX`.
 */
import type { Row } from '../fields.ts'
import { STORED_COUNT } from './entry-codec.ts'

/** Queues with a history at most: 20 MB. */
const QUEUES_MAX = 250_000
const PLACES_FIRST = 64

/** Rows by the ids of queues. */
export class LastRows {
  rows = new Float64Array(PLACES_FIRST * STORED_COUNT)
  readonly #places = new Map<number, number>()
  readonly #free: number[] = []
  #used = 0
  /** By place: the last round in which the queue was there. */
  #rounds = new Uint32Array(PLACES_FIRST)
  #round = 0
  #seenCount = 0

  get count(): number {
    return this.#places.size
  }

  get byteCount(): number {
    return this.rows.byteLength + this.#rounds.byteLength
  }

  /** Begins to look who is there. */
  beginRound(): void {
    this.#round++
    this.#seenCount = 0
  }

  /** Where the queue's row begins; -1 when it has none and needs none, or there are too many. */
  placeOf(id: number, row: Row): number {
    let place = this.#places.get(id)
    if (place === undefined) {
      if (!row.some((value) => value !== 0)) return -1
      if (this.placeFor(id) < 0) return -1
      place = this.#places.get(id)!
    }
    this.#rounds[place] = this.#round
    this.#seenCount++
    return place * STORED_COUNT
  }

  /** Where the queue's row begins; makes a zero one when there is none. */
  placeFor(id: number): number {
    const known = this.#places.get(id)
    if (known !== undefined) return known * STORED_COUNT
    if (this.#places.size >= QUEUES_MAX) return -1
    const place = this.#free.pop() ?? this.#used++
    if (place * STORED_COUNT >= this.rows.length) this.#grow()
    this.#places.set(id, place)
    return place * STORED_COUNT
  }

  /** Forgets the queues that were not seen in this round. */
  endRound(): void {
    if (this.#seenCount === this.#places.size) return
    for (const [id, place] of this.#places) {
      if (this.#rounds[place] === this.#round) continue
      this.#places.delete(id)
      this.#free.push(place)
      this.rows.fill(0, place * STORED_COUNT, (place + 1) * STORED_COUNT)
    }
  }

  /** All rows are zero from now on: a segment begins. */
  zero(): void {
    this.rows.fill(0)
  }

  #grow(): void {
    const rows = new Float64Array(this.rows.length * 2)
    rows.set(this.rows)
    this.rows = rows
    const rounds = new Uint32Array(this.#rounds.length * 2)
    rounds.set(this.#rounds)
    this.#rounds = rounds
  }
}
