/** What must not happen in the long run, or beside something very large. */
import { atLeast, atMost, type BenchScenario, DURABLE, plain, residentBytes } from '../context.ts'

const LARGE_BYTES = 500 * 1000 * 1000
const LARGE_COUNT = 3
const SETTLED_AFTER_SHARE = 1 / 6
const MIXED_PER_SECOND = 5_000
const MIB = 2 ** 20

/** Mean of some figures. */
function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export const largeMessage: BenchScenario = {
  name: 'large-message',
  description: 'round trips of a quiet connection while others send and receive messages of 500 MB',
  measure: (context) =>
    context.withBroker(
      async (broker) => {
        const pattern = [{ fromPerSecond: 100, toPerSecond: 100, seconds: 1 }]
        const quiet = { queueName: 'bench-quiet', sizes: [64], pattern, warmupSeconds: 0 }
        const alone = await context.load(broker, quiet)
        let isOver: () => void = () => {}
        const over = new Promise<void>((resolve) => {
          isOver = resolve
        })
        const beside = context.load(broker, { ...quiet, queueName: 'bench-beside', seconds: 300 }, () => {}, over)
        const large = await context.load(broker, {
          ...DURABLE,
          queueName: 'bench-large',
          sizes: [LARGE_BYTES],
          count: LARGE_COUNT,
          confirmWindow: 1,
          prefetch: 1,
          ackEvery: 1,
          warmupSeconds: 0,
          seconds: 300,
        })
        isOver()
        const { latency } = await beside
        return [
          atLeast('messages of 500 MB received', large.totals.received, '', LARGE_COUNT),
          plain('quiet connection alone, p99', alone.latency.p99, 'ms'),
          plain('beside them, p99', latency.p99, 'ms'),
          atMost('beside them, longest', latency.max, 'ms', 2_000),
          plain('resident memory afterwards', residentBytes(broker.pid) / MIB, 'MiB'),
        ]
      },
      ['max_message_size=536870912'],
    ),
}

export const steady: BenchScenario = {
  name: 'steady',
  description: 'mixed flows at a steady rate for half an hour (`--minutes`): resident memory must not grow',
  isLong: true,
  measure: (context) =>
    context.withBroker(async (broker) => {
      const seconds = context.minutes * 60
      const pattern = [{ fromPerSecond: MIXED_PER_SECOND, toPerSecond: MIXED_PER_SECOND, seconds: 1 }]
      const resident: number[] = []
      const paced = { pattern, seconds, warmupSeconds: 0 }
      const plans = [
        { ...paced, queueName: 'bench-transient', sizes: [16, 200] },
        { ...paced, ...DURABLE, queueName: 'bench-durable', sizes: [100, 4_000, 70_000] },
        {
          ...paced,
          ...DURABLE,
          queueName: 'bench-quorum',
          queueArguments: { 'x-queue-type': 'quorum' },
          sizes: [1_000],
        },
        { ...paced, queueName: 'bench-ttl', queueArguments: { 'x-message-ttl': 1_000 }, consumers: 0 },
      ]
      const [first, ...others] = plans
      const onSample = (): void => {
        resident.push(residentBytes(broker.pid))
      }
      const results = await Promise.all([
        context.load(broker, first!, onSample),
        ...others.map((plan) => context.load(broker, plan)),
      ])
      const settled = resident.slice(Math.floor(resident.length * SETTLED_AFTER_SHARE))
      const part = Math.ceil(settled.length / 5)
      const begin = mean(settled.slice(0, part))
      const end = mean(settled.slice(-part))
      return [
        plain(
          'messages received',
          results.reduce((sum, { totals }) => sum + totals.received, 0),
          '',
        ),
        plain('resident memory, first fifth', begin / MIB, 'MiB'),
        plain('resident memory, last fifth', end / MIB, 'MiB'),
        atMost('growth', (100 * (end - begin)) / begin, '%', 5),
      ]
    }),
}
