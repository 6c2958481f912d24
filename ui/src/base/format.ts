/**
 * Numbers, bytes, times and durations for people. Everything shown on a page passes through here, so that a figure looks
 * the same wherever it stands.
 */

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const ONE_DIGIT = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const TWO_DIGITS = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const COMPACT_FROM = 100_000

/** What stands for a figure that is not known. */
export const UNKNOWN = '–'

/** A count in full: `1,234,567`. */
export function count(value: number | null | undefined): string {
  return typeof value === 'number' && Number.isFinite(value) ? WHOLE.format(value) : UNKNOWN
}

/** A count that must be short: `1.2M` from a hundred thousand on. */
export function shortCount(value: number | null | undefined): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return UNKNOWN
  return Math.abs(value) >= COMPACT_FROM ? COMPACT.format(value) : WHOLE.format(value)
}

/** A rate: `12/s`, `0.4/s`, `120K/s`. */
export function rate(value: number | null | undefined): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return UNKNOWN
  if (value === 0) return '0/s'
  const size = Math.abs(value)
  if (size >= COMPACT_FROM) return `${COMPACT.format(value)}/s`
  if (size >= 10) return `${WHOLE.format(value)}/s`
  return `${(size >= 1 ? ONE_DIGIT : TWO_DIGITS).format(value)}/s`
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Bytes: `12 B`, `1.5 MiB`. */
export function bytes(value: number | null | undefined): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return UNKNOWN
  let size = value
  let unit = 0
  while (Math.abs(size) >= 1_024 && unit < BYTE_UNITS.length - 1) {
    size /= 1_024
    unit++
  }
  const digits = unit === 0 || Math.abs(size) >= 100 ? WHOLE : ONE_DIGIT
  return `${digits.format(size)} ${BYTE_UNITS[unit]}`
}

/** Bytes per second. */
export function byteRate(value: number | null | undefined): string {
  return typeof value === 'number' && Number.isFinite(value) ? `${bytes(value)}/s` : UNKNOWN
}

/** A share of one: `87 %`. */
export function percent(value: number | null | undefined): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return UNKNOWN
  return `${WHOLE.format(value * 100)} %`
}

const SPANS: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
]

/** A duration by its two largest units: `3 d 4 h`, `12 s`. */
export function duration(ms: number | null | undefined): string {
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return UNKNOWN
  if (Math.abs(ms) < 1_000) return `${WHOLE.format(ms)} ms`
  let seconds = Math.round(Math.abs(ms) / 1_000)
  const shown: string[] = []
  for (const [size, unit] of SPANS) {
    const amount = Math.floor(seconds / size)
    seconds -= amount * size
    if (amount > 0) shown.push(`${amount} ${unit}`)
    else if (shown.length > 0) break
    if (shown.length === 2) break
  }
  return shown.join(' ')
}

/** A moment: date and time in the reader's zone. */
export function moment(ms: number | null | undefined): string {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms <= 0) return UNKNOWN
  return new Date(ms).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
}

/** A moment without its date when that is today's. */
export function shortMoment(ms: number): string {
  const date = new Date(ms)
  return date.toDateString() === new Date().toDateString()
    ? date.toLocaleTimeString('en-GB', { timeStyle: 'medium' })
    : moment(ms)
}

/** How long ago: `4 min ago`. */
export function ago(ms: number | null | undefined): string {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms <= 0) return UNKNOWN
  const passed = Date.now() - ms
  return passed < 1_500 ? 'now' : `${duration(passed)} ago`
}

/** One or many: `1 queue`, `3 queues`. */
export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`
}

/** A JSON value on one line, text without quotes. */
export function jsonLine(value: unknown): string {
  if (value === undefined) return UNKNOWN
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const NAMES_MAX = 20

/** Names in a sentence, the first of many: `a, b and 480 more`. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_MAX).join(', ')
  return names.length > NAMES_MAX ? `${shown} and ${count(names.length - NAMES_MAX)} more` : shown
}
