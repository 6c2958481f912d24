/** All verbs of `warren ctl`, by name. */
import { text, type Verb } from './verb.ts'
import { CHECK_VERBS } from './verbs-checks.ts'
import { CLUSTER_VERBS } from './verbs-cluster.ts'
import { FOLLOW_VERBS } from './verbs-follow.ts'
import { HOST_VERBS } from './verbs-host.ts'
import { MESSAGE_VERBS } from './verbs-messages.ts'
import { NODE_VERBS } from './verbs-node.ts'
import { OBJECT_VERBS } from './verbs-objects.ts'
import { PLUGIN_VERBS } from './verbs-plugins.ts'
import { SECRET_VERBS } from './verbs-secrets.ts'
import { SERVICE_VERBS } from './verbs-service.ts'
import { PERMISSION_VERBS, USER_VERBS } from './verbs-users.ts'
import { DEFINITION_VERBS, PARAMETER_VERBS, POLICY_VERBS, VHOST_VERBS } from './verbs-vhosts.ts'

/** Verbs on the tool itself. */
const TOOL_VERBS: readonly Verb[] = [
  {
    name: 'version',
    usage: '',
    summary: "Shows RabbitMQ's version, as this tool speaks it; `server_version` asks the broker.",
    run: ({ productVersion }) => Promise.resolve(text(productVersion())),
  },
  {
    name: 'autocomplete',
    usage: '[prefix]',
    summary: 'Lists verbs that begin so.',
    run: ({ args: [prefix = ''] }) =>
      Promise.resolve(
        text(
          allVerbs()
            .filter((name) => name.startsWith(prefix))
            .sort()
            .join('\n'),
        ),
      ),
  },
]

/** Verbs by group, as `help` lists them. */
export const VERB_GROUPS: ReadonlyMap<string, readonly Verb[]> = new Map([
  ['Users', USER_VERBS],
  ['Permissions', PERMISSION_VERBS],
  ['Virtual hosts', VHOST_VERBS],
  ['Queues and connections', OBJECT_VERBS],
  ['Messages of a queue', MESSAGE_VERBS],
  ['Policies', POLICY_VERBS],
  ['Parameters', PARAMETER_VERBS],
  ['Definitions', DEFINITION_VERBS],
  ['Node', NODE_VERBS],
  ['Service', SERVICE_VERBS],
  ['Checks', CHECK_VERBS],
  ['Process and machine', HOST_VERBS],
  ['Logs and events', FOLLOW_VERBS],
  ['Secrets of configuration files', SECRET_VERBS],
  ['Cluster', CLUSTER_VERBS],
  ['Tool', TOOL_VERBS],
])

/** Which of RabbitMQ's tools is meant: `rabbitmq-plugins` has verbs such as `list` of its own, all others share theirs. */
export type Tool = 'ctl' | 'plugins'

const GROUPS_OF_PLUGINS: ReadonlyMap<string, readonly Verb[]> = new Map([
  ['Plug-ins', PLUGIN_VERBS],
  ['Tool', TOOL_VERBS],
])

/** The tool, by the name of the command or by `warren ctl plugins …`; and the verb with its arguments. */
export function namedTool(
  scriptName: string | undefined,
  words: readonly string[],
): { readonly tool: Tool; readonly name: string | undefined; readonly args: readonly string[] } {
  const isPrefixed = words[0] === 'plugins'
  const [name, ...args] = isPrefixed ? words.slice(1) : words
  return { tool: isPrefixed || scriptName === 'rabbitmq-plugins' ? 'plugins' : 'ctl', name, args }
}

/** Verbs of a tool by group. */
export function groupsOf(tool: Tool): ReadonlyMap<string, readonly Verb[]> {
  return tool === 'plugins' ? GROUPS_OF_PLUGINS : VERB_GROUPS
}

/** The verb of this name. */
export function verbOf(name: string, tool: Tool): Verb | undefined {
  for (const verbs of groupsOf(tool).values()) {
    const found = verbs.find((verb) => verb.name === name)
    if (found !== undefined) return found
  }
  return undefined
}

/** Names that resemble this one. */
export function similarVerbs(name: string): string[] {
  const words = name.split('_').filter((word) => word.length > 2)
  return allVerbs()
    .filter((candidate) => words.some((word) => candidate.includes(word)))
    .slice(0, 5)
}

function allVerbs(): string[] {
  return [...VERB_GROUPS.values()].flat().map((verb) => verb.name)
}
