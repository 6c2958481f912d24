/** All settings that the broker knows, with the values in force and where they come from. Secrets are hidden by the broker. */
import { useAddressFlag } from '../base/address.ts'
import * as format from '../base/format.ts'
import { useLive } from '../base/live.ts'
import { Badge, Card, Empty } from '../parts/basics.tsx'
import { CheckField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'

interface Setting {
  readonly key: string
  readonly type: string
  readonly default: string
  readonly value: string
  /** `default`, or the file, variable or argument that set it. */
  readonly origin: string
  readonly reloadable: boolean
  readonly description: string
}

const isSet = ({ origin }: Setting): boolean => origin !== 'default'

function Key({ setting: { key, description } }: { readonly setting: Setting }) {
  return (
    <div class="wrap">
      <code>{key}</code>
      <div class="muted small">
        {description.split('`').map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}
      </div>
    </div>
  )
}

const DURATIONS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, seconds: 1_000, min: 60_000 }

/** A number with its unit for people, where that says more. */
function inUnits({ type, value }: Setting): string {
  const number = Number(value)
  if (value === '' || !Number.isFinite(number)) return ''
  if (type === 'bytes') return number < 1_024 ? 'bytes' : format.bytes(number)
  const unitMs = DURATIONS[type]
  return unitMs === undefined || number === 0 ? '' : format.duration(number * unitMs)
}

function InForce({ setting }: { readonly setting: Setting }) {
  const { value } = setting
  const units = inUnits(setting)
  if (value === '') return <span class="muted">nothing</span>
  return (
    <>
      <code class="break">{value}</code>
      {units === '' ? null : <span class="muted small"> {units}</span>}
    </>
  )
}

/** Without the patterns of keys that were set under a name of their own: the values of those are in force. */
function withoutPatterns(settings: readonly Setting[] | undefined): readonly Setting[] | undefined {
  return settings?.filter(({ key, origin }) => {
    if (!key.includes('$') || origin !== 'default') return true
    const named = new RegExp(`^${key.replaceAll('.', '\\.').replaceAll(/\$\w+/g, '[^.]+')}$`)
    return !settings.some((other) => other.origin !== 'default' && named.test(other.key))
  })
}

const COLUMNS: readonly Column<Setting>[] = [
  { id: 'key', label: 'Key', value: ({ key }) => key, show: (setting) => <Key setting={setting} /> },
  {
    id: 'value',
    label: 'In force',
    value: ({ value }) => value,
    show: (setting) => <InForce setting={setting} />,
  },
  {
    id: 'origin',
    label: 'From',
    value: ({ origin }) => origin,
    show: (setting) =>
      isSet(setting) ? <Badge tone="accent">{setting.origin}</Badge> : <span class="muted">default</span>,
  },
  {
    id: 'default',
    label: 'Unless set',
    extra: true,
    value: (setting) => setting.default,
    show: (setting) => <code>{setting.default}</code>,
  },
  {
    id: 'type',
    label: 'Type',
    extra: true,
    value: ({ type }) => type,
    show: ({ type }) => type.replaceAll('\\|', '|'),
  },
  {
    id: 'reloadable',
    label: 'Changes',
    value: ({ reloadable }) => reloadable,
    show: ({ reloadable }) => (reloadable ? <Badge tone="ok">on reload</Badge> : <span class="muted">at restart</span>),
  },
]

/** The page. */
export function SettingsPage() {
  const { data, failure } = useLive<readonly Setting[]>('/api/config/effective')
  const onlySet = useAddressFlag('set')
  const rows = onlySet.value ? data?.filter(isSet) : withoutPatterns(data)
  return (
    <>
      <PageHead title="Settings" />
      <Card flush>
        <LocalTable<Setting>
          id="settings"
          main
          label="Settings"
          rows={rows}
          failure={failure}
          keyOf={({ key }) => key}
          textOf={({ key, description, value }) => `${key} ${description} ${value}`}
          tools={<CheckField label={`Only what was set (${data?.filter(isSet).length ?? 0})`} value={onlySet} />}
          empty={
            <Empty icon="settings" title="Nothing was set">
              Everything is as it comes. A file, variables of the environment or --set change it.
            </Empty>
          }
          columns={COLUMNS}
        />
      </Card>
    </>
  )
}
