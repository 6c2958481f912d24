/** Permissions of a user or a virtual host: shown, set, removed, and tried out. */
import { useSignal } from '@preact/signals'
import { apiPath, call } from '../base/api.ts'
import { refresh, useLive } from '../base/live.ts'
import { href } from '../base/router.ts'
import type { Permission, TopicPermission, User } from '../base/types.ts'
import { Badge, Button, Card, Empty } from '../parts/basics.tsx'
import { confirmThen, Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { SelectField, TextField } from '../parts/form.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { useVhostOptions } from './declare.tsx'

/** Whose permissions: exactly one is given. */
export interface Owner {
  readonly user?: string
  readonly vhost?: string
}

function pathOf({ user, vhost }: Owner, list: string): string {
  return user === undefined ? apiPath('vhosts', vhost ?? '', list) : apiPath('users', user, list)
}

function reload(): void {
  refresh('/api/users', '/api/vhosts', '/api/permissions')
}

function Pattern({ text }: { readonly text: string }) {
  if (text === '') return <span class="muted">nothing</span>
  return text === '.*' ? <span>everything</span> : <code>{text}</code>
}

function otherEnd<T extends Permission | TopicPermission>({ user }: Owner): Column<T> {
  return user === undefined
    ? {
        id: 'user',
        label: 'User',
        value: (row) => row.user,
        show: (row) => <a href={href(['users', row.user])}>{row.user}</a>,
      }
    : {
        id: 'vhost',
        label: 'Virtual host',
        value: ({ vhost }) => vhost,
        show: ({ vhost }) => <a href={href(['vhosts', vhost])}>{vhost}</a>,
      }
}

/** The table of permissions. */
export function PermissionsCard(owner: Owner) {
  const { data, failure } = useLive<readonly Permission[]>(pathOf(owner, 'permissions'))
  const columns: Column<Permission>[] = [
    otherEnd(owner),
    { id: 'configure', label: 'Configure', show: ({ configure }) => <Pattern text={configure} /> },
    { id: 'write', label: 'Write', show: ({ write }) => <Pattern text={write} /> },
    { id: 'read', label: 'Read', show: ({ read }) => <Pattern text={read} /> },
    {
      id: 'remove',
      label: 'Remove',
      end: true,
      show: ({ user, vhost }) => (
        <Button
          icon="close"
          label={`Remove permissions of ${user} in ${vhost}`}
          look="plain low"
          onClick={() =>
            confirmThen({
              title: 'Remove these permissions?',
              text: `${user} can no longer enter the virtual host ${vhost}. Its connections there stay until they close.`,
              action: 'Remove',
              done: 'The permissions are removed.',
              onYes: async () => {
                await call('DELETE', apiPath('permissions', vhost, user))
                reload()
              },
            })
          }
        />
      ),
    },
  ]
  return (
    <Card flush title="Permissions">
      <LocalTable
        id="permissions"
        label="Permissions"
        rows={data}
        failure={failure}
        columns={columns}
        keyOf={({ user, vhost }) => `${vhost} ${user}`}
        textOf={({ user, vhost }) => `${vhost} ${user}`}
        tools={
          <>
            <Button icon="eye" onClick={() => openDialog(<Tester rows={data ?? []} owner={owner} />)}>
              Test permissions
            </Button>
            <Button icon="plus" onClick={() => openDialog(<PermissionForm {...owner} />)}>
              Set
            </Button>
          </>
        }
        empty={
          <Empty icon="users" title="No permissions">
            {owner.user === undefined ? 'Nobody may enter.' : 'This user may enter no virtual host.'}
          </Empty>
        }
      />
    </Card>
  )
}

function useUserOptions(isWanted: boolean): readonly (readonly [string, string])[] {
  const { data } = useLive<readonly User[]>(isWanted ? '/api/users?columns=name' : null)
  return (data ?? []).map(({ name }) => [name, name] as const)
}

function PermissionForm(owner: Owner) {
  const vhosts = useVhostOptions()
  const users = useUserOptions(owner.user === undefined)
  const user = useSignal(owner.user ?? '')
  const vhost = useSignal(owner.vhost ?? '/')
  const configure = useSignal('.*')
  const write = useSignal('.*')
  const read = useSignal('.*')
  const submit = async () => {
    await call('PUT', apiPath('permissions', vhost.value, user.value), {
      configure: configure.value,
      write: write.value,
      read: read.value,
    })
    tell(`${user.value} has permissions in ${vhost.value}.`)
    reload()
  }
  return (
    <Dialog title="Set permissions" action="Set" onSubmit={submit} disabled={user.value === ''}>
      {owner.user === undefined ? (
        <SelectField label="User" value={user} options={[['', 'Choose …'], ...users]} />
      ) : (
        <SelectField label="Virtual host" value={vhost} options={vhosts} />
      )}
      <TextField
        label="Configure"
        value={configure}
        hint="Expression for names of exchanges and queues that may be declared and deleted"
      />
      <TextField label="Write" value={write} hint="… that may be published and bound to" />
      <TextField label="Read" value={read} hint="… that may be consumed from" />
    </Dialog>
  )
}

/** What the expressions mean for a name. */
function Tester({ rows, owner }: { readonly rows: readonly Permission[]; readonly owner: Owner }) {
  const name = useSignal('')
  const verdict = (pattern: string) => {
    if (pattern === '') return false
    try {
      return new RegExp(pattern).test(name.value)
    } catch (error) {
      console.debug('the expression is not valid here', error)
      return false
    }
  }
  return (
    <Dialog title="Who may do what?" action="Close" isInformation onSubmit={async () => undefined}>
      <TextField label="Name of a queue or an exchange" value={name} />
      <ul class="stack tight">
        {rows.map((row) => (
          <li key={`${row.vhost} ${row.user}`} class="row apart">
            <strong>{owner.user === undefined ? row.user : row.vhost}</strong>
            <span class="tokens">
              {(['configure', 'write', 'read'] as const).map((right) => (
                <Badge key={right} tone={verdict(row[right]) ? 'ok' : 'danger'}>
                  {right}: {verdict(row[right]) ? 'yes' : 'no'}
                </Badge>
              ))}
            </span>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

/** The table of topic permissions. */
export function TopicPermissionsCard(owner: Owner) {
  const { data, failure } = useLive<readonly TopicPermission[]>(pathOf(owner, 'topic-permissions'))
  const columns: Column<TopicPermission>[] = [
    otherEnd(owner),
    { id: 'exchange', label: 'Exchange', value: ({ exchange }) => exchange, show: ({ exchange }) => exchange },
    { id: 'write', label: 'Write keys', show: ({ write }) => <Pattern text={write} /> },
    { id: 'read', label: 'Read keys', show: ({ read }) => <Pattern text={read} /> },
    {
      id: 'remove',
      label: 'Remove',
      end: true,
      show: ({ user, vhost, exchange }) => (
        <Button
          icon="close"
          label={`Remove topic permission of ${user} for ${exchange}`}
          look="plain low"
          onClick={() =>
            confirmThen({
              title: 'Remove this topic permission?',
              text: `${user} is no longer limited to routing keys of ${exchange} in ${vhost}.`,
              action: 'Remove',
              done: 'The topic permission is removed.',
              onYes: async () => {
                await call('DELETE', apiPath('topic-permissions', vhost, user, exchange))
                reload()
              },
            })
          }
        />
      ),
    },
  ]
  return (
    <Card flush title="Topic permissions">
      <LocalTable
        id="topic-permissions"
        label="Topic permissions"
        rows={data}
        failure={failure}
        columns={columns}
        keyOf={({ user, vhost, exchange }) => `${vhost} ${user} ${exchange}`}
        textOf={({ user, vhost, exchange }) => `${vhost} ${user} ${exchange}`}
        tools={
          <Button icon="plus" onClick={() => openDialog(<TopicForm {...owner} />)}>
            Set
          </Button>
        }
        empty={
          <Empty icon="policy" title="No topic permissions">
            They limit the routing keys of topic exchanges that a user may use.
          </Empty>
        }
      />
    </Card>
  )
}

function TopicForm(owner: Owner) {
  const vhosts = useVhostOptions()
  const users = useUserOptions(owner.user === undefined)
  const user = useSignal(owner.user ?? '')
  const vhost = useSignal(owner.vhost ?? '/')
  const exchange = useSignal('amq.topic')
  const write = useSignal('.*')
  const read = useSignal('.*')
  const submit = async () => {
    await call('PUT', apiPath('topic-permissions', vhost.value, user.value), {
      exchange: exchange.value,
      write: write.value,
      read: read.value,
    })
    tell('The topic permission is set.')
    reload()
  }
  return (
    <Dialog title="Set a topic permission" action="Set" onSubmit={submit} disabled={user.value === ''}>
      {owner.user === undefined ? (
        <SelectField label="User" value={user} options={[['', 'Choose …'], ...users]} />
      ) : (
        <SelectField label="Virtual host" value={vhost} options={vhosts} />
      )}
      <TextField label="Exchange" value={exchange} required />
      <TextField label="Write keys" value={write} />
      <TextField label="Read keys" value={read} />
    </Dialog>
  )
}
