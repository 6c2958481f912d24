/** One exchange: its rates, its bindings, publishing to it. */
import { apiPath, call } from '../base/api.ts'
import * as format from '../base/format.ts'
import { useLive } from '../base/live.ts'
import { mayEnter, useRights } from '../base/rights.ts'
import { go } from '../base/router.ts'
import type { Exchange } from '../base/types.ts'
import { rateOf } from '../base/types.ts'
import type { PageProps } from '../pages.tsx'
import { Badge, Button, Card, Facts, Failure, Figure, Figures, Notice } from '../parts/basics.tsx'
import { Chart, linesOf, RangeChooser, sampleQuery } from '../parts/chart.tsx'
import { confirmThen } from '../parts/feedback.tsx'
import { currentTab, PageHead, Tabs } from '../parts/shell.tsx'
import { BindingsCard } from './bindings.tsx'
import { Breakdown } from './breakdown.tsx'
import { DEFAULT_EXCHANGE, VhostBadge } from './lists.tsx'
import { openPublishForm } from './publish.tsx'

const TABS = [
  ['overview', 'Overview'],
  ['bindings', 'Bindings'],
] as const

/** The page of an exchange. */
export function ExchangePage({ path: [, vhost = '', addressed = ''] }: PageProps) {
  const name = addressed === DEFAULT_EXCHANGE ? '' : addressed
  const resource = apiPath('exchanges', vhost, addressed)
  const { data, failure } = useLive<Exchange>(`${resource}?${sampleQuery('msg_rates')}`)
  const rights = useRights('exchanges', vhost, addressed)
  const tab = currentTab(TABS)
  const title = name === '' ? '(default exchange)' : name
  const crumbs = [['Exchanges', ['exchanges']]] as const
  if (failure !== undefined && data === undefined) {
    return (
      <>
        <PageHead title={title} crumbs={crumbs} />
        <Failure failure={failure} />
      </>
    )
  }
  const isBuiltIn = name === '' || name.startsWith('amq.')
  return (
    <>
      <PageHead
        title={title}
        crumbs={crumbs}
        badges={<Badges exchange={data} vhost={vhost} />}
        isBusy={!rights.isKnown}
      >
        {name === '' ? null : (
          <>
            {mayEnter(vhost) ? (
              <Button icon="route" onClick={() => go(['route'], { vhost, exchange: name })}>
                Where would it go?
              </Button>
            ) : null}
            {rights.write && data?.internal !== true ? (
              <Button icon="send" onClick={() => openPublishForm({ vhost, exchange: name, routingKey: '' })}>
                Publish
              </Button>
            ) : null}
          </>
        )}
        {isBuiltIn || !rights.configure ? null : (
          <Button
            icon="trash"
            look="destructive"
            onClick={() =>
              confirmThen({
                title: `Delete ${name}?`,
                text: 'The exchange and its bindings will be gone. Who publishes to it is disconnected from its channel.',
                action: 'Delete',
                done: `Exchange ${name} is deleted.`,
                onYes: async () => {
                  await call('DELETE', resource)
                  go(['exchanges'])
                },
              })
            }
          >
            Delete
          </Button>
        )}
      </PageHead>
      <Tabs tabs={TABS} current={tab} />
      {tab === 'bindings' && name !== '' ? <BindingsCard vhost={vhost} name={name} kind="exchange" /> : null}
      {tab === 'bindings' && name === '' ? (
        <Notice>Every queue is bound to the default exchange by its own name. Nobody can change that.</Notice>
      ) : null}
      {tab === 'overview' ? <Rates exchange={data} /> : null}
    </>
  )
}

function Badges({ exchange, vhost }: { readonly exchange: Exchange | undefined; readonly vhost: string }) {
  return (
    <>
      <Badge>{exchange?.type ?? '…'}</Badge>
      <VhostBadge name={vhost} />
      {exchange?.durable === true ? <Badge>durable</Badge> : null}
      {exchange?.auto_delete === true ? <Badge>auto-delete</Badge> : null}
      {exchange?.internal === true ? <Badge tone="warn">internal</Badge> : null}
      {exchange?.policy ? <Badge tone="accent">policy {exchange.policy}</Badge> : null}
    </>
  )
}

function Rates({ exchange }: { readonly exchange: Exchange | undefined }) {
  const stats = exchange?.message_stats
  const args = Object.entries(exchange?.arguments ?? {})
  return (
    <>
      <Figures>
        <Figure name="In" series={1} value={format.rate(rateOf(stats, 'publish_in') ?? 0)} note="published to it" />
        <Figure name="Out" series={2} value={format.rate(rateOf(stats, 'publish_out') ?? 0)} note="routed to queues" />
      </Figures>
      <div class="row apart">
        <span />
        <RangeChooser longest="8h" />
      </div>
      <Card title="Rates">
        <Chart
          label="Message rates"
          unit="rate"
          lines={linesOf(
            stats,
            [
              ['publish_in', 'In', 1],
              ['publish_out', 'Out', 2],
            ],
            true,
          )}
        />
      </Card>
      <div class="cards">
        <Breakdown
          id="incoming"
          title="Published by"
          ends="Channel"
          rows={exchange?.incoming}
          rates={[
            ['publish', 'Publish'],
            ['return_unroutable', 'Returned'],
            ['drop_unroutable', 'Dropped'],
          ]}
        />
        <Breakdown id="outgoing" title="Went to" ends="Queue" rows={exchange?.outgoing} rates={[['publish', 'Rate']]} />
      </div>
      {args.length === 0 ? null : (
        <Card title="Arguments">
          <Facts items={args.map(([name, value]) => [name, <code key={name}>{format.jsonLine(value)}</code>])} />
        </Card>
      )}
    </>
  )
}
