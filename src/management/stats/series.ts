/**
 * The history of one object (a queue, a connection, the node): its numbers at a fine, a coarse and, for the few objects
 * whose charts survive a restart, a slow pace; and the answers that listings give from it: rates and samples.
 */
import { badRequest } from '../http/api-error.ts'
import { type SampleBudget, SampleRing } from './sample-ring.ts'

/** A pace of sampling, and how long samples are kept. */
export interface Pace {
  readonly everyMs: number
  readonly forMs: number
}

/** Fine samples: ten minutes. Their pace is that of the sampler. */
export const FINE_FOR_MS = 600_000
/** One a minute for eight hours. */
export const COARSE: Pace = { everyMs: 60_000, forMs: 8 * 3_600_000 }
/** One every ten minutes for seven days. */
export const SLOW: Pace = { everyMs: 600_000, forMs: 7 * 86_400_000 }

/** Samples of an object that did something once: before it, and since. */
const APPEARANCE_SAMPLES = 2
/** Samples at most in one answer, whatever a client asks for. */
const ANSWER_SAMPLES_MAX = 2_000

/** The window that a client asks samples of. */
export interface SampleWindow {
  readonly ageMs: number
  readonly incrementMs: number
  /** What is not known is null; RabbitMQ's way is 0. */
  readonly marksGaps: boolean
}

/** `…_details` of a listing. */
export interface Details {
  readonly rate: number
  readonly avg?: number
  readonly avg_rate?: number
  readonly samples?: readonly { readonly sample: number | null; readonly timestamp: number }[]
}

/** What is known of an object from before the broker started, and longer ago than its series reaches. */
export interface LongHistory {
  /** Later times are the series' own. */
  readonly newestMs: number
  /** Undefined before anything is known, NaN in a gap; on a straight line between two times that are known. */
  valueBetween(field: number, timeMs: number): number | undefined
}

/** History of some numbers. */
export class Series {
  readonly fine: SampleRing
  readonly slow: SampleRing | null
  readonly #budget: SampleBudget
  /** Made at the first minute at which there is more to tell than that the object appeared: idle ones, of which there are many, have none. */
  #coarse: SampleRing | null = null
  /** When the sampler saw the object last. */
  seenMs = 0

  constructor(fieldCount: number, everyMs: number, hasSlow: boolean, budget: SampleBudget) {
    this.fine = new SampleRing(fieldCount, Math.ceil(FINE_FOR_MS / everyMs) + 1, budget)
    this.#budget = budget
    this.slow = hasSlow ? new SampleRing(fieldCount, SLOW.forMs / SLOW.everyMs + 1, budget) : null
  }

  /** Takes the values of a tick; ticks are multiples of the sampler's pace. */
  sample(tickMs: number, everyMs: number, values: Float64Array): void {
    this.seenMs = tickMs
    this.fine.push(tickMs, values)
    if (tickMs % COARSE.everyMs < everyMs) this.#sampleCoarse(tickMs, values)
    if (this.slow !== null && (tickMs % SLOW.everyMs < everyMs || this.slow.count === 0)) this.slow.push(tickMs, values)
  }

  /** The rate per second in the sampler's last interval, and samples when a window is asked for. */
  details(field: number, everyMs: number, window: SampleWindow | null, past: LongHistory | null = null): Details {
    const rate = this.#rate(field, everyMs)
    if (window === null) return { rate }
    const steps = Math.min(Math.floor(window.ageMs / window.incrementMs), ANSWER_SAMPLES_MAX)
    const newestMs = this.seenMs - (this.seenMs % Math.min(window.incrementMs, everyMs))
    const samples: { sample: number | null; timestamp: number }[] = []
    let sum = 0
    let newest = 0
    let oldest = 0
    for (let i = 0; i <= steps; i++) {
      const timestamp = newestMs - i * window.incrementMs
      // The finest samples, as far as they reach: a restart takes those in memory away.
      const value =
        this.fine.valueAt(field, timestamp) ??
        this.#coarse?.valueAt(field, timestamp) ??
        this.#olderValue(field, timestamp, past)
      const isKnown = value !== undefined && !Number.isNaN(value)
      oldest = isKnown ? value : 0
      if (i === 0) newest = oldest
      sum += oldest
      samples.push({ sample: isKnown || !window.marksGaps ? oldest : null, timestamp })
    }
    const grown = newest - oldest
    const spanSeconds = (steps * window.incrementMs) / 1_000
    return { rate, samples, avg_rate: spanSeconds === 0 ? 0 : grown / spanSeconds, avg: sum / samples.length }
  }

  /** Keeps the newest values among the slow samples, too: the broker stops. */
  close(): void {
    const [newestMs, ...values] = this.fine.count === 0 ? [] : this.fine.rowAt(this.fine.count - 1)
    if (newestMs === undefined || this.slow === null || this.slow.newestMs >= this.seenMs) return
    this.slow.push(this.seenMs, Float64Array.from(values))
  }

  /** Whether something is known of times that the counters know nothing of: from before a restart. */
  get hasPast(): boolean {
    return (this.slow?.count ?? 0) > 0
  }

  /** From this time on nothing is known, until the next sample: the broker did not run. */
  markGap(timeMs: number): void {
    this.slow?.pushGap(Math.max(timeMs, this.slow.newestMs + 1))
  }

  release(): void {
    this.fine.release()
    this.#coarse?.release()
    this.slow?.release()
  }

  #sampleCoarse(tickMs: number, values: Float64Array): void {
    if (this.#coarse === null) {
      if (this.fine.count <= APPEARANCE_SAMPLES) return
      this.#coarse = new SampleRing(this.fine.fieldCount, COARSE.forMs / COARSE.everyMs + 1, this.#budget)
      const [firstMs, ...first] = this.fine.rowAt(0)
      this.#coarse.push(firstMs!, Float64Array.from(first))
    }
    this.#coarse.push(tickMs, values)
  }

  #rate(field: number, everyMs: number): number {
    const now = this.fine.valueAt(field, this.seenMs)
    const before = this.fine.valueAt(field, this.seenMs - everyMs)
    return now === undefined || before === undefined ? 0 : ((now - before) * 1_000) / everyMs
  }

  #olderValue(field: number, timeMs: number, past: LongHistory | null): number | undefined {
    if (past === null) return this.slow?.valueBetween(field, timeMs, SLOW.everyMs)
    return timeMs <= past.newestMs ? past.valueBetween(field, timeMs) : undefined
  }
}

const WINDOW_NAMES = ['lengths', 'msg_rates', 'data_rates', 'node_stats'] as const

/** The kinds of windows that a query may name, as `<kind>_age` and `<kind>_incr` in seconds. */
export type WindowName = (typeof WINDOW_NAMES)[number]
/** The windows of one request; null for those not asked for. */
export type SampleWindows = Readonly<Record<WindowName, SampleWindow | null>>

/** Nothing but rates. */
export const NO_WINDOWS: SampleWindows = { lengths: null, msg_rates: null, data_rates: null, node_stats: null }

const NOT_ASKED = Number.NaN

/** The windows that a query asks for; a 400 when one makes no sense. */
export function windowsOf(query: URLSearchParams): SampleWindows {
  const windows: Record<WindowName, SampleWindow | null> = { ...NO_WINDOWS }
  const marksGaps = query.get('gaps') === 'true'
  for (const name of WINDOW_NAMES) {
    const age = Number(query.get(`${name}_age`) || NOT_ASKED)
    const increment = Number(query.get(`${name}_incr`) || NOT_ASKED)
    if (age <= 0 || increment <= 0) throw badRequest(`Invalid range parameters: age ${age}, incr ${increment}`)
    // What is no number counts as not asked, as in RabbitMQ.
    if (Number.isNaN(age) || Number.isNaN(increment)) continue
    windows[name] = { ageMs: Math.min(age * 1_000, SLOW.forMs), incrementMs: increment * 1_000, marksGaps }
  }
  return windows
}

/** Whether the windows reach further back than the samples in memory, of a broker that has run for `ranMs`. */
export function reachesFar({ lengths, msg_rates }: SampleWindows, ranMs: number): boolean {
  return Math.max(lengths?.ageMs ?? 0, msg_rates?.ageMs ?? 0) > Math.min(COARSE.forMs, ranMs)
}
