/** What the topology and the route tester know of a virtual host, live. */
import { apiPath } from '../base/api.ts'
import { useLive } from '../base/live.ts'
import { useShownVhost } from '../base/rights.ts'
import type { Binding, Connection, Consumer, Exchange, Queue } from '../base/types.ts'
import type { Knowledge } from './topology-face.ts'

/** Everything of one virtual host. */
export interface VhostContents {
  readonly vhost: string
  readonly isLoading: boolean
  readonly exchanges: readonly Exchange[]
  readonly queues: readonly Queue[]
  readonly bindings: readonly Binding[]
  readonly consumers: readonly Consumer[]
  readonly known: Knowledge
}

const QUEUE_COLUMNS =
  'name,vhost,state,consumers,messages,messages_ready,messages_details.rate,message_stats.publish_details.rate,' +
  'message_stats.deliver_get_details.rate'

const EXCHANGE_COLUMNS = 'name,vhost,type,arguments,policy,message_stats.publish_in_details.rate'
const BINDING_COLUMNS = 'source,vhost,destination,destination_type,routing_key,arguments'

/** Reads the chosen virtual host; the default one when none is chosen. */
export function useVhostContents(): VhostContents {
  const vhost = useShownVhost()
  const exchanges = useLive<readonly Exchange[]>(`${apiPath('exchanges', vhost)}?columns=${EXCHANGE_COLUMNS}`)
  const queues = useLive<readonly Queue[]>(`${apiPath('queues', vhost)}?columns=${QUEUE_COLUMNS}`)
  const bindings = useLive<readonly Binding[]>(`${apiPath('bindings', vhost)}?columns=${BINDING_COLUMNS}`)
  const consumers = useLive<readonly Consumer[]>(
    `${apiPath('consumers', vhost)}?columns=consumer_tag,queue,channel_details`,
  )
  const connections = useLive<readonly Connection[]>('/api/connections?columns=name,user_provided_name,user')
  const byName = <T extends { readonly name: string }>(list: readonly T[] | undefined) =>
    new Map((list ?? []).map((entry) => [entry.name, entry] as const))
  return {
    vhost,
    isLoading: exchanges.data === undefined || bindings.data === undefined || queues.data === undefined,
    exchanges: exchanges.data ?? [],
    queues: queues.data ?? [],
    bindings: bindings.data ?? [],
    consumers: consumers.data ?? [],
    known: {
      vhost,
      exchanges: byName(exchanges.data),
      queues: byName(queues.data),
      connections: byName(connections.data),
    },
  }
}
