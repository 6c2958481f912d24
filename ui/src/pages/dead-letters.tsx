/**
 * The dead-letter centre: queues that dead-lettered messages end in, found by following `x-dead-letter-exchange`; their
 * first messages grouped by reason and source; and putting chosen ones back where they came from.
 */
import { useState } from 'preact/hooks'
import { apiPath, call } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh, useLive } from '../base/live.ts'
import { vhostFilter } from '../base/router.ts'
import type { Binding, Exchange, GotMessage, Queue } from '../base/types.ts'
import { Badge, Button, Card, Empty, Notice } from '../parts/basics.tsx'
import { attempt, confirmThen, openDialog, tell } from '../parts/feedback.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { deadLetterQueues, deathOf, groupDeaths } from './deaths.ts'
import { preview } from './decode.ts'
import { DEFAULT_EXCHANGE, QueueLink } from './lists.tsx'
import { MessageDialog } from './messages.tsx'

const LOOK_MAX = 200

interface Dead extends GotMessage {
  readonly number: number
}

/** The page. */
export function DeadLettersPage() {
  const vhost = vhostFilter.value || '/'
  const queues = useLive<readonly Queue[]>(apiPath('queues', vhost))
  const exchanges = useLive<readonly Exchange[]>(apiPath('exchanges', vhost))
  const bindings = useLive<readonly Binding[]>(apiPath('bindings', vhost))
  const found = deadLetterQueues(queues.data ?? [], exchanges.data ?? [], bindings.data ?? [])
  const [opened, setOpened] = useState<string | null>(null)
  const columns: readonly Column<Queue>[] = [
    {
      id: 'name',
      label: 'Queue',
      value: ({ name }) => name,
      show: ({ name }) => <QueueLink vhost={vhost} name={name} />,
    },
    {
      id: 'ready',
      label: 'Dead letters',
      end: true,
      value: ({ messages_ready: amount }) => amount ?? 0,
      show: ({ messages_ready: amount }) => format.count(amount),
    },
    {
      id: 'from',
      label: 'From',
      show: ({ name }) => found.find(({ queue }) => queue.name === name)?.sources.join(', ') ?? '',
    },
    {
      id: 'open',
      label: 'Look',
      end: true,
      show: ({ name }) => (
        <Button icon="eye" look="low" onClick={() => setOpened(name)} pressed={opened === name}>
          Look inside
        </Button>
      ),
    },
  ]
  return (
    <>
      <PageHead title="Dead letters" badges={<Badge title="virtual host">{vhost}</Badge>} />
      <Card flush title="Where dead letters end">
        <LocalTable
          id="dead"
          label="Queues with dead letters"
          rows={queues.data === undefined ? undefined : found.map(({ queue }) => queue)}
          columns={columns}
          keyOf={({ name }) => name}
          textOf={({ name }) => name}
          empty={
            <Empty icon="dead" title="No queue receives dead letters">
              Give a queue the argument x-dead-letter-exchange, or a policy with dead-letter-exchange: what is rejected
              or expires is then kept.
            </Empty>
          }
        />
      </Card>
      {opened === null ? null : <Inside key={opened} vhost={vhost} name={opened} />}
    </>
  )
}

function Inside({ vhost, name }: { readonly vhost: string; readonly name: string }) {
  const [messages, setMessages] = useState<readonly Dead[] | null>(null)
  const resource = apiPath('queues', vhost, name)
  const get = () =>
    attempt('', async () => {
      const body = { count: LOOK_MAX, ackmode: 'ack_requeue_true', encoding: 'auto', truncate: 100_000 }
      const got = (await call('POST', `${resource}/get`, body)) as readonly GotMessage[]
      setMessages(got.map((message, i) => ({ ...message, number: i + 1 })))
    })
  const columns: readonly Column<Dead>[] = [
    {
      id: 'number',
      label: 'Message',
      value: ({ number }) => number,
      show: (message) => (
        <Button look="plain low" onClick={() => openDialog(<MessageDialog vhost={vhost} message={message} />)}>
          {message.number}: {String(message.properties.message_id ?? 'show')}
        </Button>
      ),
    },
    {
      id: 'reason',
      label: 'Reason',
      value: (message) => deathOf(message).reason,
      show: (message) => <Badge tone="warn">{deathOf(message).reason}</Badge>,
    },
    {
      id: 'queue',
      label: 'Died in',
      value: (message) => deathOf(message).queue,
      show: (message) => deathOf(message).queue,
    },
    {
      id: 'exchange',
      label: 'Was published to',
      show: (message) => `${deathOf(message).exchange || '(default)'} ${deathOf(message).routingKey}`,
    },
    {
      id: 'count',
      label: 'Deaths',
      end: true,
      value: (message) => deathOf(message).count,
      show: (message) => format.count(deathOf(message).count),
    },
    { id: 'body', label: 'Body', show: (message) => <code>{preview(message)}</code> },
  ]
  if (messages === null) {
    return (
      <Card title={name}>
        <div class="stack">
          <Notice>Up to {LOOK_MAX} messages are got and put back, which marks them as redelivered.</Notice>
          <div class="row">
            <Button icon="eye" look="primary" onClick={get}>
              Look at the messages
            </Button>
          </div>
        </div>
      </Card>
    )
  }
  return (
    <>
      <Card title={`${name} by reason and source`}>
        <ul class="stack tight">
          {groupDeaths(messages).map(({ key, reason, queue, exchange, count }) => (
            <li key={key} class="row">
              <Badge tone="warn">{reason}</Badge> in {queue || '?'}, published to {exchange || '(default exchange)'}
              <span class="grow" />
              <strong>{format.count(count)}</strong>
            </li>
          ))}
        </ul>
      </Card>
      <Card flush title="Messages">
        <LocalTable
          id="deaths"
          label="Dead letters"
          rows={messages}
          columns={columns}
          keyOf={({ number }) => String(number)}
          textOf={(message) => `${JSON.stringify(message.properties)} ${message.payload}`}
          empty={<Empty icon="ok" title="No dead letters are ready" />}
          tools={
            <Button icon="refresh" onClick={get}>
              Look again
            </Button>
          }
          bulk={(rows, clear) => (
            <Button icon="send" onClick={() => askToCopyBack(vhost, rows, clear)}>
              Publish again
            </Button>
          )}
        />
      </Card>
    </>
  )
}

/** The API cannot take single messages out of a queue, so these are copies: the question says it. */
function askToCopyBack(vhost: string, rows: readonly Dead[], clear: () => void): void {
  confirmThen({
    title: `Publish ${format.plural(rows.length, 'message')} again?`,
    text: 'Each goes to the exchange and routing key that it had before it died. The dead letters themselves stay in their queue.',
    action: 'Publish again',
    done: `${format.plural(rows.length, 'message')} published again.`,
    onYes: async () => {
      let unroutedCount = 0
      for (const message of rows) {
        const { exchange, routingKey } = deathOf(message)
        const { headers, ...properties } = message.properties
        const kept = Object.entries((headers ?? {}) as object).filter(
          ([header]) => !/^x-(first-|last-)?death/.test(header),
        )
        const body = {
          routing_key: routingKey,
          payload: message.payload,
          payload_encoding: message.payload_encoding,
          properties: { ...properties, headers: Object.fromEntries(kept) },
        }
        const { routed } = (await call(
          'POST',
          apiPath('exchanges', vhost, exchange || DEFAULT_EXCHANGE, 'publish'),
          body,
        )) as {
          routed: boolean
        }
        if (!routed) unroutedCount++
      }
      if (unroutedCount > 0) tell(`${format.plural(unroutedCount, 'message')} found no queue.`, true)
      clear()
      refresh('/api/queues')
    },
  })
}
