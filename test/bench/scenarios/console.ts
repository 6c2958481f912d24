/**
 * What looking at the broker costs: the same load with nobody looking, and with a page of the console open and Prometheus
 * scraping, in turn, against one broker with a thousand queues. Beside the throughput, the broker's CPU time per message:
 * that one holds on a busy machine, too.
 */
import type { BrokerProcess } from '../../support/broker-process.ts'
import { atLeast, type BenchContext, type BenchRow, type BenchScenario, plain } from '../context.ts'

const QUEUE_COUNT = 1_000
/** Pairs of runs; the figures are medians. */
const PAIRS = 5
/** Of the throughput with nobody looking. */
const RATIO_MIN = 0.95
const SCRAPE_MS = 5_000
const AUTHORIZATION = `Basic ${btoa('guest:guest')}`
/** What the overview and the list of queues watch, with charts. */
const WATCHED = [
  '/api/overview?msg_rates_age=600&msg_rates_incr=5&lengths_age=600&lengths_incr=5',
  '/api/queues?page=1&page_size=100&sort=message_stats.publish_details.rate&sort_reverse=true',
  '/api/connections?page=1',
  '/api/nodes',
]

type Row = Omit<BenchRow, 'scenario'>

interface Measured {
  readonly perSecond: number
  readonly cpuMicros: number
}

export const lookingOn: BenchScenario = {
  name: 'console',
  description: 'throughput and CPU time with the console open and metrics scraped, beside nobody looking',
  measure: (context) => context.withBroker((broker) => compare(context, broker)),
}

async function compare(context: BenchContext, broker: BrokerProcess): Promise<Row[]> {
  await declareQueues(broker)
  const alone: Measured[] = []
  const watched: Measured[] = []
  for (let i = 0; i < PAIRS; i++) {
    alone.push(await measure(context, broker))
    const close = look(broker)
    watched.push(await measure(context, broker))
    await close()
  }
  const ratio = median(watched.map(({ perSecond }, i) => perSecond / alone[i]!.perSecond))
  const cpuRatio = median(watched.map(({ cpuMicros }, i) => cpuMicros / alone[i]!.cpuMicros))
  return [
    plain('nobody looks', median(alone.map(({ perSecond }) => perSecond)), 'msg/s'),
    plain('console open', median(watched.map(({ perSecond }) => perSecond)), 'msg/s'),
    atLeast('throughput ratio', ratio, '', RATIO_MIN),
    plain('CPU time per message: nobody looks', median(alone.map(({ cpuMicros }) => cpuMicros)), 'µs'),
    plain('CPU time per message: console open', median(watched.map(({ cpuMicros }) => cpuMicros)), 'µs'),
    plain('CPU ratio', cpuRatio, ''),
  ]
}

async function measure(context: BenchContext, broker: BrokerProcess): Promise<Measured> {
  const before = await cpuSeconds(broker)
  const { receivedPerSecond, totals } = await context.load(broker, {})
  const after = await cpuSeconds(broker)
  return { perSecond: receivedPerSecond, cpuMicros: ((after - before) * 1e6) / totals.received }
}

async function declareQueues(broker: BrokerProcess): Promise<void> {
  const queues = Array.from({ length: QUEUE_COUNT }, (_, i) => ({
    name: `watched-${i}`,
    vhost: '/',
    durable: true,
    auto_delete: false,
    arguments: {},
  }))
  await fetch(`${http(broker)}/api/definitions`, {
    method: 'POST',
    headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
    body: JSON.stringify({ queues }),
  })
}

/** Opens what a page of the console opens, and scrapes; the result ends both. */
function look(broker: BrokerProcess): () => Promise<void> {
  const ended = new AbortController()
  const { signal } = ended
  const query = WATCHED.map((path) => `watch=${encodeURIComponent(path)}`).join('&')
  const page = drain(`${http(broker)}/api/warren/live?${query}`, signal)
  const scrape = setInterval(() => void drain(`${metrics(broker)}/metrics`, signal), SCRAPE_MS)
  return async () => {
    clearInterval(scrape)
    ended.abort()
    await page
  }
}

/** Reads a reply to its end, or until it is aborted. */
async function drain(url: string, signal: AbortSignal): Promise<void> {
  try {
    const { body } = await fetch(url, { headers: { authorization: AUTHORIZATION }, signal })
    for await (const _ of body ?? []);
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function cpuSeconds(broker: BrokerProcess): Promise<number> {
  const text = await (await fetch(`${metrics(broker)}/metrics`)).text()
  return Number(/^warrenmq_cpu_seconds_total (.+)$/m.exec(text)?.[1])
}

function http(broker: BrokerProcess): string {
  return `http://127.0.0.1:${broker.listeners.http}`
}

function metrics(broker: BrokerProcess): string {
  return `http://127.0.0.1:${broker.listeners.prometheus}`
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >>> 1]!
}
