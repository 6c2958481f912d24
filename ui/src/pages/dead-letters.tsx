/**
 * The dead-letter centre: all dead letters of a virtual host, grouped by why, where and after which exchange they died; the
 * messages of a group; and sending them back, all or some of them, after a look at what would happen.
 */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ApiFailure, apiPath, call, read } from '../base/api.ts'
import * as format from '../base/format.ts'
import { useShownVhost } from '../base/rights.ts'
import { route, setQuery } from '../base/router.ts'
import type { Binding, Exchange, Queue } from '../base/types.ts'
import { Badge, Button, Card, Empty, Failure } from '../parts/basics.tsx'
import { TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { type DeadLetterQueue, deadLetterExchange, deadLetterQueues } from './deaths.ts'
import { ExchangeLink, QueueLink, VhostBadge } from './lists.tsx'
import type { MessageFilter } from './messages/conditions.ts'
import { type Browse, browse, Found, PREVIEW_BYTES, SHOWN } from './messages/explorer.tsx'

/** Queues whose dead letters are counted at once. */
const QUEUES_MAX = 50
const QUEUE_FIELDS = 'name,vhost,arguments,effective_policy_definition,messages_ready'

/** Dead letters that died alike, in one queue. */
interface Group {
  readonly keptIn: string
  readonly reason: string
  readonly queue: string
  readonly exchange: string
  readonly count: number
  readonly oldest_at: number
  readonly newest_at: number
}

interface Centre {
  readonly queues: readonly DeadLetterQueue[]
  readonly groups: readonly Group[]
  /** Queues beyond those that were counted. */
  readonly uncountedCount: number
  /** Queues that the user may not read. */
  readonly refusedCount: number
}

async function readCentre(vhost: string, another: string): Promise<Centre> {
  const [queues, exchanges] = await Promise.all([
    read<readonly Queue[]>(`${apiPath('queues', vhost)}?columns=${QUEUE_FIELDS}`),
    read<readonly Exchange[]>(`${apiPath('exchanges', vhost)}?columns=name,type,arguments`),
  ])
  const known = new Set(exchanges.map(({ name }) => name))
  const starts = new Set(queues.flatMap((queue) => deadLetterExchange(queue) ?? []))
  const bindings = await bindingsFrom(
    vhost,
    [...starts].filter((name) => name !== '' && known.has(name)),
  )
  const found = deadLetterQueues(queues, exchanges, bindings)
  const names = new Set([
    ...found.filter(({ queue }) => (queue.messages_ready ?? 0) > 0).map(({ queue }) => queue.name),
  ])
  if (another !== '') names.add(another)
  const counted = [...names].slice(0, QUEUES_MAX)
  const groups = await Promise.all(counted.map((name) => groupsOf(vhost, name)))
  return {
    queues: found,
    groups: groups.flatMap((group) => group ?? []),
    uncountedCount: names.size - counted.length,
    refusedCount: groups.filter((group) => group === undefined).length,
  }
}

/** The bindings that can be reached from these exchanges. */
async function bindingsFrom(vhost: string, starts: readonly string[]): Promise<readonly Binding[]> {
  const found: Binding[] = []
  const seen = new Set(starts)
  const pending = [...starts]
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const bindings = await read<readonly Binding[]>(apiPath('exchanges', vhost, name, 'bindings', 'source'))
    found.push(...bindings)
    for (const { destination, destination_type: type } of bindings) {
      if (type === 'queue' || seen.has(destination)) continue
      seen.add(destination)
      pending.push(destination)
    }
  }
  return found
}

/** Undefined when the user may not read the queue. */
async function groupsOf(vhost: string, keptIn: string): Promise<readonly Group[] | undefined> {
  const path = `/api/warren/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(keptIn)}/deaths`
  try {
    const { groups } = (await call('POST', path, {})) as { groups: readonly Omit<Group, 'keptIn'>[] }
    return groups.map((group) => ({ ...group, keptIn }))
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 401) return undefined
    throw error
  }
}

const filterOf = ({ reason, queue, exchange }: Group): MessageFilter => ({
  dead_letter_reason: reason,
  dead_letter_queue: queue,
  dead_letter_exchange: exchange,
})

const keyOf = ({ keptIn, reason, queue, exchange }: Group): string => JSON.stringify([keptIn, reason, queue, exchange])

const totalOf = ({ groups }: Centre): number => groups.reduce((sum, { count }) => sum + count, 0)

/** The page. */
export function DeadLettersPage() {
  const vhost = useShownVhost()
  const [centre, setCentre] = useState<Centre | null>(null)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const another = useSignal(route.peek().query.get('in') ?? '')
  const load = async () => {
    try {
      setCentre(await readCentre(vhost, another.value))
      setFailure(undefined)
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      setFailure(error)
    }
  }
  useEffect(() => {
    void load()
  }, [vhost])
  const chosen = route.value.query.get('group')
  const group = centre?.groups.find((candidate) => keyOf(candidate) === chosen)
  return (
    <>
      <PageHead
        title="Dead letters"
        badges={
          <>
            <VhostBadge name={vhost} />
            {centre === null ? null : <Badge>{format.plural(totalOf(centre), 'dead letter')}</Badge>}
          </>
        }
      >
        <Button icon="refresh" onClick={load}>
          Count again
        </Button>
      </PageHead>
      {failure === undefined ? null : <Failure failure={failure} />}
      <Groups vhost={vhost} centre={centre} failure={failure} chosen={chosen} />
      {group === undefined ? null : <Inside key={keyOf(group)} vhost={vhost} group={group} onChanged={load} />}
      <Ends vhost={vhost} centre={centre} failure={failure}>
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault()
            setQuery({ in: another.value })
            void load()
          }}
        >
          <TextField label="Count those of another queue, too" value={another} />
          <Button submit>Count</Button>
        </form>
      </Ends>
    </>
  )
}

interface CentreProps {
  readonly vhost: string
  readonly centre: Centre | null
  readonly failure: ApiFailure | undefined
}

function Groups({ vhost, centre, failure, chosen }: CentreProps & { readonly chosen: string | null }) {
  return (
    <Card flush title="By reason, queue and exchange">
      <LocalTable
        id="groups"
        label="Groups of dead letters"
        rows={centre?.groups}
        failure={failure}
        columns={groupColumns(vhost, chosen)}
        keyOf={keyOf}
        textOf={({ keptIn, reason, queue, exchange }) => `${keptIn} ${reason} ${queue} ${exchange}`}
        empty={
          <Empty icon="ok" title="No dead letters">
            Nothing that was rejected, expired or dropped waits in a queue of this virtual host.
          </Empty>
        }
      />
      {centre !== null && centre.refusedCount > 0 ? (
        <div class="table-foot">Your user may not read {format.plural(centre.refusedCount, 'queue')}.</div>
      ) : null}
      {centre !== null && centre.uncountedCount > 0 ? (
        <div class="table-foot">{format.plural(centre.uncountedCount, 'further queue')} not counted.</div>
      ) : null}
    </Card>
  )
}

function groupColumns(vhost: string, chosen: string | null): readonly Column<Group>[] {
  return [
    {
      id: 'reason',
      label: 'Reason',
      value: ({ reason }) => reason,
      show: ({ reason }) => <Badge tone="warn">{reason}</Badge>,
    },
    {
      id: 'queue',
      label: 'Died in',
      value: ({ queue }) => queue,
      show: ({ queue }) => <QueueLink vhost={vhost} name={queue} />,
    },
    {
      id: 'exchange',
      label: 'Had come by',
      value: ({ exchange }) => exchange,
      show: ({ exchange }) => <ExchangeLink vhost={vhost} name={exchange} />,
    },
    {
      id: 'kept',
      label: 'Kept in',
      value: ({ keptIn }) => keptIn,
      show: ({ keptIn }) => <QueueLink vhost={vhost} name={keptIn} />,
    },
    {
      id: 'count',
      label: 'Messages',
      end: true,
      value: ({ count }) => count,
      show: ({ count }) => format.count(count),
    },
    {
      id: 'newest',
      label: 'Newest',
      end: true,
      value: ({ newest_at: at }) => at,
      show: ({ newest_at: at }) => <span title={format.moment(at)}>{format.ago(at)}</span>,
    },
    {
      id: 'oldest',
      label: 'Oldest',
      end: true,
      value: ({ oldest_at: at }) => at,
      show: ({ oldest_at: at }) => <span title={format.moment(at)}>{format.ago(at)}</span>,
    },
    {
      id: 'look',
      label: 'Look',
      end: true,
      show: (group) => (
        <Button
          icon="eye"
          look="low"
          pressed={keyOf(group) === chosen}
          onClick={() => setQuery({ group: keyOf(group) === chosen ? undefined : keyOf(group) })}
        >
          Look inside
        </Button>
      ),
    },
  ]
}

/** The messages of a group. */
function Inside(props: { readonly vhost: string; readonly group: Group; readonly onChanged: () => Promise<void> }) {
  const { vhost, group } = props
  const { keptIn, reason, queue } = group
  const [found, setFound] = useState<Browse | null>(null)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const filter = filterOf(group)
  const look = async (position: number | undefined) => {
    try {
      const from = position === undefined ? {} : { position }
      setFound(await browse(vhost, keptIn, { filter, ...from, limit: SHOWN, truncate: PREVIEW_BYTES }))
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      setFailure(error)
    }
  }
  useEffect(() => {
    void look(undefined)
  }, [])
  const again = () => {
    void look(undefined)
    void props.onChanged()
  }
  return (
    <Card flush title={`${reason} in ${queue}`}>
      {failure === undefined ? null : (
        <div class="table-tools">
          <Failure failure={failure} />
        </div>
      )}
      {found === null ? null : (
        <Found vhost={vhost} queue={keptIn} found={found} filter={filter} look={look} again={again} />
      )}
    </Card>
  )
}

function Ends({ vhost, centre, failure, children }: CentreProps & { readonly children: ComponentChildren }) {
  const columns: readonly Column<DeadLetterQueue>[] = [
    {
      id: 'name',
      label: 'Queue',
      value: ({ queue }) => queue.name,
      show: ({ queue }) => <QueueLink vhost={vhost} name={queue.name} />,
    },
    {
      id: 'ready',
      label: 'Ready messages',
      end: true,
      value: ({ queue }) => queue.messages_ready ?? 0,
      show: ({ queue }) => format.count(queue.messages_ready),
    },
    { id: 'from', label: 'Dead letters come from', show: ({ sources }) => format.someOf(sources) },
  ]
  return (
    <Card flush title="Where dead letters end">
      <LocalTable
        id="dead"
        label="Queues with dead letters"
        rows={centre?.queues}
        failure={failure}
        columns={columns}
        keyOf={({ queue }) => queue.name}
        textOf={({ queue }) => queue.name}
        empty={
          <Empty icon="dead" title="No queue receives dead letters">
            Give a queue the argument x-dead-letter-exchange, or a policy with dead-letter-exchange: what is rejected or
            expires is then kept.
          </Empty>
        }
      />
      <div class="table-foot">{children}</div>
    </Card>
  )
}
