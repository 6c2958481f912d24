/**
 * The overview: is it healthy, what grows, who is slow. Totals and rates first, then what wants attention.
 */
import * as format from '../base/format.ts'
import { useLive } from '../base/live.ts'
import { href } from '../base/router.ts'
import { isMonitoring } from '../base/session.ts'
import type { NodeInfo, Overview } from '../base/types.ts'
import { counterOf, rateOf } from '../base/types.ts'
import { Card, Figure, Figures, Meter, Notice } from '../parts/basics.tsx'
import { Chart, linesOf, RangeChooser, sampleQuery } from '../parts/chart.tsx'
import { PageHead } from '../parts/shell.tsx'
import { Attention, Oldest } from './attention.tsx'

/** The first page. */
export function OverviewPage() {
  const { data } = useLive<Overview>(`/api/overview?${sampleQuery('lengths', 'msg_rates', 'data_rates')}`)
  const stats = data?.message_stats
  const totals = data?.queue_totals
  const objects = data?.object_totals
  return (
    <>
      <PageHead title="Overview">
        <RangeChooser />
      </PageHead>
      <Alarms />
      <Figures>
        <Figure
          name="Ready"
          series={4}
          value={format.shortCount(counterOf(totals, 'messages_ready') ?? 0)}
          note="messages that wait"
          href={href(['queues'], { sort: 'ready', desc: true })}
        />
        <Figure
          name="Unacked"
          series={1}
          value={format.shortCount(counterOf(totals, 'messages_unacknowledged') ?? 0)}
          note="with consumers"
          href={href(['queues'], { sort: 'unacked', desc: true })}
        />
        <Figure name="Publish" series={1} value={format.rate(rateOf(stats, 'publish') ?? 0)} note="into the broker" />
        <Figure name="Deliver" series={2} value={format.rate(rateOf(stats, 'deliver_get') ?? 0)} note="to consumers" />
        <Figure name="Ack" series={3} value={format.rate(rateOf(stats, 'ack') ?? 0)} note="done" />
        <Figure
          name="Connections"
          value={format.shortCount(objects?.connections)}
          note={format.plural(objects?.channels ?? 0, 'channel')}
          href={href(['connections'])}
        />
        <Figure
          name="Queues"
          value={format.shortCount(objects?.queues)}
          note={format.plural(objects?.consumers ?? 0, 'consumer')}
          href={href(['queues'])}
        />
      </Figures>
      <div class="cards">
        <Card title="Queued messages">
          <Chart
            label="Queued messages"
            unit="count"
            lines={linesOf(
              totals,
              [
                ['messages', 'Total', 8],
                ['messages_ready', 'Ready', 4],
                ['messages_unacknowledged', 'Unacked', 1],
              ],
              false,
            )}
          />
        </Card>
        <Card title="Message rates">
          <Chart
            label="Message rates"
            unit="rate"
            lines={linesOf(
              stats,
              [
                ['publish', 'Publish', 1],
                ['confirm', 'Confirm', 6],
                ['deliver_get', 'Deliver', 2],
                ['ack', 'Ack', 3],
                ['redeliver', 'Redeliver', 4],
                ['return_unroutable', 'Returned', 5],
                ['drop_unroutable', 'Dropped', 7],
              ],
              true,
            )}
          />
        </Card>
      </div>
      <div class="cards trio">
        <div class="stack">
          <Attention stats={data} />
          <Oldest />
        </div>
        <div class="stack">
          {isMonitoring.value ? <Resources /> : null}
          <Listeners overview={data} />
        </div>
        <Card title="Comings and goings">
          <Chart
            label="Connections, channels and queues opened and closed"
            unit="rate"
            lines={linesOf(
              data?.churn_rates,
              [
                ['connection_created', 'Connections opened', 1],
                ['connection_closed', 'Closed', 5],
                ['channel_created', 'Channels opened', 2],
                ['channel_closed', 'Closed channels', 4],
                ['queue_created', 'Queues made', 3],
                ['queue_deleted', 'Deleted', 7],
              ],
              true,
            )}
          />
        </Card>
      </div>
    </>
  )
}

/** Memory and disk alarms: publishers are blocked, so this stands above all. */
export function Alarms() {
  const { data } = useLive<readonly NodeInfo[]>(isMonitoring.value ? '/api/nodes' : null)
  const raised = (data ?? []).flatMap((node) => [
    ...(node.mem_alarm
      ? [`Memory alarm: ${format.bytes(node.mem_used)} used, ${format.bytes(node.mem_limit)} allowed.`]
      : []),
    ...(node.disk_free_alarm
      ? [`Disk alarm: ${format.bytes(node.disk_free)} free, ${format.bytes(node.disk_free_limit)} needed.`]
      : []),
  ])
  const crowded = (data ?? []).filter((node) => node.fd_alarm === true)
  return (
    <>
      {raised.map((text) => (
        <div key={text} role="alert">
          <Notice tone="danger">{text} Publishers are blocked until it is over.</Notice>
        </div>
      ))}
      {crowded.map(({ name, fd_used, fd_total }) => (
        <div key={name} role="alert">
          <Notice tone="danger">
            File descriptor alarm: {format.count(fd_used)} of {format.count(fd_total)} in use. New connections are
            refused until it is over.
          </Notice>
        </div>
      ))}
    </>
  )
}

function Resources() {
  const { data } = useLive<readonly NodeInfo[]>('/api/nodes')
  const tone = (isOver: boolean) => (isOver ? 'danger' : 'plain')
  return (
    <Card title="Resources" aside={<a href={href(['nodes'])}>Details</a>}>
      <div class="stack">
        {(data ?? []).map((node) => (
          <div class="stack" key={node.name}>
            <div class="row apart">
              <strong class="break">{node.name}</strong>
              <span class="muted small">up {format.duration(node.uptime)}</span>
            </div>
            <Meter
              name="Memory"
              share={node.mem_used / node.mem_limit}
              text={`${format.bytes(node.mem_used)} of ${format.bytes(node.mem_limit)}`}
              tone={tone(node.mem_alarm)}
            />
            {node.disk_free > 0 ? (
              <Meter
                name="Disk needed to stay free"
                share={node.disk_free_limit / node.disk_free}
                text={`${format.bytes(node.disk_free)} free, ${format.bytes(node.disk_free_limit)} needed`}
                tone={tone(node.disk_free_alarm)}
              />
            ) : null}
            <Meter
              name="File descriptors"
              share={node.fd_used / Math.max(node.fd_total, 1)}
              text={`${format.count(node.fd_used)} of ${format.shortCount(node.fd_total)}`}
            />
          </div>
        ))}
      </div>
    </Card>
  )
}

function Listeners({ overview }: { readonly overview: Overview | undefined }) {
  const listeners = overview?.listeners ?? []
  return (
    <Card
      title="Where clients connect"
      aside={
        <span class="muted small">
          {overview === undefined
            ? ''
            : `${overview.product_name ?? 'RabbitMQ'} ${overview.product_version ?? overview.rabbitmq_version}`}
          {overview?.warrenmq_version === undefined ? '' : ` by WarrenMQ ${overview.warrenmq_version}`}
        </span>
      }
    >
      <ul class="stack tight">
        {listeners.map(({ protocol, ip_address: address, port }) => (
          <li key={`${protocol} ${address} ${port}`} class="row apart">
            <span>{protocol}</span>
            <code>
              {address.includes(':') ? `[${address}]` : address}:{port}
            </code>
          </li>
        ))}
      </ul>
    </Card>
  )
}
