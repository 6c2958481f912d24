/**
 * `warren perf`: loads any AMQP 0-9-1 broker and says how it did. `warren perf compare` runs the same plan against
 * several brokers in turn, round after round. Exit code 1 when an assertion fails or the run could not finish.
 */
import { writeFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { type Assertion, checkAssertion, parseAssertion } from './assertions.ts'
import {
  formatCount,
  formatMs,
  progressBar,
  resultCsv,
  resultJson,
  summaryText,
  tableHead,
  tableRow,
  withoutPassword,
} from './output.ts'
import { type LoadPlan, parsePattern, parseSizes, type RateStretch } from './plan.ts'
import { reportHtml } from './report.ts'
import { type LoadResult, type LoadSample, runLoad } from './run.ts'

const DEFAULT_URL = 'amqp://guest:guest@127.0.0.1:5672/%2f'

interface PerfOptions {
  readonly url: readonly string[]
  readonly producers: number
  readonly consumers: number
  readonly size: readonly number[]
  readonly time: number
  readonly warmup: number
  readonly count: number
  readonly confirm: number
  readonly persistent: boolean
  readonly mandatory: boolean
  readonly autoAck: boolean
  readonly prefetch: number
  readonly multiAck: number
  readonly queues: number
  readonly queue: string
  readonly transientQueue: boolean
  readonly queueType?: string
  readonly queueArgument: readonly [string, string | number | boolean][]
  readonly exchange: string
  readonly exchangeType: string
  readonly routingKey?: string
  readonly rate: readonly RateStretch[]
  readonly threads: number
  readonly keepQueues: boolean
  readonly insecure: boolean
  readonly assert: readonly Assertion[]
  readonly json?: string | true
  readonly csv?: string
  readonly report?: string
  readonly title: string
  readonly quiet: boolean
  readonly rounds?: number
}

/** Adds `perf` and `perf compare` to the program. */
export function registerPerf(program: Command): void {
  const perf = program.command('perf').description('load a broker and measure it')
  addPlanOptions(perf)
    .option('--csv <file>', 'write one line per second to a file')
    .option('--report <file>', 'write a self-contained page with charts')
    .option('--title <text>', 'title of the report', 'warren perf')
    .option(
      '--assert <condition>',
      'fail unless it holds: p99<5ms, rate>100000 (repeatable)',
      collect(parseAssertion),
      [],
    )
    .action((options: PerfOptions) => runOne(options))
  addPlanOptions(perf.command('compare').description('run the same load against several brokers in turn'))
    .argument('<urls...>', 'amqp URLs, or NAME=URL; the last one is the reference')
    .option('--rounds <n>', 'rounds; medians are compared', whole(1), 3)
    .action((urls: string[], _own: PerfOptions, command: Command) => compare(urls, command.optsWithGlobals()))
}

function addPlanOptions(command: Command): Command {
  return command
    .option('-u, --url <url>', `broker, repeatable (default: ${DEFAULT_URL})`, collect(parseUrl), [])
    .option('-x, --producers <n>', 'producers, one connection each', whole(0), 1)
    .option('-y, --consumers <n>', 'consumers, one connection each', whole(0), 1)
    .option('-s, --size <bytes>', 'body sizes, taken in turn: 16 or 512,4KiB', understood(parseSizes), [16])
    .option('-z, --time <seconds>', 'measured time', whole(1), 10)
    .option('-w, --warmup <seconds>', 'time before measuring', whole(0), 1)
    .option('-C, --count <n>', 'stop after this many messages instead', whole(0), 0)
    .option('-c, --confirm <n>', 'publisher confirms with at most n outstanding; 0: none', whole(0), 0)
    .option('-p, --persistent', 'persistent messages', false)
    .option('--mandatory', 'count unroutable messages', false)
    .option('-a, --auto-ack', 'consume without acknowledgements', false)
    .option('-q, --prefetch <n>', 'unacknowledged messages per consumer; 0: no limit', whole(0), 0)
    .option('-A, --multi-ack <n>', 'acknowledge every n messages', whole(1), 1)
    .option('-n, --queues <n>', 'spread the connections over this many queues', whole(1), 1)
    .option('--queue <name>', 'name of the queue, or what their names begin with', 'warren-perf')
    .option('--transient-queue', 'declare the queues not durable', false)
    .option('-t, --queue-type <type>', 'classic, quorum or stream')
    .option('--queue-argument <key=value>', 'argument of the declaration (repeatable)', collect(parseArgument), [])
    .option('-e, --exchange <name>', 'publish through this exchange', '')
    .option('--exchange-type <type>', 'its type', 'direct')
    .option('-k, --routing-key <key>', "routing key (default: the queue's name)")
    .option('-r, --rate <pattern>', 'total rate: 1000, or 1000:10s,0..5000:30s', understood(parsePattern), [])
    .option('--threads <n>', 'threads; 0: one per core', whole(0), 0)
    .option('--keep-queues', 'do not delete the queues afterwards', false)
    .option('--insecure', 'do not verify TLS certificates', false)
    .option('--json [file]', 'write the result as JSON, to a file or instead of the table')
    .option('--quiet', 'print the summary only', false)
}

function planOf(options: PerfOptions, urls: readonly string[]): LoadPlan {
  const queueArguments: Record<string, string | number | boolean> = Object.fromEntries(options.queueArgument)
  if (options.queueType !== undefined) queueArguments['x-queue-type'] = options.queueType
  return {
    urls,
    producers: options.producers,
    consumers: options.consumers,
    sizes: options.size,
    seconds: options.time,
    warmupSeconds: options.count > 0 ? 0 : options.warmup,
    confirmWindow: options.confirm,
    persistent: options.persistent,
    mandatory: options.mandatory,
    autoAck: options.autoAck,
    prefetch: options.prefetch,
    ackEvery: options.multiAck,
    queues: options.queues,
    queueName: options.queue,
    queueDurable: !options.transientQueue,
    queueArguments,
    exchange: options.exchange,
    exchangeType: options.exchangeType,
    routingKey: options.routingKey ?? null,
    pattern: options.rate,
    count: options.count,
    threads: options.threads,
    keepQueues: options.keepQueues,
    tlsVerify: !options.insecure,
  }
}

async function runOne(options: PerfOptions): Promise<void> {
  const plan = planOf(options, options.url.length === 0 ? [DEFAULT_URL] : options.url)
  const live = !options.quiet && options.json !== true
  if (live) process.stdout.write(`${tableHead()}\n`)
  const result = await runLoad(plan, (sample) => live && showSample(sample, plan), interruption())
  const checks = options.assert.map((assertion) => ({ text: assertion.text, ...checkAssertion(assertion, result) }))
  if (options.json === true) process.stdout.write(`${resultJson(result)}\n`)
  else process.stdout.write(`${live ? '\n' : ''}${summaryText(result)}\n`)
  if (typeof options.json === 'string') writeFileSync(options.json, resultJson(result))
  if (options.csv !== undefined) writeFileSync(options.csv, resultCsv(result))
  if (options.report !== undefined) writeFileSync(options.report, reportHtml(options.title, result, checks))
  for (const { text, measured, holds } of checks) {
    process.stderr.write(`${holds ? 'holds' : 'FAILS'}  ${text}  (measured ${Number(measured.toPrecision(5))})\n`)
  }
  if (checks.some((check) => !check.holds) || result.totals.errors > 0) process.exitCode = 1
}

function showSample(sample: LoadSample, plan: LoadPlan): void {
  const { stdout } = process
  if (stdout.isTTY) stdout.write('\r\x1b[K')
  stdout.write(`${tableRow(sample)}\n`)
  if (stdout.isTTY && plan.count === 0) stdout.write(progressBar(sample.atSeconds / plan.seconds))
}

/** Resolves at the first Ctrl-C: the run then ends and is summarized. */
function interruption(): Promise<void> {
  return new Promise((resolve) => process.once('SIGINT', () => resolve()))
}

async function compare(targets: readonly string[], options: PerfOptions): Promise<void> {
  const brokers = targets.map(parseTarget)
  const results = new Map<string, LoadResult[]>(brokers.map(({ name }) => [name, []]))
  for (let round = 1; round <= (options.rounds ?? 1); round++) {
    for (const { name, url } of brokers) {
      const plan = { ...planOf(options, [url]), queueName: `${options.queue}-${process.pid}-${round}` }
      const result = await runLoad(plan, () => {})
      results.get(name)!.push(result)
      if (!options.quiet) process.stderr.write(`round ${round}  ${name}\n${summaryText(result)}\n\n`)
    }
  }
  const rows = comparison(
    brokers.map(({ name }) => name),
    results,
  )
  if (options.json === true) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else process.stdout.write(`${comparisonText(rows)}\n`)
  if (typeof options.json === 'string') writeFileSync(options.json, JSON.stringify(rows, null, 2))
}

interface ComparisonRow {
  readonly broker: string
  readonly rate: number
  readonly p50: number
  readonly p99: number
  readonly confirmP99: number
  /** Rate as a multiple of the reference's. */
  readonly ratio: number
}

function comparison(names: readonly string[], results: ReadonlyMap<string, readonly LoadResult[]>): ComparisonRow[] {
  const rows = names.map((broker) => {
    const of = (figure: (r: LoadResult) => number) => median(results.get(broker)!.map(figure))
    const rate = of((r) => (r.plan.consumers > 0 ? r.receivedPerSecond : r.publishedPerSecond))
    return {
      broker,
      rate,
      p50: of((r) => r.latency.p50),
      p99: of((r) => r.latency.p99),
      confirmP99: of((r) => r.confirmLatency.p99),
    }
  })
  const reference = rows.at(-1)!.rate
  return rows.map((row) => ({ ...row, ratio: reference === 0 ? 0 : row.rate / reference }))
}

function comparisonText(rows: readonly ComparisonRow[]): string {
  const head = [
    'broker'.padEnd(24),
    ...['msg/s', 'ratio', 'p50', 'p99', 'confirm p99'].map((c) => c.padStart(12)),
  ].join('')
  const lines = rows.map((row) =>
    [
      row.broker.padEnd(24),
      ...[
        formatCount(row.rate),
        `${row.ratio.toFixed(2)} ×`,
        formatMs(row.p50),
        formatMs(row.p99),
        formatMs(row.confirmP99),
      ].map((c) => c.padStart(12)),
    ].join(''),
  )
  return [head, ...lines].join('\n')
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

// Arguments

function parseTarget(text: string): { name: string; url: string } {
  const match = /^([\w.-]+)=(amqps?:.+)$/.exec(text)
  const url = parseUrl(match === null ? text : match[2]!)
  return { name: match === null ? withoutPassword(url) : match[1]!, url }
}

function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^amqps?:$/.test(new URL(text).protocol))
    throw new Error(`"${text}" is not an amqp:// or amqps:// URL`)
  return text
}

function parseArgument(text: string): [string, string | number | boolean] {
  const at = text.indexOf('=')
  if (at <= 0) throw new Error(`"${text}" is not key=value`)
  const value = text.slice(at + 1)
  if (value === 'true' || value === 'false') return [text.slice(0, at), value === 'true']
  return [text.slice(0, at), /^-?\d+$/.test(value) ? Number(value) : value]
}

/** Turns a reader's sentence into commander's own error. */
function understood<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text)
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message)
    }
  }
}

function collect<T>(read: (text: string) => T): (text: string, before: readonly T[]) => T[] {
  const safe = understood(read)
  return (text, before) => [...before, safe(text)]
}

function whole(min: number): (text: string) => number {
  return understood((text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < min) throw new Error(`a whole number of at least ${min} is needed`)
    return value
  })
}
