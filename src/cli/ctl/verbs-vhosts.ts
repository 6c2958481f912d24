/** Verbs of `warren ctl` on virtual hosts, policies and parameters. */
import { VHOST_LIMITS } from '../../model/limits/limits.ts'
import { compilePattern } from '../../model/values/pattern.ts'
import { CtlError, type Row } from './ctl-client.ts'
import { EXIT_DATA } from './exit-codes.ts'
import { type CtlCall, type Outcome, SILENT, table, type Verb } from './verb.ts'
import { jsonObject, jsonValue } from './verbs-users.ts'

const VHOST_COLUMNS = [
  'name',
  'description',
  'tags',
  'default_queue_type',
  'tracing',
  'cluster_state',
  'protected_from_deletion',
  'metadata',
]

/** Verbs on virtual hosts. */
export const VHOST_VERBS: readonly Verb[] = [
  {
    name: 'add_vhost',
    usage: '<vhost>',
    summary: 'Creates a virtual host (--description, --tags, --default-queue-type).',
    banner: ({ args }) => `Adding vhost "${args[0]}" ...`,
    run: async (call) => {
      await call.client.put(['vhosts', call.args[0]!], vhostBody(call))
      return SILENT
    },
  },
  {
    name: 'update_vhost_metadata',
    usage: '<vhost>',
    summary: 'Changes description, tags or default queue type.',
    banner: ({ args }) => `Updating metadata of vhost "${args[0]}" ...`,
    run: async (call) => {
      await call.client.get(['vhosts', call.args[0]!])
      await call.client.put(['vhosts', call.args[0]!], vhostBody(call))
      return SILENT
    },
  },
  {
    name: 'set_vhost_tags',
    usage: '<vhost> [tag...]',
    summary: "Replaces a virtual host's tags.",
    banner: ({ args }) => `Setting tags for vhost "${args[0]}" ...`,
    run: async ({ client, args: [vhost, ...tags] }) => {
      await client.get(['vhosts', vhost!])
      await client.put(['vhosts', vhost!], { tags })
      return SILENT
    },
  },
  {
    name: 'delete_vhost',
    usage: '<vhost>',
    summary: 'Deletes a virtual host with all that is in it.',
    banner: ({ args }) => `Deleting vhost "${args[0]}" ...`,
    run: async ({ client, args }) => {
      try {
        await client.delete(['vhosts', args[0]!])
      } catch (error) {
        if (!(error instanceof CtlError) || error.status !== 404) throw error
        throw new CtlError(`Virtual host '${args[0]}' does not exist`, 404, EXIT_DATA)
      }
      return SILENT
    },
  },
  {
    name: 'list_vhosts',
    usage: '[column...]',
    summary: 'Lists virtual hosts.',
    banner: () => 'Listing vhosts ...',
    run: async (call) => table(call, ['name'], await call.client.list(['vhosts']), VHOST_COLUMNS),
  },
  {
    name: 'restart_vhost',
    usage: '',
    summary: 'Accepted; virtual hosts of a running node run.',
    run: async ({ client, options }) => {
      await client.get(['vhosts', options.vhost])
      return SILENT
    },
  },
  protection('enable_vhost_deletion_protection', 'Protects a virtual host from deletion.', true),
  protection('disable_vhost_deletion_protection', 'Ends the protection.', false),
  tracing('trace_on', 'Copies messages of the virtual host (-p) to amq.rabbitmq.trace.', true),
  tracing('trace_off', 'Ends the copying.', false),
  {
    name: 'set_vhost_limits',
    usage: '<definition>',
    summary: 'Sets limits as JSON: {"max-connections": 10, "max-queues": 100}.',
    banner: ({ args, options }) => `Setting vhost limits to "${args[0]}" for vhost "${options.vhost}" ...`,
    run: async ({ client, args, options }) => {
      for (const [limit, value] of Object.entries(jsonObject(args[0]!))) {
        await client.put(['vhost-limits', options.vhost, limit], { value })
      }
      return SILENT
    },
  },
  {
    name: 'clear_vhost_limits',
    usage: '',
    summary: 'Lifts all limits of the virtual host (-p).',
    banner: ({ options }) => `Clearing vhost "${options.vhost}" limits ...`,
    run: async ({ client, options }) => {
      for (const limit of VHOST_LIMITS) await client.delete(['vhost-limits', options.vhost, limit])
      return SILENT
    },
  },
  {
    name: 'list_vhost_limits',
    usage: '',
    summary: 'Lists limits of the virtual host (-p), or of all (--global).',
    banner: () => 'Listing limits of virtual hosts ...',
    run: async ({ client, options }) => {
      const limits = await client.list(options.global ? ['vhost-limits'] : ['vhost-limits', options.vhost])
      return {
        kind: 'rows',
        columns: ['vhost', 'limits'],
        rows: limits.map(({ vhost, value }) => ({ vhost, limits: JSON.stringify(value) })),
      }
    },
  },
]

function protection(name: string, summary: string, isProtected: boolean): Verb {
  return {
    name,
    usage: '<vhost>',
    summary,
    run: async ({ client, args }) => {
      await client.get(['vhosts', args[0]!])
      await client.put(['vhosts', args[0]!], { protected_from_deletion: isProtected })
      return SILENT
    },
  }
}

function tracing(name: string, summary: string, isTraced: boolean): Verb {
  return {
    name,
    usage: '',
    summary,
    banner: ({ options }) => `${isTraced ? 'Starting' : 'Stopping'} tracing for vhost "${options.vhost}" ...`,
    run: async ({ client, options }) => {
      await client.get(['vhosts', options.vhost])
      await client.put(['vhosts', options.vhost], { tracing: isTraced })
      return SILENT
    },
  }
}

function vhostBody({ options }: CtlCall): Row {
  return {
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(options.tags === undefined ? {} : { tags: options.tags }),
    ...(options.defaultQueueType === undefined ? {} : { default_queue_type: options.defaultQueueType }),
  }
}

/** Verbs on policies. */
export const POLICY_VERBS: readonly Verb[] = [
  ...policyVerbs('policy', 'policies', 'policies'),
  ...policyVerbs('operator_policy', 'operator_policies', 'operator-policies'),
  {
    name: 'list_policies_that_match',
    usage: '<name>',
    summary: 'Lists policies of the virtual host (-p) whose pattern matches a name, the one in force first.',
    run: async ({ client, args, options }) => {
      const policies = await client.list(['policies', options.vhost])
      return {
        kind: 'rows',
        columns: POLICY_COLUMNS,
        rows: policies.filter(({ pattern }) => matches(String(pattern), args[0]!)).map(policyRow),
      }
    },
  },
]

const POLICY_COLUMNS = ['vhost', 'name', 'pattern', 'apply-to', 'definition', 'priority']

/** rabbitmqctl shows definitions and values as JSON text, in JSON output, too. */
function policyRow(policy: Row): Row {
  return { ...policy, definition: JSON.stringify(policy.definition) }
}

function valueRow(parameter: Row): Row {
  return { ...parameter, value: JSON.stringify(parameter.value) }
}

function matches(pattern: string, name: string): boolean {
  return compilePattern(pattern)?.test(name) === true
}

function policyVerbs(one: string, many: string, path: string): Verb[] {
  return [
    {
      name: `set_${one}`,
      usage: '<name> <pattern> <definition>',
      summary: 'Sets it in the virtual host (-p); --priority, --apply-to.',
      banner: ({ args, options }) =>
        `Setting ${one.replace('_', ' ')} "${args[0]}" for pattern "${args[1]}" to "${args[2]}" for vhost "${options.vhost}" ...`,
      run: async ({ client, args, options }) => {
        await client.put([path, options.vhost, args[0]!], {
          pattern: args[1],
          definition: jsonObject(args[2]!),
          priority: options.priority ?? 0,
          'apply-to': options.applyTo ?? 'all',
        })
        return SILENT
      },
    },
    {
      name: `clear_${one}`,
      usage: '<name>',
      summary: 'Clears it.',
      banner: ({ args, options }) => `Clearing ${one.replace('_', ' ')} "${args[0]}" on vhost "${options.vhost}" ...`,
      run: async ({ client, args, options }) => {
        await client.delete([path, options.vhost, args[0]!])
        return SILENT
      },
    },
    {
      name: `list_${many}`,
      usage: '',
      summary: 'Lists those of the virtual host (-p).',
      banner: ({ options }) => `Listing ${many.replace('_', ' ')} for vhost "${options.vhost}" ...`,
      run: async (call) => {
        const policies = await call.client.list([path, call.options.vhost])
        return table(call, POLICY_COLUMNS, policies.map(policyRow))
      },
    },
  ]
}

/** Verbs on parameters. */
export const PARAMETER_VERBS: readonly Verb[] = [
  {
    name: 'set_parameter',
    usage: '<component> <name> <value>',
    summary: 'Sets a parameter to a JSON value.',
    banner: ({ args, options }) =>
      `Setting runtime parameter "${args[1]}" for component "${args[0]}" to "${args[2]}" in vhost "${options.vhost}" ...`,
    run: async ({ client, args, options }) => {
      await client.put(['parameters', args[0]!, options.vhost, args[1]!], { value: jsonValue(args[2]!) })
      return SILENT
    },
  },
  {
    name: 'clear_parameter',
    usage: '<component> <name>',
    summary: 'Clears a parameter.',
    run: async ({ client, args, options }) => {
      await client.delete(['parameters', args[0]!, options.vhost, args[1]!])
      return SILENT
    },
  },
  {
    name: 'list_parameters',
    usage: '',
    summary: 'Lists parameters of the virtual host (-p).',
    banner: ({ options }) => `Listing runtime parameters for vhost "${options.vhost}" ...`,
    run: async (call) => {
      const all = await call.client.list(['parameters'])
      return table(
        call,
        ['component', 'name', 'value'],
        all.filter(({ vhost }) => vhost === call.options.vhost).map(valueRow),
      )
    },
  },
  {
    name: 'set_global_parameter',
    usage: '<name> <value>',
    summary: 'Sets a global parameter to a JSON value.',
    run: async ({ client, args }) => {
      await client.put(['global-parameters', args[0]!], { value: jsonValue(args[1]!) })
      return SILENT
    },
  },
  {
    name: 'clear_global_parameter',
    usage: '<name>',
    summary: 'Clears a global parameter.',
    run: async ({ client, args }) => {
      await client.delete(['global-parameters', args[0]!])
      return SILENT
    },
  },
  {
    name: 'list_global_parameters',
    usage: '',
    summary: 'Lists global parameters.',
    banner: () => 'Listing global runtime parameters ...',
    run: async (call) => {
      const parameters = await call.client.list(['global-parameters'])
      return table(call, ['name', 'value'], parameters.map(valueRow))
    },
  },
  {
    name: 'set_cluster_name',
    usage: '<name>',
    summary: 'Sets the name of the cluster.',
    banner: ({ args }) => `Setting cluster name to "${args[0]}" ...`,
    run: async ({ client, args }) => {
      await client.put(['cluster-name'], { name: args[0] })
      return SILENT
    },
  },
]

/** Verbs on definitions. */
export const DEFINITION_VERBS: readonly Verb[] = [
  {
    name: 'export_definitions',
    usage: '<file>',
    summary: 'Writes all definitions to a file; `-` is standard output.',
    run: async ({ client, args, writeFile }): Promise<Outcome> => {
      const definitions = await client.get(['definitions'])
      const json = `${JSON.stringify(definitions, undefined, 2)}\n`
      if (args[0] === '-') return { kind: 'raw', text: json }
      await writeFile(args[0]!, json)
      return SILENT
    },
  },
  {
    name: 'import_definitions',
    usage: '[file]',
    summary: 'Reads definitions from a file, or from standard input.',
    run: async ({ client, args, readFile, readInput }): Promise<Outcome> => {
      const json = args[0] === undefined || args[0] === '-' ? await readInput() : await readFile(args[0])
      if (json.trim() === '') throw new CtlError('the definitions are empty')
      await client.post(['definitions'], json)
      return SILENT
    },
  },
]
