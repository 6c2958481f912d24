/** All virtual hosts. */
import { useSignal } from '@preact/signals'
import { apiPath, call } from '../base/api.ts'
import { refresh, useLive } from '../base/live.ts'
import { go, href } from '../base/router.ts'
import { isAdministrator } from '../base/session.ts'
import type { Vhost } from '../base/types.ts'
import { Badge, Button, Card, Empty } from '../parts/basics.tsx'
import { Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { SelectField, TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { Amount, Rate } from './lists.tsx'

const COLUMNS: readonly Column<Vhost>[] = [
  {
    id: 'name',
    label: 'Name',
    value: ({ name }) => name,
    show: ({ name }) => <a href={href(['vhosts', name])}>{name}</a>,
  },
  { id: 'description', label: 'Description', show: ({ description }) => description ?? '' },
  {
    id: 'tags',
    label: 'Tags',
    show: ({ tags, protected_from_deletion: isProtected, tracing }) => (
      <span class="tokens">
        {(tags ?? []).map((tag) => (
          <Badge key={tag}>{tag}</Badge>
        ))}
        {isProtected === true ? <Badge tone="accent">protected</Badge> : null}
        {tracing === true ? <Badge tone="warn">tracing</Badge> : null}
      </span>
    ),
  },
  {
    id: 'type',
    label: 'Queues are',
    value: ({ default_queue_type: type }) => type ?? '',
    show: ({ default_queue_type: type }) => (type === undefined || type === 'undefined' ? 'classic' : type),
  },
  {
    id: 'ready',
    label: 'Ready',
    end: true,
    value: ({ messages_ready: amount }) => amount ?? 0,
    show: ({ messages_ready: amount }) => <Amount value={amount ?? 0} />,
  },
  {
    id: 'unacked',
    label: 'Unacked',
    end: true,
    value: ({ messages_unacknowledged: amount }) => amount ?? 0,
    show: ({ messages_unacknowledged: amount }) => <Amount value={amount ?? 0} />,
  },
  {
    id: 'publish',
    label: 'Publish',
    end: true,
    show: ({ message_stats: stats }) => <Rate stats={stats} name="publish" />,
  },
  {
    id: 'deliver',
    label: 'Deliver',
    end: true,
    show: ({ message_stats: stats }) => <Rate stats={stats} name="deliver_get" />,
  },
]

/** The list of virtual hosts. */
export function VhostsPage() {
  const { data, failure } = useLive<readonly Vhost[]>('/api/vhosts')
  return (
    <>
      <PageHead title="Virtual hosts" />
      <Card flush>
        <LocalTable
          id="vhosts"
          main
          label="Virtual hosts"
          rows={data}
          failure={failure}
          columns={COLUMNS}
          keyOf={({ name }) => name}
          textOf={({ name, description }) => `${name} ${description ?? ''}`}
          tools={
            isAdministrator.value ? (
              <Button icon="plus" look="primary" onClick={() => openDialog(<VhostForm />)}>
                Add
              </Button>
            ) : null
          }
          empty={
            <Empty icon="vhost" title="No virtual hosts">
              Your user may enter none.
            </Empty>
          }
        />
      </Card>
    </>
  )
}

/** Makes a virtual host, or changes what is said of it. */
export function VhostForm({ vhost }: { readonly vhost?: Vhost }) {
  const name = useSignal(vhost?.name ?? '')
  const description = useSignal(vhost?.description ?? '')
  const tags = useSignal((vhost?.tags ?? []).join(', '))
  const type = useSignal(vhost?.default_queue_type ?? 'classic')
  const submit = async () => {
    await call('PUT', apiPath('vhosts', name.value), {
      description: description.value,
      tags: tags.value,
      default_queue_type: type.value === 'undefined' ? 'classic' : type.value,
    })
    tell(`Virtual host ${name.value} is there.`)
    refresh('/api/vhosts')
    go(['vhosts', name.value])
  }
  const isNew = vhost === undefined
  return (
    <Dialog
      title={isNew ? 'Add a virtual host' : `Change ${vhost.name}`}
      action={isNew ? 'Add' : 'Save'}
      onSubmit={submit}
    >
      <TextField label="Name" value={name} required readOnly={!isNew} />
      <TextField label="Description" value={description} />
      <div class="fields">
        <TextField label="Tags" value={tags} hint="With commas between them" />
        <SelectField
          label="Queues are, unless declared otherwise"
          value={type}
          options={['classic', 'quorum', 'stream'].map((entry) => [entry, entry] as const)}
        />
      </div>
    </Dialog>
  )
}
