/**
 * The options of `warren ctl`: rabbitmqctl's, at any place of the command line, and our own. A few short ones mean something
 * else for some verbs, as with rabbitmqctl.
 */
import { parseArgs } from 'node:util'
import { type CtlOptions, UsageError } from './verb.ts'

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
  duration: { type: 'string' },
  'sample-interval': { type: 'string', short: 'i' },
  pattern: { type: 'string' },
  pid: { type: 'string', short: 'P' },
  'address-family': { type: 'string' },
  all: { type: 'boolean', default: false },
  cipher: { type: 'string' },
  hash: { type: 'string' },
  iterations: { type: 'string' },
  enabled: { type: 'boolean', default: false },
  'implicitly-enabled': { type: 'boolean', default: false },
  minimal: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  tracking: { type: 'boolean', default: false },
  'vhost-pattern': { type: 'string' },
  'queue-pattern': { type: 'string' },
  'errors-only': { type: 'boolean', default: false },
  membership: { type: 'string' },
  hostname: { type: 'string' },
  'install-shim': { type: 'string' },
  local: { type: 'boolean', default: false },
  online: { type: 'boolean', default: false },
  offline: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Options as given. */
export type Values = ReturnType<typeof parse>['values']

function parse(words: readonly string[]) {
  return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true, strict: true })
}

/** `-d` before a number: anything else is the data folder, as for all verbs. */
const FOLLOWED_BY_NUMBER: ReadonlySet<string> = new Set(['--duration'])

/** Short options that mean something else for one verb. */
const SHORT_OF_VERB: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  delete_queue: { '-u': '--if-unused' },
  log_tail_stream: { '-d': '--duration' },
  consume_event_stream: { '-d': '--duration' },
  list: { '-e': '--enabled', '-E': '--implicitly-enabled', '-m': '--minimal', '-v': '--verbose' },
}

/** Reads a command line. Throws a UsageError for unknown options and missing values. */
export function parsed(words: readonly string[]): ReturnType<typeof parse> {
  const verb = words.find((word) => Object.hasOwn(SHORT_OF_VERB, word))
  const ofVerb = verb === undefined ? {} : SHORT_OF_VERB[verb]
  const renamed: Readonly<Record<string, string>> = { '-?': '--help', ...ofVerb }
  try {
    return parse(
      words.map((word, i) => (Object.hasOwn(renamed, word) ? longName(renamed[word]!, word, words[i + 1]) : word)),
    )
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

function longName(name: string, short: string, next: string | undefined): string {
  return FOLLOWED_BY_NUMBER.has(name) && Number.isNaN(Number(next)) ? short : name
}

/** Options as verbs look at them. Throws a UsageError for numbers that are none. */
export function optionsOf(values: Values): CtlOptions {
  return {
    formatter: values.formatter,
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
    all: values.all,
    online: values.online,
    offline: values.offline,
    duration: numberOf(values.duration, 'duration'),
    sampleInterval: numberOf(values['sample-interval'], 'sample-interval'),
    // No answer is too late for `infinity`.
    timeout: values.timeout === 'infinity' ? 0 : numberOf(values.timeout, 'timeout'),
    pattern: values.pattern,
    pid: numberOf(values.pid, 'pid'),
    addressFamily: values['address-family'],
    cipher: values.cipher,
    hash: values.hash,
    iterations: numberOf(values.iterations, 'iterations'),
    isEnabledOnly: values.enabled || values['implicitly-enabled'],
    isMinimal: values.minimal,
    isVerbose: values.verbose,
  }
}

function numberOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isFinite(value)) throw new UsageError(`--${name} is a number`)
  return value
}
