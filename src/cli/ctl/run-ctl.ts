/**
 * `warren ctl`: reads the command line as rabbitmqctl does (options anywhere), runs one verb, prints its outcome.
 * Exit codes are rabbitmqctl's (`exit-codes.ts`), but 1 when the broker is not there.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadSettings } from '../../config/load-settings.ts'
import type { CliHost } from '../command.ts'
import { CtlClient, CtlError, type CtlTarget } from './ctl-client.ts'
import { optionsOf, parsed, type Values } from './ctl-options.ts'
import { EXIT_OK, EXIT_UNAVAILABLE, EXIT_UNREACHABLE, EXIT_USAGE } from './exit-codes.ts'
import { helpText, unknownVerb } from './help.ts'
import { FORMATTERS, type Formatter, format } from './output.ts'
import { installShims } from './shims.ts'
import { arity, type CtlCall, UsageError } from './verb.ts'
import { namedTool, verbOf } from './verbs.ts'

/** Name of the local socket in the data folder. */
const LOCAL_SOCKET = 'ctl.sock'
const TIMEOUT_SECONDS = 60

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
  if (values['install-shim'] !== undefined) {
    return await fileCall(installShims(values['install-shim'], (file) => host.stdout.write(`${file}\n`)))
  }
  const { tool, name, args } = namedTool(values['script-name'], positionals)
  if (name === undefined || name === 'help' || values.help) {
    host.stdout.write(helpText(tool, name === 'help' ? args[0] : name))
    return
  }
  const verb = verbOf(name, tool)
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

function formatterOf({ formatter }: Values): Formatter {
  const found = FORMATTERS.find((known) => known === formatter)
  if (found === undefined) throw new UsageError(`--formatter is one of ${FORMATTERS.join(', ')}`)
  return found
}

function callOf(values: Values, args: readonly string[], host: CliHost): CtlCall {
  const options = optionsOf(values)
  const load = () =>
    loadSettings({
      configFile: values.config ?? null,
      assignments: [],
      dataDir: values['data-dir'] ?? null,
      environment: host.environment,
    })
  const timeoutSeconds = options.timeout ?? TIMEOUT_SECONDS
  return {
    client: new CtlClient(
      targetOf(values, host.environment, () => load().dataDir),
      timeoutSeconds * 1_000,
    ),
    args,
    options,
    readInput,
    readFile: async (name) => await fileCall(readFile(name, 'utf8')),
    writeFile: async (name, text) => await fileCall(writeFile(name, text)),
    print: (text) => void host.stdout.write(text),
    productVersion: () => load().settings.node.productVersion,
    isShim: values['as-rabbitmqctl'],
  }
}

/** The URL, when one is named or in the environment; else the local socket. */
function targetOf(values: Values, environment: CliHost['environment'], dataDir: () => string): CtlTarget {
  const url = values.url ?? environment.WARREN_CTL_URL
  if (url === undefined) return { kind: 'local', socketPath: join(dataDir(), LOCAL_SOCKET) }
  if (!URL.canParse(url)) throw new UsageError(`--url is an address such as http://localhost:15672, not ${url}`)
  const parsedUrl = new URL(url)
  const user = values.user ?? (decodeURIComponent(parsedUrl.username) || environment.WARREN_CTL_USER)
  const password = values.password ?? (decodeURIComponent(parsedUrl.password) || environment.WARREN_CTL_PASSWORD)
  return { kind: 'remote', url: parsedUrl, user: user ?? 'guest', password: password ?? 'guest' }
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
