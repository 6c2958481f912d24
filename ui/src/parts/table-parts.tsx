/**
 * What all tables share: columns and their chooser, the filter, heads that sort, and the part of the address that holds it.
 */
import type { ComponentChild, ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { remember, remembered } from '../base/preferences.ts'
import { route, setQuery } from '../base/router.ts'
import { Icon } from './icon.tsx'
import { Popover } from './popover.tsx'

/** A column. The first one names the row. */
export interface Column<T> {
  readonly id: string
  readonly label: string
  readonly show: (row: T) => ComponentChild
  /** What the server sorts by; columns without it cannot be sorted there. */
  readonly sort?: string
  /** What to sort by here. */
  readonly value?: (row: T) => string | number | boolean | undefined
  readonly end?: boolean
  /** Shown only when chosen. */
  readonly extra?: boolean
  /** Left out on phones. */
  readonly wide?: boolean
  readonly hint?: string
}

/** What every table is given. */
export interface TableProps<T> {
  /** Names the table in the address and in what the browser remembers. */
  readonly id: string
  readonly label: string
  readonly columns: readonly Column<T>[]
  readonly keyOf: (row: T) => string
  readonly empty: ComponentChildren
  readonly tools?: ComponentChildren
  /** Shown for chosen rows; makes rows choosable. */
  readonly bulk?: (rows: readonly T[], clear: () => void) => ComponentChildren
}

/** What the user made of a table. */
export interface View {
  readonly filter: string
  readonly sort: string
  readonly descending: boolean
  readonly page: number
  readonly size: number
  /** The first row in sight, where rows are scrolled. */
  readonly from: number
}

/** Rows of a page that may be chosen. */
export const SIZES = [25, 50, 100, 250, 500]
const CHOICE_MIN = 6
const FILTER_PAUSE_MS = 250
/** So many rows need neither pages nor a filter. */
export const FEW = 10

/** The part of the address that belongs to a table; secondary tables put their name before it. */
export function useView(id: string, isMain: boolean): [View, (changes: Partial<View>) => void] {
  const prefix = isMain ? '' : `${id}.`
  const { query } = route.value
  const size = Number(query.get(`${prefix}size`) ?? remembered(`${id}.size`, '50'))
  const view: View = {
    filter: query.get(`${prefix}q`) ?? '',
    sort: query.get(`${prefix}sort`) ?? '',
    descending: query.get(`${prefix}desc`) === 'true',
    page: Math.max(1, Number(query.get(`${prefix}page`) ?? 1) || 1),
    size: SIZES.includes(size) ? size : 50,
    from: Math.max(0, Math.floor(Number(query.get(`${prefix}from`) ?? 0)) || 0),
  }
  const change = (changes: Partial<View>) => {
    const next = { ...view, page: 1, from: 0, ...changes }
    if (changes.size !== undefined) remember(`${id}.size`, String(changes.size))
    setQuery({
      [`${prefix}q`]: next.filter,
      [`${prefix}sort`]: next.sort,
      [`${prefix}desc`]: next.descending,
      [`${prefix}page`]: next.page === 1 ? undefined : next.page,
      [`${prefix}size`]: next.size === 50 ? undefined : next.size,
      [`${prefix}from`]: next.from === 0 ? undefined : next.from,
    })
  }
  return [view, change]
}

/** `/…/` is a regular expression, everything else a part of the name. */
export function readFilter(text: string): { readonly filter: string; readonly isRegex: boolean } {
  const [, inner] = /^\/(.+?)\/?$/.exec(text.trim()) ?? []
  return inner === undefined ? { filter: text.trim(), isRegex: false } : { filter: inner, isRegex: true }
}

/** Where a filter is typed. */
export function FilterBox(props: {
  readonly view: View
  readonly change: (changes: Partial<View>) => void
  readonly label: string
}) {
  const [text, setText] = useState(props.view.filter)
  const timer = useRef(0)
  const written = useRef(props.view.filter)
  const latest = useRef(props.change)
  latest.current = props.change
  useEffect(() => {
    // What comes back is what was typed here some letters ago; only what others wrote replaces the text.
    if (props.view.filter === written.current) return
    written.current = props.view.filter
    clearTimeout(timer.current)
    setText(props.view.filter)
  }, [props.view.filter])
  useEffect(() => () => clearTimeout(timer.current), [])
  return (
    <div class="filter">
      <Icon name="search" />
      <input
        type="search"
        value={text}
        data-filter
        placeholder="Filter by name, or /expression/"
        aria-label={`Filter ${props.label}`}
        onInput={({ currentTarget }) => {
          const { value } = currentTarget
          setText(value)
          clearTimeout(timer.current)
          timer.current = setTimeout(() => {
            written.current = value
            latest.current({ filter: value })
          }, FILTER_PAUSE_MS)
        }}
      />
    </div>
  )
}

/** The columns, and those that are shown. */
export interface Columns<T> {
  readonly all: readonly Column<T>[]
  readonly shown: readonly Column<T>[]
  readonly toggle: (id: string) => void
  /** Few columns are all shown. */
  readonly canChoose: boolean
}

/** The chosen columns; the choice is in the address and remembered. */
export function useColumns<T>({ id, columns }: TableProps<T>): Columns<T> {
  const inAddress = route.value.query.get(`${id}.columns`)
  const standard = columns.filter(({ extra }) => extra !== true).map((column) => column.id)
  const names = (inAddress ?? remembered(`${id}.columns`, standard.join())).split(',')
  const shown = columns.filter((column, i) => i === 0 || names.includes(column.id))
  const toggle = (name: string) => {
    const next = columns.filter((column) => (column.id === name ? !shown.includes(column) : shown.includes(column)))
    const text = next.map((column) => column.id).join()
    const isStandard = text === standard.join()
    remember(`${id}.columns`, isStandard ? null : text)
    setQuery({ [`${id}.columns`]: isStandard ? undefined : text })
  }
  return { all: columns, shown, toggle, canChoose: columns.length >= CHOICE_MIN }
}

/** A menu of columns. */
export function ColumnChooser<T>({ all, shown, toggle, canChoose }: Columns<T>) {
  if (!canChoose) return null
  return (
    <Popover icon="columns" label="Choose columns">
      {() =>
        all.slice(1).map((column) => (
          <label class="item" key={column.id}>
            <input type="checkbox" checked={shown.includes(column)} onChange={() => toggle(column.id)} />
            {column.label}
          </label>
        ))
      }
    </Popover>
  )
}

/** Classes of the cells of a column. */
export function columnClass<T>({ end, wide }: Column<T>, standard = ''): string {
  return `${end === true ? 'end' : standard}${wide === true ? ' wide' : ''}`
}

/** The set with the key, or without it when it had it. */
export function toggled(chosen: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(chosen)
  if (!next.delete(key)) next.add(key)
  return next
}

/** The head of a column; a button where it sorts. */
export function Head<T>(props: {
  readonly column: Column<T>
  readonly view: View
  readonly change: (changes: Partial<View>) => void
  readonly canSort: (column: Column<T>) => boolean
}) {
  const { column, view, change } = props
  const isSorted = view.sort === column.id
  const look = columnClass(column)
  if (!props.canSort(column)) {
    return (
      <th scope="col" class={look} title={column.hint}>
        {column.label}
      </th>
    )
  }
  // Numbers are looked at from the top, names from the beginning.
  const next = !isSorted
    ? { sort: column.id, descending: column.end === true }
    : view.descending === (column.end === true)
      ? { sort: column.id, descending: !view.descending }
      : { sort: '', descending: false }
  return (
    <th
      scope="col"
      class={look}
      title={column.hint}
      {...(isSorted ? { 'aria-sort': view.descending ? 'descending' : 'ascending' } : {})}
    >
      <button type="button" onClick={() => change(next)}>
        {column.label}
        {isSorted ? <Icon name={view.descending ? 'down' : 'up'} /> : null}
      </button>
    </th>
  )
}
