/**
 * Formatters of `warren ctl`: tab-separated tables as rabbitmqctl prints them, tables with lines, CSV, JSON.
 */
import type { Row } from './ctl-client.ts'
import type { Outcome } from './verb.ts'

/** Names of formatters. */
export const FORMATTERS = ['table', 'pretty_table', 'csv', 'json', 'json_stream'] as const
/** One of them. */
export type Formatter = (typeof FORMATTERS)[number]

/** The outcome as text, with a line break at its end unless it is empty. */
export function format(outcome: Outcome, formatter: Formatter, headers: boolean): string {
  switch (outcome.kind) {
    case 'raw':
      return outcome.text
    case 'text':
      return outcome.text === '' ? '' : isJson(formatter) ? line(JSON.stringify(outcome.text)) : line(outcome.text)
    case 'object':
      return isJson(formatter) ? line(JSON.stringify(outcome.value)) : objectLines(outcome.value)
    case 'rows':
      return formatRows(outcome.columns, outcome.rows, formatter, headers)
  }
}

function isJson(formatter: Formatter): boolean {
  return formatter === 'json' || formatter === 'json_stream'
}

function line(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}

function formatRows(columns: readonly string[], rows: readonly Row[], formatter: Formatter, headers: boolean): string {
  const objects = rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column] ?? ''])))
  switch (formatter) {
    case 'json':
      return line(JSON.stringify(objects))
    case 'json_stream':
      return objects.map((object) => `${JSON.stringify(object)}\n`).join('')
    case 'csv':
      return lines(cells(columns, rows), headers ? columns : null, ',', quoteCsv)
    case 'pretty_table':
      return prettyTable(
        columns,
        cells(columns, rows).map((row) => row.map(printable)),
      )
    case 'table':
      return lines(cells(columns, rows), headers && rows.length > 0 ? columns : null, '\t', printable)
  }
}

function cells(columns: readonly string[], rows: readonly Row[]): string[][] {
  return rows.map((row) => columns.map((column) => cell(row[column])))
}

/** A value in a table: lists in brackets, objects as JSON. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return `[${value.map(cell).join(', ')}]`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function lines(
  rows: readonly (readonly string[])[],
  head: readonly string[] | null,
  separator: string,
  quote: (text: string) => string,
): string {
  const all = head === null ? rows : [head, ...rows]
  return all.map((row) => `${row.map(quote).join(separator)}\n`).join('')
}

/** All in quotes, as rabbitmqctl writes them. */
function quoteCsv(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

/** Names are chosen by others: what a terminal would obey is shown in its stead. */
function printable(text: string): string {
  return withoutControls(text.replaceAll('\n', '\\n'))
}

/** Of more than one line. */
function withoutControls(text: string): string {
  return text.replaceAll(/(?!\n)\p{Cc}/gu, (character) =>
    character === '\t' ? '\\t' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

function prettyTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => row[i]!.length)))
  const rule = (left: string, middle: string, right: string): string =>
    `${left}${widths.map((width) => '─'.repeat(width + 2)).join(middle)}${right}\n`
  const row = (values: readonly string[]): string =>
    `│${values.map((value, i) => ` ${value.padEnd(widths[i]!)} `).join('│')}│\n`
  const body = rows.map(row).join(rule('├', '┼', '┤'))
  return rule('┌', '┬', '┐') + row(columns) + (rows.length > 0 ? rule('├', '┼', '┤') + body : '') + rule('└', '┴', '┘')
}

function objectLines(value: Row, indent = ''): string {
  let text = ''
  for (const [name, inner] of Object.entries(value)) {
    if (Array.isArray(inner) && inner.some((item) => typeof item === 'object')) {
      text += `${indent}${name}:\n${inner.map((item: Row) => `${indent}  ${inlineObject(item)}\n`).join('')}`
    } else if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
      text += `${indent}${name}:\n${objectLines(inner as Row, `${indent}  `)}`
    } else text += `${indent}${name}: ${withoutControls(cell(inner))}\n`
  }
  return text
}

function inlineObject(item: Row): string {
  return Object.entries(item)
    .filter(([, value]) => typeof value !== 'object')
    .map(([name, value]) => `${name}: ${printable(cell(value))}`)
    .join(', ')
}
