/**
 * The message explorer of a queue: ready messages by position or by conditions, looked at without consuming them; and what
 * can be done with the chosen ones, or with all that match. The conditions are in the address.
 */
import { useSignal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { ApiFailure, call } from '../../base/api.ts'
import * as format from '../../base/format.ts'
import { route, setQuery } from '../../base/router.ts'
import { saveFile } from '../../base/save-file.ts'
import { isAdministrator } from '../../base/session.ts'
import type { GotMessage } from '../../base/types.ts'
import { Badge, Button, Card, Empty, Failure } from '../../parts/basics.tsx'
import { attempt, tell } from '../../parts/feedback.tsx'
import { TextField } from '../../parts/form.tsx'
import { LocalTable } from '../../parts/table.tsx'
import type { Column } from '../../parts/table-parts.tsx'
import { conditionsOf, filterOf, type MessageFilter } from './conditions.ts'
import { ConditionsField } from './conditions-field.tsx'
import { preview } from './decode.ts'
import { openMessage } from './message.tsx'
import { type Operation, openOperation } from './operate.tsx'

/** Messages looked at together. */
export const SHOWN = 100
/** Bytes of a body in the table; a message that is opened is read in full. */
export const PREVIEW_BYTES = 400
const HEADERS_SHOWN_MAX = 3

/** A message with its place in the queue. */
export interface Browsed extends GotMessage {
  readonly position: number
  readonly published_at: number
}

/** What browsing finds. */
export interface Browse {
  readonly messages: readonly Browsed[]
  readonly next_position: number | null
  readonly examined: number
}

/** Reads ready messages without consuming them. */
export async function browse(vhost: string, queue: string, body: object): Promise<Browse> {
  const path = `/api/warren/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}/browse`
  return (await call('POST', path, body)) as Browse
}

/** Reads one message in full and shows it. */
export function openBrowsed(vhost: string, queue: string, position: number): Promise<boolean> {
  return attempt('', async () => {
    const { messages } = await browse(vhost, queue, { position, limit: 1 })
    const [message] = messages
    if (message?.position === position) openMessage(vhost, message)
    else tell('This message is not in the queue any more.', true)
  })
}

function filterInAddress(): MessageFilter {
  const text = route.peek().query.get('find')
  if (text === null) return {}
  try {
    const filter: unknown = JSON.parse(text)
    return typeof filter === 'object' && filter !== null ? (filter as MessageFilter) : {}
  } catch (error) {
    console.debug('the filter in the address is not JSON', error)
    return {}
  }
}

/** The card. */
export function ExplorerCard(props: {
  readonly vhost: string
  readonly name: string
  readonly ready: number | undefined
}) {
  const { vhost, name } = props
  const conditions = useSignal(conditionsOf(filterInAddress()))
  const start = useSignal(route.peek().query.get('position') ?? '')
  const [found, setFound] = useState<Browse | null>(null)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const [used, setUsed] = useState<MessageFilter>(filterInAddress())
  const look = async (position: number | undefined): Promise<void> => {
    try {
      const filter = filterOf(conditions.value)
      const text = JSON.stringify(filter)
      setQuery({ find: text === '{}' ? undefined : text, position })
      const from = position === undefined ? {} : { position }
      setFound(await browse(vhost, name, { filter, ...from, limit: SHOWN, truncate: PREVIEW_BYTES }))
      setUsed(filter)
      setFailure(undefined)
    } catch (error) {
      if (error instanceof ApiFailure) setFailure(error)
      else if (error instanceof Error) tell(error.message, true)
      else throw error
    }
  }
  const fromStart = () => look(start.value === '' ? undefined : Number(start.value))
  useEffect(() => {
    void fromStart()
  }, [vhost, name])
  return (
    <Card flush title="Messages" aside={<Badge>{format.count(props.ready)} ready</Badge>}>
      <form
        class="table-tools bottom"
        onSubmit={(event) => {
          event.preventDefault()
          void fromStart()
        }}
      >
        <div class="fields grow">
          <ConditionsField value={conditions} />
          <TextField label="From position" type="number" value={start} placeholder="the head of the queue" />
        </div>
        <Button submit icon="search" look="primary">
          Look
        </Button>
      </form>
      {failure === undefined ? null : (
        <div class="table-tools">
          <Failure failure={failure} />
        </div>
      )}
      {found === null ? null : (
        <Found vhost={vhost} queue={name} found={found} filter={used} look={look} again={() => void fromStart()} />
      )}
    </Card>
  )
}

interface FoundProps {
  readonly vhost: string
  readonly queue: string
  readonly found: Browse
  readonly filter: MessageFilter
  readonly look: (position: number | undefined) => Promise<void>
  readonly again: () => void
}

/** Messages that were found, and what can be done with them. */
export function Found(props: FoundProps) {
  const { vhost, queue, found, filter, look, again } = props
  const { messages, next_position: next, examined } = found
  const hasFilter = Object.keys(filter).length > 0
  return (
    <>
      <div class="table-tools">
        <span class="small muted" role="status">
          {format.plural(messages.length, 'message')} {next === null ? '' : 'so far '}of {format.count(examined)} looked
          at
        </span>
        <span class="grow" />
        <Operations selection={{ vhost, queue, filter }} again={again} label={hasFilter ? 'all that match' : 'all'} />
        {next === null ? null : (
          <Button icon="right" onClick={() => look(next)}>
            Further on
          </Button>
        )}
      </div>
      <LocalTable
        id="messages"
        label="Messages"
        rows={messages}
        columns={columnsFor(vhost, queue)}
        keyOf={({ position }) => String(position)}
        textOf={(message) => `${message.routing_key} ${JSON.stringify(message.properties)} ${message.payload}`}
        empty={
          hasFilter ? (
            <Empty icon="search" title="No ready message is like this">
              Take a condition away, or look from the head of the queue.
            </Empty>
          ) : (
            <Empty icon="queues" title="The queue has no ready messages">
              Messages that consumers hold are not shown here.
            </Empty>
          )
        }
        bulk={(rows, clear) => (
          <>
            <Operations
              selection={{ vhost, queue, filter: {}, positions: rows.map(({ position }) => position) }}
              again={() => {
                clear()
                again()
              }}
              label="the chosen"
            />
            <Button icon="download" look="low" onClick={() => save(vhost, queue, rows)}>
              Save
            </Button>
          </>
        )}
      />
    </>
  )
}

const OPERATIONS: readonly (readonly [Operation, string, 'copy' | 'send' | 'trash' | 'refresh'])[] = [
  ['copy', 'Copy', 'copy'],
  ['move', 'Move', 'send'],
  ['redrive', 'Send back', 'refresh'],
  ['delete', 'Delete', 'trash'],
]

/** What can be done with messages of a queue. */
export function Operations(props: {
  readonly selection: Parameters<typeof openOperation>[1]
  readonly again: () => void
  readonly label: string
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would need a legend that nobody needs to see.
    <span class="row" role="group" aria-label={`With ${props.label}`}>
      <span class="small muted">With {props.label}:</span>
      {OPERATIONS.filter(([operation]) => operation !== 'redrive' || isAdministrator.value).map(
        ([operation, label, icon]) => (
          <Button
            key={operation}
            icon={icon}
            look={operation === 'delete' ? 'low destructive' : 'low'}
            onClick={() => openOperation(operation, props.selection, props.again)}
          >
            {label}
          </Button>
        ),
      )}
    </span>
  )
}

function save(vhost: string, queue: string, rows: readonly Browsed[]): Promise<boolean> {
  return attempt('', async () => {
    const positions = rows.map(({ position }) => position)
    const { messages } = await browse(vhost, queue, { positions, position: Math.min(...positions), limit: rows.length })
    saveFile(`${queue.replaceAll(/[^\w.-]/g, '_')}.json`, JSON.stringify(messages, null, 2), 'application/json')
  })
}

function columnsFor(vhost: string, queue: string): readonly Column<Browsed>[] {
  return [
    {
      id: 'position',
      label: 'Position',
      value: ({ position }) => position,
      show: ({ position, properties }) => (
        <Button look="plain low" onClick={() => openBrowsed(vhost, queue, position)}>
          {position}
          {properties.message_id === undefined ? '' : `: ${String(properties.message_id)}`}
        </Button>
      ),
    },
    {
      id: 'published',
      label: 'Published',
      value: ({ published_at: at }) => at,
      show: ({ published_at: at }) => <span title={format.moment(at)}>{format.ago(at)}</span>,
    },
    {
      id: 'exchange',
      label: 'Exchange',
      value: ({ exchange }) => exchange,
      show: ({ exchange }) => exchange || <span class="muted">(default)</span>,
    },
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
      show: ({ redelivered }) => (redelivered ? <Badge tone="warn">yes</Badge> : <span class="muted">no</span>),
    },
  ]
}
