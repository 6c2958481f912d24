/** Verbs of `warren ctl` on queues, exchanges, bindings, connections, channels and consumers. */
import { CtlError, type Row } from './ctl-client.ts'
import { SILENT, table, text, type Verb } from './verb.ts'
import { operate } from './verbs-messages.ts'

/** Columns of rabbitmqctl, which may be asked for when no row has them. */
const QUEUE_COLUMNS = (
  'arguments auto_delete consumer_capacity consumer_utilisation consumers disk_reads disk_writes durable ' +
  'effective_policy_definition exclusive exclusive_consumer_pid exclusive_consumer_tag head_message_timestamp idle_since ' +
  'leader members memory message_bytes message_bytes_persistent message_bytes_ram message_bytes_ready ' +
  'message_bytes_unacknowledged messages messages_persistent messages_ram messages_ready messages_ready_ram ' +
  'messages_unacknowledged messages_unacknowledged_ram name node online open_files operator_policy owner_pid pid policy ' +
  'single_active_consumer_tag slave_pids state storage_version synchronised_slave_pids type vhost delayed'
).split(' ')
const EXCHANGE_COLUMNS = 'arguments auto_delete durable internal name policy type vhost'.split(' ')
const CONNECTION_COLUMNS = (
  'auth_mechanism channel_max channels client_properties connected_at frame_max host name node peer_cert_issuer ' +
  'peer_cert_subject peer_cert_validity peer_host peer_port pid port protocol recv_cnt recv_oct send_cnt send_oct ' +
  'send_pend ssl ssl_cipher ssl_hash ssl_key_exchange ssl_protocol state timeout type user user_provided_name vhost'
).split(' ')
const CHANNEL_COLUMNS = (
  'acks_uncommitted confirm connection consumer_count global_prefetch_count messages_unacknowledged ' +
  'messages_uncommitted messages_unconfirmed name number pid prefetch_count state transactional user vhost'
).split(' ')

/** The verbs of this file. */
export const OBJECT_VERBS: readonly Verb[] = [
  {
    name: 'list_queues',
    usage: '[column...]',
    summary: 'Lists queues of the virtual host (-p); columns are fields of the HTTP API.',
    banner: ({ options }) => `Listing queues for vhost ${options.vhost} ...`,
    run: async (call) =>
      table(
        call,
        ['name', 'messages'],
        (await call.client.list(['queues', call.options.vhost])).map(withDefaults),
        QUEUE_COLUMNS,
      ),
  },
  {
    name: 'list_exchanges',
    usage: '[column...]',
    summary: 'Lists exchanges of the virtual host (-p).',
    banner: ({ options }) => `Listing exchanges for vhost ${options.vhost} ...`,
    run: async (call) =>
      table(call, ['name', 'type'], await call.client.list(['exchanges', call.options.vhost]), EXCHANGE_COLUMNS),
  },
  {
    name: 'list_bindings',
    usage: '[column...]',
    summary: 'Lists bindings of the virtual host (-p).',
    banner: ({ options }) => `Listing bindings for vhost ${options.vhost} ...`,
    run: async (call) => {
      const bindings = await call.client.list(['bindings', call.options.vhost])
      const columns = ['source_name', 'source_kind', 'destination_name', 'destination_kind', 'routing_key', 'arguments']
      return table(call, columns, bindings.map(bindingRow))
    },
  },
  {
    name: 'list_connections',
    usage: '[column...]',
    summary: 'Lists connections.',
    banner: () => 'Listing connections ...',
    run: async (call) =>
      table(
        call,
        ['user', 'peer_host', 'peer_port', 'state'],
        (await call.client.list(['connections'])).map((row) => ({ ...row, pid: row.name })),
        CONNECTION_COLUMNS,
      ),
  },
  ofProtocol('list_mqtt_connections', /^MQTT/, ['client_id', 'conn_name']),
  ofProtocol('list_web_mqtt_connections', /^Web MQTT/, ['client_id', 'conn_name']),
  ofProtocol('list_stomp_connections', /^STOMP/, ['session_id', 'conn_name']),
  ofProtocol('list_amqp10_connections', /^AMQP 1-0/, ['auth_mechanism', 'peer_host', 'peer_port', 'state']),
  {
    name: 'list_channels',
    usage: '[column...]',
    summary: 'Lists channels.',
    banner: () => 'Listing channels ...',
    run: async (call) =>
      table(
        call,
        ['pid', 'user', 'consumer_count', 'messages_unacknowledged'],
        (await call.client.list(['channels'])).map(channelRow),
        CHANNEL_COLUMNS,
      ),
  },
  {
    name: 'list_consumers',
    usage: '[column...]',
    summary: 'Lists consumers of the virtual host (-p).',
    banner: ({ options }) => `Listing consumers in vhost ${options.vhost} ...`,
    run: async (call) => {
      const consumers = await call.client.list(['consumers', call.options.vhost])
      const columns = [
        'queue_name',
        'channel_pid',
        'consumer_tag',
        'ack_required',
        'prefetch_count',
        'active',
        'arguments',
      ]
      return table(call, columns, consumers.map(consumerRow), [...columns, 'activity_status'])
    },
  },
  {
    name: 'list_unresponsive_queues',
    usage: '[column...]',
    summary: 'Lists queues that do not answer: there are none, all share one event loop.',
    run: async (call) => {
      await call.client.get(['whoami'])
      return table(call, ['name'], [])
    },
  },
  {
    name: 'purge_queue',
    usage: '<queue>',
    summary: 'Drops the ready messages of a queue: all, or those of --filter, --count (--dry-run).',
    banner: ({ args, options }) => `Purging queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: async (call) => {
      const { client, args, options } = call
      if (options.filter !== undefined || options.count !== undefined || options.dryRun) {
        return { kind: 'object', value: await operate(call, 'delete', {}) }
      }
      await client.delete(['queues', options.vhost, args[0]!, 'contents'])
      return SILENT
    },
  },
  {
    name: 'delete_queue',
    usage: '<queue>',
    summary: 'Deletes a queue (--if-empty, --if-unused).',
    banner: ({ args, options }) => `Deleting queue '${args[0]}' on vhost '${options.vhost}' ...`,
    run: async ({ client, args, options }) => {
      await client.delete(['queues', options.vhost, args[0]!], {
        ...(options.ifEmpty ? { 'if-empty': 'true' } : {}),
        ...(options.ifUnused ? { 'if-unused': 'true' } : {}),
      })
      return text('Queue was successfully deleted')
    },
  },
  {
    name: 'close_connection',
    usage: '<name> <reason>',
    summary: 'Closes a connection; the reason is told to the client.',
    banner: ({ args }) => `Closing connection ${args[0]}, reason: ${args[1]}...`,
    run: async ({ client, args }) => {
      await client.delete(['connections', args[0]!], {}, args[1])
      return SILENT
    },
  },
  {
    name: 'close_all_connections',
    usage: '<reason>',
    summary: 'Closes all connections of the virtual host (-p), or all (--global); --limit so many.',
    run: async ({ client, args, options }) => {
      const path = options.global ? ['connections'] : ['vhosts', options.vhost, 'connections']
      const connections = await client.list(path, { columns: 'name' })
      let closed = 0
      for (const { name } of connections.slice(0, options.limit))
        if (await close(client, String(name), args[0])) closed++
      return text(`Closed ${closed} connections`)
    },
  },
  {
    name: 'close_all_user_connections',
    usage: '<username> <reason>',
    summary: 'Closes all connections of a user.',
    run: async ({ client, args }) => {
      await client.delete(['connections', 'username', args[0]!], {}, args[1])
      return SILENT
    },
  },
]

/** Connections of one protocol; `client_id` is what the client says of itself. */
function ofProtocol(name: string, protocol: RegExp, columns: readonly string[]): Verb {
  return {
    name,
    usage: '[column...]',
    summary: 'Lists connections of this protocol alone.',
    banner: () => `Listing ${name.split('_').slice(1, -1).join(' ').toUpperCase()} connections ...`,
    run: async (call) => {
      const rows = (await call.client.list(['connections'])).filter((row) => protocol.test(String(row.protocol)))
      const named = rows.map((row) => ({ ...row, ...clientOf(row), session_id: row.name, conn_name: row.name }))
      return table(call, columns, named, [...columns, ...CONNECTION_COLUMNS])
    },
  }
}

function clientOf({ client_properties: properties }: Row): Row {
  if (typeof properties !== 'object' || properties === null) return {}
  return { client_id: 'client_id' in properties ? properties.client_id : '' }
}

/** One that has gone meanwhile needs no closing. */
async function close(
  client: Parameters<Verb['run']>[0]['client'],
  name: string,
  reason: string | undefined,
): Promise<boolean> {
  try {
    await client.delete(['connections', name], {}, reason)
    return true
  } catch (error) {
    if (error instanceof CtlError && error.status === 404) return false
    throw error
  }
}

function channelRow(channel: Row): Row {
  return { ...channel, pid: channel.name, connection: nameOf(channel.connection_details) }
}

/** Columns that rabbitmqctl has and the HTTP API calls otherwise. */
function withDefaults(queue: Row): Row {
  return {
    ...queue,
    pid: queue.node,
    exclusive_consumer_pid: '',
    disk_reads: 0,
    disk_writes: 0,
    owner_pid: nameOf(queue.owner_pid_details),
    slave_pids: '',
    synchronised_slave_pids: '',
  }
}

function nameOf(details: unknown): unknown {
  return typeof details === 'object' && details !== null && 'name' in details ? details.name : ''
}

function bindingRow(binding: Row): Row {
  return {
    ...binding,
    source_name: binding.source,
    source_kind: 'exchange',
    destination_name: binding.destination,
    destination_kind: binding.destination_type,
  }
}

function consumerRow(consumer: Row): Row {
  const queue = consumer.queue as Row // As the HTTP API shows consumers.
  const channel = consumer.channel_details as Row
  return { ...consumer, queue_name: queue.name, channel_pid: channel.name }
}
