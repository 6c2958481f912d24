/** One queue: how it does, who consumes, what is bound, what is in it. */
import { apiPath, call } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh, useLive } from '../base/live.ts'
import { useRights } from '../base/rights.ts'
import { go, href } from '../base/router.ts'
import type { Policy, Queue } from '../base/types.ts'
import { rateOf } from '../base/types.ts'
import type { PageProps } from '../pages.tsx'
import { Badge, Button, Card, Facts, Failure, Figure, Figures, Notice } from '../parts/basics.tsx'
import { Chart, linesOf, RangeChooser, sampleQuery } from '../parts/chart.tsx'
import { attempt, confirmThen } from '../parts/feedback.tsx'
import { currentTab, PageHead, Tabs } from '../parts/shell.tsx'
import { BindingsCard } from './bindings.tsx'
import { Breakdown } from './breakdown.tsx'
import { ConsumersTable } from './consumers.tsx'
import { effectiveSettings, readable } from './effective-settings.ts'
import { DEFAULT_EXCHANGE, problemOf, State, VhostBadge } from './lists.tsx'
import { ExplorerCard } from './messages/explorer.tsx'
import { GetCard } from './messages/get.tsx'
import { openPublishForm } from './publish.tsx'

const TABS = [
  ['overview', 'Overview'],
  ['consumers', 'Consumers'],
  ['bindings', 'Bindings'],
  ['messages', 'Messages'],
  ['settings', 'Settings'],
] as const

/** The page of a queue. */
export function QueuePage({ path: [, vhost = '', name = ''] }: PageProps) {
  const resource = apiPath('queues', vhost, name)
  const { data: queue, failure } = useLive<Queue>(`${resource}?${sampleQuery('lengths', 'msg_rates')}`)
  const rights = useRights('queues', vhost, name)
  const tab = currentTab(TABS)
  if (failure !== undefined && queue === undefined) {
    return (
      <>
        <PageHead title={name} crumbs={[['Queues', ['queues']]]} />
        <Failure failure={failure} />
      </>
    )
  }
  return (
    <>
      <PageHead
        title={name}
        crumbs={[['Queues', ['queues']]]}
        badges={<Badges queue={queue} vhost={vhost} />}
        isBusy={!rights.isKnown}
      >
        <Actions vhost={vhost} name={name} queue={queue} />
      </PageHead>
      <Tabs tabs={TABS} current={tab} />
      {tab === 'overview' ? <Health queue={queue} /> : null}
      {tab === 'consumers' ? <Consumers queue={queue} /> : null}
      {tab === 'bindings' ? <BindingsCard vhost={vhost} name={name} kind="queue" /> : null}
      {tab === 'messages' ? (
        rights.read ? (
          <>
            <ExplorerCard vhost={vhost} name={name} ready={queue?.messages_ready} />
            <GetCard vhost={vhost} name={name} ready={queue?.messages_ready} />
          </>
        ) : (
          <Notice>Your user may not read this queue, so its messages are not shown.</Notice>
        )
      ) : null}
      {tab === 'settings' && queue !== undefined ? <Origins queue={queue} /> : null}
    </>
  )
}

function Badges({ queue, vhost }: { readonly queue: Queue | undefined; readonly vhost: string }) {
  const problem = queue === undefined ? undefined : problemOf(queue)
  const isPaused = usePaused(vhost, queue?.name)
  return (
    <>
      {isPaused === true ? <Badge tone="warn">delivery is paused</Badge> : null}
      {queue === undefined ? null : <State state={queue.state} />}
      <Badge>{queue?.type ?? '…'}</Badge>
      <VhostBadge name={vhost} />
      {queue?.durable === true ? <Badge>durable</Badge> : null}
      {queue?.auto_delete === true ? <Badge>auto-delete</Badge> : null}
      {queue?.exclusive === true ? <Badge>exclusive</Badge> : null}
      {queue?.policy ? <Badge tone="accent">policy {queue.policy}</Badge> : null}
      {problem === undefined ? null : <Badge tone={problem.tone}>{problem.text}</Badge>}
    </>
  )
}

/** Whether delivery is paused; undefined: it may not be known. */
function usePaused(vhost: string, name: string | undefined): boolean | undefined {
  return useLive<{ readonly paused: boolean }>(name === undefined ? null : pausePath(vhost, name)).data?.paused
}

function pausePath(vhost: string, name: string): string {
  return `/api/warren/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}/pause`
}

function PauseButton({ vhost, name }: { readonly vhost: string; readonly name: string }) {
  const isPaused = usePaused(vhost, name)
  if (isPaused === undefined) return null
  const path = pausePath(vhost, name)
  if (isPaused) {
    return (
      <Button
        icon="play"
        onClick={() => attempt(`${name} delivers again.`, () => call('DELETE', path)).then(() => refresh(path))}
      >
        Resume
      </Button>
    )
  }
  return (
    <Button
      icon="pause"
      onClick={() =>
        confirmThen({
          title: `Pause ${name}?`,
          text: 'Its consumers stay and get nothing until you resume, or the broker stops. Publishing goes on: the queue grows.',
          action: 'Pause',
          done: `${name} is paused.`,
          onYes: async () => {
            await call('PUT', path)
            refresh(path)
          },
        })
      }
    >
      Pause
    </Button>
  )
}

function Actions(props: { readonly vhost: string; readonly name: string; readonly queue: Queue | undefined }) {
  const { vhost, name, queue } = props
  const resource = apiPath('queues', vhost, name)
  const amount = format.plural(queue?.messages ?? 0, 'message')
  const rights = useRights('queues', vhost, name)
  const mayPublish = useRights('exchanges', vhost, DEFAULT_EXCHANGE).write
  return (
    <>
      {mayPublish ? (
        <Button icon="send" onClick={() => openPublishForm({ vhost, exchange: '', routingKey: name })}>
          Publish
        </Button>
      ) : null}
      {rights.configure ? <PauseButton vhost={vhost} name={name} /> : null}
      {rights.read ? (
        <Button
          icon="broom"
          look="destructive"
          onClick={() =>
            confirmThen({
              title: `Purge ${name}?`,
              text: `${format.plural(queue?.messages_ready ?? 0, 'ready message')} will be gone.`,
              action: 'Purge',
              done: `${name} is empty.`,
              onYes: async () => {
                await call('DELETE', `${resource}/contents`)
                refresh(resource)
              },
            })
          }
        >
          Purge
        </Button>
      ) : null}
      {rights.configure ? (
        <Button
          icon="trash"
          look="destructive"
          onClick={() =>
            confirmThen({
              title: `Delete ${name}?`,
              text: `The queue, its bindings and ${amount} will be gone. Its ${format.plural(
                queue?.consumers ?? 0,
                'consumer',
              )} will be cancelled.`,
              action: 'Delete',
              done: `Queue ${name} is deleted.`,
              onYes: async () => {
                await call('DELETE', resource)
                go(['queues'])
              },
            })
          }
        >
          Delete
        </Button>
      ) : null}
    </>
  )
}

/** How long until the queue is empty, as things go now. */
function drainText(queue: Queue): string {
  const ready = queue.messages_ready ?? 0
  if (ready === 0) return 'nothing waits'
  const arriving = rateOf(queue.message_stats, 'publish') ?? 0
  const leaving = rateOf(queue.message_stats, 'ack') ?? rateOf(queue.message_stats, 'deliver_get') ?? 0
  if (leaving <= arriving) return arriving > leaving ? 'never, it grows' : 'never, it stands still'
  return `empty in ${format.duration((ready / (leaving - arriving)) * 1_000)}`
}

function Health({ queue }: { readonly queue: Queue | undefined }) {
  const stats = queue?.message_stats
  const oldest = queue?.oldest_message_age_ms
  return (
    <>
      <Figures>
        <Figure
          name="Ready"
          series={4}
          value={format.shortCount(queue?.messages_ready)}
          note={queue === undefined ? '' : drainText(queue)}
        />
        <Figure
          name="Unacked"
          series={1}
          value={format.shortCount(queue?.messages_unacknowledged)}
          note={`${format.bytes(queue?.message_bytes ?? 0)} in all`}
        />
        <Figure name="In" series={1} value={format.rate(rateOf(stats, 'publish') ?? 0)} note="published" />
        <Figure name="Out" series={2} value={format.rate(rateOf(stats, 'deliver_get') ?? 0)} note="delivered" />
        <Figure name="Ack" series={3} value={format.rate(rateOf(stats, 'ack') ?? 0)} note="done" />
        <Figure
          name="Consumers"
          value={format.count(queue?.consumers)}
          note={`${format.percent(queue?.consumer_capacity ?? 0)} capacity`}
        />
        <Figure
          name="Oldest message"
          value={typeof oldest === 'number' ? format.duration(oldest) : format.UNKNOWN}
          note={typeof oldest === 'number' ? 'waiting time' : 'nothing waits'}
        />
      </Figures>
      <div class="row apart">
        <span />
        <RangeChooser />
      </div>
      <div class="cards">
        <Card title="Messages">
          <Chart
            label="Messages in the queue"
            unit="count"
            lines={linesOf(
              queue,
              [
                ['messages', 'Total', 8],
                ['messages_ready', 'Ready', 4],
                ['messages_unacknowledged', 'Unacked', 1],
              ],
              false,
            )}
          />
        </Card>
        <Card title="Rates">
          <Chart
            label="Message rates"
            unit="rate"
            lines={linesOf(
              stats,
              [
                ['publish', 'Publish', 1],
                ['deliver', 'Deliver', 2],
                ['deliver_no_ack', 'Deliver, no ack', 6],
                ['get', 'Get', 7],
                ['ack', 'Ack', 3],
                ['redeliver', 'Redeliver', 4],
              ],
              true,
            )}
          />
        </Card>
      </div>
      <div class="cards">
        <Breakdown id="incoming" title="Came by" ends="Exchange" rows={queue?.incoming} rates={[['publish', 'Rate']]} />
        <Breakdown
          id="deliveries"
          title="Delivered to"
          ends="Channel"
          rows={queue?.deliveries}
          rates={[
            ['deliver_get', 'Deliver'],
            ['ack', 'Ack'],
            ['redeliver', 'Redeliver'],
          ]}
        />
      </div>
      {queue === undefined ? null : <Details queue={queue} />}
    </>
  )
}

function Details({ queue }: { readonly queue: Queue }) {
  return (
    <Card title="Details">
      <Facts
        two
        items={[
          ['Type', queue.type ?? 'classic'],
          ['Node', queue.node],
          ['Bytes ready', format.bytes(queue.message_bytes_ready ?? 0)],
          ['Bytes unacked', format.bytes(queue.message_bytes_unacknowledged ?? 0)],
          ['Persistent messages', format.count(queue.messages_persistent)],
          ['On disk', queue.disk_bytes === undefined ? undefined : format.bytes(queue.disk_bytes)],
          ['Idle since', queue.idle_since === undefined ? undefined : format.moment(Date.parse(queue.idle_since))],
          [
            'Owner',
            queue.owner_pid_details === undefined ? undefined : (
              <a href={href(['connections', queue.owner_pid_details.name])}>{queue.owner_pid_details.name}</a>
            ),
          ],
          ['Single active consumer', queue.single_active_consumer_tag ?? undefined],
          ['Delayed messages', queue.delayed === undefined ? undefined : format.count(queue.delayed)],
        ]}
      />
    </Card>
  )
}

function Consumers({ queue }: { readonly queue: Queue | undefined }) {
  return (
    <Card flush title="Consumers">
      <ConsumersTable rows={queue?.consumer_details} withQueue={false} />
    </Card>
  )
}

/** Each effective setting with where it comes from. */
function Origins({ queue }: { readonly queue: Queue }) {
  const policy = usePolicy('policies', queue, queue.policy)
  const operatorPolicy = usePolicy('operator-policies', queue, queue.operator_policy)
  const rows = effectiveSettings({ args: queue.arguments, policy, operatorPolicy })
  return (
    <Card title="Settings in effect, and where they come from">
      {rows.length === 0 ? (
        <p class="muted">
          Neither arguments nor a policy: everything is as usual. A <a href={href(['policies'])}>policy</a> changes
          settings of queues that exist.
        </p>
      ) : (
        <Facts
          items={rows.map(({ name, value, origin, overruled }) => [
            name,
            <>
              <span title={format.jsonLine(value)}>{readable(name, value)}</span> <Badge>{origin}</Badge>
              {overruled.length === 0 ? null : <span class="muted small"> overrules {overruled.join(', ')}</span>}
            </>,
          ])}
        />
      )}
    </Card>
  )
}

function usePolicy(kind: 'policies' | 'operator-policies', { vhost }: Queue, name: string | null | undefined) {
  return useLive<Policy>(typeof name === 'string' && name !== '' ? apiPath(kind, vhost, name) : null).data
}
