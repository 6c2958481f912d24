/**
 * Tables of rows that are all here: sorted, filtered and paged by the page itself. Lists that the server pages are in
 * `server-table.tsx`. Sort order, filter, page and columns are in the address. Rows can be chosen for an action on all of them.
 */
import { useId, useState } from 'preact/hooks'
import type { ApiFailure } from '../base/api.ts'
import * as format from '../base/format.ts'
import { Button, Failure } from './basics.tsx'
import {
  type Column,
  ColumnChooser,
  columnClass,
  FEW,
  FilterBox,
  Head,
  readFilter,
  SIZES,
  type TableProps,
  toggled,
  useColumns,
  useView,
  type View,
} from './table-parts.tsx'

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
  const isShort = counts.total <= FEW && view.filter === '' && rows !== undefined
  const hasTools = !isShort || chosenRows.length > 0 || columns.canChoose
  return (
    <>
      {isEmpty || !hasTools ? (
        props.tools === undefined || props.tools === null ? null : (
          <div class="table-tools beside">
            <span class="grow" />
            {props.tools}
          </div>
        )
      ) : (
        <div class={isShort ? 'table-tools beside' : 'table-tools'}>
          {isShort ? null : <FilterBox view={view} change={props.change} label={props.label} />}
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
                    <td key={column.id} class={columnClass(column, 'long')}>
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
