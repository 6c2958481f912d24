/**
 * Moving, copying, deleting messages of a queue, and sending dead letters back: first told what would happen, then done.
 * The broker keeps what is moved until its copy is safe. [docs/queue-operations.md]
 */
import { useSignal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { apiPath, call } from '../../base/api.ts'
import * as format from '../../base/format.ts'
import { refresh, useLive } from '../../base/live.ts'
import type { Paged } from '../../base/types.ts'
import { Badge, Notice } from '../../parts/basics.tsx'
import { Dialog, openDialog, STAY, tell } from '../../parts/feedback.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { DEFAULT_EXCHANGE } from '../lists.tsx'
import { describeFilter, type MessageFilter } from './conditions.ts'

/** What can be done with messages. */
export type Operation = 'move' | 'copy' | 'delete' | 'redrive'

/** Messages of a queue: those at positions, or those of a filter. */
export interface Selection {
  readonly vhost: string
  readonly queue: string
  readonly positions?: readonly number[]
  readonly filter: MessageFilter
}

interface Outcome {
  readonly matched: number
  readonly examined: number
  readonly moved?: number
  readonly copied?: number
  readonly deleted?: number
  readonly unrouted?: number
  readonly refused?: number
  readonly destinations?: Readonly<Record<string, number>>
}

const VERBS: Readonly<Record<Operation, readonly [verb: string, done: string]>> = {
  move: ['Move', 'moved'],
  copy: ['Copy', 'copied'],
  delete: ['Delete', 'deleted'],
  redrive: ['Send back', 'sent back'],
}
const NAMES_MAX = 200
const HELP: Readonly<Record<Operation, string>> = {
  move: 'They are published again, and leave this queue once they are safe there.',
  copy: 'They are published again, and stay in this queue.',
  delete: 'They are gone for good.',
  redrive: 'Each goes back to the queue where it died last, as if it had not died.',
}

/** Asks where to, shows what would happen, does it. */
export function openOperation(operation: Operation, selection: Selection, onDone: () => void): void {
  openDialog(<OperationDialog operation={operation} selection={selection} onDone={onDone} />)
}

function whatIsMeant({ positions, filter, queue }: Selection): string {
  if (positions !== undefined) return `${format.plural(positions.length, 'chosen message')} of ${queue}`
  return `${describeFilter(filter)} in ${queue}`
}

function OperationDialog(props: {
  readonly operation: Operation
  readonly selection: Selection
  readonly onDone: () => void
}) {
  const { operation, selection } = props
  const [verb, done] = VERBS[operation]
  const target = useTarget(selection.vhost)
  const [plan, setPlan] = useState<{ readonly outcome: Outcome; readonly where: string } | null>(null)
  const isAddressed = operation === 'move' || operation === 'copy'
  const where = isAddressed ? JSON.stringify(target.body()) : ''
  // What was tried is not what would be done now.
  const current = plan !== null && plan.where === where ? plan.outcome : null
  const run = async (isDry: boolean): Promise<Outcome> => {
    const body = {
      ...(selection.positions === undefined ? { filter: selection.filter } : { positions: selection.positions }),
      ...(isAddressed ? target.body() : {}),
      dry_run: isDry,
    }
    return (await call(
      'POST',
      `/api/warren/queues/${encodeURIComponent(selection.vhost)}/${encodeURIComponent(selection.queue)}/${operation}`,
      body,
    )) as Outcome
  }
  const submit = async () => {
    if (current === null) {
      setPlan({ outcome: await run(true), where })
      return STAY
    }
    const outcome = await run(false)
    const amount = outcome.moved ?? outcome.copied ?? outcome.deleted ?? 0
    const left = (outcome.unrouted ?? 0) + (outcome.refused ?? 0)
    tell(
      `${format.plural(amount, 'message')} ${done}.${left > 0 ? ` ${format.count(left)} stayed: no queue took them.` : ''}`,
      left > 0,
    )
    props.onDone()
    refresh('/api/queues')
    return undefined
  }
  const action = current === null ? 'Try without doing it' : `${verb} ${format.plural(current.matched, 'message')}`
  return (
    <Dialog
      title={`${verb} messages?`}
      action={action}
      destructive={operation === 'delete' && current !== null}
      disabled={current !== null && current.matched === 0}
      onSubmit={submit}
    >
      <p>
        This is about <strong class="break">{whatIsMeant(selection)}</strong>. {HELP[operation]}
      </p>
      {isAddressed ? <TargetFields target={target} /> : null}
      {current === null ? null : <Plan outcome={current} operation={operation} />}
    </Dialog>
  )
}

function Plan({ outcome, operation }: { readonly outcome: Outcome; readonly operation: Operation }) {
  const places = Object.entries(outcome.destinations ?? {})
  return (
    <div role="status">
      <Notice tone={outcome.matched === 0 || (outcome.unrouted ?? 0) > 0 ? 'warn' : 'accent'}>
        <strong>{format.plural(outcome.matched, 'message')}</strong> of {format.count(outcome.examined)} looked at would
        be {VERBS[operation][1]}.
        {places.length === 0 ? null : (
          <span class="tokens">
            {places.map(([name, amount]) => (
              <Badge key={name} tone="accent">
                → {name === '' ? '(default exchange)' : name}: {format.count(amount)}
              </Badge>
            ))}
          </span>
        )}
        {(outcome.unrouted ?? 0) > 0 ? ` ${format.count(outcome.unrouted)} would find no place, and stay.` : ''}
      </Notice>
    </div>
  )
}

function useTarget(vhost: string) {
  const kind = useSignal<string>('queue')
  const queue = useSignal('')
  const exchange = useSignal('')
  const key = useSignal('')
  const { data } = useLive<Paged<{ readonly name: string }>>(
    `${apiPath('queues', vhost)}?page=1&page_size=${NAMES_MAX}&columns=name&disable_stats=true`,
  )
  const body = () => {
    if (kind.value === 'queue') return { queue: queue.value }
    if (kind.value === 'own') return {}
    return { exchange: exchange.value || DEFAULT_EXCHANGE, ...(key.value === '' ? {} : { routing_key: key.value }) }
  }
  return { kind, queue, exchange, key, names: data?.items.map(({ name }) => name) ?? [], body }
}

function TargetFields({ target }: { readonly target: ReturnType<typeof useTarget> }) {
  return (
    <>
      <SelectField
        label="Where to"
        value={target.kind}
        options={[
          ['queue', 'Straight into a queue'],
          ['exchange', 'Through an exchange'],
          ['own', 'The way they came: their own exchange and routing key'],
        ]}
      />
      {target.kind.value === 'queue' ? (
        <TextField label="Queue" value={target.queue} options={target.names} required />
      ) : null}
      {target.kind.value === 'exchange' ? (
        <>
          <TextField label="Exchange" value={target.exchange} hint="Empty: the default exchange" />
          <TextField label="Routing key" value={target.key} hint="Empty: each message's own" />
        </>
      ) : null}
    </>
  )
}
