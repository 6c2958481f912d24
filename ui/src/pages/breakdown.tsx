/** Who moved what: the rates of a queue, an exchange or a channel by those at the other end. */
import { href } from '../base/router.ts'
import type { Flow } from '../base/types.ts'
import { counterOf, rateOf } from '../base/types.ts'
import { Card } from '../parts/basics.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { Amount, ExchangeLink, QueueLink, Rate } from './lists.tsx'

function nameOf({ channel_details: channel, queue, exchange }: Flow): string {
  return channel?.name ?? queue?.name ?? exchange?.name ?? ''
}

function End({ flow }: { readonly flow: Flow }) {
  const { channel_details: channel, queue, exchange } = flow
  if (queue !== undefined) return <QueueLink vhost={queue.vhost} name={queue.name} />
  if (exchange !== undefined) return <ExchangeLink vhost={exchange.vhost} name={exchange.name} />
  return <a href={href(['channels', channel?.name ?? ''])}>{channel?.name ?? ''}</a>
}

/**
 * One side: by whom, how fast. `ends` names them, `rates` are counters with their labels; the first one is also shown as
 * a sum. Nothing is shown when nothing was moved.
 */
export function Breakdown(props: {
  readonly id: string
  readonly title: string
  readonly ends: string
  readonly rows: readonly Flow[] | undefined
  readonly rates: readonly (readonly [counter: string, label: string])[]
}) {
  const { rows, rates } = props
  if (rows === undefined || rows.length === 0) return null
  const [[first, label] = ['', '']] = rates
  const columns: readonly Column<Flow>[] = [
    { id: 'end', label: props.ends, value: nameOf, show: (flow) => <End flow={flow} /> },
    ...rates.map(
      ([counter, name]): Column<Flow> => ({
        id: counter,
        label: name,
        end: true,
        value: ({ stats }) => rateOf(stats, counter) ?? 0,
        show: ({ stats }) => <Rate stats={stats} name={counter} />,
      }),
    ),
    {
      id: 'sum',
      label: 'Messages',
      hint: `${label}: how many so far`,
      end: true,
      value: ({ stats }) => counterOf(stats, first) ?? 0,
      show: ({ stats }) => <Amount value={counterOf(stats, first)} />,
    },
  ]
  return (
    <Card flush title={props.title}>
      <LocalTable
        id={props.id}
        label={props.title}
        rows={rows}
        columns={columns}
        keyOf={nameOf}
        textOf={nameOf}
        empty={null}
      />
    </Card>
  )
}
