/** All exchanges. */
import { apiPath } from '../base/api.ts'
import { mayEnter } from '../base/rights.ts'
import { vhostFilter } from '../base/router.ts'
import type { Exchange } from '../base/types.ts'
import { Button, Card, Empty } from '../parts/basics.tsx'
import { ServerTable } from '../parts/server-table.tsx'
import { PageHead } from '../parts/shell.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { openExchangeForm } from './declare.tsx'
import { ExchangeLink, Features, Rate } from './lists.tsx'

const COLUMNS: readonly Column<Exchange>[] = [
  { id: 'name', label: 'Name', sort: 'name', show: ({ vhost, name }) => <ExchangeLink vhost={vhost} name={name} /> },
  { id: 'vhost', wide: true, label: 'Virtual host', sort: 'vhost', show: ({ vhost }) => vhost },
  { id: 'type', label: 'Type', sort: 'type', show: ({ type }) => type },
  {
    id: 'features',
    wide: true,
    label: 'Features',
    show: (exchange) => (
      <Features
        durable={exchange.durable}
        autoDelete={exchange.auto_delete}
        internal={exchange.internal}
        args={exchange.arguments}
        policy={exchange.policy}
      />
    ),
  },
  {
    id: 'in',
    label: 'In',
    sort: 'message_stats.publish_in_details.rate',
    end: true,
    show: ({ message_stats: stats }) => <Rate stats={stats} name="publish_in" />,
  },
  {
    id: 'out',
    label: 'Out',
    sort: 'message_stats.publish_out_details.rate',
    end: true,
    show: ({ message_stats: stats }) => <Rate stats={stats} name="publish_out" />,
  },
]

/** The list of exchanges. */
export function ExchangesPage() {
  const vhost = vhostFilter.value
  return (
    <>
      <PageHead title="Exchanges" />
      <Card flush>
        <ServerTable
          id="exchanges"
          label="Exchanges"
          fields="name,vhost,type,durable,auto_delete,internal,arguments,policy,message_stats"
          path={vhost === '' ? apiPath('exchanges') : apiPath('exchanges', vhost)}
          columns={vhost === '' ? COLUMNS : COLUMNS.filter(({ id }) => id !== 'vhost')}
          keyOf={({ vhost: host, name }) => `${host} ${name}`}
          tools={
            mayEnter(vhost) ? (
              <Button icon="plus" look="primary" onClick={openExchangeForm}>
                Declare
              </Button>
            ) : null
          }
          empty={<Empty icon="exchange" title="No exchanges" />}
        />
      </Card>
    </>
  )
}
