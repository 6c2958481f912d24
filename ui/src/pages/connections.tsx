/** All connections. */
import { useSignal } from '@preact/signals'
import { apiPath, call } from '../base/api.ts'
import * as format from '../base/format.ts'
import { refresh } from '../base/live.ts'
import { href, vhostFilter } from '../base/router.ts'
import type { Connection } from '../base/types.ts'
import { Button, Card, Empty } from '../parts/basics.tsx'
import { Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { TextField } from '../parts/form.tsx'
import { ServerTable } from '../parts/server-table.tsx'
import { PageHead } from '../parts/shell.tsx'
import type { Column } from '../parts/table-parts.tsx'
import { Amount, State } from './lists.tsx'

const COLUMNS: readonly Column<Connection>[] = [
  {
    id: 'name',
    label: 'Name',
    sort: 'name',
    show: ({ name, user_provided_name: given }) => (
      <>
        <a href={href(['connections', name])}>{given ?? name}</a>
        {given === undefined ? null : <span class="muted small"> {name}</span>}
      </>
    ),
  },
  { id: 'user', wide: true, label: 'User', sort: 'user', show: ({ user }) => user },
  { id: 'vhost', wide: true, label: 'Virtual host', sort: 'vhost', show: ({ vhost }) => vhost },
  { id: 'state', label: 'State', sort: 'state', show: ({ state }) => <State state={state} /> },
  { id: 'protocol', wide: true, label: 'Protocol', sort: 'protocol', show: ({ protocol }) => protocol },
  { id: 'tls', wide: true, label: 'TLS', sort: 'ssl', show: ({ ssl }) => (ssl ? 'yes' : <span class="zero">no</span>) },
  {
    id: 'channels',
    label: 'Channels',
    sort: 'channels',
    end: true,
    show: ({ channels }) => <Amount value={channels} />,
  },
  {
    id: 'in',
    label: 'From client',
    sort: 'recv_oct_details.rate',
    end: true,
    show: ({ recv_oct_details: details }) => format.byteRate(details?.rate ?? 0),
  },
  {
    id: 'out',
    label: 'To client',
    sort: 'send_oct_details.rate',
    end: true,
    show: ({ send_oct_details: details }) => format.byteRate(details?.rate ?? 0),
  },
  {
    id: 'since',
    label: 'Connected',
    sort: 'connected_at',
    end: true,
    show: ({ connected_at: at }) => <span title={format.moment(at)}>{format.ago(at)}</span>,
  },
  {
    id: 'client',
    label: 'Client',
    extra: true,
    show: ({ client_properties: properties }) =>
      `${String(properties?.product ?? '')} ${String(properties?.version ?? '')}`.trim() || format.UNKNOWN,
  },
  { id: 'heartbeat', label: 'Heartbeat', end: true, extra: true, show: ({ timeout }) => `${format.count(timeout)} s` },
]

const FIELDS =
  'name,user_provided_name,user,vhost,state,protocol,ssl,channels,recv_oct_details.rate,send_oct_details.rate,' +
  'connected_at,client_properties,timeout'

/** Asks, then closes connections; the reason is told to the clients. */
export function askToClose(rows: readonly Connection[], onClosed: () => void): void {
  const [first] = rows
  const what = rows.length === 1 && first !== undefined ? first.name : format.plural(rows.length, 'connection')
  openDialog(
    <CloseForm
      what={what}
      onClose={async (reason) => {
        for (const { name } of rows) {
          await call('DELETE', apiPath('connections', name), undefined, { 'x-reason': reason })
        }
        onClosed()
        refresh('/api/connections')
      }}
    />,
  )
}

/** Asks before connections are closed, and why: clients and the log are told. */
export function CloseForm(props: { readonly what: string; readonly onClose: (reason: string) => Promise<void> }) {
  const reason = useSignal('Closed via the console')
  return (
    <Dialog
      title={`Close ${props.what}?`}
      action="Close"
      destructive
      onSubmit={async () => {
        // A header holds no other characters.
        await props.onClose(reason.value.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '?'))
        tell(`${props.what} closed.`)
      }}
    >
      <p>Most clients connect again by themselves.</p>
      <TextField label="Reason" value={reason} hint="Clients and the log are told." />
    </Dialog>
  )
}

/** The list of connections. */
export function ConnectionsPage() {
  const vhost = vhostFilter.value
  return (
    <>
      <PageHead title="Connections" />
      <Card flush>
        <ServerTable
          id="connections"
          label="Connections"
          fields={FIELDS}
          path={vhost === '' ? apiPath('connections') : apiPath('vhosts', vhost, 'connections')}
          columns={vhost === '' ? COLUMNS : COLUMNS.filter(({ id }) => id !== 'vhost')}
          keyOf={({ name }) => name}
          bulk={(rows, clear) => (
            <Button icon="close" look="destructive" onClick={() => askToClose(rows, clear)}>
              Close
            </Button>
          )}
          empty={
            <Empty icon="connection" title="Nobody is connected">
              Where clients connect is on the <a href={href([])}>overview</a>.
            </Empty>
          }
        />
      </Card>
    </>
  )
}
