/** What wants attention: queues that grow, wait or lack consumers, consumers at their limit, blocked clients, lost messages. */
import type { ComponentChild } from 'preact'
import { apiPath } from '../base/api.ts'
import * as format from '../base/format.ts'
import { useLive } from '../base/live.ts'
import { href, vhostFilter } from '../base/router.ts'
import type { Connection, Overview, Paged, Queue } from '../base/types.ts'
import { rateOf } from '../base/types.ts'
import { Badge, Button, Card, Empty } from '../parts/basics.tsx'
import { Icon } from '../parts/icon.tsx'
import { openQueueForm } from './declare.tsx'
import { problemOf, QueueLink } from './lists.tsx'

/** Queues looked at: the deepest, and those that grow fastest. */
const CANDIDATES = 20
const WORST_MAX = 8
/** Consumers could take a message in less than this share of the time. */
const CAPACITY_LOW = 0.05
const FIELDS =
  'name,vhost,state,messages,messages_ready,messages_details.rate,consumers,consumer_capacity,head_message_timestamp'
const STORM_FIELDS = 'name,vhost,message_stats.redeliver_details.rate,message_stats.deliver_get_details.rate'
const OLDEST_MAX = 6
const OLDEST_FIELDS = 'name,vhost,messages_ready,head_message_timestamp'

interface Finding {
  readonly key: string
  readonly tone: 'warn' | 'danger'
  readonly what: ComponentChild
  readonly why: string
}

/** The card. */
export function Attention({ stats }: { readonly stats: Overview | undefined }) {
  const scope = vhostFilter.value === '' ? apiPath('queues') : apiPath('queues', vhostFilter.value)
  const deepest = useLive<Paged<Queue>>(
    `${scope}?page=1&page_size=${CANDIDATES}&sort=messages_ready&sort_reverse=true&columns=${FIELDS}`,
  )
  const blocked = useLive<Paged<Connection>>(
    '/api/connections?page=1&page_size=10&sort=state&columns=name,state,user_provided_name',
  )
  const growing = useLive<Paged<Queue>>(
    `${scope}?page=1&page_size=${CANDIDATES}&sort=messages_details.rate&sort_reverse=true&columns=${FIELDS}`,
  )
  const redelivering = useLive<Paged<Queue>>(
    `${scope}?page=1&page_size=${CANDIDATES}&sort=message_stats.redeliver_details.rate&sort_reverse=true&columns=${STORM_FIELDS}`,
  )
  const candidates = [...(deepest.data?.items ?? []), ...(growing.data?.items ?? [])]
  const queues = [...new Map(candidates.map((queue) => [`${queue.vhost} ${queue.name}`, queue] as const)).values()]
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
    ...(redelivering.data?.items ?? []).flatMap(storms),
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

/** The messages that have waited longest, by queue. */
export function Oldest() {
  const scope = vhostFilter.value === '' ? apiPath('queues') : apiPath('queues', vhostFilter.value)
  const { data } = useLive<Paged<Queue>>(
    `${scope}?page=1&page_size=${OLDEST_MAX}&sort=oldest_message_age_ms&sort_reverse=true&columns=${OLDEST_FIELDS}`,
  )
  const queues = (data?.items ?? []).filter(({ head_message_timestamp: at }) => typeof at === 'number')
  return (
    <Card
      title="Oldest messages"
      aside={
        <a href={href(['queues'], { sort: 'oldest', desc: true, 'queues.columns': 'name,vhost,state,ready,oldest' })}>
          All queues by age
        </a>
      }
    >
      {data !== undefined && queues.length === 0 ? (
        <Empty icon="ok" title="No message waits" />
      ) : (
        <ul class="stack tight">
          {queues.map(({ vhost, name, head_message_timestamp: at, messages_ready: ready }) => (
            <li key={`${vhost} ${name}`} class="finding">
              <span class="what">
                <span class="break">
                  <QueueLink vhost={vhost} name={name} />
                </span>
              </span>
              <span class="number">
                {format.duration(Date.now() - (at ?? 0) * 1_000)}{' '}
                <span class="muted small">{format.shortCount(ready)} ready</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function AllWell({ hasQueues }: { readonly hasQueues: boolean }) {
  if (hasQueues) return <Empty icon="ok" title="No queue grows or lacks consumers, and nobody is blocked" />
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
        <li key={key} class="finding">
          <span class="what">
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
  ]
}

/** One delivery in ten is a repetition: consumers fail or requeue. */
function storms({ vhost, name, message_stats: stats }: Queue): Finding[] {
  const again = rateOf(stats, 'redeliver') ?? 0
  const delivered = rateOf(stats, 'deliver_get') ?? 0
  if (again <= 1 || again <= delivered / 10) return []
  return [
    {
      key: `again ${vhost} ${name}`,
      tone: 'warn',
      what: <QueueLink vhost={vhost} name={name} />,
      why: `${format.rate(again)} redelivered, of ${format.rate(delivered)}`,
    },
  ]
}

function queueFindings(queue: Queue): Finding[] {
  const problem = problemOf(queue) ?? slowness(queue)
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

/** Messages wait although somebody consumes: all consumers hold as many as their prefetch allows. */
function slowness(queue: Queue): ReturnType<typeof problemOf> {
  const { messages_ready: ready = 0, consumers = 0, consumer_capacity: capacity } = queue
  const isDraining = (queue.messages_details?.rate ?? 0) < 0
  if (ready === 0 || consumers === 0 || isDraining || (capacity ?? 1) > CAPACITY_LOW) return undefined
  return { tone: 'warn', text: consumers === 1 ? 'its consumer is at its limit' : 'consumers are at their limit' }
}
