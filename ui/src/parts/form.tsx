/**
 * Form fields, each with its label, hint and error where screen readers find them.
 */
import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { Button } from './basics.tsx'

interface FieldProps {
  readonly label: string
  readonly hint?: ComponentChildren
  readonly error?: string
  readonly whole?: boolean
}

function Field(props: FieldProps & { readonly id: string; readonly children: ComponentChildren }) {
  return (
    <div class={props.whole === true ? 'field whole' : 'field'}>
      <label class="label" for={props.id}>
        {props.label}
      </label>
      {props.children}
      {props.hint === undefined ? null : (
        <span class="hint" id={`${props.id}-hint`}>
          {props.hint}
        </span>
      )}
      {props.error === undefined || props.error === '' ? null : <span class="error">{props.error}</span>}
    </div>
  )
}

/** A line of text. */
export function TextField(
  props: FieldProps & {
    readonly value: Signal<string>
    readonly type?: 'text' | 'password' | 'number'
    readonly required?: boolean
    readonly placeholder?: string
    readonly autocomplete?: string
    readonly options?: readonly string[]
    readonly readOnly?: boolean
  },
) {
  const id = useId()
  return (
    <Field {...props} id={id}>
      <input
        id={id}
        // The types tie the kind of field to its attributes; this one is used with all three.
        type={(props.type ?? 'text') as 'text'}
        value={props.value.value}
        required={props.required === true}
        readOnly={props.readOnly === true}
        placeholder={props.placeholder}
        spellcheck={false}
        autocomplete={props.autocomplete ?? 'off'}
        aria-describedby={props.hint === undefined ? undefined : `${id}-hint`}
        aria-invalid={props.error !== undefined && props.error !== ''}
        list={props.options === undefined ? undefined : `${id}-list`}
        onInput={({ currentTarget }) => {
          props.value.value = currentTarget.value
        }}
      />
      {props.options === undefined ? null : (
        <datalist id={`${id}-list`}>
          {props.options.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
    </Field>
  )
}

/** Lines of text. */
export function AreaField(props: FieldProps & { readonly value: Signal<string>; readonly rows?: number }) {
  const id = useId()
  return (
    <Field {...props} id={id}>
      <textarea
        id={id}
        rows={props.rows ?? 5}
        spellcheck={false}
        value={props.value.value}
        aria-describedby={props.hint === undefined ? undefined : `${id}-hint`}
        onInput={({ currentTarget }) => {
          props.value.value = currentTarget.value
        }}
      />
    </Field>
  )
}

/** One of several. */
export function SelectField(
  props: FieldProps & {
    readonly value: Signal<string>
    readonly options: readonly (readonly [value: string, label: string])[]
  },
) {
  const id = useId()
  return (
    <Field {...props} id={id}>
      <select
        id={id}
        value={props.value.value}
        aria-describedby={props.hint === undefined ? undefined : `${id}-hint`}
        onChange={({ currentTarget }) => {
          props.value.value = currentTarget.value
        }}
      >
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </Field>
  )
}

/** Yes or no. */
export function CheckField(props: { readonly label: string; readonly hint?: string; readonly value: Signal<boolean> }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.value.value}
        onChange={({ currentTarget }) => {
          props.value.value = currentTarget.checked
        }}
      />
      <span>
        {props.label}
        {props.hint === undefined ? null : <span class="muted small"> {props.hint}</span>}
      </span>
    </label>
  )
}

/** A name with a typed value, as a form holds it. */
export interface ArgumentRow {
  readonly name: string
  readonly value: string
  readonly type: 'text' | 'number' | 'boolean' | 'json'
}

/** A known name, offered as a chip. */
export interface KnownArgument {
  readonly name: string
  readonly type: ArgumentRow['type']
  readonly hint: string
}

/** What the rows say; throws an error that names the wrong one. */
export function readArguments(rows: readonly ArgumentRow[]): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const { name, value, type } of rows) {
    if (name.trim() === '') continue
    result[name.trim()] = readArgument(name, value, type)
  }
  return result
}

function readArgument(name: string, value: string, type: ArgumentRow['type']): unknown {
  if (type === 'text') return value
  if (type === 'boolean') {
    if (!/^(true|false)$/.test(value)) throw new Error(`${name} must be true or false.`)
    return value === 'true'
  }
  if (type === 'number') {
    if (value.trim() === '' || !Number.isFinite(Number(value))) throw new Error(`${name} must be a number.`)
    return Number(value)
  }
  try {
    return JSON.parse(value)
  } catch (error) {
    throw new Error(`${name} must be JSON.`, { cause: error })
  }
}

/** The rows that show these arguments. */
export function argumentRows(values: Readonly<Record<string, unknown>>): ArgumentRow[] {
  return Object.entries(values).map(([name, value]) => {
    if (typeof value === 'string') return { name, value, type: 'text' }
    if (typeof value === 'number' || typeof value === 'boolean') {
      return { name, value: String(value), type: typeof value as 'number' | 'boolean' }
    }
    return { name, value: JSON.stringify(value), type: 'json' }
  })
}

/** Names with values: arguments, headers, a policy's definition. */
export function ArgumentsField(props: {
  readonly label: string
  readonly value: Signal<readonly ArgumentRow[]>
  readonly known?: readonly KnownArgument[]
}) {
  const rows = props.value.value
  const change = (at: number, changes: Partial<ArgumentRow>) => {
    props.value.value = rows.map((row, i) => (i === at ? { ...row, ...changes } : row))
  }
  const add = (row: ArgumentRow) => {
    props.value.value = [...rows, row]
  }
  return (
    <fieldset class="stack tight whole">
      <legend class="label">{props.label}</legend>
      {rows.map((row, i) => (
        <div class="argument" key={i}>
          <input
            aria-label={`${props.label}: name ${i + 1}`}
            placeholder="Name"
            value={row.name}
            spellcheck={false}
            onInput={({ currentTarget }) => change(i, { name: currentTarget.value })}
          />
          <input
            aria-label={`${props.label}: value of ${row.name || i + 1}`}
            placeholder="Value"
            value={row.value}
            spellcheck={false}
            onInput={({ currentTarget }) => change(i, { value: currentTarget.value })}
          />
          <select
            aria-label={`${props.label}: type of ${row.name || i + 1}`}
            value={row.type}
            onChange={({ currentTarget }) => change(i, { type: currentTarget.value as ArgumentRow['type'] })}
          >
            <option value="text">Text</option>
            <option value="number">Number</option>
            <option value="boolean">Boolean</option>
            <option value="json">JSON</option>
          </select>
          <Button
            icon="close"
            label={`Remove ${row.name || 'this row'}`}
            look="plain"
            onClick={() => {
              props.value.value = rows.filter((_, at) => at !== i)
            }}
          />
        </div>
      ))}
      <div class="chips">
        <button type="button" class="chip" onClick={() => add({ name: '', value: '', type: 'text' })}>
          + any
        </button>
        {(props.known ?? [])
          .filter(({ name }) => !rows.some((row) => row.name === name))
          .map(({ name, type, hint }) => (
            <button
              type="button"
              class="chip"
              key={name}
              title={hint}
              onClick={() => add({ name, type, value: type === 'boolean' ? 'true' : '' })}
            >
              + {name}
            </button>
          ))}
      </div>
    </fieldset>
  )
}
