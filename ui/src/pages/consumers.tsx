/** Consumers of a queue or a channel. */

import { useEffect, useState } from 'preact/hooks'
import { apiPath, read } from '../base/api.ts'
import * as format from '../base/format.ts'
import { href } from '../base/router.ts'
import type { Channel, Consumer } from '../base/types.ts'
import { Badge, Empty } from '../parts/basics.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { QueueLink } from './lists.tsx'

const CHANNELS_MAX = 50

/** Channels of the consumers, for their unacked messages. */
function useChannels(rows: readonly Consumer[] | undefined): ReadonlyMap<string, Channel> {
  const [channels, setChannels] = useState<ReadonlyMap<string, Channel>>(new Map())
  const names = [...new Set((rows ?? []).map(({ channel_details: details }) => details?.name ?? ''))].filter(Boolean)
  const key = names.slice(0, CHANNELS_MAX).join('\n')
  useEffect(() => {
    if (key === '') return
    const reads = key.split('\n').map((name) =>
      read<Channel>(apiPath('channels', name)).then(
        (channel) => [name, channel] as const,
        () => undefined,
      ),
    )
    void Promise.all(reads).then((found) => setChannels(new Map(found.filter((entry) => entry !== undefined))))
  }, [key])
  return channels
}

/** The table. */
export function ConsumersTable(props: { readonly rows: readonly Consumer[] | undefined; readonly withQueue: boolean }) {
  const channels = useChannels(props.rows)
  const channelOf = ({ channel_details: details }: Consumer) => channels.get(details?.name ?? '')
  const columns: Column<Consumer>[] = [
    { id: 'tag', label: 'Consumer tag', value: ({ consumer_tag: tag }) => tag, show: ({ consumer_tag: tag }) => tag },
    {
      id: 'channel',
      label: 'Channel',
      value: ({ channel_details: details }) => details?.name ?? '',
      show: ({ channel_details: details }) =>
        details?.name === undefined ? (
          format.UNKNOWN
        ) : (
          <a href={href(['channels', details.name])}>
            {details.connection_name ?? details.name} ({details.number})
          </a>
        ),
    },
    {
      id: 'state',
      label: 'State',
      value: ({ activity_status: status }) => status ?? '',
      show: ({ active, activity_status: status }) => (
        <Badge tone={active === false ? 'plain' : 'ok'}>{status ?? 'up'}</Badge>
      ),
    },
    {
      id: 'unacked',
      label: 'Unacked on channel',
      end: true,
      hint: 'Of all consumers of the channel together',
      value: (consumer) => channelOf(consumer)?.messages_unacknowledged ?? 0,
      show: (consumer) => format.count(channelOf(consumer)?.messages_unacknowledged),
    },
    {
      id: 'prefetch',
      label: 'Prefetch',
      end: true,
      value: ({ prefetch_count: prefetch }) => prefetch,
      show: (consumer) => <Prefetch consumer={consumer} channel={channelOf(consumer)} />,
    },
    {
      id: 'ack',
      label: 'Acks',
      value: ({ ack_required: required }) => required,
      show: ({ ack_required: required }) => (required ? 'by hand' : 'automatic'),
    },
    {
      id: 'arguments',
      label: 'Arguments',
      show: ({ arguments: args }) => (Object.keys(args).length === 0 ? '' : <code>{JSON.stringify(args)}</code>),
    },
  ]
  if (props.withQueue) {
    columns.splice(1, 1, {
      id: 'queue',
      label: 'Queue',
      value: ({ queue }) => queue.name,
      show: ({ queue }) => <QueueLink vhost={queue.vhost} name={queue.name} />,
    })
  }
  return (
    <LocalTable
      id="consumers"
      label="Consumers"
      rows={props.rows}
      columns={columns}
      keyOf={({ consumer_tag: tag, channel_details: details }) => `${details?.name} ${tag}`}
      textOf={({ consumer_tag: tag, channel_details: details }) => `${tag} ${details?.name}`}
      empty={
        <Empty icon="users" title="Nobody consumes">
          Messages wait until an application subscribes.
        </Empty>
      }
    />
  )
}

/** The limit, marked when the consumer is at it: it is the one that is slow. */
function Prefetch({ consumer, channel }: { readonly consumer: Consumer; readonly channel: Channel | undefined }) {
  const { prefetch_count: prefetch } = consumer
  if (prefetch === 0) return <span>no limit</span>
  // The API counts what is unacked by channel: with several consumers it cannot be said whose it is.
  const unacked = channel?.consumer_count === 1 ? (channel.messages_unacknowledged ?? 0) : 0
  return unacked >= prefetch ? <Badge tone="warn">{prefetch}, reached</Badge> : <span>{format.count(prefetch)}</span>
}
