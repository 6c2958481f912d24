/** Traces of messages to files: started, ended, and their files read. [docs/tracing.md] */
import { useSignal } from '@preact/signals'
import { apiPath, call, readText } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh, useLive } from '../base/live.ts'
import { vhostFilter } from '../base/router.ts'
import { saveFile } from '../base/save-file.ts'
import { Badge, Button, Card, Code, Empty, Notice } from '../parts/basics.tsx'
import { attempt, confirmThen, Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { SelectField, TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LocalTable } from '../parts/table.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { useVhostOptions } from './declare.tsx'

interface Trace {
  readonly vhost: string
  readonly name: string
  readonly format: string
  readonly pattern: string
  readonly max_payload_bytes?: number
}

interface TraceFile {
  readonly name: string
  readonly size: number
}

const FILES = apiPath('trace-files')
const TRACES = apiPath('traces')
/** Characters of a file that are shown; all of it can be saved. */
const SHOWN_CHARACTERS = 200_000

/** The page. */
export function TracingPage() {
  return (
    <>
      <PageHead title="Tracing">
        <Button icon="plus" look="primary" onClick={() => openDialog(<TraceForm />)}>
          Start a trace
        </Button>
      </PageHead>
      <TracesCard />
      <FilesCard />
    </>
  )
}

function TracesCard() {
  const { data, failure } = useLive<readonly Trace[]>(TRACES)
  const columns: readonly Column<Trace>[] = [
    { id: 'name', label: 'Name', value: ({ name }) => name, show: ({ name }) => name },
    { id: 'vhost', label: 'Virtual host', value: ({ vhost }) => vhost, show: ({ vhost }) => vhost },
    { id: 'pattern', label: 'Pattern', show: ({ pattern }) => <code>{pattern}</code> },
    { id: 'format', label: 'Format', show: (trace) => <Badge>{trace.format}</Badge> },
    {
      id: 'bytes',
      label: 'Bodies',
      end: true,
      show: ({ max_payload_bytes: bytes }) => (bytes === undefined ? 'whole' : `first ${format.bytes(bytes)}`),
    },
    {
      id: 'end',
      label: 'End',
      end: true,
      show: ({ vhost, name }) => (
        <Button
          look="low"
          onClick={() =>
            attempt(`Trace ${name} has ended; its file stays.`, () =>
              call('DELETE', apiPath('traces', vhost, name)),
            ).then(() => refresh(TRACES, FILES))
          }
        >
          End
        </Button>
      ),
    },
  ]
  return (
    <Card flush title="Traces that run">
      <LocalTable
        id="traces"
        label="Traces"
        rows={data}
        failure={failure}
        columns={columns}
        keyOf={({ vhost, name }) => `${vhost} ${name}`}
        textOf={({ name, pattern }) => `${name} ${pattern}`}
        empty={
          <Empty icon="trace" title="No trace runs">
            A trace writes copies of published and delivered messages to a file, until it is ended. Start one to see
            what passes.
          </Empty>
        }
      />
    </Card>
  )
}

function FilesCard() {
  const { data, failure } = useLive<readonly TraceFile[]>(FILES)
  const columns: readonly Column<TraceFile>[] = [
    {
      id: 'name',
      label: 'File',
      value: ({ name }) => name,
      show: ({ name }) => (
        <Button look="plain low" onClick={() => openFile(name)}>
          {name}
        </Button>
      ),
    },
    { id: 'size', label: 'Size', end: true, value: ({ size }) => size, show: ({ size }) => format.bytes(size) },
    {
      id: 'remove',
      label: 'Remove',
      end: true,
      show: ({ name }) => (
        <Button
          icon="trash"
          label={`Delete the file ${name}`}
          look="plain low"
          onClick={() =>
            confirmThen({
              title: `Delete ${name}?`,
              text: 'What was traced into it is gone then.',
              action: 'Delete',
              done: `${name} is deleted.`,
              onYes: async () => {
                await call('DELETE', apiPath('trace-files', name))
                refresh(FILES)
              },
            })
          }
        />
      ),
    },
  ]
  return (
    <Card flush title="Files">
      <LocalTable
        id="trace-files"
        label="Trace files"
        rows={data}
        failure={failure}
        columns={columns}
        keyOf={({ name }) => name}
        textOf={({ name }) => name}
        empty={
          <Empty icon="log" title="No files">
            Every trace writes one; it stays here when the trace has ended. Start a trace to get one.
          </Empty>
        }
      />
    </Card>
  )
}

function openFile(name: string): Promise<boolean> {
  return attempt('', async () => {
    const text = await readText(apiPath('trace-files', name))
    const isCut = text.length > SHOWN_CHARACTERS
    openDialog(
      <Dialog title={name} action="Close" isInformation wide onSubmit={async () => undefined}>
        {text === '' ? <Notice>The file is empty: nothing matched yet.</Notice> : null}
        {isCut ? <Notice>The end of the file is shown.</Notice> : null}
        <div class="row">
          <Button icon="download" look="low" onClick={() => saveFile(name, text, 'text/plain')}>
            Save
          </Button>
          <Button icon="refresh" look="low" onClick={() => openFile(name)}>
            Read again
          </Button>
        </div>
        {text === '' ? null : <Code text={text.slice(-SHOWN_CHARACTERS)} label="Content of the file" />}
      </Dialog>,
    )
  })
}

function TraceForm() {
  const vhosts = useVhostOptions()
  const vhost = useSignal(vhostFilter.peek() || '/')
  const name = useSignal('')
  const kind = useSignal('json')
  const pattern = useSignal('#')
  const bytes = useSignal('')
  const submit = async () => {
    await call('PUT', apiPath('traces', vhost.value, name.value), {
      format: kind.value,
      pattern: pattern.value,
      ...(bytes.value === '' ? {} : { max_payload_bytes: Number(bytes.value) }),
    })
    tell(`Trace ${name.value} runs.`)
    refresh(TRACES, FILES)
  }
  return (
    <Dialog title="Start a trace" action="Start" onSubmit={submit}>
      <TextField label="Name" value={name} required hint="The file is called so, with .log after it" />
      <SelectField label="Virtual host" value={vhost} options={vhosts} />
      <TextField
        label="Pattern"
        value={pattern}
        required
        hint="# for everything, publish.orders for one exchange, deliver.# for all deliveries"
      />
      <SelectField
        label="Format"
        value={kind}
        options={[
          ['json', 'JSON, one message a line'],
          ['text', 'Text for people'],
        ]}
      />
      <TextField label="Bytes of a body" type="number" value={bytes} hint="Empty: all of it" />
    </Dialog>
  )
}
