/** What a chart draws, from what the server sends: points with gaps, and scales that begin at zero. Pure. */
import type { Details } from '../base/types.ts'

/** What the values are. */
export type Unit = 'count' | 'rate' | 'bytes' | 'byteRate'

/** A line: its colour is one of eight. */
export interface Line {
  readonly label: string
  readonly series: number
  readonly details: Details | undefined
  /** A counter is drawn as its rate. */
  readonly isCounter?: boolean
}

/** Times in seconds, and the values of each line at them. */
export type Points = [number[], ...(number | null)[][]]

/** Times in seconds, oldest first, and the values of each line at them. */
export function pointsOf(lines: readonly Line[]): Points {
  const times = new Set<number>()
  for (const { details } of lines) for (const { timestamp } of details?.samples ?? []) times.add(timestamp)
  const sorted = [...times].sort((a, b) => a - b)
  const values = lines.map(({ details, isCounter }) => valuesOf(sorted, details, isCounter === true))
  const drop = isAnyCounter(lines) ? 1 : 0
  return [sorted.slice(drop).map((ms) => ms / 1_000), ...values.map((line) => line.slice(drop))]
}

function isAnyCounter(lines: readonly Line[]): boolean {
  return lines.some(({ isCounter }) => isCounter === true)
}

function valuesOf(times: readonly number[], details: Details | undefined, isCounter: boolean): (number | null)[] {
  const byTime = new Map((details?.samples ?? []).map(({ timestamp, sample }) => [timestamp, sample] as const))
  if (byTime.size === 0) return times.map(() => (details === undefined ? 0 : null))
  if (!isCounter) return times.map((time) => byTime.get(time) ?? null)
  return times.map((time, i) => {
    const before = times[i - 1]
    const [now, earlier] = [byTime.get(time), before === undefined ? undefined : byTime.get(before)]
    if (before === undefined || typeof now !== 'number' || typeof earlier !== 'number') return null
    // A counter that fell was started anew: what happened in between is not known.
    return now < earlier ? null : ((now - earlier) * 1_000) / (time - before)
  })
}

/** Less is nothing. */
const TINY = 1e-6

/** The top of the scale: a number whose quarters are readable. */
export function niceMax(max: number | null, unit: Unit): number {
  if (max === null || !(max > TINY)) return unit === 'bytes' || unit === 'byteRate' ? 1_024 : 4
  // Nothing is there half.
  if (unit === 'count' && max <= 12) return Math.ceil(max / 4) * 4
  const base = unit === 'bytes' || unit === 'byteRate' ? 1_024 : 10
  const power = base ** Math.floor(Math.log(max) / Math.log(base))
  const steps = base === 10 ? [1, 2, 4, 6, 8, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]
  const step = steps.find((candidate) => candidate * power >= max) ?? base
  return step * power
}

/** The place of the time that is nearest. */
export function nearest(times: readonly number[], at: number): number {
  let best = times.length - 1
  for (let i = 0; i < times.length; i++) {
    if (Math.abs(times[i]! - at) < Math.abs(times[best]! - at)) best = i
  }
  return best
}

/** A shorter gap at the beginning needs no words. */
const GAP_SHARE = 0.05

/** Since when anything is known, in seconds, when the chart begins well before; undefined when it is full, or empty. */
export function knownSince([times, ...values]: Points): number | undefined {
  const at = times.findIndex((_, i) => values.some((line) => typeof line[i] === 'number'))
  return at > times.length * GAP_SHARE ? times[at] : undefined
}

/** The places of values without a neighbour: no line goes through them. Null when there are none. */
export function lonely(values: readonly (number | null | undefined)[]): number[] | null {
  const places = values.flatMap((value, i) =>
    typeof value === 'number' && typeof values[i - 1] !== 'number' && typeof values[i + 1] !== 'number' ? [i] : [],
  )
  return places.length === 0 ? null : places
}
