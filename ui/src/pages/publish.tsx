/** Publishing a message by hand. */
import { useSignal } from '@preact/signals'
import { apiPath, call } from '../base/api.ts'
import { refresh } from '../base/live.ts'
import type { Arguments } from '../base/types.ts'
import { Dialog, openDialog, tell } from '../parts/feedback.tsx'
import {
  AreaField,
  type ArgumentRow,
  ArgumentsField,
  argumentRows,
  CheckField,
  type KnownArgument,
  readArguments,
  SelectField,
  TextField,
} from '../parts/form.tsx'
import { DEFAULT_EXCHANGE } from './lists.tsx'

/** What the form begins with. */
export interface Draft {
  readonly vhost: string
  readonly exchange: string
  readonly routingKey: string
  readonly payload?: string
  readonly encoding?: 'string' | 'base64'
  readonly properties?: Arguments
}

const PROPERTIES: readonly KnownArgument[] = [
  { name: 'content_type', type: 'text', hint: 'application/json, …' },
  { name: 'message_id', type: 'text', hint: "The application's id of the message" },
  { name: 'correlation_id', type: 'text', hint: 'What it answers' },
  { name: 'reply_to', type: 'text', hint: 'Where the answer goes' },
  { name: 'expiration', type: 'text', hint: 'How long it may wait, in milliseconds, as text' },
  { name: 'priority', type: 'number', hint: 'For queues with priorities' },
  { name: 'type', type: 'text', hint: "The application's kind of message" },
  { name: 'app_id', type: 'text', hint: 'Who sends it' },
]

/** Opens the form. */
export function openPublishForm(draft: Draft): void {
  openDialog(<PublishForm draft={draft} />)
}

function PublishForm({ draft }: { readonly draft: Draft }) {
  const { headers = {}, delivery_mode: mode = 2, ...rest } = draft.properties ?? {}
  const key = useSignal(draft.routingKey)
  const payload = useSignal(draft.payload ?? '')
  const encoding = useSignal<string>(draft.encoding ?? 'string')
  const isPersistent = useSignal(mode === 2)
  const properties = useSignal<readonly ArgumentRow[]>(argumentRows(rest))
  const headerRows = useSignal<readonly ArgumentRow[]>(argumentRows(headers as Arguments))
  const submit = async () => {
    const { routed } = (await call(
      'POST',
      apiPath('exchanges', draft.vhost, draft.exchange || DEFAULT_EXCHANGE, 'publish'),
      {
        routing_key: key.value,
        payload: payload.value,
        payload_encoding: encoding.value,
        properties: {
          delivery_mode: isPersistent.value ? 2 : 1,
          headers: readArguments(headerRows.value),
          ...readArguments(properties.value),
        },
      },
    )) as { routed: boolean }
    if (!routed) throw new Error('No queue took the message: nothing is bound for this routing key.')
    tell('Published and routed.')
    refresh('/api/queues', '/api/exchanges')
  }
  return (
    <Dialog
      title={draft.exchange === '' ? `Publish to the queue ${draft.routingKey}` : `Publish to ${draft.exchange}`}
      action="Publish"
      onSubmit={submit}
      wide
    >
      <div class="fields">
        <TextField label="Routing key" value={key} readOnly={draft.exchange === ''} />
        <SelectField
          label="The body is"
          value={encoding}
          options={[
            ['string', 'Text'],
            ['base64', 'Base64'],
          ]}
        />
        <AreaField label="Body" value={payload} rows={8} whole />
        <CheckField label="Persistent" hint="on disk before it is confirmed" value={isPersistent} />
        <ArgumentsField label="Properties" value={properties} known={PROPERTIES} />
        <ArgumentsField label="Headers" value={headerRows} />
      </div>
    </Dialog>
  )
}
