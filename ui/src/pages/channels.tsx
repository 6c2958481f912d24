/** All channels. */
import { apiPath } from '../base/api.ts'
import { href, vhostFilter } from '../base/router.ts'
import type { Channel } from '../base/types.ts'
import { Badge, Card, Empty } from '../parts/basics.tsx'
import { ServerTable } from '../parts/server-table.tsx'
import { PageHead } from '../parts/shell.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { Amount, Rate, State } from './lists.tsx'

/** Columns of channels, for lists of the server and lists here. */
export const CHANNEL_COLUMNS: readonly Column<Channel>[] = [
  {
    id: 'name',
    label: 'Channel',
    sort: 'name',
    value: ({ name }) => name,
    show: ({ name }) => <a href={href(['channels', name])}>{name}</a>,
  },
  { id: 'vhost', wide: true, label: 'Virtual host', sort: 'vhost', show: ({ vhost }) => vhost },
  { id: 'user', wide: true, label: 'User', sort: 'user', show: ({ user }) => user },
  { id: 'mode', label: 'Mode', show: (channel) => <Mode channel={channel} /> },
  {
    id: 'state',
    label: 'State',
    sort: 'state',
    value: ({ state }) => state ?? '',
    show: ({ state, idle_since: idle }) => <State state={idle === undefined ? state : 'idle'} />,
  },
  {
    id: 'unconfirmed',
    label: 'Unconfirmed',
    sort: 'messages_unconfirmed',
    end: true,
    value: ({ messages_unconfirmed: amount }) => amount ?? 0,
    show: ({ messages_unconfirmed: amount }) => <Amount value={amount} />,
  },
  {
    id: 'prefetch',
    label: 'Prefetch',
    sort: 'prefetch_count',
    end: true,
    value: ({ prefetch_count: amount }) => amount ?? 0,
    show: ({ prefetch_count: amount, global_prefetch_count: shared }) => (
      <>
        <Amount value={amount} />
        {shared ? ` (${shared} together)` : ''}
      </>
    ),
  },
  {
    id: 'unacked',
    label: 'Unacked',
    sort: 'messages_unacknowledged',
    end: true,
    value: ({ messages_unacknowledged: amount }) => amount ?? 0,
    show: ({ messages_unacknowledged: amount }) => <Amount value={amount} />,
  },
  {
    id: 'consumers',
    label: 'Consumers',
    sort: 'consumer_count',
    end: true,
    extra: true,
    value: ({ consumer_count: amount }) => amount ?? 0,
    show: ({ consumer_count: amount }) => <Amount value={amount} />,
  },
  {
    id: 'publish',
    label: 'Publish',
    sort: 'message_stats.publish_details.rate',
    end: true,
    show: ({ message_stats: stats }) => <Rate stats={stats} name="publish" />,
  },
  {
    id: 'deliver',
    label: 'Deliver',
    sort: 'message_stats.deliver_get_details.rate',
    end: true,
    show: ({ message_stats: stats }) => <Rate stats={stats} name="deliver_get" />,
  },
  {
    id: 'ack',
    label: 'Ack',
    sort: 'message_stats.ack_details.rate',
    end: true,
    show: ({ message_stats: stats }) => <Rate stats={stats} name="ack" />,
  },
]

const FIELDS =
  'name,vhost,user,confirm,transactional,state,idle_since,messages_unconfirmed,prefetch_count,global_prefetch_count,' +
  'messages_unacknowledged,consumer_count,message_stats'

function Mode({ channel }: { readonly channel: Channel }) {
  return (
    <span class="tokens">
      {channel.confirm === true ? <Badge title="the broker confirms what it has taken">confirms</Badge> : null}
      {channel.transactional === true ? <Badge>transactions</Badge> : null}
    </span>
  )
}

/** The list of channels. */
export function ChannelsPage() {
  const vhost = vhostFilter.value
  return (
    <>
      <PageHead title="Channels" />
      <Card flush>
        <ServerTable
          id="channels"
          label="Channels"
          fields={FIELDS}
          path={vhost === '' ? apiPath('channels') : apiPath('vhosts', vhost, 'channels')}
          columns={vhost === '' ? CHANNEL_COLUMNS : CHANNEL_COLUMNS.filter(({ id }) => id !== 'vhost')}
          keyOf={({ name }) => name}
          empty={<Empty icon="channel" title="No channels are open" />}
        />
      </Card>
    </>
  )
}
