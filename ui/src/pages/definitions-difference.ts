/** What an import of definitions would do. Pure, so that it can be shown before. */

/** A file of definitions: lists of objects by kind. */
export type Definitions = Readonly<Record<string, unknown>>

/** Objects by `kind name`. */
export interface Difference {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly sameCount: number
}

/** The fields that name an object of a kind. */
const IDENTITIES: Readonly<Record<string, readonly string[]>> = {
  users: ['name'],
  vhosts: ['name'],
  permissions: ['vhost', 'user'],
  topic_permissions: ['vhost', 'user', 'exchange'],
  parameters: ['vhost', 'component', 'name'],
  global_parameters: ['name'],
  policies: ['vhost', 'name'],
  exchanges: ['vhost', 'name'],
  queues: ['vhost', 'name'],
  bindings: ['vhost', 'source', 'destination_type', 'destination', 'routing_key', 'arguments'],
}

/** Compares what is there with what a file wants. */
export function difference(present: Definitions, wanted: Definitions): Difference {
  const added: string[] = []
  const changed: string[] = []
  let sameCount = 0
  for (const [kind, fields] of Object.entries(IDENTITIES)) {
    const there = new Map(
      objectsOf(present, kind).map((object) => [nameOf(object, fields), canonical(object)] as const),
    )
    for (const object of objectsOf(wanted, kind)) {
      const name = nameOf(object, fields)
      const known = there.get(name)
      if (known === undefined) added.push(`${kind}: ${name}`)
      else if (known === canonical(object)) sameCount++
      else changed.push(`${kind}: ${name}`)
    }
  }
  return { added, changed, sameCount }
}

function objectsOf(definitions: Definitions, kind: string): readonly Readonly<Record<string, unknown>>[] {
  const list = definitions[kind]
  return Array.isArray(list) ? list : []
}

function nameOf(object: Readonly<Record<string, unknown>>, fields: readonly string[]): string {
  return fields
    .map((field) => object[field])
    .filter((value) => value !== undefined)
    .map((value) => (typeof value === 'string' ? value : canonical(value)))
    .join(' ')
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`
}
