/**
 * Lists as RabbitMQ answers them: filtered, sorted, cut to a page and to columns, written in slices.
 *
 * A list is made of *sources* (queues, connections, …) that are turned into JSON late and one at a time: sorting by a
 * name needs no JSON, a page needs only its own. Between slices other work of the event loop goes on, so a list of
 * 50,000 queues delays nobody. [RabbitMQ: pagination, sorting, columns]
 */
import { breathe } from '../../base/breathe.ts'
import { sortInSlices } from '../../base/sort-in-slices.ts'
import { ApiError, badRequest } from './api-error.ts'
import type { Reply } from './endpoint.ts'
import { matching, namePattern } from './name-pattern.ts'

const PAGE_SIZE_DEFAULT = 100
const PAGE_SIZE_MAX = 500
/** Sources turned into JSON before others run. */
const SLICE = 64

/** JSON objects. */
export type JsonObject = Readonly<Record<string, unknown>>

/** How sources become entries of a list. */
export interface Listing<T> {
  readonly sources: readonly T[]
  /** What `name` and `use_regex` filter by. */
  readonly nameOf: (source: T) => string
  /** The entry. */
  readonly build: (source: T) => JsonObject
  /** Values that sorting may use without building: by column, as `sort` names it. */
  readonly cheap?: Readonly<Record<string, CheapKey<T>>>
  /** Columns that can be shown without building the rest of the entry; always present in it. */
  readonly plain?: Readonly<Record<string, (source: T) => unknown>>
  /** What orders the list, and those that `sort` leaves equal, first to last; else virtual host (if cheap) and name. */
  readonly order?: readonly CheapKey<T>[]
}

/** A value to sort by that costs nothing. */
export type CheapKey<T> = (source: T) => string | number | boolean | null

/** What a client asked of a list. */
export interface ListQuery {
  readonly columns: readonly (readonly string[])[] | null
  readonly sort: readonly string[] | null
  readonly reverse: boolean
  readonly page: number | null
  readonly pageSize: number
  /** A text in lower case, or a pattern. */
  readonly filter: string | RegExp | null
}

/** Reads the query; a 400 when it makes no sense. */
export function listQuery(query: URLSearchParams): ListQuery {
  const columns = columnsOf(query)
  const sort = query.get('sort')
  const pageText = query.get('page')
  const isPaged = pageText !== null || query.get('pagination') === 'true'
  const page = isPaged ? wholeNumber(pageText ?? '1') : null
  const pageSize = wholeNumber(query.get('page_size') ?? String(PAGE_SIZE_DEFAULT))
  if (page !== null && (page < 1 || pageSize < 1 || pageSize > PAGE_SIZE_MAX)) {
    throw new ApiError(
      400,
      'invalid_pagination_parameters',
      `Invalid pagination parameters: page number ${page}, page size ${pageSize}`,
    )
  }
  return {
    columns,
    sort: sort === null || sort === '' ? null : sort.split('.'),
    reverse: query.get('sort_reverse') === 'true',
    page,
    pageSize,
    filter: nameFilter(query),
  }
}

/** The columns asked for, as paths; null for all. */
export function columnsOf(query: URLSearchParams): readonly (readonly string[])[] | null {
  const columns = query.get('columns')
  return columns === null || columns === '' ? null : columns.split(',').map((column) => column.split('.'))
}

function wholeNumber(text: string): number {
  if (!/^-?\d+$/.test(text)) throw badRequest('Pagination parameters are invalid')
  return Number(text)
}

function nameFilter(query: URLSearchParams): string | RegExp | null {
  const name = query.get('name')
  if (name === null || name === '') return null
  return query.get('use_regex') === 'true' ? namePattern(name) : name.toLowerCase()
}

/** Sources whose names contain a text, or match a pattern. */
async function filtered<T>({ sources, nameOf }: Listing<T>, filter: string | RegExp): Promise<readonly T[]> {
  if (typeof filter !== 'string') return await matching(sources, nameOf, filter)
  return sources.filter((source) => nameOf(source).toLowerCase().includes(filter))
}

/** The reply to a request for a list. */
export async function listReply<T>(params: URLSearchParams, listing: Listing<T>): Promise<Reply> {
  const query = listQuery(params)
  // Without a page RabbitMQ does not filter.
  if (query.page === null) {
    const sorted = await sort(listing, listing.sources, query)
    return { status: 200, text: arrayText(shownBy(listing, query.columns), sorted) }
  }
  const { filter, page, pageSize } = query
  const found = filter === null ? listing.sources : await filtered(listing, filter)
  const pageCount = Math.max(1, Math.ceil(found.length / pageSize))
  if (page > pageCount) {
    throw new ApiError(
      400,
      'page_out_of_range',
      `Page out of range, page: ${page} page size: ${pageSize}, len: ${found.length}`,
    )
  }
  const sorted = await sort(listing, found, query)
  const shown = sorted.slice((page - 1) * pageSize, page * pageSize)
  const items = shown.map(shownBy(listing, query.columns))
  return {
    status: 200,
    json: {
      filtered_count: found.length,
      item_count: items.length,
      items,
      page,
      page_count: pageCount,
      page_size: pageSize,
      total_count: listing.sources.length,
    },
  }
}

/** Makes entries with the wanted columns, as cheaply as these allow. */
function shownBy<T>({ build, plain = {} }: Listing<T>, columns: ListQuery['columns']): (source: T) => JsonObject {
  if (columns === null) return build
  const wanted = columns.map(([name, ...inner]) => [name!, inner.length === 0 && Object.hasOwn(plain, name!)] as const)
  if (!wanted.every(([, isPlain]) => isPlain)) return (source) => pick(build(source), columns)
  return (source) => Object.fromEntries(wanted.map(([name]) => [name, plain[name]!(source)]))
}

async function* arrayText<T>(show: (source: T) => JsonObject, sources: readonly T[]): AsyncGenerator<string> {
  let text = '['
  for (let i = 0; i < sources.length; i++) {
    text += `${i === 0 ? '' : ','}${JSON.stringify(show(sources[i]!))}`
    if ((i + 1) % SLICE === 0) {
      yield text
      text = ''
      await breathe()
    }
  }
  yield `${text}]`
}

interface Keyed<T> {
  readonly source: T
  readonly key: string | number | boolean | null
}

/** By the column asked for, then in the list's own order. RabbitMQ: reversing turns all of it around. */
async function sort<T>(listing: Listing<T>, sources: readonly T[], query: ListQuery): Promise<readonly T[]> {
  const order = listing.order ?? ownOrder(listing)
  const byOrder = (a: T, b: T): number => {
    for (const keyOf of order) {
      const difference = compareKeys(keyOf(a), keyOf(b))
      if (difference !== 0) return difference
    }
    return 0
  }
  if (query.sort === null) return turned(await sortInSlices(sources, byOrder), query)
  const cheap = listing.cheap?.[query.sort.join('.')]
  const keyed: Keyed<T>[] = []
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i]!
    keyed.push({ source, key: cheap === undefined ? keyAt(listing.build(source), query.sort) : cheap(source) })
    if (cheap === undefined && (i + 1) % SLICE === 0) await breathe()
  }
  const sorted = await sortInSlices(keyed, (a, b) => compareKeys(a.key, b.key) || byOrder(a.source, b.source))
  return turned(
    sorted.map(({ source }) => source),
    query,
  )
}

function turned<T>(sorted: T[], { reverse }: ListQuery): readonly T[] {
  return reverse ? sorted.reverse() : sorted
}

/** [RabbitMQ: the default of its lists] */
function ownOrder<T>({ cheap, nameOf }: Listing<T>): readonly CheapKey<T>[] {
  return cheap?.vhost === undefined ? [nameOf] : [cheap.vhost, nameOf]
}

function keyAt(entry: JsonObject, path: readonly string[]): Keyed<unknown>['key'] {
  let value: unknown = entry
  for (const part of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}

/** Absent first, then false and true, numbers, text. */
function compareKeys(a: Keyed<unknown>['key'], b: Keyed<unknown>['key']): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? -1 : 1
  if (typeof a !== typeof b) return rank(a) - rank(b)
  return a < b ? -1 : 1
}

function rank(key: string | number | boolean): number {
  return typeof key === 'boolean' ? 0 : typeof key === 'number' ? 1 : 2
}

/** The entry with the wanted columns alone. */
export function pick(entry: JsonObject, columns: readonly (readonly string[])[] | null): JsonObject {
  if (columns === null) return entry
  const picked: Record<string, unknown> = {}
  for (const path of columns) copyPath(entry, picked, path, 0)
  return picked
}

function copyPath(from: JsonObject, to: Record<string, unknown>, path: readonly string[], at: number): void {
  const name = path[at]!
  if (!Object.hasOwn(from, name)) return
  const value = from[name]
  if (at === path.length - 1) {
    to[name] = value
    return
  }
  if (Array.isArray(value)) {
    to[name] = value.map((item: JsonObject) => pick(item, [path.slice(at + 1)]))
    return
  }
  if (typeof value !== 'object' || value === null) return
  // An object made by an earlier column of the same parent is filled further; a whole one stays whole.
  if (to[name] === value) return
  if (to[name] === undefined) to[name] = {}
  // What is there is a partial copy that an earlier column began.
  copyPath(value as JsonObject, to[name] as Record<string, unknown>, path, at + 1)
}
