/** Where would this message go? Exchange, routing key and headers in; bindings and queues out. Nothing is published. */
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { href, route } from '../base/router.ts'
import { Badge, Card, Empty, Notice } from '../parts/basics.tsx'
import { type ArgumentRow, ArgumentsField, readArguments, SelectField, TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { layOut } from './graph.ts'
import { QueueLink } from './lists.tsx'
import { routeMessage } from './routing.ts'
import { useVhostContents } from './topology-data.ts'
import { TopologyView } from './topology-view.tsx'

function headersOf(rows: readonly ArgumentRow[]): Record<string, unknown> {
  try {
    return readArguments(rows)
  } catch (error) {
    console.debug('the headers are not complete', error)
    return {}
  }
}

/** The page. */
export function RoutePage() {
  const contents = useVhostContents()
  const exchange = useSignal(route.peek().query.get('exchange') ?? '')
  const key = useSignal(route.peek().query.get('key') ?? '')
  const rows = useSignal<readonly ArgumentRow[]>([])
  const names = contents.exchanges.map(({ name }) => name).filter(Boolean)
  const outcome = routeMessage(contents, {
    exchange: exchange.value,
    routingKey: key.value,
    headers: headersOf(rows.value),
  })
  return (
    <>
      <PageHead title="Where would this message go?" badges={<Badge title="virtual host">{contents.vhost}</Badge>} />
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
            Nothing is published: the bindings are read, and the rules of the exchange are applied to them.
          </Empty>
        </Card>
      ) : (
        <Outcome outcome={outcome} contents={contents} start={exchange.value} />
      )}
    </>
  )
}

function Outcome(props: {
  readonly outcome: ReturnType<typeof routeMessage>
  readonly contents: ReturnType<typeof useVhostContents>
  readonly start: string
}) {
  const { outcome, contents, start } = props
  // What can be reached from the exchange, taken or not.
  const reachable = new Set([start])
  for (const alternate of outcome.alternates) reachable.add(alternate)
  for (let size = 0; size !== reachable.size; ) {
    size = reachable.size
    for (const { source, destination, destination_type: type } of contents.bindings) {
      if (reachable.has(source) && type === 'exchange') reachable.add(destination)
    }
  }
  for (const { source } of outcome.through) reachable.add(source)
  const bindings = contents.bindings.filter(({ source }) => source !== '' && reachable.has(source))
  const graph = useMemo(
    () => layOut({ ...contents, bindings, consumers: [], filter: '' }),
    [contents.bindings, [...reachable].join()],
  )
  const lit = new Set([`exchange ${start}`])
  for (const { source, destination, destination_type: type } of outcome.through) {
    lit.add(`exchange ${source}`)
    lit.add(`${type} ${destination}`)
    lit.add(`exchange ${source}\n${type} ${destination}`)
  }
  return (
    <>
      <div role="status">
        {outcome.queues.length === 0 ? (
          <Notice tone="warn">
            No queue would get it: it is returned to a publisher that asked for that (mandatory), else dropped.{' '}
            <a href={href(['exchanges', contents.vhost, start], { tab: 'bindings' })}>Bindings of {start}</a>
          </Notice>
        ) : (
          <Notice tone="ok">
            It would go to{' '}
            {outcome.queues.map((name, i) => (
              <span key={name}>
                {i === 0 ? '' : ', '}
                <QueueLink vhost={contents.vhost} name={name} />
              </span>
            ))}
            .
          </Notice>
        )}
      </div>
      {outcome.alternates.length === 0 ? null : (
        <Notice>Nothing matched at {outcome.alternates.join(', ')}: the alternate exchange took over.</Notice>
      )}
      {outcome.unknown.length === 0 ? null : (
        <Notice tone="warn">
          {outcome.unknown.join(', ')} has a type whose choice is not predicted here (hash, random, delayed …).
        </Notice>
      )}
      <Card flush title="The ways">
        {graph.nodes.length === 0 ? (
          <Empty icon="exchange" title="Nothing is bound to this exchange" />
        ) : (
          <TopologyView graph={graph} known={contents.known} lit={lit} />
        )}
      </Card>
    </>
  )
}
