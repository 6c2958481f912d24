/**
 * `warren ctl`: reads the command line as rabbitmqctl does (options anywhere), runs one verb, prints its outcome.
 * Exit codes are rabbitmqctl's (`exit-codes.ts`), but 1 when the broker is not there.
 */
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadSettings } from '../../config/load-settings.ts'
import type { CliHost } from '../command.ts'
import { CtlClient, CtlError, type CtlTarget } from './ctl-client.ts'
import { EXIT_OK, EXIT_UNAVAILABLE, EXIT_UNREACHABLE, EXIT_USAGE } from './exit-codes.ts'
import { FORMATTERS, type Formatter, format } from './output.ts'
import { arity, type CtlCall, type CtlOptions, UsageError, type Verb } from './verb.ts'
import { similarVerbs, VERB_GROUPS, verbOf } from './verbs.ts'

/** Name of the local socket in the data folder. */
const LOCAL_SOCKET = 'ctl.sock'
const TIMEOUT_SECONDS = 60

const OPTIONS = {
  vhost: { type: 'string', short: 'p', default: '/' },
  node: { type: 'string', short: 'n' },
  timeout: { type: 'string', short: 't' },
  quiet: { type: 'boolean', short: 'q', default: false },
  silent: { type: 'boolean', short: 's', default: false },
  longnames: { type: 'boolean', short: 'l', default: false },
  formatter: { type: 'string', default: 'table' },
  'no-table-headers': { type: 'boolean', default: false },
  url: { type: 'string' },
  user: { type: 'string', short: 'u' },
  password: { type: 'string' },
  'data-dir': { type: 'string', short: 'd' },
  config: { type: 'string', short: 'c' },
  priority: { type: 'string' },
  'apply-to': { type: 'string' },
  global: { type: 'boolean', default: false },
  description: { type: 'string' },
  tags: { type: 'string' },
  'default-queue-type': { type: 'string' },
  reason: { type: 'string' },
  'if-empty': { type: 'boolean', short: 'e', default: false },
  'if-unused': { type: 'boolean', default: false },
  'pre-hashed-password': { type: 'boolean', default: false },
  count: { type: 'string' },
  number: { type: 'string', short: 'N' },
  within: { type: 'string' },
  unit: { type: 'string' },
  limit: { type: 'string' },
  // Told apart by scripts that call rabbitmqctl, and without a meaning here.
  'per-connection-delay': { type: 'string' },
  format: { type: 'string' },
  'skip-if-unchanged': { type: 'boolean', default: false },
  'erlang-cookie': { type: 'string' },
  'print-stacktrace': { type: 'boolean', default: false },
  'script-name': { type: 'string' },
  used: { type: 'boolean', default: false },
  // Set by the commands of --install-shim.
  'as-rabbitmqctl': { type: 'boolean', default: false },
  filter: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  exchange: { type: 'string' },
  'routing-key': { type: 'string' },
  'install-shim': { type: 'string' },
  local: { type: 'boolean', default: false },
  online: { type: 'boolean', default: false },
  offline: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

type Values = ReturnType<typeof parse>['values']

function parse(words: readonly string[]) {
  return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true, strict: true })
}

/** Runs one command line; resolves with the exit code. */
export async function runCtl(words: readonly string[], host: CliHost): Promise<number> {
  const isShim = words.includes('--as-rabbitmqctl')
  const fail = (text: string, code: number): number => {
    host.stderr.write(isShim ? `Error:\n${text}\n` : `error: ${text}\n`)
    return isShim && code === EXIT_UNREACHABLE ? EXIT_UNAVAILABLE : code
  }
  try {
    await run(words, host)
    return EXIT_OK
  } catch (error) {
    if (error instanceof UsageError) return fail(error.message, EXIT_USAGE)
    if (error instanceof CtlError) return fail(error.message, error.exitCode)
    throw error
  }
}

async function run(words: readonly string[], host: CliHost): Promise<void> {
  const { values, positionals } = parsed(words)
  if (values['install-shim'] !== undefined) return await installShim(values['install-shim'], host)
  const [name, ...args] = positionals
  if (name === undefined || name === 'help' || values.help) {
    host.stdout.write(helpText(name === 'help' ? args[0] : name))
    return
  }
  const verb = verbOf(name)
  if (verb === undefined) throw new UsageError(unknownVerb(name))
  const { min, max } = arity(verb.usage)
  if (args.length < min || args.length > max) throw new UsageError(`usage: warren ctl ${verb.name} ${verb.usage}`)
  const formatter = formatterOf(values)
  const call = callOf(values, args, host)
  const isQuiet = values.quiet || values.silent || (formatter !== 'table' && formatter !== 'pretty_table')
  if (!isQuiet && verb.banner !== undefined) host.stdout.write(`${verb.banner(call)}\n`)
  const outcome = await verb.run(call)
  host.stdout.write(format(outcome, formatter, !values.silent && !values['no-table-headers']))
}

function parsed(words: readonly string[]): ReturnType<typeof parse> {
  // For this one verb of rabbitmqctl, -u is something else.
  const isDeletion = words.includes('delete_queue')
  try {
    return parse(isDeletion ? words.map((word) => (word === '-u' ? '--if-unused' : word)) : words)
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

function formatterOf({ formatter }: Values): Formatter {
  const found = FORMATTERS.find((known) => known === formatter)
  if (found === undefined) throw new UsageError(`--formatter is one of ${FORMATTERS.join(', ')}`)
  return found
}

function callOf(values: Values, args: readonly string[], host: CliHost): CtlCall {
  const options: CtlOptions = {
    vhost: values.vhost,
    priority: numberOf(values.priority, 'priority'),
    applyTo: values['apply-to'],
    global: values.global,
    description: values.description,
    tags: values.tags,
    defaultQueueType: values['default-queue-type'],
    reason: values.reason,
    ifEmpty: values['if-empty'],
    ifUnused: values['if-unused'],
    preHashed: values['pre-hashed-password'],
    count: numberOf(values.count ?? values.number, 'count'),
    within: values.within,
    unit: values.unit,
    limit: numberOf(values.limit, 'limit'),
    used: values.used,
    filter: values.filter,
    dryRun: values['dry-run'],
    exchange: values.exchange,
    routingKey: values['routing-key'],
  }
  const timeoutSeconds = numberOf(values.timeout, 'timeout') ?? TIMEOUT_SECONDS
  return {
    client: new CtlClient(targetOf(values, host), timeoutSeconds * 1_000),
    args,
    options,
    readInput,
    readFile: async (name) => await fileCall(readFile(name, 'utf8')),
    writeFile: async (name, text) => await fileCall(writeFile(name, text)),
  }
}

function numberOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isFinite(value)) throw new UsageError(`--${name} is a number`)
  return value
}

/** The URL, when one is named or in the environment; else the local socket. */
function targetOf(values: Values, { environment }: CliHost): CtlTarget {
  const url = values.url ?? environment.WARREN_CTL_URL
  if (url === undefined) return { kind: 'local', socketPath: join(dataDirOf(values, environment), LOCAL_SOCKET) }
  if (!URL.canParse(url)) throw new UsageError(`--url is an address such as http://localhost:15672, not ${url}`)
  const parsedUrl = new URL(url)
  const user = values.user ?? (decodeURIComponent(parsedUrl.username) || environment.WARREN_CTL_USER)
  const password = values.password ?? (decodeURIComponent(parsedUrl.password) || environment.WARREN_CTL_PASSWORD)
  return { kind: 'remote', url: parsedUrl, user: user ?? 'guest', password: password ?? 'guest' }
}

function dataDirOf(values: Values, environment: CliHost['environment']): string {
  const { dataDir } = loadSettings({
    configFile: values.config ?? null,
    assignments: [],
    dataDir: values['data-dir'] ?? null,
    environment,
  })
  return dataDir
}

async function readInput(): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of process.stdin) parts.push(Buffer.from(part))
  return Buffer.concat(parts).toString('utf8')
}

async function fileCall<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw new CtlError(error instanceof Error ? error.message : String(error))
  }
}

/** Puts commands named as RabbitMQ's into a folder; they call this one. */
async function installShim(folder: string, host: CliHost): Promise<void> {
  const launcher = process.argv[1] ?? 'warren'
  for (const name of ['rabbitmqctl', 'rabbitmq-diagnostics', 'rabbitmq-queues', 'rabbitmq-upgrade']) {
    const file = join(folder, name)
    const script = `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(launcher)} ctl --as-rabbitmqctl "$@"\n`
    await fileCall(writeFile(file, script))
    await fileCall(chmod(file, 0o755))
    host.stdout.write(`${file}\n`)
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

// Help

function unknownVerb(name: string): string {
  const similar = similarVerbs(name)
  const hint = similar.length === 0 ? 'warren ctl help lists all' : `did you mean ${similar.join(', ')}?`
  return `there is no verb '${name}': ${hint}`
}

function helpText(name: string | undefined): string {
  const verb = name === undefined ? undefined : verbOf(name)
  if (verb !== undefined) return `warren ctl ${verb.name} ${verb.usage}\n\n  ${verb.summary}\n`
  if (name !== undefined) throw new UsageError(unknownVerb(name))
  const groups = [...VERB_GROUPS].map(([group, verbs]) => `${group}:\n${verbs.map(helpLine).join('')}`)
  return `${HELP_HEAD}\n${groups.join('\n')}`
}

const HELP_HEAD = `warren ctl <verb> [arguments] [options]

Without --url it talks to the broker of the data folder (--data-dir) over a local socket, and needs no credentials.

  -p, --vhost <name>        virtual host (default: /)
      --formatter <name>    ${FORMATTERS.join(', ')}
  -q, --quiet               no sentence before the output
  -s, --silent              no header of tables, either
  -t, --timeout <seconds>   how long to wait for an answer (default: ${TIMEOUT_SECONDS})
  -d, --data-dir <folder>   data folder of a broker on this machine
      --url <address>       HTTP API of a broker, with --user and --password
      --install-shim <dir>  write commands named rabbitmqctl, … that call this one
`

function helpLine({ name, usage, summary }: Verb): string {
  return `  ${`${name} ${usage}`.trim().padEnd(44)} ${summary}\n`
}
