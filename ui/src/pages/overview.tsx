/**
 * The overview: is it healthy, what grows, who is slow. Totals and rates first, then what wants attention.
 */
import { apiPath } from '../base/api.ts'
import * as format from '../base/format.ts'
import { useLive } from '../base/live.ts'
import { href, vhostFilter } from '../base/router.ts'
import { isMonitoring } from '../base/session.ts'
import type { Connection, NodeInfo, Overview, Paged, Queue } from '../base/types.ts'
import { counterOf, rateOf } from '../base/types.ts'
import { Badge, Button, Card, Empty, Figure, Figures, Meter, Notice } from '../parts/basics.tsx'
import { Chart, linesOf, RangeChooser, sampleQuery } from '../parts/chart.tsx'
import { Icon } from '../parts/icon.tsx'
import { PageHead } from '../parts/shell.tsx'
import { openQueueForm } from './declare.tsx'
import { problemOf, QueueLink } from './lists.tsx'

/** What the health list looks at: enough to see the worst. */
const CANDIDATES = 30
const WORST_MAX = 8

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
          note={`${format.shortCount(objects?.channels)} channels`}
          href={href(['connections'])}
        />
        <Figure
          name="Queues"
          value={format.shortCount(objects?.queues)}
          note={`${format.shortCount(objects?.consumers)} consumers`}
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
      <div class="cards">
        <Attention stats={data} />
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
  return (
    <>
      {raised.map((text) => (
        <div key={text} role="alert">
          <Notice tone="danger">{text} Publishers are blocked until it is over.</Notice>
        </div>
      ))}
    </>
  )
}

interface Finding {
  readonly key: string
  readonly tone: 'warn' | 'danger'
  readonly what: preact.ComponentChild
  readonly why: string
}

function Attention({ stats }: { readonly stats: Overview | undefined }) {
  const scope = vhostFilter.value === '' ? apiPath('queues') : apiPath('queues', vhostFilter.value)
  const deepest = useLive<Paged<Queue>>(`${scope}?page=1&page_size=${CANDIDATES}&sort=messages_ready&sort_reverse=true`)
  const blocked = useLive<Paged<Connection>>(
    '/api/connections?page=1&page_size=10&sort=state&columns=name,state,user_provided_name',
  )
  const queues = deepest.data?.items ?? []
  const findings: Finding[] = [
    ...unroutable(stats),
    ...(blocked.data?.items ?? [])
      .filter(({ state }) => state === 'blocked' || state === 'blocking')
      .map(({ name, state, user_provided_name: given }) => ({
        key: name,
        tone: 'danger' as const,
        what: <a href={href(['connections', name])}>{given ?? name}</a>,
        why: state,
      })),
    ...queues.flatMap(queueFindings),
  ]
  if (deepest.data === undefined) return <Card title="Wants attention">Loading …</Card>
  return (
    <Card
      title="Wants attention"
      aside={findings.length === 0 ? <Badge tone="ok">all well</Badge> : <Badge tone="warn">{findings.length}</Badge>}
    >
      {findings.length === 0 ? <AllWell hasQueues={queues.length > 0} /> : <FindingList findings={findings} />}
    </Card>
  )
}

function AllWell({ hasQueues }: { readonly hasQueues: boolean }) {
  if (hasQueues) return <Empty icon="ok" title="Nothing waits, nothing grows, nobody is blocked" />
  return (
    <Empty
      icon="queues"
      title="There are no queues yet"
      action={
        <Button icon="plus" look="primary" onClick={openQueueForm}>
          Declare a queue
        </Button>
      }
    >
      Connect an application, or declare a queue here and publish a message to it.
    </Empty>
  )
}

function FindingList({ findings }: { readonly findings: readonly Finding[] }) {
  return (
    <ul class="stack tight">
      {findings.slice(0, WORST_MAX).map(({ key, tone, what, why }) => (
        <li key={key} class="row apart">
          <span class="row grow">
            <span class={tone}>
              <Icon name="warning" />
            </span>
            <span class="break">{what}</span>
          </span>
          <Badge tone={tone}>{why}</Badge>
        </li>
      ))}
      {findings.length > WORST_MAX ? (
        <li>
          <a href={href(['queues'], { sort: 'ready', desc: true })}>and {findings.length - WORST_MAX} more</a>
        </li>
      ) : null}
    </ul>
  )
}

function unroutable(overview: Overview | undefined): Finding[] {
  const stats = overview?.message_stats
  const lost = (rateOf(stats, 'drop_unroutable') ?? 0) + (rateOf(stats, 'return_unroutable') ?? 0)
  const redelivered = rateOf(stats, 'redeliver') ?? 0
  const delivered = rateOf(stats, 'deliver_get') ?? 0
  return [
    ...(lost > 0
      ? [
          {
            key: ' unroutable',
            tone: 'warn' as const,
            what: <a href={href(['route'])}>Messages without a queue</a>,
            why: `${format.rate(lost)} unroutable`,
          },
        ]
      : []),
    // One delivery in ten is a repetition: consumers fail or requeue.
    ...(redelivered > 1 && redelivered > delivered / 10
      ? [{ key: ' redelivered', tone: 'warn' as const, what: 'Redeliveries', why: format.rate(redelivered) }]
      : []),
  ]
}

function queueFindings(queue: Queue): Finding[] {
  const problem = problemOf(queue)
  const oldest = queue.head_message_timestamp
  const age = typeof oldest === 'number' && oldest > 0 ? `, oldest ${format.duration(Date.now() - oldest * 1_000)}` : ''
  if (problem === undefined) return []
  return [
    {
      key: `${queue.vhost} ${queue.name}`,
      tone: problem.tone === 'danger' ? 'danger' : 'warn',
      what: <QueueLink vhost={queue.vhost} name={queue.name} />,
      why: `${format.shortCount(queue.messages_ready)} ready, ${problem.text}${age}`,
    },
  ]
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
