/** What several lists and pages show alike: links to objects, states, features, rates. */
import * as format from '../base/format.ts'
import { href } from '../base/router.ts'
import type { Arguments, Queue, Stats } from '../base/types.ts'
import { counterOf, rateOf } from '../base/types.ts'
import { Badge, type Tone } from '../parts/basics.tsx'

/** What the default exchange is called in addresses and requests. */
export const DEFAULT_EXCHANGE = 'amq.default'

/** A queue's name, leading to it. */
export function QueueLink({ vhost, name }: { readonly vhost: string; readonly name: string }) {
  return <a href={href(['queues', vhost, name])}>{name}</a>
}

/** An exchange's name, leading to it. */
export function ExchangeLink({ vhost, name }: { readonly vhost: string; readonly name: string }) {
  const path = ['exchanges', vhost, name === '' ? DEFAULT_EXCHANGE : name]
  return <a href={href(path)}>{name === '' ? '(default exchange)' : name}</a>
}

/** The virtual host that something is in. */
export function VhostBadge({ name }: { readonly name: string | undefined }) {
  return <Badge>virtual host {name ?? '…'}</Badge>
}

/** A number that fades when it is zero. */
export function Amount({ value }: { readonly value: number | null | undefined }) {
  return <span class={value === 0 || value === undefined || value === null ? 'zero' : ''}>{format.count(value)}</span>
}

/** The rate of a counter, faded when zero. */
export function Rate({ stats, name }: { readonly stats: Stats | undefined; readonly name: string }) {
  const value = rateOf(stats, name) ?? (counterOf(stats, name) === undefined ? 0 : undefined)
  return <span class={value === 0 ? 'zero' : ''}>{format.rate(value)}</span>
}

const STATE_TONES: Readonly<Record<string, Tone>> = {
  running: 'ok',
  flow: 'warn',
  blocked: 'danger',
  blocking: 'warn',
  idle: 'plain',
  down: 'danger',
  crashed: 'danger',
  stopped: 'danger',
  minority: 'danger',
}

/** A state in words and colour. */
export function State({ state }: { readonly state: string | undefined }) {
  if (state === undefined) return <span class="muted">{format.UNKNOWN}</span>
  const tone = STATE_TONES[state] ?? 'plain'
  // What is as it should be does not ask for attention.
  if (tone === 'ok' || tone === 'plain') return <span class={`state ${tone}`}>{state}</span>
  return <Badge tone={tone}>{state}</Badge>
}

const SHORT_ARGUMENTS: Readonly<Record<string, string>> = {
  'x-message-ttl': 'TTL',
  'x-expires': 'Exp',
  'x-max-length': 'Lim',
  'x-max-length-bytes': 'Lim B',
  'x-dead-letter-exchange': 'DLX',
  'x-dead-letter-routing-key': 'DLK',
  'x-max-priority': 'Pri',
  'x-single-active-consumer': 'SAC',
  'x-overflow': 'Ovfl',
  'x-delivery-limit': 'DL',
  'alternate-exchange': 'AE',
}

/** What is special about a queue or an exchange, in short; hovering says it in full. */
export function Features(props: {
  readonly durable: boolean
  readonly autoDelete: boolean
  readonly exclusive?: boolean | undefined
  readonly internal?: boolean
  readonly args: Arguments
  readonly policy?: string | null | undefined
}) {
  const entries = Object.entries(props.args).filter(([name]) => name !== 'x-queue-type')
  return (
    <span class="tokens">
      {props.durable ? <Badge title="durable: survives a restart">D</Badge> : null}
      {props.autoDelete ? <Badge title="auto-delete: goes with its last user">AD</Badge> : null}
      {props.exclusive === true ? <Badge title="exclusive to one connection">Excl</Badge> : null}
      {props.internal === true ? <Badge title="internal: clients cannot publish to it">I</Badge> : null}
      {entries.map(([name, value]) => (
        <Badge key={name} title={`${name}: ${format.jsonLine(value)}`}>
          {SHORT_ARGUMENTS[name] ?? 'Arg'}
        </Badge>
      ))}
      {typeof props.policy === 'string' && props.policy !== '' ? (
        <Badge tone="accent" title={`policy ${props.policy}`}>
          {props.policy}
        </Badge>
      ) : null}
    </span>
  )
}

/** How a queue is doing: growing, without consumers, behind. Undefined when all is well. */
export function problemOf(queue: Queue): { readonly tone: Tone; readonly text: string } | undefined {
  const { messages = 0, messages_ready: ready = 0, consumers = 0 } = queue
  const growth = queue.messages_details?.rate ?? 0
  if (queue.state === 'down' || queue.state === 'crashed' || queue.state === 'minority') {
    return { tone: 'danger', text: queue.state }
  }
  if (ready > 0 && consumers === 0) return { tone: 'warn', text: 'no consumers' }
  if (growth > 1 && messages > 100) return { tone: 'warn', text: `growing ${format.rate(growth)}` }
  return undefined
}
