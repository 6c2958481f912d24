/** Verbs of `warren ctl` on the broker's process and machine: what rabbitmq-diagnostics tells of Erlang's, as far as it is here. */
import { pause } from './await.ts'
import { CtlError, type Row } from './ctl-client.ts'
import { type CtlCall, type Outcome, SILENT, table, text, type Verb } from './verb.ts'

const SAMPLE_SECONDS = 5

/** What the broker tells of its process. */
interface Runtime {
  readonly command_line_arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly network_interfaces: readonly Row[]
  readonly resolver: { readonly servers: readonly string[]; readonly order: string }
  readonly tls_versions: readonly string[]
  readonly cipher_suites: { readonly enabled: readonly string[]; readonly all: readonly string[] }
  readonly ciphers: readonly string[]
  readonly hashes: readonly string[]
  readonly load: Readonly<Record<string, number>>
}

/** The verbs of this file. */
export const HOST_VERBS: readonly Verb[] = [
  told(
    'tls_versions',
    'Lists versions of TLS that the runtime can speak.',
    'Listing all TLS versions supported by the runtime...',
    (runtime, call) => (isJson(call) ? object({ versions: runtime.tls_versions }) : lines(runtime.tls_versions)),
  ),
  told(
    'cipher_suites',
    'Lists cipher suites: those on by default, or all (--all).',
    'Listing available cipher suites in OpenSSL format',
    ({ cipher_suites: suites }, call) => listed(call, call.options.all ? suites.all : suites.enabled),
  ),
  told('list_ciphers', 'Lists ciphers that the runtime has.', 'Listing supported ciphers ...', ({ ciphers }, call) =>
    listed(call, ciphers),
  ),
  told(
    'list_hashes',
    'Lists hash functions that the runtime has.',
    'Listing supported hash algorithms ...',
    ({ hashes }, call) => listed(call, hashes),
  ),
  told(
    'command_line_arguments',
    'Shows how the broker was called; secrets are hidden.',
    'Command line arguments of the node ...',
    (runtime, call) => listed(call, runtime.command_line_arguments),
  ),
  told(
    'os_env',
    'Lists variables of the environment that concern the broker; secrets are hidden.',
    'Listing environment variables of the node...',
    ({ environment }, call) =>
      isJson(call)
        ? object(environment)
        : lines(Object.entries(environment).map(([name, value]) => `${name}=${value}`)),
  ),
  told(
    'list_network_interfaces',
    'Lists network interfaces of the machine.',
    'Asking the node to report its network interfaces ...',
    (runtime) => ({
      kind: 'rows',
      columns: ['name', 'address', 'netmask', 'mac', 'internal'],
      rows: runtime.network_interfaces,
    }),
  ),
  told(
    'resolver_info',
    'Shows how the machine resolves names.',
    'Asking the node for its hostname resolver configuration...',
    ({ resolver }) => object(resolver),
  ),
  {
    name: 'resolve_hostname',
    usage: '<hostname>',
    summary: 'Shows the addresses of a name, as the machine resolves it (--address-family ipv4, ipv6).',
    banner: ({ args, options }) =>
      `Asking the node to resolve hostname ${args[0]} to ${options.addressFamily ?? 'ipv4'} addresses...`,
    run: async (call) => {
      const family = (call.options.addressFamily ?? 'ipv4').toLowerCase()
      return listed(
        call,
        (await call.client.get(['warren', 'resolve', call.args[0]!], { family })) as readonly string[],
      )
    },
  },
  {
    name: 'runtime_thread_stats',
    usage: '',
    summary: 'Shows how busy the event loop and the processor are (--sample-interval seconds).',
    banner: ({ options }) =>
      `Will collect runtime thread stats for ${options.sampleInterval ?? SAMPLE_SECONDS} seconds...`,
    run: threadStats,
  },
  {
    name: 'maybe_stuck',
    usage: '',
    summary: 'Tells whether the event loop makes progress: a broker that answers is not stuck.',
    run: async ({ client }) => {
      await client.get(['whoami'])
      return text('The event loop answers; there are no other processes that could be stuck.')
    },
  },
  {
    name: 'schema_info',
    usage: '[column...]',
    summary: 'Lists kinds of metadata with the node that keeps them.',
    banner: () => 'Asking the node to report its schema...',
    run: async (call) => {
      const { client } = call
      const { node } = (await client.get(['warren', 'status'])) as Row
      const definitions = (await client.get(['definitions'])) as Row
      const kinds = Object.entries(definitions).filter(([, value]) => Array.isArray(value))
      const rows = kinds.map(([name]) => ({ name, cookie: '', active_replicas: [node], user_properties: [] }))
      return table(call, ['name', 'cookie', 'active_replicas', 'user_properties'], rows)
    },
  },
  tracking('enable_auth_attempt_source_tracking', 'Counts logins by address and user, until the next restart.', true),
  tracking('disable_auth_attempt_source_tracking', 'Ends and forgets that.', false),
]

function told(name: string, summary: string, banner: string, tell: (runtime: Runtime, call: CtlCall) => Outcome): Verb {
  return {
    name,
    usage: '',
    summary,
    banner: () => banner,
    // What this endpoint answers.
    run: async (call) => tell((await call.client.get(['warren', 'runtime'])) as Runtime, call),
  }
}

function tracking(name: string, summary: string, enabled: boolean): Verb {
  return {
    name,
    usage: '',
    summary,
    run: async ({ client }) => {
      await client.put(['warren', 'auth-attempt-sources'], { enabled })
      return SILENT
    },
  }
}

async function threadStats({ client, options }: CtlCall): Promise<Outcome> {
  const seconds = options.sampleInterval ?? SAMPLE_SECONDS
  if (seconds <= 0) throw new CtlError('--sample-interval is a number of seconds')
  const read = async (): Promise<Runtime['load']> => ((await client.get(['warren', 'runtime'])) as Runtime).load
  const before = await read()
  await pause(seconds * 1_000)
  const after = await read()
  const passed = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0)
  const total = Math.max(passed('event_loop_idle_ms') + passed('event_loop_active_ms'), 1)
  const share = (name: string): string => `${((100 * passed(name)) / total).toFixed(2)}%`
  return {
    kind: 'rows',
    columns: ['thread', 'busy', 'idle'],
    rows: [
      { thread: 'event loop', busy: share('event_loop_active_ms'), idle: share('event_loop_idle_ms') },
      { thread: 'process, user', busy: share('user_ms'), idle: '' },
      { thread: 'process, system', busy: share('system_ms'), idle: '' },
    ],
  }
}

function isJson({ options }: CtlCall): boolean {
  return options.formatter.startsWith('json')
}

function object(value: Row): Outcome {
  return { kind: 'object', value }
}

function lines(values: readonly string[]): Outcome {
  return text(values.join('\n'))
}

function listed(call: CtlCall, values: readonly string[]): Outcome {
  return isJson(call) ? { kind: 'raw', text: `${JSON.stringify(values)}\n` } : lines(values)
}
