/**
 * One line of the log as text:
 *
 *   2026-01-31 12:00:00.123+00:00 [info] <connection> accepting AMQP connection 127.0.0.1:5 -> … peer=… count=3
 *
 * Whatever a peer chose (names, reasons) cannot begin a line or carry terminal codes.
 */
import type { LogRecord } from '../base/log.ts'

const INDENT = '\n    '
/** Control characters, except line feeds. */
const CONTROL = /[^\P{Cc}\n]/gu

/** The line, with its line feed. An `error` among the fields follows as indented lines, with its stack. */
export function formatLine({ timeMs, level, category, text, fields }: LogRecord): string {
  const time = new Date(timeMs).toISOString()
  let line = `${time.slice(0, 10)} ${time.slice(11, 23)}+00:00 [${level}] <${category}> ${printable(text)}`
  let stack = ''
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) stack = INDENT + printable(value.stack ?? value.message)
    else line += ` ${name}=${formatField(value)}`
  }
  return `${line}${stack}\n`
}

/** The line as a JSON object, with its line feed: the fields of the JSON outputs. */
export function formatJsonLine({ timeMs, level, category, text, fields }: LogRecord): string {
  const shown = Object.entries(fields).map(([name, value]) => [
    name,
    value instanceof Error ? { type: value.name, message: value.message, stack: value.stack } : value,
  ])
  const line = { level, time: new Date(timeMs).toISOString(), category, ...Object.fromEntries(shown), msg: text }
  return `${JSON.stringify(line)}\n`
}

function formatField(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (text === undefined) return String(value)
  return /^[^\s"=]+$/.test(text) ? printable(text) : printable(typeof value === 'string' ? JSON.stringify(text) : text)
}

function printable(text: string): string {
  const safe = text.replace(CONTROL, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return safe.replaceAll('\n', INDENT)
}
