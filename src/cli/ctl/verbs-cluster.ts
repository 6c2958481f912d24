/**
 * Verbs of `warren ctl` on clusters and members of queues. On one node most have nothing to do and say so; those that
 * need Erlang or several nodes are refused with the reason, so that a script learns why.
 */
import { CtlError, type Row } from './ctl-client.ts'
import { type CtlCall, SILENT, text, type Verb } from './verb.ts'

/** The verbs of this file. */
export const CLUSTER_VERBS: readonly Verb[] = [
  {
    name: 'quorum_status',
    usage: '<queue>',
    summary: 'Lists the members of a quorum queue of the virtual host (-p).',
    banner: ({ args }) => `Status of quorum queue ${args[0]} ...`,
    run: async ({ client, args, options }) => {
      const rows = await client.list(['queues', 'quorum', options.vhost, args[0]!, 'status'])
      return { kind: 'rows', columns: Object.keys(rows[0] ?? {}), rows }
    },
  },
  {
    name: 'peek',
    usage: '<queue> <position>',
    summary: 'Shows the ready message at a position, from 1, and leaves it where it is.',
    banner: ({ args }) => `Peeking at queue ${args[0]} at position ${args[1]} ...`,
    run: peek,
  },
  {
    name: 'rebalance',
    usage: '<type>',
    summary: 'Accepted: on one node nothing is out of balance.',
    run: async ({ client }) => {
      await client.post(['rebalance', 'queues'], {})
      return SILENT
    },
  },
  {
    name: 'grow',
    usage: '<node> <strategy>',
    summary: 'Accepted for this node, which is a member of every quorum queue.',
    run: async ({ client, args }) => {
      await client.post(['queues', 'quorum', 'replicas', 'on', args[0]!, 'grow'], { strategy: args[1] })
      return SILENT
    },
  },
  {
    name: 'shrink',
    usage: '<node>',
    summary: 'Accepted; the last member of a queue stays.',
    run: async ({ client, args }) => {
      await client.delete(['queues', 'quorum', 'replicas', 'on', args[0]!, 'shrink'])
      return SILENT
    },
  },
  {
    name: 'add_member',
    usage: '<queue> <node>',
    summary: 'Accepted for this node, which is a member already.',
    run: async ({ client, args, options }) => {
      await client.post(['queues', 'quorum', options.vhost, args[0]!, 'replicas', 'add'], { node: args[1] })
      return SILENT
    },
  },
  {
    name: 'await_online_nodes',
    usage: '<count>',
    summary: 'Waits for so many nodes: there is one.',
    run: async ({ client, args }) => {
      if (Number(args[0]) > 1) throw new CtlError('there is one node, and it has no cluster')
      await client.get(['whoami'])
      return SILENT
    },
  },
  accepted('reconcile_vhosts', 'Accepted: virtual hosts of a running node run.'),
  accepted('reclaim_quorum_memory', 'Accepted: the log of a queue is compacted by itself.', '<queue>'),
  accepted('force_checkpoint', 'Accepted: the store takes its snapshots by itself.'),
  accepted('force_gc', 'Accepted: memory is collected when it is needed.'),
  accepted('rotate_logs', 'Accepted, as RabbitMQ does: SIGHUP makes the broker open its log files anew.'),
  accepted('hipe_compile', 'Accepted: there is nothing to compile.', '[directory]'),
  accepted('await_online_quorum_plus_one', 'Accepted: on one node no queue waits for others.'),
  accepted('await_online_synchronized_mirror', 'Accepted: on one node no queue waits for others.'),
  accepted('post_upgrade', 'Accepted: there is nothing to do after an upgrade.'),
  accepted('has_reached_target_cluster_size', 'Accepted: the node is all of its cluster.'),
  accepted('remove_classic_queue_mirroring_from_policies', 'Accepted: no policy mirrors.'),
  sync('sync_queue', 'sync', 'Accepted for a queue that is there: it has no mirrors.'),
  sync('cancel_sync_queue', 'cancel_sync', 'Accepted for a queue that is there: it has no mirrors.'),
  ...refusals(),
]

function refusals(): Verb[] {
  const cluster = 'this broker is one node and forms no cluster'
  const erlang = 'there is no Erlang to evaluate it'
  const cookie = 'there is no Erlang cookie: the file ctl.sock in the data folder decides who may administer'
  const streams = 'this broker has no streams'
  const federation = 'this broker has no federation'
  const shovels = 'this broker has no shovels'
  return [
    refused('delete_member', '<queue> <node>', 'this node is the only member'),
    refused('transfer_leadership', '[queue...]', cluster),
    refused('join_cluster', '<node>', cluster),
    refused('forget_cluster_node', '<node>', cluster),
    refused('force_boot', '', cluster),
    refused('eval', '<expression>', erlang),
    refused('eval_file', '<file>', erlang),
    refused('exec', '<expression>', erlang),
    refused('remote_shell', '', erlang),
    refused('observer', '', 'there is no Erlang to observe; the console shows the node'),
    refused('erlang_cookie_hash', '', cookie),
    refused('erlang_cookie_sources', '', cookie),
    refused('change_cluster_node_type', '<type>', cluster),
    refused('rename_cluster_node', '<from> <to>', cluster),
    refused('update_cluster_nodes', '<node>', cluster),
    refused('force_standalone_khepri_boot', '', cluster),
    refused('grow_to_count', '<count>', cluster),
    refused('stream_status', '<stream>', streams),
    refused('restart_stream', '<stream>', streams),
    refused('add_replica', '<stream> <node>', streams),
    refused('delete_replica', '<stream> <node>', streams),
    refused('coordinator_status', '', streams),
    refused('set_stream_retention_policy', '<stream> <policy>', streams),
    refused('activate_stream_consumer', '[argument...]', streams),
    refused('add_super_stream', '<name> [argument...]', streams),
    refused('delete_super_stream', '<name>', streams),
    refused('list_stream_connections', '[column...]', streams),
    refused('list_stream_consumers', '[column...]', streams),
    refused('list_stream_publishers', '[column...]', streams),
    refused('list_stream_consumer_groups', '[column...]', streams),
    refused('list_stream_group_consumers', '[column...]', streams),
    refused('list_stream_tracking', '<stream>', streams),
    refused('federation_status', '', federation),
    refused('restart_federation_link', '<link>', federation),
    refused('shovel_status', '', shovels),
    refused('delete_shovel', '<name>', shovels),
    refused('restart_shovel', '<name>', shovels),
    refused('list_trust_store', '', 'certificates are trusted by authority: ssl_options.cacertfile'),
    refused('refresh_trust_store', '', 'certificates are trusted by authority: ssl_options.cacertfile'),
    refused('add_signing_key', '<name>', 'signing keys are settings: auth_oauth2.signing_keys'),
    refused('add_uaa_key', '<name>', 'signing keys are settings: auth_oauth2.signing_keys'),
  ]
}

function accepted(name: string, summary: string, usage = ''): Verb {
  return {
    name,
    usage,
    summary,
    run: async ({ client }) => {
      await client.get(['whoami'])
      return SILENT
    },
  }
}

function sync(name: string, action: string, summary: string): Verb {
  return {
    name,
    usage: '<queue>',
    summary,
    run: async ({ client, args, options }) => {
      await client.post(['queues', options.vhost, args[0]!, 'actions'], { action })
      return SILENT
    },
  }
}

function refused(name: string, usage: string, reason: string): Verb {
  return {
    name,
    usage,
    summary: `Refused: ${reason}.`,
    run: () => Promise.reject(new CtlError(`${name}: ${reason}`, 503)),
  }
}

async function peek({ client, args, options }: CtlCall): ReturnType<Verb['run']> {
  const wanted = Number(args[1])
  if (!Number.isInteger(wanted) || wanted < 1) throw new CtlError('a position is a whole number from 1', 400)
  let position = 0
  let left = wanted
  for (;;) {
    const count = Math.min(left, 1_000)
    // As this endpoint answers.
    const reply = (await client.post(['warren', 'queues', options.vhost, args[0]!, 'browse'], {
      position,
      limit: count,
      truncate: left > 1_000 ? 0 : 65_536,
    })) as { readonly messages: readonly Row[]; readonly next_position: number | null }
    left -= reply.messages.length
    const last = reply.messages.at(-1)
    if (left <= 0 && last !== undefined) return { kind: 'object', value: last }
    if (reply.messages.length === 0 || reply.next_position === null) return text('Message at position was not found')
    position = reply.next_position
  }
}
