/** One channel. */
import { apiPath } from '../base/api.ts'
import * as format from '../base/format.ts'
import { useLive } from '../base/live.ts'
import type { Channel } from '../base/types.ts'
import type { PageProps } from '../pages.tsx'
import { Badge, Card, Failure, Figure, Figures } from '../parts/basics.tsx'
import { Chart, linesOf, RangeChooser, sampleQuery } from '../parts/chart.tsx'
import { PageHead } from '../parts/shell.tsx'
import { Breakdown } from './breakdown.tsx'
import { ConsumersTable } from './consumers.tsx'
import { State, VhostBadge } from './lists.tsx'

/** The page of a channel. */
export function ChannelPage({ path: [, name = ''] }: PageProps) {
  const { data, failure } = useLive<Channel>(`${apiPath('channels', name)}?${sampleQuery('msg_rates')}`)
  const crumbs = [['Channels', ['channels']]] as const
  if (failure !== undefined && data === undefined) {
    return (
      <>
        <PageHead title={name} crumbs={crumbs} />
        <Failure failure={failure} />
      </>
    )
  }
  const connectionName = data?.connection_details?.name
  return (
    <>
      <PageHead
        title={name}
        crumbs={[
          ...crumbs,
          ...(connectionName === undefined ? [] : [[connectionName, ['connections', connectionName]] as const]),
        ]}
        badges={
          <>
            <State state={data?.state} />
            <VhostBadge name={data?.vhost} />
            <Badge title="user">{data?.user ?? '…'}</Badge>
            {data?.confirm === true ? <Badge>confirms</Badge> : null}
            {data?.transactional === true ? <Badge>transactions</Badge> : null}
          </>
        }
      >
        <RangeChooser longest="8h" />
      </PageHead>
      <Figures>
        <Figure name="Unacked" value={format.count(data?.messages_unacknowledged)} note="delivered, not settled" />
        <Figure name="Unconfirmed" value={format.count(data?.messages_unconfirmed)} note="published, not yet safe" />
        <Figure
          name="Prefetch"
          value={data?.prefetch_count === 0 ? 'no limit' : format.count(data?.prefetch_count)}
          note="for each consumer"
        />
        <Figure
          name="Prefetch together"
          value={data?.global_prefetch_count === 0 ? 'no limit' : format.count(data?.global_prefetch_count)}
          note="for the channel"
        />
        <Figure
          name="Uncommitted"
          value={format.count(data?.messages_uncommitted)}
          note={`${format.count(data?.acks_uncommitted)} acks`}
        />
      </Figures>
      <Card title="Rates">
        <Chart
          label="Message rates"
          unit="rate"
          lines={linesOf(
            data?.message_stats,
            [
              ['publish', 'Publish', 1],
              ['confirm', 'Confirm', 6],
              ['deliver_get', 'Deliver', 2],
              ['ack', 'Ack', 3],
              ['redeliver', 'Redeliver', 4],
              ['return_unroutable', 'Returned', 5],
            ],
            true,
          )}
        />
      </Card>
      <div class="cards">
        <Breakdown
          id="publishes"
          title="Published to"
          ends="Exchange"
          rows={data?.publishes}
          rates={[
            ['publish', 'Publish'],
            ['confirm', 'Confirm'],
            ['return_unroutable', 'Returned'],
          ]}
        />
        <Breakdown
          id="deliveries"
          title="Delivered from"
          ends="Queue"
          rows={data?.deliveries}
          rates={[
            ['deliver_get', 'Deliver'],
            ['ack', 'Ack'],
            ['redeliver', 'Redeliver'],
          ]}
        />
      </div>
      <Card flush title="Consumers">
        <ConsumersTable rows={data === undefined ? undefined : (data.consumer_details ?? [])} withQueue />
      </Card>
    </>
  )
}
