/**
 * Where would this message go? Exchange, routing key and headers in; bindings and queues out. The broker's own router says
 * which queues; the bindings on the way are found here. Nothing is published. The question is in the address.
 */
import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { useAddress } from '../base/address.ts'
import { ApiFailure, call } from '../base/api.ts'
import { href, route, setQuery } from '../base/router.ts'
import type { Binding, Exchange } from '../base/types.ts'
import { Card, Empty, Failure, Notice } from '../parts/basics.tsx'
import {
  type ArgumentRow,
  ArgumentsField,
  argumentRows,
  readArguments,
  SelectField,
  TextField,
} from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { layOut } from './graph.ts'
import { DEFAULT_EXCHANGE, ExchangeLink, QueueLink, VhostBadge } from './lists.tsx'
import { type RoutingOutcome, routeMessage } from './routing.ts'
import { useVhostContents } from './topology-data.ts'
import { TopologyView } from './topology-view.tsx'

const PAUSE_MS = 150

/** What the broker's router says. */
interface Verdict {
  readonly queues: readonly string[]
  /** The alternate exchanges in force, of arguments and policies. */
  readonly alternates: Readonly<Record<string, string>>
}

function headersOf(rows: readonly ArgumentRow[]): Record<string, unknown> {
  try {
    return readArguments(rows)
  } catch (error) {
    console.debug('the headers are not complete', error)
    return {}
  }
}

function headersInAddress(): ArgumentRow[] {
  try {
    return argumentRows(JSON.parse(route.peek().query.get('headers') ?? '{}') as Record<string, unknown>)
  } catch (error) {
    console.debug('the headers in the address are not JSON', error)
    return []
  }
}

function useVerdict(vhost: string, exchange: string, routingKey: string, headers: string, revision: unknown) {
  const [verdict, setVerdict] = useState<Verdict | null>(null)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  useEffect(() => {
    if (exchange === '') return undefined
    let isStale = false
    const ask = async () => {
      const path = `/api/warren/route/${encodeURIComponent(vhost)}/${encodeURIComponent(exchange)}`
      const body = { routing_key: routingKey, properties: { headers: JSON.parse(headers) as object } }
      try {
        const answer = (await call('POST', path, body)) as Verdict
        if (isStale) return
        setVerdict(answer)
        setFailure(undefined)
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error
        if (!isStale) setFailure(error)
      }
    }
    const timer = setTimeout(() => void ask(), PAUSE_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [vhost, exchange, routingKey, headers, revision])
  return { verdict, failure }
}

/** The page. */
export function RoutePage() {
  const contents = useVhostContents()
  const exchange = useAddress('exchange')
  const key = useAddress('key')
  const rows = useSignal<readonly ArgumentRow[]>(headersInAddress())
  const headers = JSON.stringify(headersOf(rows.value))
  useEffect(() => setQuery({ headers: headers === '{}' ? undefined : headers }), [headers])
  const asked = useVerdict(contents.vhost, exchange.value, key.value, headers, contents.bindings)
  const names = contents.exchanges.map(({ name }) => (name === '' ? DEFAULT_EXCHANGE : name))
  return (
    <>
      <PageHead title="Where would this message go?" badges={<VhostBadge name={contents.vhost} />} />
      <Card title="The message">
        <div class="fields">
          <SelectField
            label="Exchange"
            value={exchange}
            options={[['', 'Choose …'], ...names.map((name) => [name, name] as const)]}
          />
          <TextField label="Routing key" value={key} />
          <ArgumentsField label="Headers" value={rows} />
        </div>
      </Card>
      {exchange.value === '' ? (
        <Card>
          <Empty icon="route" title="Choose an exchange">
            Nothing is published: the broker only says where such a message would go.
          </Empty>
        </Card>
      ) : null}
      {asked.failure === undefined ? null : <Failure failure={asked.failure} />}
      {exchange.value === '' || asked.verdict === null ? null : (
        <Outcome
          verdict={asked.verdict}
          contents={contents}
          start={exchange.value === DEFAULT_EXCHANGE ? '' : exchange.value}
          routingKey={key.value}
          headers={headersOf(rows.value)}
        />
      )}
    </>
  )
}

interface OutcomeProps {
  readonly verdict: Verdict
  readonly contents: ReturnType<typeof useVhostContents>
  readonly start: string
  readonly routingKey: string
  readonly headers: Readonly<Record<string, unknown>>
}

function withAlternates(exchanges: readonly Exchange[], { alternates }: Verdict): readonly Exchange[] {
  return exchanges.map((exchange) => {
    const alternate = alternates[exchange.name]
    return alternate === undefined
      ? exchange
      : { ...exchange, arguments: { ...exchange.arguments, 'alternate-exchange': alternate } }
  })
}

/** Bindings of what can be reached from the exchange, taken or not. */
function reachableFrom(start: string, bindings: readonly Binding[], outcome: RoutingOutcome): readonly Binding[] {
  // Every queue is bound to the default exchange: only what is taken says something.
  if (start === '') return outcome.through
  const reachable = new Set([start, ...outcome.through.map(({ source }) => source)])
  for (let size = 0; size !== reachable.size; ) {
    size = reachable.size
    for (const { source, destination, destination_type: type } of bindings) {
      if (reachable.has(source) && type === 'exchange') reachable.add(destination)
    }
  }
  return bindings.filter(({ source }) => source !== '' && reachable.has(source))
}

function Outcome({ verdict, contents, start, routingKey, headers }: OutcomeProps) {
  const world = { exchanges: withAlternates(contents.exchanges, verdict), bindings: contents.bindings }
  const outcome = routeMessage(world, { exchange: start, routingKey, headers })
  const bindings = reachableFrom(start, contents.bindings, outcome)
  const graph = useMemo(
    () => layOut({ ...contents, bindings, consumers: [], filter: '', withDefault: start === '' }),
    [contents.bindings, bindings.length, start, routingKey],
  )
  const lit = new Set([`exchange ${start}`, ...verdict.queues.map((name) => `queue ${name}`)])
  for (const { source, destination, destination_type: type } of outcome.through) {
    lit.add(`exchange ${source}`)
    lit.add(`${type} ${destination}`)
    lit.add(`exchange ${source}\n${type} ${destination}`)
  }
  return (
    <>
      <Answer verdict={verdict} vhost={contents.vhost} start={start} />
      {outcome.alternates.length === 0 ? null : (
        <Notice>Nothing matched at {outcome.alternates.join(', ')}: the alternate exchange took over.</Notice>
      )}
      {outcome.unknown.length === 0 ? null : (
        <Notice tone="warn">
          {outcome.unknown.join(', ')} chooses by a hash, by chance, by turns or by time: the queues above are what it
          chose now; which of its bindings was taken is not shown.
        </Notice>
      )}
      <Card flush title="The ways">
        {graph.nodes.length === 0 ? (
          <Empty icon="exchange" title="Nothing is bound to this exchange" />
        ) : (
          <TopologyView graph={graph} known={contents.known} lit={lit} />
        )}
      </Card>
      {outcome.through.length === 0 ? null : <Matched vhost={contents.vhost} bindings={outcome.through} />}
    </>
  )
}

function Answer(props: { readonly verdict: Verdict; readonly vhost: string; readonly start: string }) {
  const { verdict, vhost, start } = props
  return (
    <div role="status">
      {verdict.queues.length === 0 ? (
        <Notice tone="warn">
          No queue would get it: it is returned to a publisher that asked for that (mandatory), else dropped.{' '}
          <a href={href(['exchanges', vhost, start === '' ? DEFAULT_EXCHANGE : start], { tab: 'bindings' })}>
            Bindings of {start === '' ? 'the default exchange' : start}
          </a>
        </Notice>
      ) : (
        <Notice tone="ok">
          It would go to{' '}
          {verdict.queues.map((name, i) => (
            <span key={name}>
              {i === 0 ? '' : ', '}
              <QueueLink vhost={vhost} name={name} />
            </span>
          ))}
          .
        </Notice>
      )}
    </div>
  )
}

function Matched({ vhost, bindings }: { readonly vhost: string; readonly bindings: readonly Binding[] }) {
  const columns: readonly Column<Binding>[] = [
    {
      id: 'from',
      label: 'From',
      value: ({ source }) => source,
      show: ({ source }) => <ExchangeLink vhost={vhost} name={source} />,
    },
    {
      id: 'key',
      label: 'Binding key',
      value: ({ routing_key: key }) => key,
      show: ({ routing_key: key }) => <code>{key}</code>,
    },
    {
      id: 'arguments',
      label: 'Arguments',
      show: ({ arguments: args }) => (Object.keys(args).length === 0 ? '' : <code>{JSON.stringify(args)}</code>),
    },
    {
      id: 'to',
      label: 'To',
      value: ({ destination }) => destination,
      show: ({ destination, destination_type: type }) =>
        type === 'queue' ? (
          <QueueLink vhost={vhost} name={destination} />
        ) : (
          <ExchangeLink vhost={vhost} name={destination} />
        ),
    },
  ]
  return (
    <Card flush title="Bindings that take it">
      <LocalTable
        id="matched"
        label="Bindings that take the message"
        rows={bindings}
        columns={columns}
        keyOf={({ source, destination_type: type, destination, routing_key: key, arguments: args }) =>
          JSON.stringify([source, type, destination, key, args])
        }
        textOf={({ source, destination, routing_key: key }) => `${source} ${key} ${destination}`}
        empty={null}
      />
    </Card>
  )
}
