/** Bindings of a queue or an exchange: shown, made, removed. */
import { useSignal } from '@preact/signals'
import { apiPath, call } from '../base/api.ts'
import { refresh, useLive } from '../base/live.ts'
import { useRights } from '../base/rights.ts'
import type { Binding, Exchange, Queue } from '../base/types.ts'
import { Button, Card, Empty } from '../parts/basics.tsx'
import { confirmThen, Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { type ArgumentRow, ArgumentsField, readArguments, SelectField, TextField } from '../parts/form.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { DEFAULT_EXCHANGE, ExchangeLink, QueueLink } from './lists.tsx'

interface Ends {
  readonly vhost: string
  readonly name: string
  readonly kind: 'queue' | 'exchange'
}

function resourceOf({ vhost, source, destination, destination_type: type }: Binding): string {
  return apiPath('bindings', vhost, 'e', source, type === 'queue' ? 'q' : 'e', destination)
}

function describe({ source, destination, routing_key: key }: Binding): string {
  return `${source} to ${destination}${key === '' ? '' : ` with ${key}`}`
}

/** The bindings that end here or begin here. */
export function BindingsCard(ends: Ends) {
  const { vhost, name, kind } = ends
  const isQueue = kind === 'queue'
  const own = isQueue ? apiPath('queues', vhost, name) : apiPath('exchanges', vhost, name || DEFAULT_EXCHANGE)
  const incoming = useLive<readonly Binding[]>(isQueue ? `${own}/bindings` : `${own}/bindings/destination`)
  const outgoing = useLive<readonly Binding[]>(isQueue ? null : `${own}/bindings/source`)
  const rights = useRights(isQueue ? 'queues' : 'exchanges', vhost, name || DEFAULT_EXCHANGE)
  const bind = (direction: 'to' | 'from') => (
    <Button icon="plus" onClick={() => openDialog(<BindForm {...ends} direction={direction} />)}>
      Bind
    </Button>
  )
  return (
    <>
      {isQueue ? null : (
        <Card flush title="From here to">
          <BindingTable
            id="outgoing"
            rows={outgoing.data}
            end="destination"
            tools={rights.read ? bind('to') : null}
            mayUnbind={rights.read}
          />
        </Card>
      )}
      <Card flush title="To here from">
        <BindingTable
          id="incoming"
          rows={incoming.data}
          end="source"
          tools={rights.write ? bind('from') : null}
          mayUnbind={rights.write}
        />
      </Card>
    </>
  )
}

function BindingTable(props: {
  readonly id: string
  readonly rows: readonly Binding[] | undefined
  readonly end: 'source' | 'destination'
  readonly tools: preact.ComponentChild
  readonly mayUnbind: boolean
}) {
  const columns: Column<Binding>[] = [
    {
      id: 'end',
      label: props.end === 'source' ? 'Exchange' : 'Destination',
      value: (binding) => binding[props.end],
      show: (binding) => <End binding={binding} end={props.end} />,
    },
    ...(props.end === 'source'
      ? []
      : [
          {
            id: 'kind',
            label: 'Kind',
            value: ({ destination_type: type }: Binding) => type,
            show: ({ destination_type: type }: Binding) => type,
          },
        ]),
    {
      id: 'key',
      label: 'Binding key',
      value: ({ routing_key: key }) => key,
      show: ({ routing_key: key }) => (key === '' ? <span class="muted">none</span> : <code>{key}</code>),
    },
    {
      id: 'arguments',
      label: 'Arguments',
      show: ({ arguments: args }) => (Object.keys(args).length === 0 ? '' : <code>{JSON.stringify(args)}</code>),
    },
    {
      id: 'remove',
      label: 'Remove',
      end: true,
      show: (binding) =>
        binding.source === '' ? (
          <span class="muted">always there</span>
        ) : !props.mayUnbind ? null : (
          <Button
            icon="close"
            label={`Unbind ${describe(binding)}`}
            look="plain low"
            onClick={() => askToUnbind(binding)}
          />
        ),
    },
  ]
  return (
    <LocalTable
      id={props.id}
      label={props.end === 'source' ? 'Bindings to here' : 'Bindings from here'}
      rows={props.rows}
      columns={columns}
      keyOf={(binding) =>
        [binding.source, binding.destination_type, binding.destination, binding.properties_key].join('\n')
      }
      textOf={(binding) => `${binding[props.end]} ${binding.routing_key}`}
      tools={props.tools}
      empty={
        <Empty icon="exchange" title="No bindings">
          A binding tells an exchange which messages go where. Bind to add one.
        </Empty>
      }
    />
  )
}

function End({ binding, end }: { readonly binding: Binding; readonly end: 'source' | 'destination' }) {
  const { vhost } = binding
  if (end === 'source') return <ExchangeLink vhost={vhost} name={binding.source} />
  if (binding.destination_type === 'queue') return <QueueLink vhost={vhost} name={binding.destination} />
  return <ExchangeLink vhost={vhost} name={binding.destination} />
}

function askToUnbind(binding: Binding): void {
  confirmThen({
    title: 'Remove this binding?',
    text: `${describe(binding)}: messages no longer go this way.`,
    action: 'Unbind',
    done: 'The binding is removed.',
    onYes: async () => {
      await call('DELETE', `${resourceOf(binding)}/${encodeURIComponent(binding.properties_key)}`)
      refresh('/api/queues', '/api/exchanges', '/api/bindings')
    },
  })
}

function BindForm({ vhost, name, kind, direction }: Ends & { readonly direction: 'to' | 'from' }) {
  const exchanges = useLive<readonly Exchange[]>(`${apiPath('exchanges', vhost)}?columns=name`)
  const queues = useLive<readonly Queue[]>(direction === 'to' ? `${apiPath('queues', vhost)}?columns=name` : null)
  const other = useSignal('')
  const otherKind = useSignal('queue')
  const key = useSignal('')
  const rows = useSignal<readonly ArgumentRow[]>([])
  const isToQueue = direction === 'from' ? kind === 'queue' : otherKind.value === 'queue'
  const names = direction === 'to' && otherKind.value === 'queue' ? queues.data : exchanges.data
  const submit = async () => {
    const [source, destination] = direction === 'to' ? [name, other.value] : [other.value, name]
    const path = apiPath('bindings', vhost, 'e', source, isToQueue ? 'q' : 'e', destination)
    await call('POST', path, { routing_key: key.value, arguments: readArguments(rows.value) })
    tell(`${source} is bound to ${destination}.`)
    refresh('/api/queues', '/api/exchanges', '/api/bindings')
  }
  return (
    <Dialog
      title={direction === 'to' ? `Bind ${name} to …` : `Bind … to ${name}`}
      action="Bind"
      onSubmit={submit}
      disabled={other.value === ''}
    >
      <div class="fields">
        {direction === 'to' ? (
          <SelectField
            label="Destination"
            value={otherKind}
            options={[
              ['queue', 'a queue'],
              ['exchange', 'an exchange'],
            ]}
          />
        ) : null}
        <TextField
          label={direction === 'to' ? 'Name' : 'Exchange'}
          value={other}
          options={(names ?? []).map((entry) => entry.name).filter(Boolean)}
          required
        />
        <TextField
          label="Binding key"
          value={key}
          hint={
            <>
              In topic exchanges <code>*</code> is one word, <code>#</code> any number of them.
            </>
          }
        />
        <ArgumentsField
          label="Arguments"
          value={rows}
          known={[{ name: 'x-match', type: 'text', hint: 'all, any, all-with-x, any-with-x: for headers exchanges' }]}
        />
      </div>
    </Dialog>
  )
}
