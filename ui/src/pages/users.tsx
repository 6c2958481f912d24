/** All users. */
import { useSignal } from '@preact/signals'
import { apiPath, call } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh, useLive } from '../base/live.ts'
import { go, href } from '../base/router.ts'
import type { Permission, User } from '../base/types.ts'
import { Badge, Button, Card, Empty, Notice } from '../parts/basics.tsx'
import { confirmThen, Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { SelectField, TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'

const TAGS = ['administrator', 'monitoring', 'policymaker', 'management']

/** Tags as a list; older servers send text. */
export function tagsOf({ tags }: User): readonly string[] {
  return (typeof tags === 'string' ? tags.split(',') : tags).map((tag) => tag.trim()).filter(Boolean)
}

/** The list of users. */
export function UsersPage() {
  const { data, failure } = useLive<readonly User[]>('/api/users')
  const permissions = useLive<readonly Permission[]>('/api/permissions')
  const vhostsOf = (user: string) => (permissions.data ?? []).filter((entry) => entry.user === user)
  const columns: readonly Column<User>[] = [
    {
      id: 'name',
      label: 'Name',
      value: ({ name }) => name,
      show: ({ name }) => <a href={href(['users', name])}>{name}</a>,
    },
    {
      id: 'tags',
      label: 'Tags',
      value: (user) => tagsOf(user).join(),
      show: (user) => (
        <span class="tokens">
          {tagsOf(user).map((tag) => (
            <Badge key={tag} tone={tag === 'administrator' ? 'accent' : 'plain'}>
              {tag}
            </Badge>
          ))}
        </span>
      ),
    },
    {
      id: 'vhosts',
      label: 'May enter',
      show: ({ name }) => {
        const names = vhostsOf(name).map(({ vhost }) => vhost)
        return names.length === 0 ? <Badge tone="warn">nothing</Badge> : names.join(', ')
      },
    },
    {
      id: 'password',
      label: 'Password',
      show: ({ password_hash: hash }) => (hash === '' ? <Badge tone="warn">none</Badge> : 'set'),
    },
  ]
  return (
    <>
      <PageHead title="Users" />
      <Card flush>
        <LocalTable
          id="users"
          main
          label="Users"
          rows={data}
          failure={failure}
          columns={columns}
          keyOf={({ name }) => name}
          textOf={(user) => `${user.name} ${tagsOf(user).join(' ')}`}
          tools={
            <Button icon="plus" look="primary" onClick={() => openDialog(<UserForm />)}>
              Add
            </Button>
          }
          bulk={(rows, clear) => (
            <Button
              icon="trash"
              look="destructive"
              onClick={() =>
                confirmThen({
                  title: `Delete ${format.plural(rows.length, 'user')}?`,
                  text: `${rows.map(({ name }) => name).join(', ')}: they cannot sign in any more.`,
                  action: 'Delete',
                  done: `${format.plural(rows.length, 'user')} deleted.`,
                  onYes: async () => {
                    await call('POST', '/api/users/bulk-delete', { users: rows.map(({ name }) => name) })
                    clear()
                    refresh('/api/users')
                  },
                })
              }
            >
              Delete
            </Button>
          )}
          empty={<Empty icon="users" title="No users" />}
        />
      </Card>
    </>
  )
}

const SIGN_IN_WAYS: readonly (readonly [string, string])[] = [
  ['password', 'a password'],
  ['hash', 'a password, given as its hash'],
  ['none', 'no password'],
]

/** Makes a user, or changes one. */
export function UserForm({ user }: { readonly user?: User }) {
  const name = useSignal(user?.name ?? '')
  const password = useSignal('')
  const tags = useSignal((user === undefined ? [] : tagsOf(user)).join(', '))
  const isNew = user === undefined
  const way = useSignal('password')
  const submit = async () => {
    const kept = { password_hash: user?.password_hash ?? '', hashing_algorithm: user?.hashing_algorithm }
    const secret =
      way.value === 'none'
        ? { password_hash: '' }
        : way.value === 'hash'
          ? { password_hash: password.value }
          : password.value === '' && !isNew
            ? kept
            : { password: password.value }
    await call('PUT', apiPath('users', name.value), { ...secret, tags: tags.value.replaceAll(' ', '') })
    tell(`User ${name.value} is ${isNew ? 'there' : 'changed'}.`)
    refresh('/api/users')
    if (isNew) go(['users', name.value])
  }
  return (
    <Dialog title={isNew ? 'Add a user' : `Change ${user.name}`} action={isNew ? 'Add' : 'Save'} onSubmit={submit}>
      <TextField label="Name" value={name} required readOnly={!isNew} />
      <SelectField label="Signs in by" value={way} options={SIGN_IN_WAYS} />
      {way.value === 'password' ? (
        <TextField
          label={isNew ? 'Password' : 'New password'}
          type="password"
          value={password}
          autocomplete="new-password"
          required={isNew}
          hint={isNew ? undefined : 'Left empty, the password stays.'}
        />
      ) : null}
      {way.value === 'hash' ? (
        <TextField
          label="Hash"
          value={password}
          required
          hint="As definitions and warren ctl hash_password have it: base64 of salt and hash."
        />
      ) : null}
      {way.value === 'none' ? (
        <Notice>Nobody signs in with a password: certificates and tokens of other backends still count.</Notice>
      ) : null}
      <TextField label="Tags" value={tags} hint={`What the user sees here: ${TAGS.join(', ')}`} />
      <div class="chips">
        {TAGS.map((tag) => (
          <button
            type="button"
            key={tag}
            class="chip"
            onClick={() => {
              tags.value = tag
            }}
          >
            {tag}
          </button>
        ))}
      </div>
    </Dialog>
  )
}
