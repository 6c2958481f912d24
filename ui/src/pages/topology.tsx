/** The topology: what is bound to what, who consumes, where it hurts. The filter is in the address. */
import { useMemo } from 'preact/hooks'
import { useAddress, useAddressFlag } from '../base/address.ts'
import * as format from '../base/format.ts'
import { href } from '../base/router.ts'
import { Card, Empty, Notice } from '../parts/basics.tsx'
import { CheckField, TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { layOut, NODES_MAX } from './graph.ts'
import { problemOf, VhostBadge } from './lists.tsx'
import { useVhostContents } from './topology-data.ts'
import { TopologyView } from './topology-view.tsx'

/** The page. */
export function TopologyPage() {
  const contents = useVhostContents()
  const filter = useAddress('q')
  const isTroubled = useAddressFlag('problems')
  const { exchanges, queues, bindings, consumers } = contents
  const troubled = queues.filter((queue) => problemOf(queue) !== undefined).map(({ name }) => `queue ${name}`)
  const only = isTroubled.value ? troubled.join('\n') : null
  const graph = useMemo(
    () =>
      layOut({
        exchanges,
        queues,
        bindings,
        consumers,
        filter: filter.value,
        ...(only === null ? {} : { only: new Set(only.split('\n')) }),
      }),
    [bindings, consumers, filter.value, only],
  )
  return (
    <>
      <PageHead title="Topology" badges={<VhostBadge name={contents.vhost} />}>
        <a class="button" href={href(['route'])}>
          Where would a message go?
        </a>
      </PageHead>
      <Card flush>
        <div class="field-tools">
          <TextField label="Show what is called …" value={filter} />
          <CheckField label={`Only problems (${format.count(troubled.length)})`} value={isTroubled} />
          <span class="amounts muted small">
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
        {!contents.isLoading && graph.nodes.length === 0 ? <Nothing isTroubled={isTroubled.value} /> : null}
        {graph.nodes.length > 0 ? <TopologyView graph={graph} known={contents.known} lit={null} /> : null}
      </Card>
    </>
  )
}

function Nothing({ isTroubled }: { readonly isTroubled: boolean }) {
  if (isTroubled) {
    return (
      <Empty icon="ok" title="No problems">
        Every queue with messages has consumers, and none grows.
      </Empty>
    )
  }
  return (
    <Empty icon="topology" title="Nothing is bound here">
      Bind queues to exchanges, or choose another virtual host.
    </Empty>
  )
}
