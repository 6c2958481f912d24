/** Verbs of `warren ctl` on the node: status, limits, logs, health checks. */

import { awaitProcess, awaitStartup } from './await.ts'
import { CtlError, type Row } from './ctl-client.ts'
import { type Outcome, SILENT, table, text, type Verb } from './verb.ts'

/** The verbs of this file. */
export const NODE_VERBS: readonly Verb[] = [
  {
    name: 'status',
    usage: '',
    summary: 'Shows versions, memory, alarms and listeners.',
    run: async ({ client }) => object(await client.get(['warren', 'status'])),
  },
  {
    name: 'ping',
    usage: '',
    summary: 'Tells whether the broker answers.',
    run: async ({ client }) => {
      await client.get(['whoami'])
      return text('Ping succeeded')
    },
  },
  {
    name: 'await_startup',
    usage: '',
    summary: 'Waits until the broker serves clients.',
    run: awaitStartup,
  },
  {
    name: 'wait',
    usage: '[pidfile]',
    summary: 'Waits until the broker whose process id is in a file, or is --pid, serves clients.',
    run: async (call) => {
      await awaitProcess(call)
      return await awaitStartup(call)
    },
  },
  {
    name: 'environment',
    usage: '',
    summary: 'Lists all settings with types and defaults.',
    run: async ({ client }) => ({
      kind: 'rows',
      columns: ['key', 'type', 'default', 'reloadable'],
      rows: await client.list(['config', 'effective']),
    }),
  },
  {
    name: 'cluster_status',
    usage: '',
    summary: 'Shows the nodes: one.',
    run: async ({ client }) => {
      const { node, cluster_name, alarms, listeners } = (await client.get(['warren', 'status'])) as Row
      return object({ cluster_name, disk_nodes: [node], running_nodes: [node], alarms, partitions: [], listeners })
    },
  },
  {
    name: 'report',
    usage: '',
    summary: 'Everything that helps somebody who helps: status, objects, policies.',
    run: async ({ client }) => {
      const parts: Record<string, unknown> = {}
      for (const path of [
        ['warren', 'status'],
        ['overview'],
        ['nodes'],
        ['vhosts'],
        ['queues'],
        ['connections'],
        ['policies'],
      ]) {
        parts[path.join('/')] = await client.get(path)
      }
      return { kind: 'raw', text: `${JSON.stringify(parts, undefined, 2)}\n` }
    },
  },
  {
    name: 'listeners',
    usage: '',
    summary: 'Lists ports in use.',
    run: async ({ client }) => {
      const { listeners } = (await client.get(['warren', 'status'])) as { readonly listeners: readonly Row[] }
      return { kind: 'rows', columns: ['ip_address', 'port', 'protocol'], rows: listeners }
    },
  },
  {
    name: 'memory_breakdown',
    usage: '',
    summary: 'Shows what memory is used for.',
    run: async ({ client }) => object(((await client.get(['warren', 'status'])) as Row).memory),
  },
  {
    name: 'alarms',
    usage: '',
    summary: 'Lists alarms in force.',
    run: async ({ client }) => {
      const { alarms, node } = (await client.get(['warren', 'status'])) as Row & { readonly alarms: readonly string[] }
      return alarms.length === 0
        ? text(`Node ${String(node)} reported no alarms, local or clusterwide`)
        : { kind: 'rows', columns: ['resource', 'node'], rows: alarms.map((resource) => ({ resource, node })) }
    },
  },
  {
    name: 'list_feature_flags',
    usage: '[column...]',
    summary: 'Lists feature flags: all enabled.',
    banner: () => 'Listing feature flags ...',
    run: async (call) => table(call, ['name', 'state'], await call.client.list(['feature-flags'])),
  },
  {
    name: 'enable_feature_flag',
    usage: '<name>',
    summary: 'Accepted; every flag is enabled.',
    run: async ({ client, args }) => {
      await client.put(['feature-flags', args[0]!, 'enable'], {})
      return SILENT
    },
  },
  {
    name: 'list_deprecated_features',
    usage: '[column...]',
    summary: 'Lists deprecated features, or those in use (--used).',
    banner: () => 'Listing deprecated features ...',
    run: async (call) => {
      const path = call.options.used ? ['deprecated-features', 'used'] : ['deprecated-features']
      const known = ['name', 'deprecation_phase', 'provided_by', 'desc', 'doc_url']
      return table(call, ['name', 'deprecation_phase'], await call.client.list(path), known)
    },
  },
  {
    name: 'set_vm_memory_high_watermark',
    usage: '<fraction> [bytes]',
    summary: 'Sets the memory watermark: a fraction, or `absolute` and bytes.',
    run: async ({ client, args }) => {
      await client.put(['warren', 'memory-limit'], limitBody(args, 'absolute'))
      return SILENT
    },
  },
  {
    name: 'set_disk_free_limit',
    usage: '<bytes> [fraction]',
    summary: 'Sets the limit of free disk space: bytes, or `mem_relative` and a fraction of the memory.',
    run: async ({ client, args }) => {
      const body = args[0] === 'mem_relative' ? { relative: number(args[1]) } : { absolute: bytes(args[0]) }
      await client.put(['warren', 'disk-limit'], body)
      return SILENT
    },
  },
  {
    name: 'set_file_descriptor_high_watermark',
    usage: '<fraction>',
    summary: 'Sets the watermark of file descriptors: a fraction of those that the process may have.',
    run: async ({ client, args }) => {
      await client.put(['warren', 'descriptor-limit'], { relative: number(args[0]) })
      return SILENT
    },
  },
  certificates('list_certificates'),
  certificates('certificates'),
  {
    name: 'reload_certificates',
    usage: '',
    summary: 'Reads TLS certificates and keys again; those that cannot be used change nothing.',
    run: async ({ client }) => {
      const outcomes = (await client.post(['warren', 'certificates', 'reload'], {})) as readonly Row[]
      const failed = outcomes.filter(({ error }) => error !== null)
      if (failed.length > 0)
        throw new CtlError(failed.map(({ listeners, error }) => `${listeners}: ${error}`).join('\n'))
      return text(`${outcomes.length} groups of listeners have their certificates anew`)
    },
  },
  {
    name: 'audit',
    usage: '',
    summary: 'Lists the newest administrative actions (--count).',
    run: async ({ client, options }) => ({
      kind: 'rows',
      columns: ['time', 'user', 'via', 'address', 'action', 'target', 'result', 'status'],
      rows: (await client.get(['warren', 'audit'], { count: String(options.count ?? 100) })) as readonly Row[],
    }),
  },
  {
    name: 'set_log_level',
    usage: '<level> [category]',
    summary: 'Sets the level of the log until the next restart.',
    run: async ({ client, args }) => {
      await client.put(['warren', 'log-level'], {
        level: args[0],
        ...(args[1] === undefined ? {} : { category: args[1] }),
      })
      return SILENT
    },
  },
  {
    name: 'list_node_auth_attempt_stats',
    usage: '',
    summary: 'Lists logins by protocol.',
    run: async ({ client }) => {
      const { node } = (await client.get(['warren', 'status'])) as Row
      return {
        kind: 'rows',
        columns: ['protocol', 'auth_attempts', 'auth_attempts_succeeded', 'auth_attempts_failed'],
        rows: await client.list(['auth', 'attempts', String(node)]),
      }
    },
  },
  {
    name: 'reset_stats_db',
    usage: '',
    summary: 'Forgets the history of statistics.',
    run: async ({ client }) => {
      await client.delete(['reset'])
      return SILENT
    },
  },
  stop('stop', 'Stops the broker.'),
  stop('shutdown', 'Stops the broker.'),
]

function object(value: unknown): Outcome {
  return { kind: 'object', value: value as Row } // What these endpoints answer.
}

function certificates(name: string): Verb {
  return {
    name,
    usage: '',
    summary: 'Lists the TLS certificates that listeners show.',
    banner: () => 'Listing certificates of listeners ...',
    run: async ({ client }) => ({
      kind: 'rows',
      columns: ['listeners', 'host_names', 'subject', 'issuer', 'not_after'],
      rows: await client.list(['warren', 'certificates']),
    }),
  }
}

function stop(name: string, summary: string): Verb {
  return {
    name,
    usage: '',
    summary,
    banner: () => 'Stopping and halting the broker ...',
    run: async ({ client }) => {
      await client.post(['warren', 'shutdown'], {})
      return SILENT
    },
  }
}

function limitBody(args: readonly string[], word: string): Row {
  return args[0] === word ? { absolute: bytes(args[1]) } : { relative: number(args[0]) }
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  kb: 1e3,
  m: 2 ** 20,
  mib: 2 ** 20,
  mb: 1e6,
  g: 2 ** 30,
  gib: 2 ** 30,
  gb: 1e9,
}

function bytes(text: string | undefined): number {
  const match = /^(\d+)\s*([a-z]*)$/i.exec(text ?? '')
  const unit = match === null ? undefined : UNIT_BYTES[match[2]!.toLowerCase()]
  if (match === null || unit === undefined)
    throw new CtlError(`a number of bytes is expected, not ${text ?? 'nothing'}`)
  return Number(match[1]) * unit
}

function number(text: string | undefined): number {
  const value = Number(text)
  if (text === undefined || text === '' || Number.isNaN(value)) {
    throw new CtlError(`a number is expected, not ${text ?? 'nothing'}`)
  }
  return value
}
