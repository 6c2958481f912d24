/** What `warren ctl help` says, and what it answers to words that are no verbs. */
import { FORMATTERS } from './output.ts'
import { UsageError, type Verb } from './verb.ts'
import { groupsOf, similarVerbs, type Tool, verbOf } from './verbs.ts'

/** For a verb that is not there. */
export function unknownVerb(name: string): string {
  const similar = similarVerbs(name)
  const hint = similar.length === 0 ? 'warren ctl help lists all' : `did you mean ${similar.join(', ')}?`
  return `there is no verb '${name}': ${hint}`
}

/** Of one verb, or of all that a tool has. Throws a UsageError for a name that is no verb. */
export function helpText(tool: Tool, name: string | undefined): string {
  const verb = name === undefined ? undefined : verbOf(name, tool)
  if (verb !== undefined) return `warren ctl ${verb.name} ${verb.usage}\n\n  ${verb.summary}\n`
  if (name !== undefined) throw new UsageError(unknownVerb(name))
  const groups = [...groupsOf(tool)].map(([group, verbs]) => `${group}:\n${verbs.map(helpLine).join('')}`)
  return `${HELP_HEAD}\n${groups.join('\n')}`
}

const HELP_HEAD = `warren ctl <verb> [arguments] [options]

Without --url it talks to the broker of the data folder (--data-dir) over a local socket, and needs no credentials.

  -p, --vhost <name>        virtual host (default: /)
      --formatter <name>    ${FORMATTERS.join(', ')}
  -q, --quiet               no sentence before the output
  -s, --silent              no header of tables, either
  -t, --timeout <seconds>   how long to wait for an answer (default: 60)
  -d, --data-dir <folder>   data folder of a broker on this machine
      --url <address>       HTTP API of a broker, with --user and --password
      --install-shim <dir>  write commands named rabbitmqctl, … that call this one
`

function helpLine({ name, usage, summary }: Verb): string {
  return `  ${`${name} ${usage}`.trim().padEnd(44)} ${summary}\n`
}
