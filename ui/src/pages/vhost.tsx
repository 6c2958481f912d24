/** One virtual host. */
import { ApiFailure, apiPath, call } from '../base/api.ts'
import { type Resource, refresh, useLive } from '../base/live.ts'
import { go, href } from '../base/router.ts'
import { isAdministrator } from '../base/session.ts'
import type { Vhost } from '../base/types.ts'
import type { PageProps } from '../pages.tsx'
import { Badge, Button, Card, Failure } from '../parts/basics.tsx'
import { Chart, linesOf, RangeChooser, sampleQuery } from '../parts/chart.tsx'
import { attempt, confirmThen, openDialog } from '../parts/feedback.tsx'
import { PageHead } from '../parts/shell.tsx'
import { PermissionsCard, TopicPermissionsCard } from './permissions.tsx'
import { VhostForm } from './vhosts.tsx'

/** The page of a virtual host. */
export function VhostPage({ path: [, name = ''] }: PageProps) {
  const { data, failure } = useVhost(name)
  if (failure !== undefined && data === undefined) {
    return (
      <>
        <PageHead title={name} crumbs={[['Virtual hosts', ['vhosts']]]} />
        <Failure failure={failure} />
      </>
    )
  }
  return (
    <>
      <PageHead
        title={name}
        crumbs={[['Virtual hosts', ['vhosts']]]}
        badges={
          <>
            {data?.protected_from_deletion === true ? <Badge tone="accent">protected from deletion</Badge> : null}
            {data?.tracing === true ? <Badge tone="warn">tracing</Badge> : null}
            {(data?.tags ?? []).map((tag) => (
              <Badge key={tag}>{tag}</Badge>
            ))}
          </>
        }
      >
        <a class="button" href={href(['queues'], { vhost: name })}>
          Its queues
        </a>
        {isAdministrator.value && data !== undefined ? <Actions vhost={data} /> : null}
      </PageHead>
      <div class="row apart">
        <p class="muted">{data?.description ?? ''}</p>
        <RangeChooser />
      </div>
      <div class="cards">
        <Card title="Messages">
          <Chart
            label="Messages"
            unit="count"
            lines={linesOf(
              data,
              [
                ['messages', 'Total', 8],
                ['messages_ready', 'Ready', 4],
                ['messages_unacknowledged', 'Unacked', 1],
              ],
              false,
            )}
          />
        </Card>
        <Card title="Rates">
          <Chart
            label="Rates"
            unit="rate"
            lines={linesOf(
              data?.message_stats,
              [
                ['publish', 'Publish', 1],
                ['deliver_get', 'Deliver', 2],
                ['ack', 'Ack', 3],
                ['redeliver', 'Redeliver', 4],
              ],
              true,
            )}
          />
        </Card>
      </div>
      {isAdministrator.value ? (
        <>
          <PermissionsCard vhost={name} />
          <TopicPermissionsCard vhost={name} />
        </>
      ) : null}
    </>
  )
}

/** The virtual host: the broker shows a single one to administrators alone, and to the others those of their list. */
function useVhost(name: string): Resource<Vhost> {
  const samples = sampleQuery('lengths', 'msg_rates')
  const isAdmin = isAdministrator.value
  const one = useLive<Vhost>(isAdmin ? `${apiPath('vhosts', name)}?${samples}` : null)
  const all = useLive<readonly Vhost[]>(isAdmin ? null : `${apiPath('vhosts')}?${samples}`)
  if (isAdmin) return one
  const data = all.data?.find((vhost) => vhost.name === name)
  const isMissing = all.data !== undefined && data === undefined
  return { data, failure: isMissing ? new ApiFailure(404, 'Your user sees no such virtual host.') : all.failure }
}

function Actions({ vhost }: { readonly vhost: Vhost }) {
  const { name } = vhost
  const resource = apiPath('vhosts', name)
  const isProtected = vhost.protected_from_deletion === true
  const change = (done: string, verb: 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown) =>
    attempt(done, async () => {
      await call(verb, path, body)
      refresh('/api/vhosts')
    })
  return (
    <>
      <Button icon="edit" onClick={() => openDialog(<VhostForm vhost={vhost} />)}>
        Change
      </Button>
      <Button
        onClick={() =>
          change(vhost.tracing === true ? 'Tracing is off.' : 'Tracing is on.', 'PUT', resource, {
            tracing: vhost.tracing !== true,
          })
        }
      >
        {vhost.tracing === true ? 'Stop tracing' : 'Start tracing'}
      </Button>
      <Button
        onClick={() =>
          change(
            isProtected ? `${name} may be deleted.` : `${name} cannot be deleted.`,
            isProtected ? 'DELETE' : 'POST',
            `${resource}/deletion/protection`,
          )
        }
      >
        {isProtected ? 'Allow deletion' : 'Protect'}
      </Button>
      <Button
        icon="trash"
        look="destructive"
        disabled={isProtected}
        onClick={() =>
          confirmThen({
            title: `Delete the virtual host ${name}?`,
            text: 'All its queues with their messages, exchanges, bindings, policies and permissions will be gone.',
            action: 'Delete',
            done: `Virtual host ${name} is deleted.`,
            onYes: async () => {
              await call('DELETE', resource)
              go(['vhosts'])
            },
          })
        }
      >
        Delete
      </Button>
    </>
  )
}
