/** What TLS costs: the same workloads with and without it, in turn, against one broker. */

import type { BrokerProcess } from '../../support/broker-process.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { atLeast, type BenchContext, type BenchRow, type BenchScenario, DURABLE, plain } from '../context.ts'

type Plan = Parameters<BenchContext['load']>[1]

/** Workloads; a single core is shared by the broker's and the load's share of the encryption. */
const WORKLOADS: readonly (readonly [name: string, plan: Plan])[] = [
  ['16 B, transient, auto-ack', {}],
  ['1 KiB, transient, auto-ack', { sizes: [1024] }],
  ['16 B, persistent, confirmed, acknowledged', DURABLE],
  ['1 KiB, persistent, confirmed, acknowledged', { ...DURABLE, sizes: [1024] }],
]
/** Of the throughput without TLS. */
const RATIO_MIN = 0.4

type Row = Omit<BenchRow, 'scenario'>

export const tls: BenchScenario = {
  name: 'tls',
  description: 'throughput over TLS 1.3, beside the same without',
  measure: async (context) => {
    const authority = new TestAuthority()
    const settings = Object.entries(authority.settings(authority.server())).map(([key, value]) => `${key}=${value}`)
    try {
      return await context.withBroker((broker) => compare(context, broker), ['listeners.ssl.default=0', ...settings])
    } finally {
      authority.remove()
    }
  },
}

async function compare(context: BenchContext, broker: BrokerProcess): Promise<Row[]> {
  const secured = `amqps://guest:guest@localhost:${broker.listeners.amqps}/%2f`
  const rows: Row[] = []
  for (const [name, plan] of WORKLOADS) {
    const without = (await context.load(broker, plan)).receivedPerSecond
    const over = (await context.load(broker, { ...plan, urls: [secured] })).receivedPerSecond
    rows.push(plain(`${name}: without TLS`, without, 'msg/s'), plain(`${name}: over TLS`, over, 'msg/s'))
    rows.push(atLeast(`${name}: ratio`, over / without, '', RATIO_MIN))
  }
  return rows
}
