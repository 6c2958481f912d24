/**
 * Values as RabbitMQ prints them in its validation errors: Erlang's term syntax, which tools match on.
 */

/** A JSON value as an Erlang term: text is `<<"text">>`, objects are `[{<<"key">>,value}]`. */
export function erlangText(value: unknown): string {
  if (typeof value === 'string') return `<<"${value}">>`
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return `[${value.map(erlangText).join(',')}]`
  if (typeof value === 'object') {
    return `[${Object.entries(value)
      .map(([name, inner]) => `{${erlangText(name)},${erlangText(inner)}}`)
      .join(',')}]`
  }
  return String(value)
}
