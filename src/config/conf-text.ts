/**
 * Reads text in the format of `rabbitmq.conf`: `key = value`, one per line. Pure: text in, entries and problems out.
 *
 *   # a comment              ends with the line; also after a value
 *   key.name = value         blanks around key and value do not count
 *   key.a\.b = value         a dot that belongs to a name
 *   key = 'a # b'            quotes keep `#` and blanks; \' is a quote within quotes
 *   key = '''                … text over several lines, up to the next '''
 */

/** One `key = value`. */
export interface ConfEntry {
  readonly key: string
  readonly text: string
  /** Counted from 1. */
  readonly line: number
}

/** Something to tell about one line. */
export interface ConfRemark {
  readonly line: number
  readonly text: string
}

/** What a text contains. */
export interface ConfText {
  readonly entries: readonly ConfEntry[]
  readonly problems: readonly ConfRemark[]
  readonly warnings: readonly ConfRemark[]
}

const KEY = /^[A-Za-z0-9_$-]+(?:(?:\\?\.)[A-Za-z0-9_%@:+-]+)*$/
const TRIPLE = /^('''|""")/
const QUOTED = /^'((?:\\'|[^'])*)'\s*(?:#.*)?$|^"((?:\\"|[^"])*)"\s*(?:#.*)?$/

/** Reads all lines; what cannot be read becomes a problem, and reading goes on. */
export function parseConf(text: string): ConfText {
  const entries: ConfEntry[] = []
  const problems: ConfRemark[] = []
  const warnings: ConfRemark[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.trim()
    if (line === '' || line.startsWith('#')) continue
    const lineNumber = i + 1
    const equals = line.indexOf('=')
    const key = line.slice(0, equals).trim()
    if (equals < 0 || !KEY.test(key)) {
      problems.push({ line: lineNumber, text: `expected 'key = value', found '${line}'` })
      continue
    }
    const raw = line.slice(equals + 1).trim()
    const triple = TRIPLE.exec(raw)
    if (triple === null) {
      if (/[^\s]#/.test(raw) && !QUOTED.test(raw)) {
        warnings.push({ line: lineNumber, text: `${key}: the value ends at '#'; quotes around it keep the rest` })
      }
      entries.push({ key, text: plainValue(raw), line: lineNumber })
      continue
    }
    const end = closingLine(lines, i, raw, triple[0])
    if (end === undefined) {
      problems.push({ line: lineNumber, text: `${key}: the text that begins with ${triple[0]} never ends` })
      break
    }
    entries.push({ key, text: end.text, line: lineNumber })
    i = end.line
  }
  return { entries, problems, warnings }
}

function plainValue(raw: string): string {
  const quoted = QUOTED.exec(raw)
  if (quoted !== null) return (quoted[1] ?? quoted[2]!).replace(/\\(['"])/g, '$1')
  const hash = raw.indexOf('#')
  return hash < 0 ? raw : raw.slice(0, hash).trimEnd()
}

function closingLine(
  lines: readonly string[],
  start: number,
  raw: string,
  quote: string,
): { text: string; line: number } | undefined {
  const first = raw.slice(quote.length)
  if (first.includes(quote)) return { text: first.slice(0, first.indexOf(quote)), line: start }
  const parts = first === '' ? [] : [first]
  for (let line = start + 1; line < lines.length; line++) {
    const at = lines[line]!.indexOf(quote)
    if (at < 0) {
      parts.push(lines[line]!)
      continue
    }
    if (at > 0) parts.push(lines[line]!.slice(0, at))
    return { text: parts.join('\n'), line }
  }
  return undefined
}

/** The parts of a key; `\.` is a dot within a part. */
export function splitKey(key: string): string[] {
  return key.split(/(?<!\\)\./).map((part) => part.replaceAll('\\.', '.'))
}
