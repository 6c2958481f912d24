/** Definitions: everything but the messages, exported to a file and imported from one, with a preview of the difference. */
import { useSignal } from '@preact/signals'
import { apiPath, call, read } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh } from '../base/live.ts'
import { saveFile } from '../base/save-file.ts'
import { Badge, Button, Card, Code, Notice } from '../parts/basics.tsx'
import { attempt, confirmThen } from '../parts/feedback.tsx'
import { SelectField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { useVhostOptions } from './declare.tsx'
import { type Definitions, type Difference, difference } from './definitions-difference.ts'

const NAMES_SHOWN_MAX = 40

/** The page. */
export function DefinitionsPage() {
  return (
    <>
      <PageHead title="Definitions" />
      <p class="muted">
        Users, virtual hosts, permissions, policies, exchanges, queues and bindings, in RabbitMQ&rsquo;s format.
        Messages are not among them.
      </p>
      <div class="cards">
        <Export />
        <Import />
      </div>
    </>
  )
}

function scopePath(vhost: string): string {
  return vhost === '' ? '/api/definitions' : apiPath('definitions', vhost)
}

function useScope() {
  const vhosts = useVhostOptions()
  const value = useSignal('')
  return { value, options: [['', 'Everything'], ...vhosts] as const }
}

function Export() {
  const { value, options } = useScope()
  const save = () =>
    attempt('', async () => {
      const definitions = await read<unknown>(scopePath(value.value))
      const name = `definitions-${new Date().toISOString().slice(0, 10)}.json`
      saveFile(name, JSON.stringify(definitions, null, 2), 'application/json')
    })
  return (
    <Card title="Export">
      <div class="stack">
        <SelectField label="What" value={value} options={options} />
        <div class="row">
          <Button icon="download" look="primary" onClick={save}>
            Download
          </Button>
        </div>
      </div>
    </Card>
  )
}

function Import() {
  const { value, options } = useScope()
  const text = useSignal('')
  const plan = useSignal<Difference | null>(null)
  const failure = useSignal('')
  const choose = async (file: File | undefined) => {
    plan.value = null
    failure.value = ''
    if (file === undefined) return
    text.value = await file.text()
    try {
      const wanted = JSON.parse(text.value) as Definitions
      plan.value = difference(await read<Definitions>(scopePath(value.peek())), wanted)
    } catch (error) {
      failure.value = error instanceof SyntaxError ? 'The file is not JSON.' : String(error)
    }
  }
  const submit = () =>
    confirmThen({
      title: 'Import these definitions?',
      text: `${format.plural(plan.value?.added.length ?? 0, 'object')} will be made, ${format.count(
        plan.value?.changed.length ?? 0,
      )} changed. Queues, exchanges and bindings that exist stay as they are.`,
      action: 'Import',
      done: 'The definitions are imported.',
      onYes: async () => {
        await call('POST', scopePath(value.value), JSON.parse(text.value))
        plan.value = null
        refresh()
      },
    })
  return (
    <Card title="Import">
      <div class="stack">
        <SelectField label="Where" value={value} options={options} />
        <label class="field">
          <span class="label">File</span>
          <input
            type="file"
            accept=".json,application/json"
            onChange={({ currentTarget }) => choose(currentTarget.files?.[0])}
          />
        </label>
        {failure.value === '' ? null : <Notice tone="danger">{failure.value}</Notice>}
        {plan.value === null ? null : <Plan plan={plan.value} />}
        <div class="row">
          <Button icon="upload" look="primary" disabled={plan.value === null} onClick={submit}>
            Import
          </Button>
        </div>
      </div>
    </Card>
  )
}

function Plan({ plan }: { readonly plan: Difference }) {
  const list = (names: readonly string[]) =>
    [...names.slice(0, NAMES_SHOWN_MAX), ...(names.length > NAMES_SHOWN_MAX ? [`… ${names.length} in all`] : [])].join(
      '\n',
    )
  return (
    <div class="stack tight">
      <div class="row">
        <Badge tone="ok">{plan.added.length} new</Badge>
        <Badge tone="warn">{plan.changed.length} different</Badge>
        <Badge>{plan.sameCount} there already</Badge>
      </div>
      {plan.added.length === 0 ? null : <Code text={list(plan.added)} label="New objects" />}
      {plan.changed.length === 0 ? null : <Code text={list(plan.changed)} label="Different objects" />}
    </div>
  )
}
