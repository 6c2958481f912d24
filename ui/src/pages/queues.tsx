/** All queues: what waits, how fast it moves, who consumes. */
import { apiPath, call } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh } from '../base/live.ts'
import { mayEnter } from '../base/rights.ts'
import { vhostFilter } from '../base/router.ts'
import type { Queue } from '../base/types.ts'
import { Badge, Button, Card, Empty } from '../parts/basics.tsx'
import { confirmThen } from '../parts/feedback.tsx'
import { ServerTable } from '../parts/server-table.tsx'
import { PageHead } from '../parts/shell.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { openQueueForm } from './declare.tsx'
import { Amount, Features, problemOf, QueueLink, Rate, State } from './lists.tsx'

const COLUMNS: readonly Column<Queue>[] = [
  { id: 'name', label: 'Name', sort: 'name', show: ({ vhost, name }) => <QueueLink vhost={vhost} name={name} /> },
  { id: 'vhost', wide: true, label: 'Virtual host', sort: 'vhost', show: ({ vhost }) => vhost },
  { id: 'type', wide: true, label: 'Type', sort: 'type', show: ({ type }) => type ?? 'classic' },
  {
    id: 'features',
    wide: true,
    label: 'Features',
    show: (queue) => (
      <Features
        durable={queue.durable}
        autoDelete={queue.auto_delete}
        exclusive={queue.exclusive}
        args={queue.arguments}
        policy={queue.policy}
      />
    ),
  },
  { id: 'state', label: 'State', sort: 'state', show: (queue) => <QueueState queue={queue} /> },
  {
    id: 'ready',
    label: 'Ready',
    sort: 'messages_ready',
    end: true,
    show: ({ messages_ready: ready }) => <Amount value={ready} />,
  },
  {
    id: 'unacked',
    label: 'Unacked',
    sort: 'messages_unacknowledged',
    end: true,
    show: ({ messages_unacknowledged: unacked }) => <Amount value={unacked} />,
  },
  {
    id: 'total',
    label: 'Total',
    sort: 'messages',
    end: true,
    extra: true,
    show: ({ messages }) => <Amount value={messages} />,
  },
  {
    id: 'in',
    label: 'In',
    sort: 'message_stats.publish_details.rate',
    end: true,
    hint: 'Messages that arrive',
    show: ({ message_stats: stats }) => <Rate stats={stats} name="publish" />,
  },
  {
    id: 'out',
    label: 'Out',
    sort: 'message_stats.deliver_get_details.rate',
    end: true,
    hint: 'Messages delivered',
    show: ({ message_stats: stats }) => <Rate stats={stats} name="deliver_get" />,
  },
  {
    id: 'ack',
    label: 'Ack',
    sort: 'message_stats.ack_details.rate',
    end: true,
    show: ({ message_stats: stats }) => <Rate stats={stats} name="ack" />,
  },
  {
    id: 'redeliver',
    label: 'Redeliver',
    sort: 'message_stats.redeliver_details.rate',
    end: true,
    extra: true,
    show: ({ message_stats: stats }) => <Rate stats={stats} name="redeliver" />,
  },
  {
    id: 'consumers',
    label: 'Consumers',
    sort: 'consumers',
    end: true,
    show: ({ consumers }) => <Amount value={consumers} />,
  },
  {
    id: 'capacity',
    label: 'Capacity',
    sort: 'consumer_capacity',
    end: true,
    extra: true,
    hint: 'Share of the time in which the queue could deliver at once',
    show: ({ consumer_capacity: capacity }) => format.percent(capacity),
  },
  {
    id: 'bytes',
    label: 'Bytes',
    sort: 'message_bytes',
    end: true,
    extra: true,
    show: ({ message_bytes: bytes }) => format.bytes(bytes),
  },
  {
    id: 'oldest',
    label: 'Oldest',
    sort: 'oldest_message_age_ms',
    end: true,
    extra: true,
    hint: 'How long the oldest message has waited',
    show: ({ head_message_timestamp: at }) => (at ? format.duration(Date.now() - at * 1_000) : format.UNKNOWN),
  },
]

const FIELDS =
  'name,vhost,type,durable,auto_delete,exclusive,arguments,policy,state,messages,messages_details.rate,messages_ready,' +
  'messages_unacknowledged,message_stats,consumers,consumer_capacity,message_bytes,head_message_timestamp'

function QueueState({ queue }: { readonly queue: Queue }) {
  const problem = problemOf(queue)
  return problem === undefined ? <State state={queue.state} /> : <Badge tone={problem.tone}>{problem.text}</Badge>
}

/** The list of queues. */
export function QueuesPage() {
  const vhost = vhostFilter.value
  const mayDeclare = mayEnter(vhost)
  const declare = mayDeclare ? (
    <Button icon="plus" look="primary" onClick={openQueueForm}>
      Declare
    </Button>
  ) : null
  return (
    <>
      <PageHead title="Queues" />
      <Card flush>
        <ServerTable
          id="queues"
          label="Queues"
          fields={FIELDS}
          path={vhost === '' ? apiPath('queues') : apiPath('queues', vhost)}
          columns={vhost === '' ? COLUMNS : COLUMNS.filter(({ id }) => id !== 'vhost')}
          keyOf={({ vhost: host, name }) => `${host} ${name}`}
          tools={declare}
          {...(mayDeclare
            ? { bulk: (rows: readonly Queue[], clear: () => void) => <Bulk rows={rows} clear={clear} /> }
            : {})}
          empty={
            <Empty icon="queues" title="No queues">
              Applications declare the queues that they use. You can declare one here, too.
            </Empty>
          }
        />
      </Card>
    </>
  )
}

function Bulk({ rows, clear }: { readonly rows: readonly Queue[]; readonly clear: () => void }) {
  const names = format.someOf(rows.map(({ name }) => name))
  const messages = rows.reduce((sum, queue) => sum + (queue.messages ?? 0), 0)
  const ask = (verb: 'Purge' | 'Delete', suffix: string) => () =>
    confirmThen({
      title: `${verb} ${format.plural(rows.length, 'queue')}?`,
      text: `${names}: ${format.plural(messages, 'message')} will be gone.`,
      action: verb,
      done: `${format.plural(rows.length, 'queue')}: ${verb.toLowerCase()}d.`,
      onYes: async () => {
        for (const { vhost, name } of rows) await call('DELETE', `${apiPath('queues', vhost, name)}${suffix}`)
        clear()
        refresh('/api/queues')
      },
    })
  return (
    <>
      <Button icon="broom" look="destructive" onClick={ask('Purge', '/contents')}>
        Purge
      </Button>
      <Button icon="trash" look="destructive" onClick={ask('Delete', '')}>
        Delete
      </Button>
    </>
  )
}
