/** The node: memory, disk, descriptors, and how they change. */
import { useSignal } from '@preact/signals'
import { apiPath, call, read } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh, useLive } from '../base/live.ts'
import { isAdministrator } from '../base/session.ts'
import type { NodeInfo } from '../base/types.ts'
import { Badge, Button, Card, Code, Facts, Failure, Figure, Figures, Meter } from '../parts/basics.tsx'
import { Chart, linesOf, RangeChooser, sampleQuery } from '../parts/chart.tsx'
import { attempt, Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { Alarms } from './overview.tsx'

function text(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function list(value: unknown): string {
  return Array.isArray(value)
    ? value.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join('\n')
    : ''
}

/** The page. */
export function NodePage() {
  const { data, failure } = useLive<readonly NodeInfo[]>(`/api/nodes?${sampleQuery('node_stats')}`)
  if (failure !== undefined && data === undefined) return <Failure failure={failure} />
  return (
    <>
      {(data ?? []).map((node) => (
        <OneNode key={node.name} node={node} />
      ))}
    </>
  )
}

/** The name that stands in the corner of every page, and that federated brokers see. */
function ClusterNameForm({ now }: { readonly now: string }) {
  const name = useSignal(now)
  const submit = async () => {
    await call('PUT', '/api/cluster-name', { name: name.value })
    tell(`The cluster is called ${name.value}.`)
    refresh('/api/overview')
  }
  return (
    <Dialog title="Name the cluster" action="Save" onSubmit={submit}>
      <TextField label="Name" value={name} required hint="Shown on every page, and to clients that ask." />
    </Dialog>
  )
}

/** The name is known before anybody types: what came later would stand between the letters. */
function openClusterName(): Promise<boolean> {
  return attempt('', async () => {
    const { name } = await read<{ readonly name: string }>('/api/cluster-name')
    openDialog(<ClusterNameForm now={name} />)
  })
}

interface Memory {
  readonly memory: Readonly<Record<string, unknown>>
}

const MEMORY_PARTS: readonly (readonly [key: string, name: string])[] = [
  ['binary', 'Messages and buffers'],
  ['other_proc', 'Objects of the broker'],
  ['code', 'Code'],
  ['allocated_unused', 'Kept free for what comes'],
  ['other_system', 'Runtime and libraries'],
]

/** What the process uses its memory for, as far as the runtime tells. */
function MemoryCard({ name }: { readonly name: string }) {
  const { data } = useLive<Memory>(apiPath('nodes', name, 'memory'))
  const parts = MEMORY_PARTS.flatMap(([key, label]) => {
    const size = data?.memory[key]
    return typeof size === 'number' && size > 0 ? [[label, size] as const] : []
  })
  if (parts.length === 0) return null
  const sum = parts.reduce((total, [, size]) => total + size, 0)
  return (
    <Card title="Memory by use">
      <div class="stack">
        {parts.map(([label, size]) => (
          <Meter key={label} name={label} share={size / sum} text={format.bytes(size)} />
        ))}
      </div>
    </Card>
  )
}

function OneNode({ node }: { readonly node: NodeInfo }) {
  return (
    <>
      <PageHead
        title={node.name}
        badges={<Badge tone={node.running ? 'ok' : 'danger'}>{node.running ? 'running' : 'down'}</Badge>}
      >
        <RangeChooser />
        {isAdministrator.value ? (
          <Button icon="edit" onClick={openClusterName}>
            Name the cluster
          </Button>
        ) : null}
      </PageHead>
      <Alarms />
      <Figures>
        <Figure
          name="Memory"
          value={format.bytes(node.mem_used)}
          note={`alarm at ${format.bytes(node.mem_limit)}`}
          tone={node.mem_alarm ? 'danger' : 'plain'}
        />
        <Figure
          name="Disk free"
          value={node.disk_free === 0 ? format.UNKNOWN : format.bytes(node.disk_free)}
          note={`alarm at ${format.bytes(node.disk_free_limit)}`}
          tone={node.disk_free_alarm ? 'danger' : 'plain'}
        />
        <Figure name="Descriptors" value={format.count(node.fd_used)} note={`of ${format.count(node.fd_total)}`} />
        <Figure name="Uptime" value={format.duration(node.uptime)} note={`process ${node.os_pid}`} />
      </Figures>
      <div class="cards pairs">
        <Card title="Memory">
          <Chart label="Memory" unit="bytes" lines={linesOf(node, [['mem_used', 'Used', 1]], false)} />
        </Card>
        <Card title="Disk">
          <Chart label="Free disk space" unit="bytes" lines={linesOf(node, [['disk_free', 'Free', 2]], false)} />
        </Card>
        <Card title="Bytes to and from disk">
          <Chart
            label="Bytes to and from disk"
            unit="byteRate"
            lines={linesOf(
              node,
              [
                ['io_write_bytes', 'Written', 4],
                ['io_read_bytes', 'Read', 6],
              ],
              true,
            )}
          />
        </Card>
        <Card title="Operations on disk">
          <Chart
            label="Operations on disk"
            unit="rate"
            lines={linesOf(
              node,
              [
                ['io_sync_count', 'Syncs', 7],
                ['io_write_count', 'Writes', 4],
                ['io_read_count', 'Reads', 6],
              ],
              true,
            )}
          />
        </Card>
      </div>
      <div class="cards">
        <div class="stack">
          <MemoryCard name={node.name} />
          <Card title="Details">
            <Facts
              items={[
                ['Process', node.os_pid],
                ['Processors', text(node.processors)],
                ['Data folder', text(node.db_dir) || undefined],
                ['Memory is measured by', text(node.mem_calculation_strategy)],
                ['Rates', text(node.rates_mode)],
                ['Sockets', format.count(node.sockets_used)],
              ]}
            />
          </Card>
        </div>
        <Card title="Files and plugins">
          <div class="stack">
            <Facts
              items={[
                ['Configuration', list(node.config_files) || 'none'],
                ['Log', list(node.log_files) || 'none'],
              ]}
            />
            <Code text={list(node.enabled_plugins) || 'none'} label="Enabled plugins" />
          </div>
        </Card>
      </div>
    </>
  )
}
