/**
 * Which messages are meant: conditions that all hold, built from chips. What they say is the filter of the HTTP API, which
 * is also how they stand in the address. Pure. [docs/queue-operations.md]
 */
/** The filter of the HTTP API. */
export type MessageFilter = Readonly<Record<string, unknown>>

/** One condition as the form holds it. */
export interface Condition {
  readonly kind: Kind
  /** Of a header or property. */
  readonly name: string
  readonly value: string
}

/** Kinds of conditions. */
export const KINDS = {
  body: { label: 'Body contains', field: 'body_contains', hint: 'text' },
  key: { label: 'Routing key', field: 'routing_key', hint: 'orders.* – * stands for any text' },
  exchange: { label: 'Exchange', field: 'exchange', hint: 'name' },
  header: { label: 'Header', field: 'headers', hint: 'value; empty: it is there' },
  property: { label: 'Property', field: 'properties', hint: 'value; empty: it is there' },
  older: { label: 'Older than (s)', field: 'older_than_ms', hint: 'seconds' },
  newer: { label: 'Newer than (s)', field: 'newer_than_ms', hint: 'seconds' },
  min: { label: 'Bytes at least', field: 'body_bytes_min', hint: 'bytes' },
  max: { label: 'Bytes at most', field: 'body_bytes_max', hint: 'bytes' },
  redelivered: { label: 'Redelivered', field: 'redelivered', hint: 'yes or no' },
  reason: { label: 'Died of', field: 'dead_letter_reason', hint: 'rejected, expired, maxlen, delivery_limit' },
  died: { label: 'Died in queue', field: 'dead_letter_queue', hint: 'name' },
  came: { label: 'Had come by exchange', field: 'dead_letter_exchange', hint: 'name' },
} as const
/** One of `KINDS`. */
export type Kind = keyof typeof KINDS

/** Whether a condition of this kind has a name beside its value. */
export const isNamed = (kind: Kind): boolean => kind === 'header' || kind === 'property'
const MS_PER_SECOND = 1_000

/** What is typed of a header or property: a number, true, false, or text; quotes make anything text. */
function readValue(text: string): unknown {
  if (text === '') return null
  if (!/^(true|false|-?\d+(\.\d+)?|".*")$/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch (error) {
    // Such as 007, or quotes within quotes.
    if (error instanceof SyntaxError) return text
    throw error
  }
}

function textOf(value: unknown): string {
  if (value === null) return ''
  if (typeof value !== 'string') return JSON.stringify(value)
  return readValue(value) === value ? value : JSON.stringify(value)
}

function whole(text: string, label: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) throw new Error(`${label} must be a whole number.`)
  return value
}

/** The filter that the conditions make; throws an error that names the wrong one. */
export function filterOf(conditions: readonly Condition[]): MessageFilter {
  const filter: Record<string, unknown> = {}
  for (const { kind, name, value } of conditions) {
    const { field, label } = KINDS[kind]
    if (isNamed(kind)) {
      if (name.trim() === '') continue
      filter[field] = { ...(filter[field] as object | undefined), [name.trim()]: readValue(value) }
    } else if (kind === 'older' || kind === 'newer') filter[field] = whole(value, label) * MS_PER_SECOND
    else if (kind === 'min' || kind === 'max') filter[field] = whole(value, label)
    else if (kind === 'redelivered') filter[field] = /^(yes|true)$/i.test(value.trim())
    else filter[field] = value
  }
  return filter
}

/** The conditions that a filter stands for. */
export function conditionsOf(filter: MessageFilter): Condition[] {
  const conditions: Condition[] = []
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const given = filter[KINDS[kind].field]
    if (given === undefined) continue
    if (isNamed(kind)) {
      for (const [name, value] of Object.entries(given as object)) conditions.push({ kind, name, value: textOf(value) })
    } else if (kind === 'older' || kind === 'newer') {
      conditions.push({ kind, name: '', value: String(Number(given) / MS_PER_SECOND) })
    } else if (kind === 'redelivered') conditions.push({ kind, name: '', value: given === true ? 'yes' : 'no' })
    else conditions.push({ kind, name: '', value: String(given) })
  }
  return conditions
}

/** The conditions in words. */
export function describeFilter(filter: MessageFilter): string {
  const parts = conditionsOf(filter).map(({ kind, name, value }) => {
    const label = KINDS[kind].label.toLowerCase()
    return isNamed(kind) ? `${label} ${name} ${value === '' ? 'is there' : `is ${value}`}` : `${label} ${value}`
  })
  return parts.length === 0 ? 'all messages' : parts.join(', ')
}
