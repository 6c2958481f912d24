/**
 * Getting messages as a consumer does, from the head of the queue: put back, or taken out for good, which says so first.
 * Looking without getting is in `explorer.tsx`.
 */
import { useSignal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { apiPath, call } from '../../base/api.ts'
import * as format from '../../base/format.ts'
import { refresh } from '../../base/live.ts'
import type { GotMessage } from '../../base/types.ts'
import { Badge, Button, Card, Empty } from '../../parts/basics.tsx'
import { attempt, confirmThen } from '../../parts/feedback.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { LocalTable } from '../../parts/table.tsx'
import type { Column } from '../../parts/table-parts.tsx'
import { preview } from './decode.ts'
import { openMessage } from './message.tsx'

const MODES: readonly (readonly [string, string])[] = [
  ['ack_requeue_true', 'Look and put back'],
  ['reject_requeue_true', 'Reject and put back (counts as a failed delivery)'],
  ['ack_requeue_false', 'Take out for good'],
  ['reject_requeue_false', 'Reject for good (dead-letters them)'],
]

interface Numbered extends GotMessage {
  readonly number: number
}

/** The card. */
export function GetCard(props: { readonly vhost: string; readonly name: string; readonly ready: number | undefined }) {
  const { vhost, name } = props
  const amount = useSignal('20')
  const mode = useSignal('ack_requeue_true')
  const [messages, setMessages] = useState<readonly Numbered[] | null>(null)
  const [isBusy, setBusy] = useState(false)
  const isForGood = mode.value.endsWith('_false')
  const get = async () => {
    const got = (await call('POST', apiPath('queues', vhost, name, 'get'), {
      count: Number(amount.value),
      ackmode: mode.value,
      encoding: 'auto',
      truncate: 1_000_000,
    })) as readonly GotMessage[]
    setMessages(got.map((message, i) => ({ ...message, number: i + 1 })))
    refresh(apiPath('queues', vhost, name))
  }
  const submit = async (event: Event) => {
    event.preventDefault()
    if (isForGood) {
      confirmThen({
        title: `Take messages out of ${name}?`,
        text: `Up to ${format.plural(Number(amount.value), 'message')} will not be in the queue any more.`,
        action: 'Take out',
        done: 'The messages are out of the queue.',
        onYes: get,
      })
      return
    }
    setBusy(true)
    await attempt('', get)
    setBusy(false)
  }
  return (
    <Card flush title="Get, as a consumer does" aside={<Badge>{format.count(props.ready)} ready</Badge>}>
      <form class="table-tools bottom" onSubmit={submit}>
        <div class="fields grow">
          <TextField label="How many, from the head" type="number" value={amount} required />
          <SelectField label="And then" value={mode} options={MODES} />
        </div>
        <Button submit icon="eye" look={isForGood ? 'primary destructive' : 'primary'} disabled={isBusy}>
          Get
        </Button>
      </form>
      {messages === null ? (
        <Empty icon="eye" title="Nothing is shown yet">
          Messages are got from the head of the queue and put back, which marks them as redelivered and counts as a
          delivery.
        </Empty>
      ) : (
        <MessageTable vhost={vhost} queue={name} messages={messages} />
      )}
    </Card>
  )
}

const HEADERS_SHOWN_MAX = 3

function MessageTable(props: {
  readonly vhost: string
  readonly queue: string
  readonly messages: readonly Numbered[]
}) {
  const columns: Column<Numbered>[] = [
    {
      id: 'number',
      label: 'Message',
      value: ({ number }) => number,
      show: (message) => (
        <Button look="plain low" onClick={() => openMessage(props.vhost, message)}>
          {message.number}: {String(message.properties.message_id ?? 'show')}
        </Button>
      ),
    },
    { id: 'exchange', label: 'Exchange', value: ({ exchange }) => exchange, show: ({ exchange }) => exchange },
    {
      id: 'key',
      label: 'Routing key',
      value: ({ routing_key: key }) => key,
      show: ({ routing_key: key }) => <code>{key}</code>,
    },
    { id: 'body', label: 'Body', show: (message) => <code>{preview(message)}</code> },
    {
      id: 'headers',
      label: 'Headers',
      show: ({ properties }) =>
        Object.entries((properties.headers as object | undefined) ?? {})
          .slice(0, HEADERS_SHOWN_MAX)
          .map(([name, value]) => `${name}: ${format.jsonLine(value)}`)
          .join(', '),
    },
    {
      id: 'bytes',
      label: 'Size',
      end: true,
      value: ({ payload_bytes: bytes }) => bytes,
      show: ({ payload_bytes: bytes }) => format.bytes(bytes),
    },
    {
      id: 'redelivered',
      label: 'Redelivered',
      value: ({ redelivered }) => redelivered,
      show: ({ redelivered }) => (redelivered ? <Badge tone="warn">yes</Badge> : 'no'),
    },
  ]
  return (
    <LocalTable
      id="got"
      label="Messages got"
      rows={props.messages}
      columns={columns}
      keyOf={({ number }) => String(number)}
      textOf={(message) => `${message.routing_key} ${JSON.stringify(message.properties)} ${message.payload}`}
      empty={<Empty icon="queues" title="The queue has no ready messages" />}
    />
  )
}
