/** One connection. */
import { apiPath } from '../base/api.ts'
import * as format from '../base/format.ts'
import { useLive } from '../base/live.ts'
import { go } from '../base/router.ts'
import type { Channel, Connection } from '../base/types.ts'
import type { PageProps } from '../pages.tsx'
import { Badge, Button, Card, Code, Empty, Facts, Failure } from '../parts/basics.tsx'
import { Chart, linesOf, RangeChooser, sampleQuery } from '../parts/chart.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import { CHANNEL_COLUMNS } from './channels.tsx'
import { askToClose } from './connections.tsx'
import { State, VhostBadge } from './lists.tsx'

/** The page of a connection. */
export function ConnectionPage({ path: [, name = ''] }: PageProps) {
  const resource = apiPath('connections', name)
  const { data, failure } = useLive<Connection>(`${resource}?${sampleQuery('data_rates')}`)
  const channels = useLive<readonly Channel[]>(`${resource}/channels`)
  const crumbs = [['Connections', ['connections']]] as const
  if (failure !== undefined && data === undefined) {
    return (
      <>
        <PageHead title={name} crumbs={crumbs} />
        <Failure failure={failure} />
      </>
    )
  }
  return (
    <>
      <PageHead
        title={data?.user_provided_name || name}
        crumbs={crumbs}
        badges={
          <>
            <State state={data?.state} />
            <Badge>{data?.protocol ?? '…'}</Badge>
            <VhostBadge name={data?.vhost} />
            <Badge tone={data?.ssl === true ? 'ok' : 'plain'}>{data?.ssl === true ? 'TLS' : 'no TLS'}</Badge>
          </>
        }
      >
        <RangeChooser longest="8h" />
        <Button
          icon="close"
          look="destructive"
          disabled={data === undefined}
          onClick={() => data !== undefined && askToClose([data], () => go(['connections']))}
        >
          Close
        </Button>
      </PageHead>
      <Card title="Traffic">
        <Chart
          label="Bytes from and to the client"
          unit="byteRate"
          lines={linesOf(
            data,
            [
              ['recv_oct', 'From client', 1],
              ['send_oct', 'To client', 2],
            ],
            true,
          )}
        />
      </Card>
      <Card flush title="Channels">
        <LocalTable
          id="channels"
          label="Channels"
          rows={channels.data}
          columns={CHANNEL_COLUMNS.filter(({ id }) => id !== 'vhost' && id !== 'user')}
          keyOf={(channel) => channel.name}
          textOf={(channel) => channel.name}
          empty={<Empty icon="channel" title="No channels are open" />}
        />
      </Card>
      <div class="cards">
        <Card title="Details">
          <Facts
            items={[
              ['Name', name],
              ['User', data?.user],
              ['Authentication', data?.auth_mechanism],
              ['Client', data === undefined ? undefined : `${data.peer_host}:${data.peer_port}`],
              ['Server', data?.host === undefined ? undefined : `${data.host}:${data.port}`],
              ['TLS', data?.ssl_protocol || undefined],
              ['Connected', data === undefined ? undefined : format.moment(data.connected_at)],
              ['Heartbeat', data?.timeout === undefined ? undefined : `${data.timeout} s`],
              ['Largest frame', data?.frame_max === undefined ? undefined : format.bytes(data.frame_max)],
              ['Channels at most', data?.channel_max === undefined ? undefined : format.count(data.channel_max)],
              ['Received', format.bytes(data?.recv_oct)],
              ['Sent', format.bytes(data?.send_oct)],
            ]}
          />
        </Card>
        <Card title="What the client says of itself">
          <Code text={JSON.stringify(data?.client_properties ?? {}, null, 2)} label="Client properties" />
        </Card>
      </div>
    </>
  )
}
