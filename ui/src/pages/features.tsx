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

interface Deprecated {
  readonly name: string
  readonly desc?: string
  readonly state?: string
  readonly deprecation_phase?: string
}

/** The page. */
export function FeaturesPage() {
  return (
    <>
      <PageHead title="Feature flags" />
      <p class="muted">
        Steps in RabbitMQ’s development that clients and tools ask about before they use something. All of them are
        taken here, though queues of type stream are refused for now.
      </p>
      <FlagsCard />
      <DeprecatedCard />
    </>
  )
}

/** Old habits that the broker still permits, or refuses. */
function DeprecatedCard() {
  const { data, failure } = useLive<readonly Deprecated[]>('/api/deprecated-features')
  const used = useLive<readonly Deprecated[]>('/api/deprecated-features/used')
  const isUsed = (name: string) => used.data?.some((feature) => feature.name === name) === true
  return (
    <Card flush title="Deprecated features">
      <LocalTable<Deprecated>
        id="deprecated"
        label="Deprecated features"
        rows={data}
        failure={failure}
        keyOf={({ name }) => name}
        textOf={({ name, desc }) => `${name} ${desc ?? ''}`}
        empty={<Empty icon="flag" title="No deprecated features" />}
        columns={[
          { id: 'name', label: 'Name', value: ({ name }) => name, show: ({ name }) => <code>{name}</code> },
          { id: 'desc', label: 'What it is', show: ({ desc }) => desc ?? '' },
          { id: 'state', label: 'State', value: ({ state }) => state ?? '', show: ({ state }) => state ?? '' },
          {
            id: 'used',
            label: 'In use',
            value: ({ name }) => isUsed(name),
            show: ({ name }) => (isUsed(name) ? <Badge tone="warn">in use</Badge> : <span class="muted">no</span>),
          },
        ]}
      />
    </Card>
  )
}

function FlagsCard() {
  const { data, failure } = useLive<readonly Flag[]>('/api/feature-flags')
  return (
    <Card flush title="Feature flags">
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
          { id: 'desc', label: 'What it is', show: ({ desc }) => desc ?? '' },
        ]}
      />
    </Card>
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
