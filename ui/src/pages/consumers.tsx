/** Consumers of a queue or a channel. */
import * as format from '../base/format.ts'
import { href } from '../base/router.ts'
import type { Consumer } from '../base/types.ts'
import { Badge, Empty } from '../parts/basics.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { QueueLink } from './lists.tsx'

/** The table. */
export function ConsumersTable(props: { readonly rows: readonly Consumer[] | undefined; readonly withQueue: boolean }) {
  const columns: Column<Consumer>[] = [
    { id: 'tag', label: 'Consumer tag', value: ({ consumer_tag: tag }) => tag, show: ({ consumer_tag: tag }) => tag },
    {
      id: 'channel',
      wide: true,
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
      wide: true,
      label: 'State',
      value: ({ activity_status: status }) => status ?? '',
      show: ({ active, activity_status: status }) => (
        <Badge tone={active === false ? 'plain' : 'ok'}>{status ?? 'up'}</Badge>
      ),
    },
    {
      id: 'unacked',
      label: 'Unacked',
      end: true,
      hint: 'Delivered to it, and not settled',
      value: ({ messages_unacknowledged: unacked }) => unacked ?? 0,
      show: ({ messages_unacknowledged: unacked }) => format.count(unacked),
    },
    {
      id: 'prefetch',
      label: 'Prefetch',
      end: true,
      hint: 'What it may hold at most',
      value: ({ prefetch_count: prefetch }) => prefetch,
      show: (consumer) => <Prefetch consumer={consumer} />,
    },
    {
      id: 'used',
      label: 'In use',
      end: true,
      hint: 'Share of its prefetch limit that it holds: at 100 % it is the one that is slow',
      value: (consumer) => usedShare(consumer) ?? 0,
      show: (consumer) => format.percent(usedShare(consumer)),
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

/** The share of its limit that a consumer holds; undefined without a limit. */
function usedShare({ prefetch_count: prefetch, messages_unacknowledged: unacked }: Consumer): number | undefined {
  return prefetch === 0 || unacked === undefined ? undefined : unacked / prefetch
}

/** The limit, marked when the consumer is at it. */
function Prefetch({ consumer }: { readonly consumer: Consumer }) {
  const { prefetch_count: prefetch } = consumer
  if (prefetch === 0) return <span>no limit</span>
  return (usedShare(consumer) ?? 0) >= 1 ? (
    <Badge tone="warn">{format.count(prefetch)}, reached</Badge>
  ) : (
    <span>{format.count(prefetch)}</span>
  )
}
