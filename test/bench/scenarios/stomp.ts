/**
 * STOMP: one sender, one subscription. Beside another broker in the same run when WARREN_BENCH_STOMP_RIVAL is the port
 * of its STOMP listener on this machine: then the targets are eight times its figures.
 */
import { atLeast, type BenchRow, type BenchScenario, plain } from '../context.ts'
import { runStompLoad } from '../stomp-load.ts'

const RIVAL_RATIO = 8

interface Figures {
  readonly small: number
  readonly large: number
  readonly acknowledged: number
  readonly persistent: number
}

export const stomp: BenchScenario = {
  name: 'stomp',
  description: 'STOMP: messages through one queue',
  measure: (context) =>
    context.withBroker(async (broker) => {
      const own = await measureLoads(broker.listeners.stomp!, context.seconds)
      const rivalPort = process.env.WARREN_BENCH_STOMP_RIVAL
      const rival = rivalPort === undefined ? undefined : await measureLoads(Number(rivalPort), context.seconds)
      const target = (figure: number | undefined): number => Math.round(RIVAL_RATIO * (figure ?? 0))
      const rows: Omit<BenchRow, 'scenario'>[] = [
        atLeast('16 B, auto-ack', own.small, 'msg/s', target(rival?.small)),
        atLeast('1 KiB, auto-ack', own.large, 'msg/s', target(rival?.large)),
        plain('16 B, client acknowledgements', own.acknowledged, 'msg/s'),
        plain('16 B, persistent, each with a receipt', own.persistent, 'msg/s'),
      ]
      if (rival === undefined) return rows
      rows.push(plain('the other broker: 16 B, auto-ack', rival.small, 'msg/s'))
      rows.push(plain('the other broker: 1 KiB, auto-ack', rival.large, 'msg/s'))
      rows.push(plain('the other broker: 16 B, client acknowledgements', rival.acknowledged, 'msg/s'))
      rows.push(plain('the other broker: 16 B, persistent, each with a receipt', rival.persistent, 'msg/s'))
      return rows
    }),
}

async function measureLoads(port: number, seconds: number): Promise<Figures> {
  const base = { port, seconds, bodyBytes: 16, acknowledges: false, receiptWindow: 0 }
  return {
    small: await runStompLoad(base),
    large: await runStompLoad({ ...base, bodyBytes: 1024 }),
    acknowledged: await runStompLoad({ ...base, acknowledges: true }),
    persistent: await runStompLoad({ ...base, receiptWindow: 1000 }),
  }
}
