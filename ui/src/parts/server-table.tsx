/**
 * Tables of lists that the server filters, sorts and pages: scrolled as one, however long they are. Only the rows in sight
 * are in the document, and only the pages that they belong to are asked for and kept up to date.
 */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { type ApiFailure, read } from '../base/api.ts'
import * as format from '../base/format.ts'
import { useLive } from '../base/live.ts'
import type { Paged } from '../base/types.ts'
import { Failure } from './basics.tsx'
import { attempt, tell } from './feedback.tsx'
import {
  type Column,
  ColumnChooser,
  columnClass,
  FEW,
  FilterBox,
  Head,
  readFilter,
  type TableProps,
  useColumns,
  useView,
  type View,
} from './table-parts.tsx'

interface ServerTableProps<T> extends TableProps<T> {
  readonly path: string
  /** Fields of the objects that columns and actions use; the server leaves out the others. */
  readonly fields: string
}

/** Rows asked for at once. */
const PAGE_ROWS = 200
/** Rows chosen at once: the longest page that the server gives. */
const CHOOSE_MAX = 500
/** Rows kept in the document beyond those in sight. */
const SPARE_ROWS = 12
/** The window moves in steps, so that not every pixel draws anew. */
const STEP_ROWS = 8
/** Scrolling that goes on asks for nothing. */
const SETTLE_MS = 90
const ADDRESS_MS = 300
/** Until a row was measured. */
const ROW_PIXELS = 33

/** The query that names the rows; without the page. */
function queryOf<T>({ path, fields, columns }: ServerTableProps<T>, view: View): string {
  const { filter, isRegex } = readFilter(view.filter)
  const column = columns.find(({ id }) => id === view.sort)
  const query = new URLSearchParams({ columns: fields })
  if (filter !== '') query.set('name', filter)
  if (isRegex) query.set('use_regex', 'true')
  if (column?.sort !== undefined) query.set('sort', column.sort)
  if (column?.sort !== undefined && view.descending) query.set('sort_reverse', 'true')
  return `${path}?${query}`
}

/** What is known of the list. */
interface Known<T> {
  readonly query: string
  readonly pages: Map<number, readonly T[]>
  filteredCount: number | undefined
  totalCount: number
}

interface Rows<T> {
  readonly rowAt: (index: number) => T | undefined
  readonly isKnown: boolean
  readonly filteredCount: number
  readonly totalCount: number
  readonly failure: ApiFailure | undefined
}

/** Keeps the pages with these rows up to date. What was there before a new filter stays until its answer comes. */
function useRows<T>(query: string, first: number, last: number): Rows<T> {
  const known = useRef<Known<T>>({ query: '', pages: new Map(), filteredCount: undefined, totalCount: 0 })
  const highest = known.current.query === query ? (known.current.filteredCount ?? last + 1) : last + 1
  const pageAt = (row: number) => Math.floor(Math.max(0, Math.min(row, highest - 1)) / PAGE_ROWS) + 1
  const [low, high] = [pageAt(first), pageAt(last)]
  const address = (page: number) => `${query}&page=${page}&page_size=${PAGE_ROWS}`
  const lower = useLive<Paged<T>>(address(low))
  const higher = useLive<Paged<T>>(low === high ? null : address(high))
  for (const { data } of [lower, higher]) {
    if (data === undefined) continue
    if (known.current.query !== query) {
      known.current = { query, pages: new Map(), filteredCount: undefined, totalCount: 0 }
    }
    known.current.pages.set(data.page, data.items)
    known.current.filteredCount = data.filtered_count
    known.current.totalCount = data.total_count
  }
  // The list became shorter than where we are.
  if (/out of range/i.test(lower.failure?.message ?? '')) known.current.filteredCount = (low - 1) * PAGE_ROWS
  const { pages, filteredCount, totalCount } = known.current
  return {
    rowAt: (index) => pages.get(Math.floor(index / PAGE_ROWS) + 1)?.[index % PAGE_ROWS],
    isKnown: filteredCount !== undefined,
    filteredCount: filteredCount ?? 0,
    totalCount,
    failure: filteredCount === undefined ? lower.failure : undefined,
  }
}

/** Rows in the document, from the first to before the last. */
interface Span {
  readonly first: number
  readonly last: number
}

const sameSpan = (a: Span, b: Span): boolean => a.first === b.first && a.last === b.last

/** A table of a list that the server pages. */
export function ServerTable<T>(props: ServerTableProps<T>) {
  const [view, change] = useView(props.id, true)
  const query = queryOf(props, view)
  const [span, setSpan] = useState<Span>({ first: view.from, last: view.from + 40 })
  const [asked, setAsked] = useState(span)
  useEffect(() => {
    if (sameSpan(span, asked)) return undefined
    const timer = setTimeout(() => setAsked(span), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [span, asked])
  const rows = useRows<T>(query, asked.first, asked.last - 1)
  const [chosen, setChosen] = useState<ReadonlyMap<string, T>>(new Map())
  const columns = useColumns(props)
  const isEmpty = rows.isKnown && rows.totalCount === 0 && view.filter === ''
  const clear = () => setChosen(new Map())
  return (
    <>
      <div class="table-tools">
        {isEmpty ? null : <FilterBox view={view} change={change} label={props.label} />}
        {props.bulk !== undefined && chosen.size > 0 ? (
          <span class="row">
            <span class="small">{format.count(chosen.size)} chosen</span>
            {props.bulk([...chosen.values()], clear)}
          </span>
        ) : null}
        <span class="grow" />
        {props.tools}
        {isEmpty ? null : <ColumnChooser {...columns} />}
      </div>
      {rows.failure === undefined ? null : (
        <div class="table-tools">
          <Failure failure={rows.failure} />
        </div>
      )}
      {isEmpty ? (
        props.empty
      ) : (
        <Scroll
          {...props}
          shown={columns.shown}
          query={query}
          view={view}
          change={change}
          rows={rows}
          span={span}
          setSpan={setSpan}
          chosen={chosen}
          setChosen={setChosen}
        />
      )}
    </>
  )
}

interface ScrollProps<T> extends ServerTableProps<T> {
  readonly shown: readonly Column<T>[]
  readonly query: string
  readonly view: View
  readonly change: (changes: Partial<View>) => void
  readonly rows: Rows<T>
  readonly span: Span
  readonly setSpan: (span: Span) => void
  readonly chosen: ReadonlyMap<string, T>
  readonly setChosen: (chosen: ReadonlyMap<string, T>) => void
}

/** How tall rows are, and which of them are in sight. */
function useScroll<T>({ rows, query, view, change, span, setSpan }: ScrollProps<T>) {
  const place = useRef<HTMLElement>(null)
  const [rowPixels, setRowPixels] = useState(ROW_PIXELS)
  const [inSight, setInSight] = useState<Span>({ first: view.from, last: view.from })
  const written = useRef(view.from)
  const timer = useRef(0)
  // What the timer sees is of the drawing that is on the screen then.
  const latest = useRef({ rows, change })
  latest.current = { rows, change }
  const look = () => {
    const element = place.current
    if (element === null) return
    const first = Math.round(element.scrollTop / rowPixels)
    const headPixels = element.querySelector('thead')?.offsetHeight ?? 0
    const bottom = Math.round((element.scrollTop + element.clientHeight - headPixels) / rowPixels)
    const start = Math.max(0, Math.floor(first / STEP_ROWS) * STEP_ROWS - SPARE_ROWS)
    const next = {
      first: start,
      last: start + Math.ceil((bottom - first) / STEP_ROWS) * STEP_ROWS + STEP_ROWS + 2 * SPARE_ROWS,
    }
    if (!sameSpan(next, span)) setSpan(next)
    setInSight((now) => (sameSpan(now, { first, last: bottom }) ? now : { first, last: bottom }))
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      if (first === written.current || !latest.current.rows.isKnown) return
      written.current = first
      latest.current.change({ from: first })
    }, ADDRESS_MS)
  }
  useEffect(() => () => clearTimeout(timer.current), [])
  // Another filter or order starts at its own place; the first one where the address says.
  useLayoutEffect(() => {
    if (rows.isKnown) place.current?.scrollTo({ top: view.from * rowPixels })
    written.current = view.from
    look()
  }, [query, rows.isKnown, rowPixels])
  // A link to another place of the same list.
  useLayoutEffect(() => {
    if (view.from === written.current) return
    written.current = view.from
    place.current?.scrollTo({ top: view.from * rowPixels })
  }, [view.from])
  useLayoutEffect(() => {
    const row = place.current?.querySelector('tbody tr[data-row]')
    const pixels = row?.getBoundingClientRect().height ?? 0
    if (pixels > 0 && Math.abs(pixels - rowPixels) > 0.01) setRowPixels(pixels)
  })
  return { place, look, rowPixels, inSight }
}

function Scroll<T>(props: ScrollProps<T>) {
  const { rows, span, shown, chosen, setChosen, keyOf, label } = props
  const { place, look, rowPixels, inSight } = useScroll(props)
  const isChoosable = props.bulk !== undefined
  const cellCount = shown.length + (isChoosable ? 1 : 0)
  const last = Math.min(span.last, rows.filteredCount)
  const first = Math.min(span.first, last)
  const indexes = Array.from({ length: last - first }, (_, i) => first + i)
  const toggle = (row: T) => {
    const next = new Map(chosen)
    if (!next.delete(keyOf(row))) next.set(keyOf(row), row)
    setChosen(next)
  }
  return (
    <>
      <section
        class="table-scroll tall"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
        aria-label={label}
        ref={place}
        onScroll={look}
        aria-busy={!rows.isKnown && rows.failure === undefined}
      >
        <table aria-rowcount={rows.filteredCount + 1}>
          <thead>
            <tr aria-rowindex={1}>
              {isChoosable ? <ChooseAll {...props} /> : null}
              {shown.map((column) => (
                <Head
                  key={column.id}
                  column={column}
                  view={props.view}
                  change={props.change}
                  canSort={({ sort }) => sort !== undefined}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            <Spacer rows={first} rowPixels={rowPixels} cellCount={cellCount} />
            {indexes.map((index) => {
              const row = rows.rowAt(index)
              if (row === undefined) return <Ghost key={`row ${index}`} index={index} cellCount={cellCount} />
              const key = keyOf(row)
              return (
                <tr key={key} data-row aria-rowindex={index + 2} data-chosen={chosen.has(key)}>
                  {isChoosable ? (
                    <td class="pick">
                      <input
                        type="checkbox"
                        aria-label={`Choose ${key}`}
                        checked={chosen.has(key)}
                        onChange={() => toggle(row)}
                      />
                    </td>
                  ) : null}
                  <Cells row={row} shown={shown} />
                </tr>
              )
            })}
            <Spacer rows={rows.filteredCount - last} rowPixels={rowPixels} cellCount={cellCount} />
            {rows.isKnown && rows.filteredCount > 0 ? null : (
              <tr>
                <td colSpan={cellCount} class="muted">
                  {rows.isKnown ? 'Nothing matches the filter.' : rows.failure === undefined ? 'Loading …' : ''}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </section>
      <Foot rows={rows} inSight={inSight} />
    </>
  )
}

function Cells<T>({ row, shown }: { readonly row: T; readonly shown: readonly Column<T>[] }) {
  return shown.map((column, i) =>
    i === 0 ? (
      <th scope="row" key={column.id}>
        {column.show(row)}
      </th>
    ) : (
      <td key={column.id} class={columnClass(column, 'long')}>
        {column.show(row)}
      </td>
    ),
  )
}

/** The place of rows that are not in the document. */
function Spacer(props: { readonly rows: number; readonly rowPixels: number; readonly cellCount: number }) {
  if (props.rows <= 0) return null
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row takes no focus.
    <tr aria-hidden="true" class="spacer">
      <td colSpan={props.cellCount} style={{ height: `${props.rows * props.rowPixels}px` }} />
    </tr>
  )
}

/** A row that is on its way. */
function Ghost({ index, cellCount }: { readonly index: number; readonly cellCount: number }) {
  return (
    <tr aria-rowindex={index + 2} class="ghost">
      <td colSpan={cellCount}>…</td>
    </tr>
  )
}

/** Chooses what matches the filter, as far as one request tells. */
function ChooseAll<T>({ chosen, setChosen, query, rows, keyOf }: ScrollProps<T>) {
  // The box stays checked while their names are on the way, whatever is drawn meanwhile.
  const [isAsking, setAsking] = useState(false)
  const choose = async () => {
    setAsking(true)
    await attempt('', async () => {
      const { items } = await read<Paged<T>>(`${query}&page=1&page_size=${CHOOSE_MAX}`)
      setChosen(new Map(items.map((item) => [keyOf(item), item] as const)))
      if (rows.filteredCount > CHOOSE_MAX) tell(`The first ${CHOOSE_MAX} are chosen: more go not at once.`)
    })
    setAsking(false)
  }
  const wanted = Math.min(rows.filteredCount, CHOOSE_MAX)
  const isAll = wanted > 0 && chosen.size >= wanted
  return (
    <td class="pick">
      <input
        type="checkbox"
        aria-label="Choose all that match"
        checked={isAll || isAsking}
        disabled={isAsking}
        onChange={() => (isAll ? setChosen(new Map()) : choose())}
      />
    </td>
  )
}

function Foot<T>({ rows, inSight }: { readonly rows: Rows<T>; readonly inSight: Span }) {
  const { filteredCount, totalCount } = rows
  if (totalCount <= FEW) return null
  const from = Math.min(inSight.first + 1, filteredCount)
  const to = Math.min(inSight.last, filteredCount)
  return (
    <div class="table-foot">
      <span class="number">
        {filteredCount === 0 ? 'None' : `${format.count(from)} to ${format.count(to)}`} of {format.count(filteredCount)}
        {filteredCount === totalCount ? '' : ` (${format.count(totalCount)} in all)`}
      </span>
    </div>
  )
}
