/** Policies and operator policies, with a preview of what one matches. */
import { type Signal, useSignal } from '@preact/signals'
import { apiPath, call } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh, useLive } from '../base/live.ts'
import { enterable, mayEnter } from '../base/rights.ts'
import { vhostFilter } from '../base/router.ts'
import { isAdministrator } from '../base/session.ts'
import type { Exchange, Policy, Queue } from '../base/types.ts'
import { Badge, Button, Card, Empty, Notice } from '../parts/basics.tsx'
import { confirmThen, Dialog, openDialog, tell } from '../parts/feedback.tsx'
import {
  type ArgumentRow,
  ArgumentsField,
  argumentRows,
  type KnownArgument,
  readArguments,
  SelectField,
  TextField,
} from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { readable } from './effective-settings.ts'

type Kind = 'policies' | 'operator-policies'

const KEYS: readonly KnownArgument[] = [
  { name: 'message-ttl', type: 'number', hint: 'How long a message may wait, in milliseconds.' },
  { name: 'expires', type: 'number', hint: 'How long a queue may be unused, in milliseconds.' },
  { name: 'max-length', type: 'number', hint: 'How many messages may be ready.' },
  { name: 'max-length-bytes', type: 'number', hint: 'How many bytes may be ready.' },
  { name: 'overflow', type: 'text', hint: 'drop-head, reject-publish or reject-publish-dlx' },
  { name: 'dead-letter-exchange', type: 'text', hint: 'Where rejected and expired messages go.' },
  { name: 'dead-letter-routing-key', type: 'text', hint: 'The routing key that they get.' },
  { name: 'delivery-limit', type: 'number', hint: 'For quorum queues.' },
  { name: 'alternate-exchange', type: 'text', hint: 'For exchanges: where unroutable messages go.' },
  { name: 'max-age', type: 'text', hint: 'For streams: 7D, 12h.' },
]
const OPERATOR_KEYS = KEYS.filter(({ name }) =>
  ['message-ttl', 'expires', 'max-length', 'max-length-bytes', 'overflow', 'delivery-limit'].includes(name),
)
const APPLIES = ['all', 'queues', 'classic_queues', 'quorum_queues', 'streams', 'exchanges']
const MATCHES_SHOWN_MAX = 20

/** The page. */
export function PoliciesPage() {
  return (
    <>
      <PageHead title="Policies" />
      <PolicyCard kind="policies" title="User policies" />
      <PolicyCard kind="operator-policies" title="Operator policies" />
    </>
  )
}

function PolicyCard({ kind, title }: { readonly kind: Kind; readonly title: string }) {
  const vhost = vhostFilter.value
  const { data, failure } = useLive<readonly Policy[]>(vhost === '' ? apiPath(kind) : apiPath(kind, vhost))
  const hasTag = kind === 'policies' || isAdministrator.value
  const mayAdd = hasTag && mayEnter(vhost)
  const columns: readonly Column<Policy>[] = [
    {
      id: 'name',
      label: 'Name',
      value: ({ name }) => name,
      show: (policy) =>
        hasTag && mayEnter(policy.vhost) ? (
          <Button look="plain low" onClick={() => openDialog(<PolicyForm kind={kind} policy={policy} />)}>
            {policy.name}
          </Button>
        ) : (
          policy.name
        ),
    },
    { id: 'vhost', label: 'Virtual host', value: (policy) => policy.vhost, show: (policy) => policy.vhost },
    { id: 'pattern', label: 'Pattern', show: ({ pattern }) => <code>{pattern}</code> },
    { id: 'applies', label: 'Applies to', value: (policy) => policy['apply-to'], show: (policy) => policy['apply-to'] },
    {
      id: 'definition',
      label: 'Definition',
      show: ({ definition }) => (
        <span class="tokens">
          {Object.entries(definition).map(([name, value]) => (
            <Badge key={name} title={`${name}: ${format.jsonLine(value)}`}>
              {name}: {readable(name, value)}
            </Badge>
          ))}
        </span>
      ),
    },
    {
      id: 'priority',
      label: 'Priority',
      end: true,
      value: ({ priority }) => priority,
      show: ({ priority }) => priority,
    },
    {
      id: 'remove',
      label: 'Remove',
      end: true,
      show: (policy) => (
        <Button
          icon="trash"
          label={`Delete the policy ${policy.name}`}
          look="plain low"
          disabled={!hasTag || !mayEnter(policy.vhost)}
          onClick={() =>
            confirmThen({
              title: `Delete the policy ${policy.name}?`,
              text: 'What it applies to gets the next matching policy, or none.',
              action: 'Delete',
              done: `Policy ${policy.name} is deleted.`,
              onYes: async () => {
                await call('DELETE', apiPath(kind, policy.vhost, policy.name))
                refresh(apiPath(kind))
              },
            })
          }
        />
      ),
    },
  ]
  return (
    <Card flush title={title}>
      <LocalTable
        id={kind}
        label={title}
        rows={data}
        failure={failure}
        columns={columns}
        keyOf={({ vhost: host, name }) => `${host} ${name}`}
        textOf={({ name, pattern }) => `${name} ${pattern}`}
        tools={
          mayAdd ? (
            <Button icon="plus" onClick={() => openDialog(<PolicyForm kind={kind} />)}>
              Add
            </Button>
          ) : null
        }
        empty={
          <Empty icon="policy" title={`No ${title.toLowerCase()}`}>
            {kind === 'policies'
              ? 'A policy sets limits, TTLs and dead-lettering of all queues whose names match, also of those that exist.'
              : 'An operator policy sets upper limits that applications cannot exceed.'}
          </Empty>
        }
      />
    </Card>
  )
}

function PolicyForm({ kind, policy }: { readonly kind: Kind; readonly policy?: Policy }) {
  const vhosts = (enterable.value ?? []).map((entry) => [entry, entry] as const)
  const vhost = useSignal(policy?.vhost ?? (vhostFilter.peek() || '/'))
  const name = useSignal(policy?.name ?? '')
  const pattern = useSignal(policy?.pattern ?? '')
  const applies = useSignal(policy?.['apply-to'] ?? 'queues')
  const priority = useSignal(String(policy?.priority ?? 0))
  const rows = useSignal<readonly ArgumentRow[]>(argumentRows(policy?.definition ?? {}))
  const submit = async () => {
    await call('PUT', apiPath(kind, vhost.value, name.value), {
      pattern: pattern.value,
      'apply-to': applies.value,
      priority: Number(priority.value),
      definition: readArguments(rows.value),
    })
    tell(`Policy ${name.value} is set.`)
    refresh(apiPath(kind))
  }
  return (
    <Dialog
      title={policy === undefined ? 'Add a policy' : `Change ${policy.name}`}
      action="Save"
      onSubmit={submit}
      wide
    >
      <div class="fields">
        <TextField label="Name" value={name} required readOnly={policy !== undefined} />
        <SelectField label="Virtual host" value={vhost} options={vhosts} />
        <TextField label="Pattern" value={pattern} required hint="Expression for names" placeholder="^orders\." />
        <SelectField label="Applies to" value={applies} options={APPLIES.map((entry) => [entry, entry] as const)} />
        <TextField label="Priority" type="number" value={priority} hint="The highest one that matches wins" />
        <ArgumentsField label="Definition" value={rows} known={kind === 'policies' ? KEYS : OPERATOR_KEYS} />
      </div>
      <Preview vhost={vhost.value} pattern={pattern} applies={applies.value} />
    </Dialog>
  )
}

/** What the pattern matches now. */
function Preview(props: { readonly vhost: string; readonly pattern: Signal<string>; readonly applies: string }) {
  const queues = useLive<readonly Queue[]>(`${apiPath('queues', props.vhost)}?columns=name,type&disable_stats=true`)
  const exchanges = useLive<readonly Exchange[]>(`${apiPath('exchanges', props.vhost)}?columns=name&disable_stats=true`)
  const text = props.pattern.value
  if (text === '') return null
  let matches: (name: string) => boolean
  try {
    const expression = new RegExp(text)
    matches = (name) => expression.test(name)
  } catch (error) {
    console.debug('the expression is not complete', error)
    return <Notice tone="warn">The pattern is not a valid expression.</Notice>
  }
  const kind = /^(classic|quorum)_queues$/.exec(props.applies)?.[1] ?? (props.applies === 'streams' ? 'stream' : '')
  const names = [
    ...(props.applies === 'exchanges' ? [] : (queues.data ?? []))
      .filter(({ name, type }) => matches(name) && (kind === '' || type === kind))
      .map(({ name }) => name),
    ...(props.applies === 'all' || props.applies === 'exchanges' ? (exchanges.data ?? []) : [])
      .filter(({ name }) => name !== '' && matches(name))
      .map(({ name }) => `${name} (exchange)`),
  ]
  return (
    <Notice tone={names.length === 0 ? 'warn' : 'plain'}>
      <strong>Matches {names.length} now.</strong> {names.slice(0, MATCHES_SHOWN_MAX).join(', ')}
      {names.length > MATCHES_SHOWN_MAX ? ' …' : ''}
    </Notice>
  )
}
