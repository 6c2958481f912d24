/** Limits of virtual hosts and users. */
import { useSignal } from '@preact/signals'
import { apiPath, call } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh, useLive } from '../base/live.ts'
import type { Limit, User } from '../base/types.ts'
import { Button, Card, Empty } from '../parts/basics.tsx'
import { confirmThen, Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { SelectField, TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { useVhostOptions } from './declare.tsx'

type Kind = 'vhost' | 'user'

interface Row {
  readonly owner: string
  readonly name: string
  readonly value: number
}

const NAMES: Readonly<Record<Kind, readonly string[]>> = {
  vhost: ['max-connections', 'max-queues'],
  user: ['max-connections', 'max-channels'],
}

/** The page. */
export function LimitsPage() {
  return (
    <>
      <PageHead title="Limits" />
      <LimitCard kind="vhost" title="Limits of virtual hosts" />
      <LimitCard kind="user" title="Limits of users" />
    </>
  )
}

function LimitCard({ kind, title }: { readonly kind: Kind; readonly title: string }) {
  const list = `/api/${kind}-limits`
  const { data, failure } = useLive<readonly Limit[]>(list)
  const rows = data?.flatMap((limit) =>
    Object.entries(limit.value).map(([name, value]): Row => ({ owner: limit[kind] ?? '', name, value })),
  )
  const columns: readonly Column<Row>[] = [
    {
      id: 'owner',
      label: kind === 'vhost' ? 'Virtual host' : 'User',
      value: ({ owner }) => owner,
      show: ({ owner }) => owner,
    },
    { id: 'name', label: 'Limit', value: ({ name }) => name, show: ({ name }) => name },
    {
      id: 'value',
      label: 'At most',
      end: true,
      value: ({ value }) => value,
      show: ({ value }) => (value < 0 ? 'no limit' : value === 0 ? 'none allowed' : format.count(value)),
    },
    {
      id: 'remove',
      label: 'Remove',
      end: true,
      show: ({ owner, name }) => (
        <Button
          icon="close"
          label={`Remove ${name} of ${owner}`}
          look="plain low"
          onClick={() =>
            confirmThen({
              title: 'Remove this limit?',
              text: `${name} of ${owner} is no longer limited.`,
              action: 'Remove',
              done: 'The limit is removed.',
              onYes: async () => {
                await call('DELETE', `${list}/${encodeURIComponent(owner)}/${name}`)
                refresh(list)
              },
            })
          }
        />
      ),
    },
  ]
  return (
    <Card flush title={title}>
      <LocalTable
        id={`${kind}-limits`}
        label={title}
        rows={rows}
        failure={failure}
        columns={columns}
        keyOf={({ owner, name }) => `${owner} ${name}`}
        textOf={({ owner, name }) => `${owner} ${name}`}
        tools={
          <Button icon="plus" onClick={() => openDialog(<LimitForm kind={kind} />)}>
            Set
          </Button>
        }
        empty={
          <Empty icon="limit" title="No limits">
            {kind === 'vhost' ? 'Any number of connections and queues is allowed.' : 'Users are not limited.'}
          </Empty>
        }
      />
    </Card>
  )
}

function LimitForm({ kind }: { readonly kind: Kind }) {
  const vhosts = useVhostOptions()
  const users = useLive<readonly User[]>(kind === 'user' ? '/api/users?columns=name' : null)
  const owners = kind === 'vhost' ? vhosts : (users.data ?? []).map((user) => [user.name, user.name] as const)
  const owner = useSignal('')
  const name = useSignal('max-connections')
  const value = useSignal('')
  const submit = async () => {
    await call('PUT', apiPath(`${kind}-limits`, owner.value, name.value), { value: Number(value.value) })
    tell('The limit is set.')
    refresh(`/api/${kind}-limits`)
  }
  return (
    <Dialog title="Set a limit" action="Set" onSubmit={submit} disabled={owner.value === ''}>
      <div class="fields">
        <SelectField
          label={kind === 'vhost' ? 'Virtual host' : 'User'}
          value={owner}
          options={[['', 'Choose …'], ...owners]}
        />
        <SelectField label="Limit" value={name} options={NAMES[kind].map((entry) => [entry, entry] as const)} />
        <TextField label="At most" type="number" value={value} required hint="0 allows none, -1 any number." />
      </div>
    </Dialog>
  )
}
