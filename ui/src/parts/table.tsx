/**
 * Tables: sorted, filtered and paged by the server where it can (`ServerTable`), else here (`LocalTable`). Sort order,
 * filter, page and columns are in the address. Rows can be chosen for an action on all of them.
 */
import type { ComponentChild, ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { ApiFailure } from '../base/api.ts'
import * as format from '../base/format.ts'
import { useLive } from '../base/live.ts'
import { remember, remembered } from '../base/preferences.ts'
import { route, setQuery } from '../base/router.ts'
import type { Paged } from '../base/types.ts'
import { Button, Failure } from './basics.tsx'
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
  readonly hint?: string
}

interface TableProps<T> {
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

interface View {
  readonly filter: string
  readonly sort: string
  readonly descending: boolean
  readonly page: number
  readonly size: number
}

const SIZES = [25, 50, 100, 250, 500]
const FILTER_PAUSE_MS = 250
/** So many rows need neither pages nor a filter. */
const FEW = 10

/** The part of the address that belongs to a table; secondary tables put their name before it. */
function useView(id: string, isMain: boolean): [View, (changes: Partial<View>) => void] {
  const prefix = isMain ? '' : `${id}.`
  const { query } = route.value
  const size = Number(query.get(`${prefix}size`) ?? remembered(`${id}.size`, '50'))
  const view: View = {
    filter: query.get(`${prefix}q`) ?? '',
    sort: query.get(`${prefix}sort`) ?? '',
    descending: query.get(`${prefix}desc`) === 'true',
    page: Math.max(1, Number(query.get(`${prefix}page`) ?? 1) || 1),
    size: SIZES.includes(size) ? size : 50,
  }
  const change = (changes: Partial<View>) => {
    const next = { ...view, page: 1, ...changes }
    if (changes.size !== undefined) remember(`${id}.size`, String(changes.size))
    setQuery({
      [`${prefix}q`]: next.filter,
      [`${prefix}sort`]: next.sort,
      [`${prefix}desc`]: next.descending,
      [`${prefix}page`]: next.page === 1 ? undefined : next.page,
      [`${prefix}size`]: next.size === 50 ? undefined : next.size,
    })
  }
  return [view, change]
}

/** A table of a list that the server pages. */
export function ServerTable<T>(props: TableProps<T> & { readonly path: string }) {
  const [view, change] = useView(props.id, true)
  const { filter, isRegex } = readFilter(view.filter)
  const column = props.columns.find(({ id }) => id === view.sort)
  const query = new URLSearchParams({ page: String(view.page), page_size: String(view.size) })
  if (filter !== '') query.set('name', filter)
  if (isRegex) query.set('use_regex', 'true')
  if (column?.sort !== undefined) query.set('sort', column.sort)
  if (column?.sort !== undefined && view.descending) query.set('sort_reverse', 'true')
  const { data, failure } = useLive<Paged<T>>(`${props.path}?${query}`)
  const last = useRef<Paged<T> | undefined>(undefined)
  if (data !== undefined) last.current = data
  const shown = data ?? (failure === undefined ? last.current : undefined)
  useEffect(() => {
    if (failure instanceof ApiFailure && /out of range/i.test(failure.message)) change({ page: 1 })
  }, [failure])
  return (
    <TableView
      {...props}
      view={view}
      change={change}
      canSort={({ sort }) => sort !== undefined}
      rows={shown?.items}
      failure={failure}
      counts={{ filtered: shown?.filtered_count ?? 0, total: shown?.total_count ?? 0, pages: shown?.page_count ?? 1 }}
    />
  )
}

/** A table of rows that are all here. */
export function LocalTable<T>(
  props: TableProps<T> & {
    readonly rows: readonly T[] | undefined
    readonly failure?: ApiFailure | undefined
    /** What the filter looks at. */
    readonly textOf: (row: T) => string
    /** The table that the page is about: its view has no name in the address. */
    readonly main?: boolean
  },
) {
  const [view, change] = useView(props.id, props.main === true)
  const matching = props.rows?.filter(matcher(view.filter, props.textOf))
  const column = props.columns.find(({ id }) => id === view.sort)
  const sorted = matching === undefined || column?.value === undefined ? matching : sortRows(matching, column, view)
  const pages = Math.max(1, Math.ceil((sorted?.length ?? 0) / view.size))
  const page = Math.min(view.page, pages)
  return (
    <TableView
      {...props}
      view={{ ...view, page }}
      change={change}
      canSort={({ value }) => value !== undefined}
      rows={sorted?.slice((page - 1) * view.size, page * view.size)}
      failure={props.failure}
      counts={{ filtered: sorted?.length ?? 0, total: props.rows?.length ?? 0, pages }}
    />
  )
}

function sortRows<T>(rows: readonly T[], { value }: Column<T>, { descending }: View): T[] {
  const collator = new Intl.Collator('en', { numeric: true })
  const compare = (a: T, b: T): number => {
    const [left, right] = [value?.(a), value?.(b)]
    if (typeof left === 'number' && typeof right === 'number') return left - right
    return collator.compare(String(left ?? ''), String(right ?? ''))
  }
  return [...rows].sort(descending ? (a, b) => compare(b, a) : compare)
}

/** `/…/` is a regular expression, everything else a part of the name. */
function readFilter(text: string): { readonly filter: string; readonly isRegex: boolean } {
  const [, inner] = /^\/(.+?)\/?$/.exec(text.trim()) ?? []
  return inner === undefined ? { filter: text.trim(), isRegex: false } : { filter: inner, isRegex: true }
}

function matcher<T>(text: string, textOf: (row: T) => string): (row: T) => boolean {
  const { filter, isRegex } = readFilter(text)
  if (filter === '') return () => true
  if (!isRegex) return (row) => textOf(row).toLowerCase().includes(filter.toLowerCase())
  try {
    const pattern = new RegExp(filter, 'i')
    return (row) => pattern.test(textOf(row))
  } catch (error) {
    console.debug('the expression is not complete', error)
    return () => true
  }
}

interface ViewProps<T> extends TableProps<T> {
  readonly view: View
  readonly change: (changes: Partial<View>) => void
  readonly canSort: (column: Column<T>) => boolean
  readonly rows: readonly T[] | undefined
  readonly failure: ApiFailure | undefined
  readonly counts: { readonly filtered: number; readonly total: number; readonly pages: number }
}

function TableView<T>(props: ViewProps<T>) {
  const { rows, failure, view, counts } = props
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const columns = useColumns(props)
  const chosenRows = (rows ?? []).filter((row) => chosen.has(props.keyOf(row)))
  const isEmpty = rows !== undefined && counts.total === 0 && view.filter === ''
  return (
    <>
      {isEmpty ? (
        <div class="table-tools">{props.tools}</div>
      ) : (
        <div class="table-tools">
          {counts.total <= FEW && view.filter === '' && rows !== undefined ? null : (
            <FilterBox view={view} change={props.change} label={props.label} />
          )}
          {props.bulk !== undefined && chosenRows.length > 0 ? (
            <span class="row">
              <span class="small">{chosenRows.length} chosen</span>
              {props.bulk(chosenRows, () => setChosen(new Set()))}
            </span>
          ) : null}
          <span class="grow" />
          {props.tools}
          <ColumnChooser {...columns} />
        </div>
      )}
      {failure !== undefined && rows === undefined ? (
        <div class="table-tools">
          <Failure failure={failure} />
        </div>
      ) : null}
      {isEmpty ? props.empty : <Grid {...props} columns={columns.shown} chosen={chosen} setChosen={setChosen} />}
      {isEmpty || (counts.total <= FEW && view.filter === '') ? null : <Foot {...props} />}
    </>
  )
}

function FilterBox(props: {
  readonly view: View
  readonly change: (changes: Partial<View>) => void
  readonly label: string
}) {
  const [text, setText] = useState(props.view.filter)
  const timer = useRef(0)
  useEffect(() => setText(props.view.filter), [props.view.filter])
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
          timer.current = setTimeout(() => props.change({ filter: value }), FILTER_PAUSE_MS)
        }}
      />
    </div>
  )
}

interface Columns<T> {
  readonly all: readonly Column<T>[]
  readonly shown: readonly Column<T>[]
  readonly toggle: (id: string) => void
}

function useColumns<T>({ id, columns }: TableProps<T>): Columns<T> {
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
  return { all: columns, shown, toggle }
}

function ColumnChooser<T>({ all, shown, toggle }: Columns<T>) {
  if (all.length < 6) return null
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

interface GridProps<T> extends ViewProps<T> {
  readonly chosen: ReadonlySet<string>
  readonly setChosen: (chosen: ReadonlySet<string>) => void
}

function Grid<T>(props: GridProps<T>) {
  const { rows, columns, chosen, setChosen, keyOf } = props
  const isChoosable = props.bulk !== undefined
  const keys = (rows ?? []).map(keyOf)
  const areAllChosen = keys.length > 0 && keys.every((key) => chosen.has(key))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="table-scroll" tabIndex={0} aria-label={props.label} aria-busy={rows === undefined}>
      <table>
        <thead>
          <tr>
            {isChoosable ? (
              <td class="pick">
                <input
                  type="checkbox"
                  aria-label="Choose all rows of this page"
                  checked={areAllChosen}
                  onChange={() => setChosen(new Set(areAllChosen ? [] : keys))}
                />
              </td>
            ) : null}
            {columns.map((column) => (
              <Head key={column.id} column={column} {...props} />
            ))}
          </tr>
        </thead>
        <tbody>
          {(rows ?? []).map((row) => {
            const key = keyOf(row)
            return (
              <tr key={key} data-chosen={chosen.has(key)}>
                {isChoosable ? (
                  <td class="pick">
                    <input
                      type="checkbox"
                      aria-label={`Choose ${key}`}
                      checked={chosen.has(key)}
                      onChange={() => setChosen(toggled(chosen, key))}
                    />
                  </td>
                ) : null}
                {columns.map((column, i) =>
                  i === 0 ? (
                    <th scope="row" key={column.id}>
                      {column.show(row)}
                    </th>
                  ) : (
                    <td key={column.id} class={column.end === true ? 'end' : 'long'}>
                      {column.show(row)}
                    </td>
                  ),
                )}
              </tr>
            )
          })}
          {rows === undefined || rows.length > 0 ? null : (
            <tr>
              <td colSpan={columns.length + (isChoosable ? 1 : 0)} class="muted">
                Nothing matches the filter.
              </td>
            </tr>
          )}
          {rows === undefined && props.failure === undefined ? (
            <tr>
              <td colSpan={columns.length + (isChoosable ? 1 : 0)} class="muted">
                Loading …
              </td>
            </tr>
          ) : null}
        </tbody>
      </table>
    </section>
  )
}

function toggled(chosen: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(chosen)
  if (!next.delete(key)) next.add(key)
  return next
}

function Head<T>(props: ViewProps<T> & { readonly column: Column<T> }) {
  const { column, view, change } = props
  const isSorted = view.sort === column.id
  const look = column.end === true ? 'end' : ''
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

function Foot<T>({ view, change, counts, rows }: ViewProps<T>) {
  const id = useId()
  const from = rows === undefined || rows.length === 0 ? 0 : (view.page - 1) * view.size + 1
  const to = from === 0 ? 0 : from + (rows?.length ?? 0) - 1
  return (
    <div class="table-foot">
      <span class="number" aria-live="polite">
        {from === 0 ? 'None' : `${format.count(from)} to ${format.count(to)}`} of {format.count(counts.filtered)}
        {counts.filtered === counts.total ? '' : ` (${format.count(counts.total)} in all)`}
      </span>
      <span class="push">
        <label for={id}>Rows</label>
        <select
          id={id}
          value={String(view.size)}
          onChange={({ currentTarget }) => change({ size: Number(currentTarget.value) })}
        >
          {SIZES.map((size) => (
            <option key={size} value={String(size)}>
              {size}
            </option>
          ))}
        </select>
        <Button
          icon="left"
          label="Previous page"
          look="low"
          disabled={view.page <= 1}
          onClick={() => change({ page: view.page - 1 })}
        />
        <span class="number nowrap">
          {format.count(view.page)} / {format.count(counts.pages)}
        </span>
        <Button
          icon="right"
          label="Next page"
          look="low"
          disabled={view.page >= counts.pages}
          onClick={() => change({ page: view.page + 1 })}
        />
      </span>
    </div>
  )
}
