/** Verbs of `warren ctl` that ask how the node is: the checks of rabbitmq-diagnostics, and what it tells of a node. */
import { connect } from 'node:net'
import type { Row } from './ctl-client.ts'
import { CtlError } from './ctl-client.ts'
import { type CtlCall, type Outcome, SILENT, text, type Verb } from './verb.ts'

const CONNECT_MS_MAX = 5_000

/** The verbs of this file. */
export const CHECK_VERBS: readonly Verb[] = [
  check('check_running', 'is-in-service', 'The broker runs.', 'RabbitMQ on node %n is fully booted and running'),
  check('check_alarms', 'alarms', 'No alarm is in force.', 'Node %n reported no alarms, local or clusterwide'),
  check('check_local_alarms', 'local-alarms', 'No alarm is in force.', 'Node %n reported no local alarms'),
  check('check_virtual_hosts', 'virtual-hosts', 'All virtual hosts run.', 'Node %n reported all vhosts as running'),
  check(
    'check_if_node_is_quorum_critical',
    'node-is-quorum-critical',
    'No queue depends on this node alone.',
    'Node %n seems to be the only one in a single node cluster, the check does not apply',
  ),
  check(
    'check_if_node_is_mirror_sync_critical',
    'node-is-mirror-sync-critical',
    'No queue depends on the mirrors of this node.',
    'Node %n seems to be the only one in a single node cluster, the check does not apply',
  ),
  check('node_health_check', 'is-in-service', 'The node runs.', 'Health check passed'),
  check(
    'check_if_metadata_store_is_initialized',
    'metadata-store/initialized',
    'The metadata is loaded.',
    'Metadata store on node %n has completed its initialization',
  ),
  check(
    'check_if_metadata_store_is_initialized_with_data',
    'metadata-store/initialized/with-data',
    'The metadata is loaded and has virtual hosts.',
    'Metadata store on node %n has completed its initialization and has virtual hosts',
  ),
  check(
    'check_for_quorum_queues_without_an_elected_leader',
    'quorum-queues-without-elected-leaders/all-vhosts',
    'All quorum queues have a leader.',
    'Node %n reported no quorum queues without an elected leader',
  ),
  check(
    'check_if_new_quorum_queue_replicas_have_finished_initial_sync',
    'is-in-service',
    'No member of a quorum queue is new.',
    'All quorum queue replicas on node %n are promoted',
  ),
  {
    name: 'check_if_any_deprecated_features_are_used',
    usage: '',
    summary: 'No deprecated feature is in use.',
    run: async ({ client }) => {
      const used = await client.list(['deprecated-features', 'used'])
      if (used.length === 0) return text('No deprecated features are in use')
      throw new CtlError(`deprecated features in use: ${used.map(({ name }) => name).join(', ')}`, 503)
    },
  },
  {
    name: 'check_port_listener',
    usage: '<port>',
    summary: 'Something listens on a port.',
    run: async ({ client, args }) => {
      const node = await nodeOf(client)
      await client.get(['health', 'checks', 'port-listener', args[0]!])
      return text(`A listener for port ${args[0]} is running on node ${node}.`)
    },
  },
  {
    name: 'check_protocol_listener',
    usage: '<protocol>',
    summary: 'A protocol has a listener.',
    run: async ({ client, args }) => {
      const node = await nodeOf(client)
      await client.get(['health', 'checks', 'protocol-listener', args[0]!])
      return text(`A listener for protocol ${args[0]} is running on node ${node}.`)
    },
  },
  {
    name: 'check_certificate_expiration',
    usage: '[within] [unit]',
    summary: 'No certificate expires within so many days, weeks, months or years (--within, --unit).',
    run: async ({ client, args, options }) => {
      const within = args[0] ?? options.within ?? '4'
      const unit = args[1] ?? options.unit ?? 'weeks'
      await client.get(['health', 'checks', 'certificate-expiration', within, unit])
      return text(`No certificates are expiring within ${within} ${unit}.`)
    },
  },
  {
    name: 'check_port_connectivity',
    usage: '',
    summary: 'Every port of the broker takes a connection from here.',
    run: checkConnectivity,
  },
  ...factVerbs(),
]

async function checkConnectivity({ client }: CtlCall): Promise<Outcome> {
  const { listeners, node, service } = (await client.get(['warren', 'status'])) as Row & {
    readonly listeners: readonly { readonly ip_address: string; readonly port: number }[]
  }
  if (service !== 'running') throw new CtlError(`the ports of clients are closed: the node is ${service}`, 503)
  const failed: string[] = []
  for (const { ip_address: address, port } of listeners) {
    const isAny = address === '' || address === '::' || address === '0.0.0.0'
    const host = client.host ?? (isAny ? 'localhost' : address)
    const error = await connectionError(host, port)
    if (error !== null) failed.push(`${host}:${port} (${error.message})`)
  }
  if (failed.length > 0) throw new CtlError(`no connection to ${failed.join(', ')} of node ${node}`, 503)
  const ports = listeners.map(({ port }) => port).join(', ')
  return text(`Successfully connected to ports ${ports} on node ${node}.`)
}

/** Null: it can be reached. */
function connectionError(host: string, port: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS_MAX })
    const end = (error: Error | null): void => {
      socket.destroy()
      resolve(error)
    }
    socket.on('connect', () => end(null))
    socket.on('timeout', () => end(new Error('no answer')))
    socket.on('error', end)
  })
}

/** What can be told of a node in a line. */
function factVerbs(): Verb[] {
  return [
    fact('is_running', 'Tells whether the broker runs.', ({ node, service }) =>
      service === 'stopped'
        ? `RabbitMQ on node ${node} is not running or has not fully booted yet (check with is_booting)`
        : `RabbitMQ on node ${node} is fully booted and running`,
    ),
    fact(
      'is_booting',
      'Tells whether the broker still starts: one that answers does not.',
      ({ node }) =>
        `RabbitMQ on node ${node} is fully booted (check with is_running), stopped or has not started booting yet`,
    ),
    fact('server_version', 'Shows the version of RabbitMQ that is spoken.', ({ rabbitmq_version: version }) =>
      String(version),
    ),
    fact('erlang_version', 'Shows the runtime: Node.js in place of Erlang.', ({ runtime }) => String(runtime)),
    fact('log_location', 'Shows where the log is written.', ({ log_files: files }) =>
      Array.isArray(files) && files.length > 0 ? files.join('\n') : 'standard output',
    ),
    fact('discover_peers', 'Lists peers to form a cluster with: none.', () => 'No peers discovered'),
    fact(
      'metadata_store_status',
      'Shows the members of the metadata store: this node.',
      ({ node }) => `${node}: leader`,
    ),
    {
      name: 'reset_node_auth_attempt_metrics',
      usage: '',
      summary: 'Starts the counters of logins anew.',
      run: async ({ client }) => {
        await client.delete(['auth', 'attempts', await nodeOf(client)])
        return SILENT
      },
    },
  ]
}

function fact(name: string, summary: string, tell: (status: Row) => string): Verb {
  return {
    name,
    usage: '',
    summary,
    // What this endpoint answers.
    run: async ({ client }) => text(tell((await client.get(['warren', 'status'])) as Row)),
  }
}

function check(name: string, path: string, summary: string, passed: string): Verb {
  return {
    name,
    usage: '',
    summary,
    run: async ({ client }): Promise<Outcome> => {
      await client.get(['health', 'checks', ...path.split('/')])
      return text(passed.replace('%n', await nodeOf(client)))
    },
  }
}

/** The name of the node. */
export async function nodeOf(client: CtlCall['client']): Promise<string> {
  const { node } = (await client.get(['overview'], { columns: 'node' })) as Row
  return String(node)
}
