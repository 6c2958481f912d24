/** The topology: what is bound to what, who consumes, where it hurts. */
import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import * as format from '../base/format.ts'
import { Badge, Card, Empty, Notice } from '../parts/basics.tsx'
import { TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { layOut, NODES_MAX } from './graph.ts'
import { useVhostContents } from './topology-data.ts'
import { TopologyView } from './topology-view.tsx'

/** The page. */
export function TopologyPage() {
  const contents = useVhostContents()
  const filter = useSignal('')
  const { exchanges, queues, bindings, consumers } = contents
  const graph = useMemo(
    () => layOut({ exchanges, queues, bindings, consumers, filter: filter.value }),
    [bindings, consumers, filter.value],
  )
  return (
    <>
      <PageHead title="Topology" badges={<Badge title="virtual host">{contents.vhost}</Badge>} />
      <Card flush>
        <div class="table-tools">
          <div class="grow">
            <TextField
              label="Show what is called …"
              value={filter}
              hint="With its neighbours. Point at a box to see its ways alone; a click leads to it."
            />
          </div>
          <span class="muted small">
            {format.plural(graph.nodes.length, 'object')}, {format.plural(graph.edges.length, 'connection')}
          </span>
        </div>
        {graph.hiddenCount > 0 ? (
          <div class="table-tools">
            <Notice tone="warn">
              {format.count(graph.hiddenCount)} more are not drawn: {NODES_MAX} are shown at most. Filter by name.
            </Notice>
          </div>
        ) : null}
        {!contents.isLoading && graph.nodes.length === 0 ? (
          <Empty icon="topology" title="Nothing is bound here">
            Bind queues to exchanges, or choose another virtual host.
          </Empty>
        ) : (
          <TopologyView graph={graph} known={contents.known} lit={null} />
        )}
      </Card>
    </>
  )
}
