/** Forms that make queues and exchanges; opened from lists and from the palette. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { apiPath, call } from '../base/api.ts'
import { refresh, useLive } from '../base/live.ts'
import { enterable } from '../base/rights.ts'
import { go, vhostFilter } from '../base/router.ts'
import type { Overview, Vhost } from '../base/types.ts'
import { Dialog, openDialog, tell } from '../parts/feedback.tsx'
import {
  type ArgumentRow,
  ArgumentsField,
  CheckField,
  type KnownArgument,
  readArguments,
  SelectField,
  TextField,
} from '../parts/form.tsx'

const QUEUE_ARGUMENTS: readonly KnownArgument[] = [
  { name: 'x-message-ttl', type: 'number', hint: 'How long a message may wait, in milliseconds.' },
  { name: 'x-expires', type: 'number', hint: 'How long the queue may be unused before it goes, in milliseconds.' },
  { name: 'x-max-length', type: 'number', hint: 'How many messages may be ready.' },
  { name: 'x-max-length-bytes', type: 'number', hint: 'How many bytes may be ready.' },
  { name: 'x-overflow', type: 'text', hint: 'drop-head, reject-publish or reject-publish-dlx' },
  { name: 'x-dead-letter-exchange', type: 'text', hint: 'Where rejected and expired messages go.' },
  { name: 'x-dead-letter-routing-key', type: 'text', hint: 'The routing key that they get.' },
  { name: 'x-max-priority', type: 'number', hint: 'Highest priority, for classic queues.' },
  { name: 'x-single-active-consumer', type: 'boolean', hint: 'One consumer at a time.' },
  { name: 'x-delivery-limit', type: 'number', hint: 'Deliveries before a message is dead, for quorum queues.' },
  { name: 'x-max-age', type: 'text', hint: 'How long a stream keeps messages: 7D, 12h.' },
]
const EXCHANGE_ARGUMENTS: readonly KnownArgument[] = [
  { name: 'alternate-exchange', type: 'text', hint: 'Where messages go that match no binding.' },
  { name: 'x-delayed-type', type: 'text', hint: 'The type behind x-delayed-message.' },
]
const STANDARD_TYPES = ['direct', 'fanout', 'headers', 'topic']

/** The virtual hosts as choices. */
export function useVhostOptions(): readonly (readonly [string, string])[] {
  const { data } = useLive<readonly Vhost[]>(`${apiPath('vhosts')}?columns=name`)
  return (data ?? []).map(({ name }) => [name, name] as const)
}

/** The virtual host that something is made in: one that the user may enter. */
function VhostField({ value }: { readonly value: Signal<string> }) {
  const names = enterable.value ?? []
  useEffect(() => {
    if (names.length > 0 && !names.includes(value.peek())) value.value = names[0] ?? ''
  }, [names])
  return <SelectField label="Virtual host" value={value} options={names.map((name) => [name, name] as const)} />
}

/** Opens the form for a queue. */
export function openQueueForm(): void {
  openDialog(<QueueForm />)
}

/** Opens the form for an exchange. */
export function openExchangeForm(): void {
  openDialog(<ExchangeForm />)
}

function QueueForm() {
  const vhost = useSignal(vhostFilter.peek() || '/')
  const name = useSignal('')
  const type = useSignal('classic')
  const durable = useSignal(true)
  const autoDelete = useSignal(false)
  const rows = useSignal<readonly ArgumentRow[]>([])
  const submit = async () => {
    const isClassic = type.value === 'classic'
    await call('PUT', apiPath('queues', vhost.value, name.value), {
      durable: isClassic ? durable.value : true,
      auto_delete: isClassic && autoDelete.value,
      arguments: { 'x-queue-type': type.value, ...readArguments(rows.value) },
    })
    tell(`Queue ${name.value} is there.`)
    refresh('/api/queues')
    go(['queues', vhost.value, name.value])
  }
  return (
    <Dialog title="Declare a queue" action="Declare" onSubmit={submit} wide>
      <div class="fields">
        <TextField label="Name" value={name} required />
        <VhostField value={vhost} />
        <SelectField
          label="Type"
          value={type}
          options={[
            ['classic', 'Classic'],
            ['quorum', 'Quorum'],
            ['stream', 'Stream'],
          ]}
          hint={
            type.value === 'classic'
              ? 'For everything that needs no replicas: fast, with priorities.'
              : type.value === 'quorum'
                ? 'Safe above all: replicated, with a limit of deliveries.'
                : 'A log that is read again and again, by offset.'
          }
        />
        {type.value === 'classic' ? (
          <div class="stack tight">
            <CheckField label="Durable" hint="survives a restart" value={durable} />
            <CheckField label="Auto-delete" hint="goes with its last consumer" value={autoDelete} />
          </div>
        ) : null}
        <ArgumentsField label="Arguments" value={rows} known={QUEUE_ARGUMENTS} />
      </div>
    </Dialog>
  )
}

function ExchangeForm() {
  const { data: overview } = useLive<Overview>('/api/overview')
  const vhost = useSignal(vhostFilter.peek() || '/')
  const name = useSignal('')
  const type = useSignal('topic')
  const durable = useSignal(true)
  const autoDelete = useSignal(false)
  const internal = useSignal(false)
  const rows = useSignal<readonly ArgumentRow[]>([])
  const types = overview?.exchange_types?.map((entry) => entry.name) ?? STANDARD_TYPES
  const submit = async () => {
    await call('PUT', apiPath('exchanges', vhost.value, name.value), {
      type: type.value,
      durable: durable.value,
      auto_delete: autoDelete.value,
      internal: internal.value,
      arguments: readArguments(rows.value),
    })
    tell(`Exchange ${name.value} is there.`)
    refresh('/api/exchanges')
    go(['exchanges', vhost.value, name.value])
  }
  return (
    <Dialog title="Declare an exchange" action="Declare" onSubmit={submit} wide>
      <div class="fields">
        <TextField label="Name" value={name} required />
        <VhostField value={vhost} />
        <SelectField label="Type" value={type} options={types.map((entry) => [entry, entry] as const)} />
        <div class="stack tight">
          <CheckField label="Durable" hint="survives a restart" value={durable} />
          <CheckField label="Auto-delete" hint="goes with its last binding" value={autoDelete} />
          <CheckField label="Internal" hint="only other exchanges publish to it" value={internal} />
        </div>
        <ArgumentsField label="Arguments" value={rows} known={EXCHANGE_ARGUMENTS} />
      </div>
    </Dialog>
  )
}
