/**
 * The messages of a queue, as far as the API shows them: the first ones are got and put back (or not), searched here, and
 * shown decoded. What is taken out for good says so first.
 */
import { useSignal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { apiPath, call } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh } from '../base/live.ts'
import type { GotMessage } from '../base/types.ts'
import { Badge, Button, Card, Code, Empty, Facts, Notice } from '../parts/basics.tsx'
import { attempt, confirmThen, Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { SelectField, TextField } from '../parts/form.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { type Decoding, decode, decodings, preview } from './decode.ts'
import { openPublishForm } from './publish.tsx'

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
export function MessagesCard(props: {
  readonly vhost: string
  readonly name: string
  readonly ready: number | undefined
}) {
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
    <Card flush title="Messages" aside={<Badge>{format.count(props.ready)} ready</Badge>}>
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
          Messages are got from the head of the queue and put back, which marks them as redelivered.
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
      id="messages"
      label="Messages"
      rows={props.messages}
      columns={columns}
      keyOf={({ number }) => String(number)}
      textOf={(message) => `${message.routing_key} ${JSON.stringify(message.properties)} ${message.payload}`}
      empty={<Empty icon="queues" title="The queue has no ready messages" />}
    />
  )
}

function openMessage(vhost: string, message: GotMessage): void {
  openDialog(<MessageDialog vhost={vhost} message={message} />)
}

/** One message in full. */
export function MessageDialog({ vhost, message }: { readonly vhost: string; readonly message: GotMessage }) {
  const offered = decodings(message)
  const [decoding, setDecoding] = useState<Decoding>(offered[0] ?? 'text')
  const { headers, ...properties } = message.properties
  const text = decode(message, decoding)
  const copy = () =>
    attempt('Copied.', () => navigator.clipboard.writeText(text).catch(() => tell('Not allowed.', true)))
  return (
    <Dialog title="Message" action="Close" isInformation wide onSubmit={async () => undefined}>
      <Facts
        two
        items={[
          ['Exchange', message.exchange === '' ? '(default exchange)' : message.exchange],
          ['Routing key', <code key="key">{message.routing_key}</code>],
          ['Size', format.bytes(message.payload_bytes)],
          ['Redelivered', message.redelivered ? 'yes' : 'no'],
          ...Object.entries(properties).map(([name, value]) => [name, format.jsonLine(value)] as const),
        ]}
      />
      {headers === undefined ? null : <Code text={JSON.stringify(headers, null, 2)} label="Headers" />}
      <div class="row">
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would need a legend that nobody needs to see. */}
        <div class="segments" role="group" aria-label="Show the body as">
          {offered.map((name) => (
            <button type="button" key={name} aria-pressed={name === decoding} onClick={() => setDecoding(name)}>
              {name}
            </button>
          ))}
        </div>
        <span class="grow" />
        <Button icon="copy" look="low" onClick={copy}>
          Copy
        </Button>
        <Button
          icon="send"
          look="low"
          onClick={() =>
            openPublishForm({
              vhost,
              exchange: message.exchange,
              routingKey: message.routing_key,
              payload: message.payload,
              encoding: message.payload_encoding,
              properties: message.properties,
            })
          }
        >
          Publish again
        </Button>
      </div>
      {message.payload.length === 0 ? <Notice>The body is empty.</Notice> : <Code text={text} label="Body" />}
    </Dialog>
  )
}
