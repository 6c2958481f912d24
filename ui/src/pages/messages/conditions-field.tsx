/** The form of conditions: a row for each, chips for more. */
import type { Signal } from '@preact/signals'
import { Button } from '../../parts/basics.tsx'
import { type Condition, isNamed, KINDS, type Kind } from './conditions.ts'

/** The form. */
export function ConditionsField({ value }: { readonly value: Signal<readonly Condition[]> }) {
  const rows = value.value
  const change = (at: number, changes: Partial<Condition>) => {
    value.value = rows.map((row, i) => (i === at ? { ...row, ...changes } : row))
  }
  return (
    <fieldset class="stack tight whole">
      <legend class="label">Messages for which all of this holds</legend>
      {rows.map(({ kind, name, value: text }, i) => (
        <div class="condition" key={i}>
          <span class="small nowrap">{KINDS[kind].label}</span>
          {isNamed(kind) ? (
            <input
              aria-label={`${KINDS[kind].label}: name`}
              placeholder="name"
              value={name}
              spellcheck={false}
              onInput={({ currentTarget }) => change(i, { name: currentTarget.value })}
            />
          ) : null}
          <input
            class="grow"
            aria-label={isNamed(kind) ? `${KINDS[kind].label}: value` : KINDS[kind].label}
            placeholder={KINDS[kind].hint}
            value={text}
            spellcheck={false}
            onInput={({ currentTarget }) => change(i, { value: currentTarget.value })}
          />
          <Button
            icon="close"
            label={`Remove the condition ${KINDS[kind].label}`}
            look="plain"
            onClick={() => {
              value.value = rows.filter((_, at) => at !== i)
            }}
          />
        </div>
      ))}
      <div class="chips">
        {(Object.keys(KINDS) as Kind[])
          .filter((kind) => isNamed(kind) || !rows.some((row) => row.kind === kind))
          .map((kind) => (
            <button
              type="button"
              class="chip"
              key={kind}
              onClick={() => {
                value.value = [...rows, { kind, name: '', value: '' }]
              }}
            >
              + {KINDS[kind].label}
            </button>
          ))}
      </div>
    </fieldset>
  )
}
