/**
 * What the history knows of one queue, put together from the segments in the order of time: a ring of samples with a gap
 * wherever the broker did not run or a segment is damaged. Made for one answer, and kept a while (`queue-history.ts`).
 */
import { ByteReader } from '../../../base/bytes.ts'
import { QUEUE_FIELDS } from '../fields.ts'
import { SampleBudget, SampleRing } from '../sample-ring.ts'
import { SLOW } from '../series.ts'
import { readChanges, rowOf, STORED_COUNT } from './entry-codec.ts'
import type { Mark } from './journal.ts'

/** A frame that comes a little late leaves no gap. */
const LATE_MS = 60_000

/** The numbers of a queue (`QUEUE_FIELDS`) long ago. */
export class Past {
  readonly #ring: SampleRing
  /** The longest time from frame to frame: a small disk has fewer. */
  #everyMs = SLOW.everyMs
  /** Time of the newest frame: later ones are known elsewhere. */
  readonly newestMs: number

  /** `segments` in the order of time; undefined for a damaged one. */
  constructor(id: number, segments: readonly (readonly Mark[] | undefined)[], sinceMs: number) {
    const frameCount = segments.reduce((sum, marks) => sum + (marks?.length ?? 1), 0)
    this.#ring = new SampleRing(QUEUE_FIELDS.length, 2 * frameCount + 2, new SampleBudget(Number.POSITIVE_INFINITY))
    let knownUntilMs = 0
    let newestMs = 0
    for (const marks of segments) {
      const stored = new Float64Array(STORED_COUNT)
      for (const { frame, changes } of marks ?? []) {
        if (changes !== null) readChanges(new ByteReader(changes, 0, changes.length), stored, 0)
        if (frame.timeMs < sinceMs || frame.timeMs <= newestMs || id > frame.idMax) continue
        if (newestMs > 0 && frame.timeMs > knownUntilMs + LATE_MS)
          this.#ring.pushGap(Math.max(knownUntilMs, newestMs + 1))
        this.#ring.push(frame.timeMs, rowOf(stored))
        newestMs = frame.timeMs
        knownUntilMs = frame.timeMs + frame.coverMs
        this.#everyMs = Math.max(this.#everyMs, frame.coverMs)
      }
    }
    this.newestMs = newestMs
  }

  /** The field's value at a time up to that of the newest frame; undefined before the first, NaN in a gap. */
  valueAt(field: number, timeMs: number): number | undefined {
    return this.#ring.valueAt(field, timeMs)
  }

  /** The same, on a straight line between two frames. */
  valueBetween(field: number, timeMs: number): number | undefined {
    return this.#ring.valueBetween(field, timeMs, this.#everyMs)
  }
}
