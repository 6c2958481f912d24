/** All settings that the broker knows. */
import { useLive } from '../base/live.ts'
import { Badge, Card, Empty } from '../parts/basics.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'

interface Setting {
  readonly key: string
  readonly type: string
  readonly default: string
  readonly value?: string
  readonly reloadable: boolean
  readonly description: string
}

function Key({ setting: { key, description } }: { readonly setting: Setting }) {
  return (
    <div class="wrap">
      <code>{key}</code>
      <div class="muted small">{description}</div>
    </div>
  )
}

/** The page. */
export function SettingsPage() {
  const { data, failure } = useLive<readonly Setting[]>('/api/config/effective')
  return (
    <>
      <PageHead title="Settings" />
      <Card flush>
        <LocalTable<Setting>
          id="settings"
          main
          label="Settings"
          rows={data}
          failure={failure}
          keyOf={({ key }) => key}
          textOf={({ key, description }) => `${key} ${description}`}
          empty={<Empty icon="settings" title="No settings" />}
          columns={[
            { id: 'key', label: 'Key', value: ({ key }) => key, show: (setting) => <Key setting={setting} /> },
            {
              id: 'default',
              label: 'Unless set',
              show: (setting) => <code>{setting.value ?? setting.default}</code>,
            },
            { id: 'type', label: 'Type', value: ({ type }) => type, show: ({ type }) => type.replaceAll('\\|', '|') },
            {
              id: 'reloadable',
              label: 'Changes',
              value: ({ reloadable }) => reloadable,
              show: ({ reloadable }) =>
                reloadable ? <Badge tone="ok">on reload</Badge> : <span class="muted">at restart</span>,
            },
          ]}
        />
      </Card>
    </>
  )
}
