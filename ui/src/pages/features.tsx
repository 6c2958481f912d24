/** Feature flags and deprecated features. */
import { apiPath, call } from '../base/api.ts'
import { refresh, useLive } from '../base/live.ts'
import { Badge, Button, Card, Empty } from '../parts/basics.tsx'
import { confirmThen } from '../parts/feedback.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'

interface Flag {
  readonly name: string
  readonly desc?: string
  readonly state: string
  readonly stability?: string
}

/** The page. */
export function FeaturesPage() {
  const { data, failure } = useLive<readonly Flag[]>('/api/feature-flags')
  return (
    <>
      <PageHead title="Feature flags" />
      <Card flush>
        <LocalTable<Flag>
          id="flags"
          main
          label="Feature flags"
          rows={data}
          failure={failure}
          keyOf={({ name }) => name}
          textOf={({ name, desc }) => `${name} ${desc ?? ''}`}
          empty={<Empty icon="flag" title="No feature flags" />}
          columns={[
            { id: 'name', label: 'Name', value: ({ name }) => name, show: ({ name }) => <code>{name}</code> },
            {
              id: 'state',
              label: 'State',
              value: ({ state }) => state,
              show: (flag) => <FlagState flag={flag} />,
            },
            {
              id: 'stability',
              label: 'Stability',
              value: ({ stability }) => stability ?? '',
              show: ({ stability }) => stability ?? '',
            },
            { id: 'desc', label: 'Description', show: ({ desc }) => desc ?? '' },
          ]}
        />
      </Card>
    </>
  )
}

function FlagState({ flag: { name, state } }: { readonly flag: Flag }) {
  if (state === 'enabled') return <Badge tone="ok">enabled</Badge>
  return (
    <Button
      look="low"
      onClick={() =>
        confirmThen({
          title: `Enable ${name}?`,
          text: 'A feature flag cannot be disabled again.',
          action: 'Enable',
          done: `${name} is enabled.`,
          onYes: async () => {
            await call('PUT', `${apiPath('feature-flags', name)}/enable`, {})
            refresh('/api/feature-flags')
          },
        })
      }
    >
      Enable
    </Button>
  )
}
