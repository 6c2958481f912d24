/**
 * Escaping of headers, per version: none in 1.0, `\n` `\c` `\\` in 1.1, and `\r` besides in 1.2. [STOMP 1.1, 1.2 "Value Encoding"]
 *
 * Stored messages keep their headers in the form of 1.2, which is called canonical here.
 */
import { malformed } from './errors.ts'
import { VERSION_10, VERSION_12, type Version } from './spec.ts'

/** The meaning of a name or value. Throws for an escape that the version does not have. */
export function unescapeText(bytes: Buffer, start: number, end: number, version: Version): string {
  const text = bytes.toString('utf8', start, end)
  if (version === VERSION_10 || !text.includes('\\')) return text
  return text.replaceAll(/\\([\s\S]?)/g, (sequence, character: string) => {
    switch (character) {
      case 'n':
        return '\n'
      case 'c':
        return ':'
      case '\\':
        return '\\'
      case 'r':
        if (version === VERSION_12) return '\r'
        break
    }
    throw malformed(`undefined escape sequence '${sequence}' in a header`)
  })
}

/**
 * A name or value as the version writes it. In 1.0 only what would end the line or the name is escaped, although its
 * clients will not undo that: there is no right way.
 */
export function escapeText(text: string, version: Version, isName: boolean): string {
  if (!/[\n\r:\\]/.test(text)) return text
  if (version === VERSION_10) {
    const kept = text.replaceAll('\n', '\\n')
    return isName ? kept.replaceAll(':', '\\c') : kept
  }
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll(':', '\\c')
  return version === VERSION_12 ? escaped.replaceAll('\r', '\\r') : escaped
}

/** `name:value` and a line feed, as the version writes them. Empty when there is a NUL, which no header can carry. */
export function headerLine(name: string, value: string, version: Version): string {
  if (name.includes('\u0000') || value.includes('\u0000')) return ''
  return `${escapeText(name, version, true)}:${escapeText(value, version, false)}\n`
}
