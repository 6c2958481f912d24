/**
 * The types a setting can have: how its text is read, what is acceptable, and how a value is written back.
 *
 * `parse` gives undefined for text that is not acceptable; `accepts` says in words what is, and ends up in the error
 * message, in `warren config explain` and in the documentation. `parse(format(value))` is the value again.
 */

/** How the values of a setting are written and read. */
export interface ValueType<T> {
  /** One or two words for the documentation: `bytes`, `ms`, `boolean`. */
  readonly name: string
  /** What is acceptable, as the end of "expected …". */
  readonly accepts: string
  /** Whether listings hide the value. */
  readonly secret: boolean
  parse(text: string): T | undefined
  format(value: T): string
}

/** Bounds of a number, both inclusive. `infinite`: the word `infinity` is acceptable, too. */
export interface Range {
  readonly min?: number
  readonly max?: number
  readonly infinite?: boolean
}

/** A host and a port; the host is null for all interfaces, the port 0 for any free one. */
export interface Address {
  /** The last part of the setting's key. */
  readonly name: string
  readonly host: string | null
  readonly port: number
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  kb: 1e3,
  m: 2 ** 20,
  mib: 2 ** 20,
  mb: 1e6,
  g: 2 ** 30,
  gib: 2 ** 30,
  gb: 1e9,
  t: 2 ** 40,
  tib: 2 ** 40,
  tb: 1e12,
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 }

function inRange(value: number, range: Range): number | undefined {
  if (!(value <= Number.MAX_SAFE_INTEGER)) return undefined
  return value >= (range.min ?? 0) && value <= (range.max ?? Number.MAX_SAFE_INTEGER) ? value : undefined
}

function rangeText(range: Range, write: (value: number) => string = String): string {
  const { min = 0, max, infinite = false } = range
  const bounds = max === undefined ? `, at least ${write(min)}` : ` from ${write(min)} to ${write(max)}`
  return infinite ? `${bounds}, or 'infinity'` : bounds
}

function isInfinity(text: string, range: Range): boolean {
  return range.infinite === true && text === 'infinity'
}

function formatNumber(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'infinity' : String(value)
}

/** A whole number. `unit` names what is counted. */
export function integer(range: Range = {}, unit = ''): ValueType<number> {
  return {
    name: unit === '' ? 'integer' : unit,
    accepts: `a whole number${unit === '' ? '' : ` of ${unit}`}${rangeText(range)}`,
    secret: false,
    parse: (text) => {
      if (isInfinity(text, range)) return Number.POSITIVE_INFINITY
      return /^[+-]?\d+$/.test(text) ? inRange(Number(text), range) : undefined
    },
    format: formatNumber,
  }
}

/** A number with a fraction. */
export function ratio(range: Range): ValueType<number> {
  return {
    name: 'number',
    accepts: `a number${rangeText(range)}`,
    secret: false,
    parse: (text) => (/^\d+(\.\d+)?$/.test(text) ? inRange(Number(text), range) : undefined),
    format: String,
  }
}

/** A number of bytes. `MB` is a million, `MiB` and `M` are 2²⁰, as in RabbitMQ. */
export function bytes(range: Range = {}): ValueType<number> {
  return {
    name: 'bytes',
    accepts: `a number of bytes, with or without a unit (50MB, 1GiB)${rangeText(range)}`,
    secret: false,
    parse: (text) => {
      if (isInfinity(text, range)) return Number.POSITIVE_INFINITY
      const match = /^(\d+)\s*([a-z]*)$/i.exec(text)
      const unitBytes = match === null ? undefined : UNIT_BYTES[match[2]!.toLowerCase()]
      return unitBytes === undefined ? undefined : inRange(Number(match![1]) * unitBytes, range)
    },
    format: formatNumber,
  }
}

function duration(name: string, plainMs: number, words: string, range: Range): ValueType<number> {
  return {
    name,
    accepts: `a time in ${words}, or with a unit (500ms, 10s, 5m, 1h)${rangeText(range)}`,
    secret: false,
    parse: (text) => {
      if (isInfinity(text, range)) return Number.POSITIVE_INFINITY
      const match = /^(\d+)\s*(ms|s|m|h|d)?$/.exec(text)
      if (match === null) return undefined
      const value = match[2] === undefined ? Number(match[1]) : (Number(match[1]) * UNIT_MS[match[2]]!) / plainMs
      return Number.isInteger(value) ? inRange(value, range) : undefined
    },
    format: formatNumber,
  }
}

/** A duration; a plain number is in milliseconds, and so is the value. */
export function milliseconds(range: Range = {}): ValueType<number> {
  return duration('ms', 1, 'milliseconds', range)
}

/** A duration; a plain number is in seconds, and so is the value. */
export function seconds(range: Range = {}): ValueType<number> {
  return duration('s', 1_000, 'seconds', range)
}

/** A duration; a plain number is in minutes, and so is the value. */
export function minutes(range: Range = {}): ValueType<number> {
  return duration('min', 60_000, 'minutes', range)
}

/** Yes or no. */
export const boolean: ValueType<boolean> = {
  name: 'boolean',
  accepts: `'true' or 'false'`,
  secret: false,
  parse: (text) => (text === 'true' || text === 'on' ? true : text === 'false' || text === 'off' ? false : undefined),
  format: String,
}

/** Any text that is not empty. */
export const string: ValueType<string> = {
  name: 'string',
  accepts: 'some text',
  secret: false,
  parse: (text) => (text === '' ? undefined : text),
  format: String,
}

/** Any text, also none. */
export const anyString: ValueType<string> = { ...string, accepts: 'any text', parse: (text) => text }

/** The name of a file or folder. */
export const path: ValueType<string> = { ...string, name: 'path', accepts: 'the name of a file or folder' }

/** Text that listings hide. */
export const secret: ValueType<string> = { ...string, name: 'secret', secret: true }

/** An address of a web server. */
export const url: ValueType<URL> = {
  name: 'url',
  accepts: 'an address that starts with http:// or https://',
  secret: false,
  parse: (text) => {
    if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return undefined
    return new URL(text)
  },
  format: String,
}

/** One of some words. */
export function choice<const W extends readonly string[]>(words: W): ValueType<W[number]> {
  return {
    name: words.join(' \\| '),
    accepts: `one of ${words.map((word) => `'${word}'`).join(', ')}`,
    secret: false,
    parse: (text) => words.find((word) => word === text),
    format: String,
  }
}

/** Words separated by commas or blanks. */
export const words: ValueType<readonly string[]> = {
  name: 'list',
  accepts: 'words, separated by commas',
  secret: false,
  parse: (text) => text.split(/[\s,]+/).filter((word) => word !== ''),
  format: (list) => list.join(', '),
}

const PORT_MAX = 65_535

/** A port from 0 (any free one) to 65535. */
export const port: ValueType<number> = { ...integer({ min: 0, max: PORT_MAX }), name: 'port' }

/** `port` or `host:port`; an IPv6 host with or without brackets. The name is filled in from the key. */
export const address: ValueType<Address> = {
  name: 'port, or host:port',
  accepts: 'a port from 0 to 65535, or host:port',
  secret: false,
  parse: (text) => {
    const match = /^(?:(?:\[([0-9a-f:.%]+)\]|([^\s[\]]+)):)?(\d{1,5})$/i.exec(text)
    if (match === null) return undefined
    const number = Number(match[3])
    return number > PORT_MAX ? undefined : { name: '', host: match[1] ?? match[2] ?? null, port: number }
  },
  format: ({ host, port }) => {
    if (host === null) return String(port)
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  },
}
